"""Reports from literal values: what people read, what programs read, and no escape code in a pipe."""

from __future__ import annotations

import io
import json as standard_json
from dataclasses import replace

from lockgate.cli.output import Output
from lockgate.cli.status import found
from lockgate.errors import CODES, Refused
from lockgate.events import Applied, Event, Notice, Retrying, Started, Waiting
from lockgate.outcome import Answer, EnvironmentRow, LedgerEntry, Outcome
from lockgate.report import environments as tables
from lockgate.report import json, text
from lockgate.report.table import Table, cell, plain, width
from lockgate.secret import Secret
from lockgate.words import Cluster, Protection, Request, Sight, Step, StepDone, Verb

USERS = StepDone(Step("upgrade", "20260101_0900", "create users"), 12)
ORDERS = StepDone(Step("upgrade", "20260105_0930", "create orders"), 1730)
DONE = Outcome(Verb.UPGRADE, "dev", "localhost:5432/app", (), ("20260105_0930",), (USERS, ORDERS))
ENTRY = LedgerEntry(
    7, "r1", "2026-01-05T09:30:12.120000+00:00", "upgrade", "dev", "applied", "20260105_0930",
    ("20260101_0900",), ("20260105_0930",), 1730, "ann@ci",
)  # fmt: skip
DEV = EnvironmentRow(
    "dev", Protection.OPEN, "variable DEV_URL", default=True, place="localhost:5432/app", says="dev",
    heads=("20260105_0930",), pending=0, last=ENTRY,
)  # fmt: skip
PROD = EnvironmentRow("prod", Protection.LOCKED, "AWS secret shop/prod", error="no route to host", error_code="unreachable")


def test_upgrade_tells_from_to_and_what_was_applied() -> None:
    """The report alone, in a file, must answer what was done."""
    done = replace(DONE, waited_s=3.21, notices=("bound again",), smoke=(Answer("table `users` exists", "yes", "yes", True),))
    assert plain(text.outcome(done)) == (
        "upgraded `dev` (localhost:5432/app) from base to 20260105_0930\n"
        "  applied: 20260101_0900, 20260105_0930 (2 revisions, 1.7 s)\n"
        "  waited 3.2 s for the lock\n"
        "  smoke: 1 of 1 answers as expected\n"
        "    ok  table `users` exists: expected yes, found yes\n"
        "  note: bound again"
    )


def test_nothing_to_do_is_said() -> None:
    """A second deployment of the same release is a success, and looks like one."""
    done = Outcome(Verb.UPGRADE, "dev", "localhost:5432/app", ("20260105_0930",), ("20260105_0930",))
    assert plain(text.outcome(done)) == "nothing to do: `dev` (localhost:5432/app) is at 20260105_0930"


def test_changes_beside_revisions_are_listed_and_revisions_not_twice() -> None:
    """What was committed is told completely, and once."""
    done = replace(DONE, changed=("wrote the identity marker `dev`", "applied 20260101_0900", "applied 20260105_0930"))
    assert plain(text.outcome(done)).splitlines()[1:] == [
        "  applied: 20260101_0900, 20260105_0930 (2 revisions, 1.7 s)",
        "  wrote the identity marker `dev`",
    ]


def test_reset_has_a_line_per_direction() -> None:
    """A reset goes down and up; adding both up would hide one."""
    down = StepDone(Step("downgrade", "20260101_0900", "create users"), 5)
    lines = plain(text.outcome(replace(DONE, verb=Verb.RESET, steps=(down, USERS)))).splitlines()
    assert lines[1:] == ["  downgraded: 20260101_0900 (1 revision, 5 ms)", "  applied: 20260101_0900 (1 revision, 12 ms)"]


def test_many_revisions_are_shortened() -> None:
    """Two hundred ids in one line help nobody."""
    steps = tuple(StepDone(Step("upgrade", f"r{number:03}"), 1) for number in range(200))
    assert "applied: r000 ... r199 (200 revisions, 200 ms)" in plain(text.outcome(replace(DONE, steps=steps)))


