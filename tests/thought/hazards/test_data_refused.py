"""Rows that break a constraint."""

from __future__ import annotations

import pytest
from effecting import AE, did, ids, judged, lock, only

from lockgate.hazards.answers import Answer, Kind
from lockgate.hazards.seen import Fault


def test_duplicates_on_the_scratch_are_duplicates_on_the_target() -> None:
    """The rows come from the revisions themselves."""
    found = only("LG402", judged(did("CREATE INDEX", Fault(message='could not create unique index "uq"', state="23505"))))
    assert (found.severity.value, "23505" in found.what) == ("error", True)


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        ("duplicates", "1 duplicate key under `uq` in `public.orders` today"),
        ("orphans", "1 key of `uq` in `public.orders` without a row at the other end today"),
        ("violations", "1 row of `public.orders` against `uq` today"),
        ("outside", "1 row of `public.orders` outside of the bounds today"),
        ("unfit", "1 value of `public.orders.uq` not fit for the new type today"),
        ("referenced", "1 row of `public.orders` referring by `uq` to a key that goes today"),
        ("taken", "1 key of the INSERT taken already under `uq` in `public.orders` today"),
        ("computed", "a row of `public.orders` for which the new value of `uq` fails today"),
    ],
)
def test_what_the_target_counts_is_foretold(kind: Kind, what: str) -> None:
    """The number says whether it is a slip or a way of working."""
    answer = Answer(revision="r1", number=1, kind=kind, table="public.orders", subject="uq", count=1)
    found = only("LG402", judged(did("ALTER TABLE", lock(AE, "orders")), answers=(answer,)))
    assert (found.severity.value, found.relation) == ("error", "public.orders")
    assert found.what.startswith(what) and found.safer.startswith("# ")


def test_clean_rows_and_other_statements_raise_no_alarm() -> None:
    """An alarm that comes always is switched off."""
    clean = Answer(revision="r1", number=1, kind="orphans", table="public.orders", subject="fk", count=0)
    other = Answer(revision="r1", number=2, kind="orphans", table="public.orders", subject="fk", count=4)
    assert "LG402" not in ids(judged(did("ALTER TABLE", lock(AE, "orders")), answers=(clean, other)))
