"""Which statements only rows can make fail, while the copy has none: said in every face, so that "nothing found" is no clean bill for them."""

from __future__ import annotations

import json
from pathlib import Path

import jsonschema
import pytest
from effecting import AE, RE, change, column, constraint, did, lock, revision, size, table
from msgspec import structs

from lockgate.hazards.answers import Answer
from lockgate.hazards.effects import COPY, DUMP, REPLAY, SCHEMA, Effect, Effects, RevisionEffects
from lockgate.hazards.findings import Findings
from lockgate.hazards.judge import joined, judge
from lockgate.hazards.seen import Fault, Lock
from lockgate.report.findings import findings
from lockgate.report.findings_json import findings_fields
from lockgate.report.github import workflow_commands
from lockgate.report.html import html
from lockgate.report.markdown import markdown
from lockgate.report.sarif import from_root, sarif
from lockgate.report.table import plain

AS = "AccessShareLock"
KEY, VALUE = "a key may be taken", "a row may break a key, a constraint or a cast"
REFERRED, RESULT = "rows elsewhere may refer to what it deletes", "what the revision does with the result"
FILLED, COMPUTED = "the plan fills `fresh` with rows of other tables", "the expression of `x` is computed for every row"


def told(*effects: Effect, source: str = DUMP, lines: tuple[int, ...] = ()) -> Findings:
    """Judge one revision on a target with two tables."""
    whole: RevisionEffects = revision(*(structs.replace(effect, number=number) for number, effect in enumerate(effects, 1)), not_run=lines)
    return judge(Effects(environment="prod", source=source, revisions=(whole,), sizes=(size("orders"), size("loose"))))


def why(*effects: Effect, source: str = DUMP, lines: tuple[int, ...] = ()) -> list[str]:
    """What is said of each statement that is not seen."""
    return [one.why for one in told(*effects, source=source, lines=lines).not_seen]


def sql(text: str, *things: object, command: str = "") -> Effect:
    """A statement by its text."""
    return did(command or text.split()[0].upper(), *things, text=text)


def fresh(mode: str) -> Lock:
    """A lock on a table of the plan's own."""
    return Lock(relation=table("fresh", new=True), modes=(mode,))


NEW = did("CREATE TABLE", change("added", "table", "fresh", new=True, kind="table"), fresh(AE), text="create table fresh (id int)")
UNIQUE = did("ALTER TABLE", change("added", "constraint", "fresh.uq", new=True, kind="unique", valid=True), text="alter table fresh add unique (id)")


@pytest.mark.parametrize(
    ("effects", "expected"),
    [
        ([sql("delete from orders where id < 10", lock(RE, "orders"))], [REFERRED]),
        ([sql("insert into orders values (5)", lock(RE, "orders"))], [KEY]),
        ([sql("update orders set a = 100 / b", lock(RE, "orders")), sql("update only orders set a = 1")], [VALUE, VALUE]),
        ([sql("insert into orders select 1 / a from loose", lock(RE, "orders"), lock(AS, "loose"))], [VALUE]),
        ([sql("with m as (delete from orders returning id) insert into loose select id from m", lock(RE, "orders"))], [VALUE]),
        ([sql("do $$ begin if exists (select from orders) then raise 'no'; end if; end $$", lock(AS, "orders"))], ["what it does with the rows"]),
        ([sql("select mended()", lock(RE, "orders"))], [RESULT]),
        ([sql("select count(*) from orders", lock(AS, "orders"))], [RESULT]),
        ([sql("with o as (select * from orders) select count(*) from o")], [RESULT]),
        ([did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "integer", generated="s", default="(100 / a)"))], [COMPUTED]),
        ([did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "character varying(5)", generated="s", default="name"))], [COMPUTED]),
        ([did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "text", generated="s", default="name", not_null=True))], [COMPUTED]),
        ([did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "numeric(5,2)", generated="s", default="price"))], [COMPUTED]),
        ([did("CREATE INDEX", change("added", "index", "orders.x", columns=["((ref)::integer)"]))], [COMPUTED]),
        ([NEW, sql("insert into fresh select id from orders", fresh(RE), lock(AS, "orders")), UNIQUE], [VALUE, FILLED]),
        ([structs.replace(NEW, text="create table fresh as select * from orders", locks=(fresh(AE), lock(AS, "orders"))), UNIQUE], [FILLED]),
    ],
)  # fmt: skip
def test_what_only_rows_can_make_fail_is_named(effects: list[Effect], expected: list[str]) -> None:
    """All of these run on the empty copy without a word."""
    assert why(*effects) == expected


