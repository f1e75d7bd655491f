"""Effects go through JSON whole: what is judged later is what was traced."""

from __future__ import annotations

import pytest

from lockgate.errors import UsageError
from lockgate.hazards.effects import Effect, Effects, RevisionEffects, Size, read_effects, write_effects
from lockgate.hazards.seen import Lock, Relation

ORDERS = Relation(schema="public", name="orders", kind="table", original="public.purchases")
INDEX = Relation(schema="public", name="orders_pkey", kind="index", table="public.purchases", original="public.purchases_pkey")
LOCK = Lock(relation=ORDERS, modes=("RowExclusiveLock", "AccessExclusiveLock"))
EFFECT = Effect(number=1, line=12, text="alter table orders add x int", command="ALTER TABLE", transaction=1, locks=(LOCK,))
PLAN = Effects(
    environment="prod",
    heads=("r1",),
    revisions=(RevisionEffects(id="r2", file="migrations/versions/r2.py", direction="upgrade", effects=(EFFECT,), not_run=(14, 15)),),
    sizes=(Size(path="public.purchases", rows=58_000_000, heap_bytes=9_000_000_000, index_bytes=4_000_000_000, indexes=2),),
)


def test_effects_survive_their_json() -> None:
    """A stored plan is judged again under the lock, so nothing may be lost on the way."""
    assert read_effects(write_effects(PLAN)) == PLAN


def test_a_size_is_found_by_the_name_that_the_target_knows() -> None:
    """A table that the plan renamed, and its indexes, are as large as they were under the old name."""
    assert PLAN.size(ORDERS) == PLAN.size(INDEX) == PLAN.sizes[0]
    assert PLAN.size(Relation(schema="public", name="fresh", kind="table", new=True)) is None


@pytest.mark.parametrize("text", ['{"format": 2}', "{", '{"revisions": [{"id": 1}]}', '{"surprise": 1}'])
def test_other_formats_are_refused(text: str) -> None:
    """Half a plan would be judged as a harmless one."""
    with pytest.raises(UsageError) as caught:
        read_effects(text, "plan.json")
    assert caught.value.code == "snapshot-invalid"