def test_failed_smoke_is_an_error_that_says_what_was_committed() -> None:
    """The revisions stay; whoever reads the error has to know that."""
    bad = Answer("select count(*) from kinds", "at least 5", "0", False)
    failure = text.outcome_error(replace(DONE, code="smoke-failed", smoke=(bad,), changed=("applied 20260101_0900",)))
    assert failure is not None
    assert text.error(failure) == (
        "error: the smoke check of `dev` failed: 1 of 1 answers are not as expected\n"
        "  where: environment `dev`, localhost:5432/app, at 20260105_0930\n"
        "  changed: applied 20260101_0900\n"
        "\n"
        "hint: repair, then run `lockgate smoke dev`\n"
        "code: smoke-failed, docs/errors/smoke-failed.md"
    )


def test_error_format() -> None:
    """Section 3 of the style guide, to the letter; several lines hang under the first."""
    failure = Refused(
        "identity-mismatch", "this database says it is `prod`\nyou asked for `test`", "environment `test`", "run `lockgate env`"
    )
    assert text.error(failure) == (
        "error: this database says it is `prod`\n"
        "       you asked for `test`\n"
        "  where: environment `test`\n"
        "  changed: nothing\n"
        "\n"
        "hint: run `lockgate env`\n"
        "code: identity-mismatch, docs/errors/identity-mismatch.md"
    )


def test_every_code_makes_an_outcome_error_and_a_document() -> None:
    """No code may be without a sentence: it would fail in the one moment it is needed."""
    for code, family in CODES.items():
        failure = text.outcome_error(replace(DONE, code=code))
        assert failure is not None
        assert failure.what
        assert failure.exit_code == family.exit_code
        assert standard_json.loads(json.outcome(replace(DONE, code=code)))["exit"] == family.exit_code


def test_status_matrix() -> None:
    """Seen and unseen environments in one table, the reason below it."""
    assert plain(tables.status((DEV, PROD))) == (
        "environment    protection  database            says            current        pending  head  last run\n"
        "dev (default)  open        localhost:5432/app  dev             20260105_0930  0        yes   "
        "2026-01-05 09:30 upgrade applied by ann@ci\n"
        "prod           locked      -                   cannot be seen  -              -        -     -\n"
        "\n"
        "prod cannot be seen: no route to host (docs/errors/unreachable.md)"
    )


def test_env_table_points_out_who_answers() -> None:
    """The whole point of `env`: a database that says another name must catch the eye."""
    rows = (replace(DEV, says="prod"), replace(DEV, says="", tables=12), replace(DEV, says="", empty=True), replace(DEV, copied=True))
    assert [tables.says(row) for row in rows] == ["prod, not dev", "unmarked, 12 tables", "unmarked, empty", "dev (a copy)"]
    assert plain(tables.environments((DEV,))).splitlines()[0].split("  ")[-1] == "the database says"


def test_unknown_and_unknowable_are_not_head() -> None:
    """`head yes` is a promise; an unknown revision or an unknown number breaks it."""
    (table,) = tables.status((replace(DEV, unknown=("x9",)), replace(DEV, pending=None)))
    assert isinstance(table, Table)
    assert [row[4:7] for row in table.rows] == [
        ("20260105_0930 (unknown here: x9)", "0", "no"),
        ("20260105_0930", "unknown", "no"),
    ]


def test_history_table() -> None:
    """Who did what, when, and how it ended."""
    failed = replace(ENTRY, outcome="failed", error="relation `users`\nexists", duration_ms=None, to_heads=())
    lines = plain(tables.history("dev", (failed, ENTRY))).splitlines()
    assert lines[0].split("  ")[0] == "at (UTC)"
    assert lines[1].endswith("failed   -      ann@ci  relation `users` exists")
    assert "20260101_0900 -> 20260105_0930  applied  1.7 s  ann@ci" in lines[2]
    assert plain(tables.history("dev", ())) == "the ledger of `dev` is empty"


def test_events() -> None:
    """The plain lines of a log."""
    told: list[Event] = [
        Started(USERS.step),
        Applied(USERS),
        Waiting("pid 7 (ann)", 5.2, 300),
        Retrying(USERS.step, 2, 0.5, "lock timeout"),
        Notice("re-bound"),
    ]
    assert [text.event(happened) for happened in told] == [
        "applying 20260101_0900 create users",
        "applied 20260101_0900 create users (12 ms)",
        "waiting for the lock, held by pid 7 (ann) (5 s of 300 s)",
        "trying 20260101_0900 create users again in 500 ms (try 2): lock timeout",
        "note: re-bound",
    ]


