"""Statements that want no transaction."""

from __future__ import annotations

from effecting import did, ids, judged, only

from lockgate.hazards.seen import Fault


def test_the_same_statement_is_shown_outside() -> None:
    """It fails each time, and the cure is one line."""
    found = judged(did("VACUUM", Fault(message="VACUUM cannot run inside a transaction block", state="25001"), text="VACUUM orders"))
    assert ids(found) == {"LG404"}
    assert only("LG404", found).safer == 'with op.get_context().autocommit_block():\n    op.execute("VACUUM orders")'
