"""Everything else that fails."""

from __future__ import annotations

from effecting import did, ids, judged, only, revision

from lockgate.hazards.seen import Fault


def test_no_failure_goes_untold() -> None:
    """A state that no rule knows is still a failure."""
    for state in ("0A000", "2BP01", "42P01", "XX000", ""):
        found = only("LG406", judged(did("ALTER TABLE", Fault(message="no", state=state))))
        assert found.severity.value == "error"


def test_python_that_fails_is_told_at_its_line() -> None:
    """No server said anything, and the revision is broken all the same."""
    found = only("LG406", judged(revision(fault=Fault(message="KeyError: 'x'", line=17))))
    assert (found.line, found.severity.value) == (17, "error")


def test_a_failing_statement_is_told_once() -> None:
    """The revision's own fault is the same one."""
    fault = Fault(message="no", state="42P01", line=3)
    assert len(judged(revision(did("DROP TABLE", fault), fault=fault)).findings) == 1


def test_failures_with_a_rule_of_their_own_are_left_to_it() -> None:
    """Two findings for one failure are one too many."""
    assert "LG406" not in ids(judged(did("ALTER TABLE", Fault(message="no", state="23502"))))


def test_what_the_revision_catches_is_a_note() -> None:
    """Whoever tries something in a savepoint knows that it may fail."""
    for state in ("42703", "23505", "25001"):
        found = only("LG406", judged(did("ALTER TABLE", Fault(message="no", state=state), caught=True)))
        assert found.severity.value == "note"
