"""The 110 operations that were traced on PostgreSQL 18, judged by their recorded effects alone."""

from __future__ import annotations

import msgspec
import pytest
from recorded import recorded
from verdicts import EXPECTED

from lockgate.hazards.effects import Effects
from lockgate.hazards.findings import Findings
from lockgate.hazards.judge import judge

# What was found by which rule. `ok` has none, but for REFRESH .. CONCURRENTLY: its lock lets readers go on, and its query is as long as it is.
MEANS = {
    "rewrite": {"LG201", "LG202", "LG203", "LG106"},
    "index-rebuild": {"LG201", "LG202", "LG203", "LG106", "LG207"},
    "scan-under-lock": {"LG102", "LG204", "LG205", "LG206", "LG207", "LG209"},
    "lock-held-over-work": {"LG102", "LG205"},
    "data-loss": {"LG301", "LG302", "LG303"},
    "breaks-code": {"LG501", "LG502"},
    "bulk-dml": {"LG210"},
    "fails": {"LG401", "LG402", "LG404", "LG405", "LG406"},
}
BESIDE = {"LG104", "LG304", "LG403"}  # told beside one of those: the other end of a foreign key, values that do not fit, an INVALID index


@pytest.fixture(scope="module")
def effects() -> dict[str, Effects]:
    """The record."""
    return recorded()


def _ids(judged: Findings, *severities: str) -> str:
    return " ".join(sorted({finding.id for finding in judged.findings if finding.severity.value in severities}))


@pytest.mark.parametrize(("name", "verdict", "found", "errors"), EXPECTED, ids=[row[0] for row in EXPECTED])
def test_each_operation_is_judged_as_it_was_measured(effects: dict[str, Effects], name: str, verdict: str, found: str, errors: str) -> None:
    """Linters guess these from the text and find 18 to 70 %: a miss costs an outage, a false alarm costs trust."""
    assert _ids(judge(msgspec.structs.replace(effects[name], sizes=())), "error", "warning") == found
    assert _ids(judge(effects[name]), "error") == errors
    if name != "mv_refresh_conc":
        words = verdict.split(", ") if verdict != "ok" else []
        ids = set(found.split())
        assert all(ids & MEANS[word] for word in words)
        assert ids <= BESIDE.union(*(MEANS[word] for word in words))


def test_all_that_was_recorded_is_here(effects: dict[str, Effects]) -> None:
    """110 were measured."""
    assert [row[0] for row in EXPECTED] == list(effects)
    assert len(effects) == 110


def test_every_piece_of_advice_is_python(effects: dict[str, Effects]) -> None:
    """It is pasted into a revision."""
    advice = [finding.safer for plan in effects.values() for finding in judge(plan).findings if finding.safer]
    assert len(advice) > 100
    for text in advice:
        compile(text, "revision", "exec")


def test_a_short_lock_is_told_but_does_not_fail_a_plan(effects: dict[str, Effects]) -> None:
    """ADD COLUMN is what most revisions do: a plan that cries about it is switched off."""
    found = judge(effects["col_null"])
    assert _ids(found, "note") == "LG101"
    assert not found.fails("warning")
    assert found.fails("note")
    assert found.fails("LG101") and found.fails("access-exclusive")
