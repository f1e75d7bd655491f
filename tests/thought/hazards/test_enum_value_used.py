"""An enum value that is not committed yet."""

from __future__ import annotations

from effecting import change, did, ids, judged, only

from lockgate.hazards.seen import Fault


def test_it_is_moved_into_the_next_revision() -> None:
    """Nobody remembers this rule of PostgreSQL."""
    added = did("ALTER TYPE", change("added", "enum value", "mood.happy", new=True))
    found = judged(added, did("UPDATE", Fault(message="unsafe use of new value", state="55P04"), text="update c set mood = 'happy'"))
    assert ids(found) == {"LG405"}
    assert "update c set mood = 'happy'" in only("LG405", found).safer
