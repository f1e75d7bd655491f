"""COMMIT in a revision."""

from __future__ import annotations

from effecting import did, ids, judged, only


def test_a_commit_of_the_revision_is_an_error() -> None:
    """Half of it stays, and the version table does not know."""
    assert only("LG602", judged(did("COMMIT", line=12))).severity.value == "error"


def test_savepoints_are_fine() -> None:
    """They undo only a part."""
    assert "LG602" not in ids(judged(did("ROLLBACK", text="ROLLBACK TO SAVEPOINT a"), did("SAVEPOINT")))
