"""What a broken build leaves behind."""

from __future__ import annotations

from effecting import SUE, build, did, ids, judged, lock, only

from lockgate.hazards.answers import Preflight
from lockgate.hazards.seen import Fault

TEXT = "CREATE UNIQUE INDEX CONCURRENTLY IF NOT EXISTS ix ON orders (number)"


def test_a_failing_build_leaves_an_index_that_nobody_uses() -> None:
    """Every write pays for it until somebody drops it."""
    fault = Fault(message="duplicates", state="23505")
    found = only("LG403", judged(did("CREATE INDEX", fault, text=TEXT, concurrently=True, autocommit=True)))
    assert (found.severity.value, found.relation) == ("error", "ix")
    assert 'op.execute("DROP INDEX CONCURRENTLY IF EXISTS ix")' in found.safer
    assert 'op.execute("CREATE UNIQUE INDEX CONCURRENTLY ix ON orders (number)")' in found.safer


def test_if_not_exists_hides_it() -> None:
    """The second try skips the build and succeeds."""
    effect = did(
        "CREATE INDEX", lock(SUE, "orders"), build("ix", "orders", concurrently=True), text=TEXT, concurrently=True, autocommit=True
    )
    assert only("LG403", judged(effect)).severity.value == "note"
    assert "LG403" not in ids(judged(did("CREATE INDEX", text=TEXT.replace("IF NOT EXISTS ", ""), concurrently=True, autocommit=True)))


def test_an_invalid_index_of_the_target_is_in_the_way() -> None:
    """A dump of the schema leaves it out, so on the copy the build is as it should be."""
    preflight = Preflight(invalid_indexes=("public.ix", 'public."Other"'))
    texts = (TEXT, TEXT.replace("IF NOT EXISTS ", ""))
    skipped, failing = (
        only("LG403", judged(did("CREATE INDEX", build("ix", "orders", concurrently=True), text=text, concurrently=True), preflight=preflight))
        for text in texts
    )
    assert (skipped.severity.value, failing.severity.value) == ("warning", "warning")
    assert "IF NOT EXISTS skips the build, and it stays INVALID" in skipped.what
    assert "the statement fails, unless a run of this revision left it" in failing.what
