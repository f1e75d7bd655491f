"""Findings as text, JSON, SARIF, annotations, Markdown and HTML: the worst first, and hostile names are text everywhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import jsonschema
import pytest
from effecting import AE, S, build, change, column, did, drop, judged, lock, retyped, rewrite, scan, size

from lockgate.hazards.answers import Answer
from lockgate.hazards.findings import Estimate, Findings
from lockgate.report.finding_words import seconds, span
from lockgate.report.findings import findings
from lockgate.report.findings_json import findings_fields
from lockgate.report.github import workflow_commands
from lockgate.report.html import html
from lockgate.report.markdown import markdown
from lockgate.report.sarif import sarif
from lockgate.report.table import plain

EVIL = "</script><script>alert(1)"
SOURCE = """def upgrade():
    op.add_column("orders", sa.Column("region", sa.Text()))
    op.create_index("ix_region", "orders", ["region"])
    # lockgate: allow LG301 archived on Monday
    op.drop_column("users", "note")
"""


@pytest.fixture(scope="module")
def plan() -> Findings:
    """Two errors on one large table, a copy of a table with a hostile name, and a dropped column that is allowed."""
    region = change("added", "index", "orders.ix_region", columns=["region"])
    return judged(
        did("ALTER TABLE", lock(AE, "orders"), column("orders.region", "text"), line=2, text="ALTER TABLE orders ADD COLUMN region TEXT"),
        did("CREATE INDEX", lock(S, "orders"), scan("orders"), build("ix_region", "orders"), region, line=3, text="CREATE INDEX ix_region ON orders (region)"),
        did("ALTER TABLE", lock(AE, "users"), change("dropped", "column", "users.note"), drop("table column", "users.note"), line=5, transaction=2),
        did(
            "ALTER TABLE", lock(AE, EVIL), rewrite(EVIL, "type"), retyped(f"{EVIL}.x|`\n[a](b) @all", "integer", "bigint"), line=7, transaction=3,
            text=f'ALTER TABLE "{EVIL}" ALTER x TYPE bigint',
        ),
        sizes=(size("orders", rows=58_000_000, heap=9 * 10**9, indexes=4 * 10**9), size("users"), size(EVIL, heap=6 * 10**8, indexes=3 * 10**8)),
        source=SOURCE,
    )  # fmt: skip


def test_the_text_begins_with_the_worst_and_ends_with_what_is_allowed(plan: Findings) -> None:
    """A tired person reads the first lines; they must say how bad it is and where."""
    lines = plain(findings(plan)).splitlines()
    assert lines[0].startswith("`prod`: 2 errors, 2 warnings in 1 revision (schema of prod, traced on PostgreSQL 18 for PostgreSQL 16)")
    assert lines[3].split() == "ERROR LG102 a lock is kept while later statements work orders 0.4 to 3.2 min r1:2".split()
    assert [line.split()[0] for line in lines[3:7]] == ["ERROR", "ERROR", "warning", "warning"]
    assert '        op.create_index("ix_region", "orders", ["region"], postgresql_concurrently=True)' in lines[20:40]
    assert lines[-1] == "allowed: LG301 at migrations/versions/r1.py:5: archived on Monday"
    assert lines[-2].startswith("estimates: built-in rates")


def test_bars_show_when_each_table_is_blocked(plan: Findings) -> None:
    """Three minutes at once are not the same as three times a minute; each bar begins where the one before ends."""
    text = plain(findings(plan))
    bars = re.findall(r"^(\S+) .*?([·█]{40})  (.+?)  ", text, re.MULTILINE)
    assert [(name, took) for name, _, took in bars] == [("orders", "0.4 to 3.2 min"), ("users", "< 1 s"), (EVIL, "7.5 to 30 s")]
    orders, users, evil = (bar for _, bar, _ in bars)
    assert orders.index("█") == 0
    assert users.count("█") == 1
    assert evil.endswith("█") and abs(evil.index("█") - orders.count("█")) <= 1


def test_rows_that_were_counted_are_not_said_to_be_of_unknown_size() -> None:
    """The line beside it tells how many rows the table has; and nobody is to allow a comment that allows nothing."""
    answer = Answer(revision="r1", number=1, kind="orphans", table="public.orders", subject="fk", count=2, written="r1 line 7")
    source = "def upgrade():\n" + "\n" * 8 + "    op.x()  # lockgate: allow LG301 gone"
    text = plain(findings(judged(did("ALTER TABLE", lock(AE, "orders")), sizes=(size("orders"),), answers=(answer,), source=source)))
    assert "LG402" in text and "size unknown" not in text
    assert "# lockgate: allow LG402 REASON" in text and "allow LG704" not in text


def test_without_sizes_bars_count_statements() -> None:
    """Half a scale would be a lie."""
    text = plain(
        findings(judged(did("ALTER TABLE", lock(AE, "a"), rewrite("a", "type")), did("ALTER TABLE", lock(AE, "b"), transaction=2)))
    )
    assert "statement by statement" in text
    assert "█" * 20 + "·" * 20 in text and "·" * 20 + "█" * 20 in text
    assert "size unknown" in text


def test_nothing_found_is_said_in_one_line() -> None:
    """Silence would look like a crash."""
    assert plain(findings(judged(did("CREATE TABLE")))).splitlines()[0].startswith("`prod`: nothing found in 1 revision")


@pytest.mark.parametrize(
    ("low", "high", "text"),
    [
        (0.1, 0.9, "< 1 s"),
        (1, 1, "1 s"),
        (12.5, 50, "12 to 50 s"),
        (22, 193, "0.4 to 3.2 min"),
        (600, 1200, "10 to 20 min"),
        (3600, 36000, "1 to 10 h"),
    ],
)
def test_seconds_are_told_in_the_unit_of_the_longer_end(low: float, high: float, text: str) -> None:
    """193.3 s is a number for machines."""
    assert seconds(low, high) == text
    assert span(None) == "size unknown"


@pytest.mark.parametrize(("high", "name"), [(0.99, "< 1 s"), (1, "seconds"), (59, "seconds"), (60, "minutes"), (3600, "hours")])
def test_classes_are_what_remains_honest(high: float, name: str) -> None:
    """Across machines and cold caches only the order of magnitude does."""
    assert Estimate(high_s=high).duration_class == name


def test_json_tells_what_is_not_known_as_null(plan: Findings) -> None:
    """A script must not take -1 for a size."""
    fields = findings_fields(plan)
    assert fields["summary"] == {"errors": 2, "warnings": 2, "notes": 0}
    first, last = fields["findings"][0], fields["findings"][-1]
    assert (first["id"], first["severity"], first["bytes"], first["estimate"]["class"]) == ("LG102", "error", 13 * 10**9, "minutes")
    assert (last["id"], last["rows"], last["estimate"]) == ("LG501", None, None)
    assert fields["allowed"][0]["reason"] == "archived on Monday"
    assert fields["timeline"][0]["relation"] == "public.orders"
    json.dumps(fields)


def test_sarif_points_at_the_lines_and_keeps_what_is_allowed(plan: Findings) -> None:
    """Code hosts show results at their line and hide suppressed ones; identity must survive lines that move."""
    document = json.loads(sarif(plan))
    (run,) = document["runs"]
    rules = [rule["id"] for rule in run["tool"]["driver"]["rules"]]
    assert (document["version"], rules) == ("2.1.0", ["LG102", "LG201", "LG206", "LG301", "LG501"])
    assert all(rules[result["ruleIndex"]] == result["ruleId"] for result in run["results"])
    place = run["results"][0]["locations"][0]["physicalLocation"]
    assert (place["artifactLocation"]["uri"], place["region"]["startLine"]) == ("migrations/versions/r1.py", 2)
    assert [(result["ruleId"], result["level"]) for result in run["results"][:2]] == [("LG102", "error"), ("LG206", "error")]
    assert run["results"][-1]["suppressions"] == [{"kind": "inSource", "justification": "archived on Monday"}]
    prints = [result["partialFingerprints"]["lockgate/v1"] for result in run["results"]]
    assert len(set(prints)) == len(prints)


def test_sarif_is_what_its_schema_says(plan: Findings) -> None:
    """A code host refuses a whole file for one member that is wrong. The schema is SchemaStore's copy of the standard's."""
    schema = json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text("utf-8"))
    validator = jsonschema.Draft4Validator(schema)
    document = json.loads(sarif(plan))
    assert list(validator.iter_errors(document)) == []
    document["runs"][0]["results"][0]["level"] = "fatal"
    assert list(validator.iter_errors(document)), "the judge is judged"


def test_annotations_are_one_line_each_and_cannot_be_broken_out_of(plan: Findings) -> None:
    """A line break in a name would begin a command of its own."""
    lines = workflow_commands(plan).splitlines()
    assert len(lines) == len(plan.findings)
    assert lines[0].startswith("::error file=migrations/versions/r1.py,line=2,title=LG102 lock-kept::")
    evil = judged(did("ALTER TABLE", lock(AE, "a\n::error::b"), rewrite("a\n::error::b", "type"), text="x"))
    assert all(line.startswith(("::warning file=", "::notice file=")) for line in workflow_commands(evil).splitlines())


def test_markdown_names_stay_text(plan: Findings) -> None:
    """A pull request's comment shows names from somebody's branch: no link, no mention, no HTML, no row that ends early."""
    text = markdown(plan)
    assert text.startswith("### Migration plan for prod: 2 errors, 2 warnings in 1 revision\n")
    outside = re.sub(r"^(`{3,})\w+\n.*?^\1$", "", text, flags=re.DOTALL | re.MULTILINE)
    assert "<script" not in outside and "@all" not in outside and "[a]" not in outside
    rows = [line for line in outside.splitlines() if line.startswith("|")]
    assert {line.count("|") for line in rows[:6]} == {6}
    assert text.count("<details>") == text.count("</details>") == len(plan.findings) + 1


class _Page(HTMLParser):
    """Elements in order, attributes by name, and text by element."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[str] = []
        self.attributes: dict[str, list[str]] = {}
        self.texts: list[tuple[str, str]] = []
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append(tag)
        for name, value in attrs:
            self.attributes.setdefault(name, []).append(value or "")

    def handle_data(self, data: str) -> None:
        self.texts.append((self.tags[-1] if self.tags else "", data))