@pytest.mark.parametrize(
    "effects",
    [
        [NEW, sql("insert into fresh values (1)", fresh(RE)), sql("update fresh set id = 2"), sql("delete from fresh"), UNIQUE],
        [sql("do $$ begin alter table orders add column if not exists x int; end $$", lock(AE, "orders"))],
        [sql("select 1 from information_schema.loose")],
        [sql("select 1 from pg_type where typname = 'from orders'")],
        [did("ALTER TABLE", lock(AE, "orders"), constraint("unique", "orders.uq"))],
        [did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "text", generated="s", default="lower((a)::text)"))],
        [did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "integer", generated="v", default="(100 / a)"))],
        [did("CREATE INDEX", change("added", "index", "orders.x", columns=["lower(a)", '"B b"'], predicate="(a > 0)"))],
        [sql("delete from orders", lock(RE, "orders"), Fault(message="no", state="23503"))],
    ],
)
def test_what_cannot_fail_for_rows_of_the_target_is_left_out(effects: list[Effect]) -> None:
    """A list that is long for nothing is read by nobody; tables of the plan's own are nobody's, and a failure is a finding already."""
    assert why(*effects) == []


def test_a_count_that_the_plan_itself_may_overtake_is_no_clean_bill() -> None:
    """No two rows are alike today; an UPDATE before the unique index makes them so, and no question asks what it leaves."""
    none = Answer(revision="r1", number=1, kind="duplicates", table="public.orders", subject="uq", count=0)
    plan = Effects(environment="prod", source=DUMP, revisions=(revision(did("ALTER TABLE", constraint("unique", "orders.uq"))),), answers=(none,))
    assert judge(plan).not_seen == ()
    overtaken = judge(structs.replace(plan, answers=(structs.replace(none, written="r1 line 9"),)))
    assert [one.why for one in overtaken.not_seen] == ["r1 line 9 writes rows of `public.orders` before it"]


def test_it_is_said_where_rows_are_missing_and_nowhere_else() -> None:
    """A copy of a SQLite file has them; lint has no target; a query before lines that did not run is told by those."""
    delete = sql("delete from `orders`")
    assert [why(delete, source=source) for source in (COPY, REPLAY, "", SCHEMA, DUMP)] == [[], [], [], [REFERRED], [REFERRED]]
    read = sql("select id from orders")
    assert (why(read, lines=(11,)), why(read, lines=(9,))) == ([], [RESULT])


def test_every_face_says_it() -> None:
    """Whoever reads one of them alone must not take the plan for clean."""
    hostile = sql("delete from orders where note = '</script>|@all'", lock(RE, "orders"))
    judged = told(hostile, sql("select count(*) from orders"))
    headline = "nothing found in 1 revision; 2 statements depend on rows that the copy does not have"
    text = plain(findings(judged))
    assert text.startswith(f"`prod`: {headline}")
    assert f"  migrations/versions/r1.py:10: {REFERRED}: delete from orders where note" in text
    assert headline in html(judged) and REFERRED in html(judged) and "'</script>" not in html(judged)
    assert headline in markdown(judged).replace("&#58;", ":") and RESULT in markdown(judged) and "@all" not in markdown(judged)
    fields = findings_fields(judged)["not_seen"]
    assert fields[1] == {"revision": "r1", "file": "migrations/versions/r1.py", "line": 10, "statement": "select count(*) from orders", "why": RESULT}
    lines = workflow_commands(judged).splitlines()
    assert [line.split("::")[1] for line in lines] == ["notice file=migrations/versions/r1.py,line=10,title=not seen"] * 2
    document = json.loads(sarif(from_root(judged, "app/")))
    jsonschema.validate(document, json.loads((Path(__file__).parent / "sarif-2.1.0-rtm.5.json").read_text()))
    (notes,) = [invocation["toolExecutionNotifications"] for invocation in document["runs"][0]["invocations"]]
    assert [note["locations"][0]["physicalLocation"]["artifactLocation"]["uri"] for note in notes] == ["app/migrations/versions/r1.py"] * 2
    assert len(joined([judged, judged]).not_seen) == 4


def test_a_long_list_ends_with_its_number() -> None:
    """A data migration of a thousand INSERTs must not push the findings off the screen."""
    judged = told(*(sql(f"insert into orders values ({number})") for number in range(25)))
    assert "  and 5 more: --json has all of them" in plain(findings(judged)) and len(findings_fields(judged)["not_seen"]) == 25
