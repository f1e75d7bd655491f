"""What a plan says to people, over the effects of 110 operations as they were traced."""

from __future__ import annotations

import re

import pytest
from recorded import recorded

from lockgate.hazards.effects import Effects
from lockgate.hazards.judge import judge
from lockgate.hazards.plan import PlanOutcome
from lockgate.report.finding_words import size
from lockgate.report.plan import plan, plan_error
from lockgate.report.table import plain

RECORD = recorded()


def outcome(effects: Effects) -> PlanOutcome:
    """How a plan with these effects ends."""
    return PlanOutcome("prod", "db:5432/app", effects, judge(effects))


def told(*names: str) -> list[str]:
    """The rows of a plan with these operations, as lines."""
    revisions = tuple(revision for name in names for revision in RECORD[name].revisions)
    blocks = plan(outcome(Effects(heads=("r1",), revisions=revisions, sizes=RECORD[names[0]].sizes)), statements=True)
    lines = plain(blocks).splitlines()
    return lines[next(number for number, line in enumerate(lines) if line.startswith("REVISION")) + 1 :]


@pytest.mark.parametrize("name", RECORD)
def test_every_operation_is_told_in_words(name: str) -> None:
    """Nobody should have to know how the server or Python spells a lock, a truth or a nothing."""
    text = "\n".join(told(name)).replace(RECORD[name].revisions[0].effects[0].text, "")
    assert not re.search(r"\b(?:None|True|False|\w+Lock|public\.public)\b|[{}]", text)
    assert text.strip()


def test_a_failure_comes_first_then_the_strongest_lock_on_what_is_in_use() -> None:
    """The first line is the one that is read."""
    lines = told("new_table", "index_conc", "add_fk", "drop_col", "index_conc_tx")
    assert [line.split("  ")[-1] for line in lines[:2]] == [
        "FAILS 25001: CREATE INDEX CONCURRENTLY cannot run inside a transaction block",
        "drops table column customers.note",
    ]
    assert "SHARE ROW EXCLUSIVE customers (58 M rows, 84 GB)" in lines[2]
    assert "SHARE UPDATE EXCLUSIVE customers" in lines[3]
    assert "adds table t_new" in lines[4]


def test_what_says_nothing_is_counted_and_not_shown() -> None:
    """Questions that a revision asks would hide what it does."""
    assert told("extension", "ts_other")[-1] == "1 statement more: no lock on a table in use, nothing to tell"


def test_an_error_names_the_line_of_the_revision() -> None:
    """The message is all that a pipeline shows."""
    done = outcome(RECORD["type_in_view"])
    assert plan_error(done) is None, "the operation was undone, so its revision carries no fault"
    assert plan(outcome(Effects(heads=("r1",)))) == ("nothing is pending for `prod` (db:5432/app), at r1",)
    assert not any("REVISION" in line for line in plain(plan(done)).splitlines()), "statements are for who asks for them"


def test_findings_fail_a_plan_only_where_they_are_named() -> None:
    """A pipeline decides what it lets pass; the message says by what it was stopped, where, and how to go on."""
    done = outcome(RECORD["drop_col"])
    assert plan_error(done.strict(["LG206", "rewrite-type"])) is None
    stopped = done.strict(["LG206", "error", "data-dropped"])
    failure = plan_error(stopped)
    assert failure is not None
    assert (stopped.failed_on, failure.code, failure.exit_code) == (("error", "data-dropped"), "plan-findings", 1)
    assert failure.what.startswith("the plan is not let through by `--fail-on error` and `--fail-on data-dropped`: ")
    assert "# lockgate: allow LG301 REASON" in failure.hint
    assert outcome(RECORD["drop_col"]).strict([]).code == ""


def test_sizes_are_told_in_three_digits() -> None:
    """An estimate knows no more, and what is not known is not told."""
    assert [size(rows, -1) for rows in (0, 7, 1_500, 999_600, 58_000_000)] == ["0 rows", "7 rows", "1.5 k rows", "1 M rows", "58 M rows"]
    assert [size(-1, number) for number in (12, 8_192, 84_000_000_000, 1_310_000_000_000)] == ["12 B", "8.19 kB", "84 GB", "1.31 TB"]
    assert (size(58_000_000, 13_000_000_000), size(-1, -1)) == ("58 M rows, 13 GB", "")