def test_confirmation_shows_what_is_at_stake() -> None:
    """Environment, host, database, tables, rows and what comes: nothing else makes typing a name worth anything."""
    sight = Sight("db:5432/app", Cluster("postgresql", "1", "2"), server="PostgreSQL 18", tables=("a", "b"), rows=1200, heads=("r1",))
    shown = text.confirmation(Request(Verb.RESET, "dev"), sight)
    assert all(part in shown for part in ("dev", "db:5432/app", "PostgreSQL 18", "2 tables, about 1200 rows", "r1", "all its rows"))


def test_check_finds_the_worst_first() -> None:
    """`status --check` is a gate in CI: a stranger beats pending work, which beats what could not be seen."""
    assert found((DEV,)) == ""
    assert found((DEV, PROD)) == "unreachable"
    assert found((PROD, replace(DEV, pending=2))) == "pending"
    assert found((replace(DEV, pending=None),)) == found((replace(DEV, unknown=("x",)),)) == "pending"
    assert found((replace(DEV, pending=2), replace(DEV, says="prod"))) == "identity-mismatch"


def test_json_has_the_fields_of_the_text() -> None:
    """One shape for success and failure: ok, code, exit, and `changed` as a list."""
    document = standard_json.loads(json.outcome(DONE))
    assert list(document)[:3] == ["ok", "code", "exit"]
    assert (document["ok"], document["to_heads"], document["steps"][0]["duration_ms"]) == (True, ["20260105_0930"], 12)
    assert standard_json.loads(json.environments((DEV, PROD), "pending"))["environments"][1]["protection"] == "locked"
    assert standard_json.loads(json.history("dev", (ENTRY,)))["entries"][0]["from_heads"] == ["20260101_0900"]


def test_json_stays_json_where_a_mask_meets_a_quotation_mark() -> None:
    """Redacting finished JSON would swallow the closing quotation mark behind `password=`."""
    secret = Secret('pa"ss\\word-7')
    failure = Refused("unmarked", f"dsn host=h password={secret.reveal()}", 'password="x" \x1b[31m\udcff')
    document = json.error(failure)
    assert standard_json.loads(document)["what"] == "dsn host=h password=***"
    assert "ss\\\\word" not in document
    assert "\x1b" not in document


def test_url_document_carries_the_url() -> None:
    """The one document that is asked for its secret."""
    assert standard_json.loads(json.url("dev", "postgresql://a:b@h/d"))["url"] == "postgresql://a:b@h/d"


def test_cells_are_one_clean_line() -> None:
    """A table's name comes from a database, and a database may belong to anybody."""
    assert cell("a\nb\x1b[2J\tc\x9b31m") == "a b[2J c31m"
    assert cell("") == "-"


def test_wide_characters_are_aligned() -> None:
    """Names are not only ASCII."""
    assert width("表ä") == 3
    assert width("a\u0308") == 1
    assert Table(("名前", "x"), (("ab", "1"), ("表格表", "2"))).plain() == "名前    x\nab      1\n表格表  2"


def test_pipe_has_no_escape_codes() -> None:
    """Logs and greps get plain text, whatever is in the values."""
    out, err = io.StringIO(), io.StringIO()
    output = Output(out, err, io.StringIO(), {})
    output.show(tables.status((replace(DEV, last=replace(ENTRY, operator="\x1b[31mann")), PROD)))
    output.fail(text.error(Refused("unmarked", "what \x1b[31mred")))
    with output.live("dev", acting=True) as notify:
        notify(Started(USERS.step))
        notify(Applied(USERS))
    assert "\x1b" not in out.getvalue() + err.getvalue()
    assert err.getvalue().endswith("applied 20260101_0900 create users (12 ms)\n")


def test_quiet_keeps_errors_and_notices() -> None:
    """`-q` silences the course of things, not what somebody has to know."""
    err = io.StringIO()
    output = Output(io.StringIO(), err, io.StringIO(), {})
    output.quiet = True
    with output.live("dev", acting=True) as notify:
        notify(Notice("re-bound"))
    output.warn("mind this")
    assert err.getvalue() == "warning: mind this\n"
    assert output.unheard(replace(DONE, notices=("re-bound",))) == ("re-bound",)