def test_the_page_shows_the_worst_finding_before_anything_else(plan: Findings) -> None:
    """It is opened in a meeting, on a small screen."""
    page = _Page(html(plan))
    body = page.tags[page.tags.index("body") :]
    assert body[:5] == ["body", "h1", "p", "section", "h2"]
    told = [text for tag, text in page.texts if tag == "span"]
    assert told[:2] == ["error", "LG102 a lock is kept while later statements work"]
    assert body.index("svg") < [place for place, tag in enumerate(body) if tag == "section"][1]


def test_the_page_loads_nothing_and_runs_nothing(plan: Findings) -> None:
    """It holds names from somebody's branch, and is mailed around."""
    text = html(plan)
    page = _Page(text)
    assert not {"script", "img", "link", "iframe", "object", "form", "base", "a"} & set(page.tags)
    assert not {"src", "href", "style", "action"} & set(page.attributes)
    assert not [name for name in page.attributes if name.startswith("on")]
    assert any(policy.startswith("default-src 'none'; style-src 'sha256-") for policy in page.attributes["content"])
    assert any(EVIL in told for _, told in page.texts), "the hostile name is there, as text"
    assert "http://" not in text and "https://" not in text


def test_the_picture_has_a_bar_per_blocked_table_and_words_for_who_cannot_see_it(plan: Findings) -> None:
    """A picture alone says nothing to a screen reader, and colours alone say nothing to many."""
    picture = re.search(r"<svg.*?</svg>", html(plan), re.DOTALL)
    assert picture
    tree = ElementTree.fromstring(picture[0])
    bars = [(float(bar.attrib["x"]), float(bar.attrib["width"])) for bar in tree.iter("rect")]
    assert len(bars) == len(plan.timeline) == 3
    assert all(x >= 220 and x + wide <= 221 + 480 for x, wide in bars)
    title = tree.findtext("title") or ""
    assert "orders, ACCESS EXCLUSIVE, 0.4 to 3.2 min, reads, writes and maintenance wait, since r1 line 2" in title
    assert tree.attrib["role"] == "img"
