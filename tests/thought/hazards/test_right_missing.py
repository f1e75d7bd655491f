"""Rights that the role lacks."""

from __future__ import annotations

from effecting import AE, RE, change, column, did, ids, judged, lock, only, revision

from lockgate.hazards.answers import Lacking, Preflight
from lockgate.hazards.effects import Effects
from lockgate.hazards.rights import needed

ADD = did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "integer"))
UPDATE = did("UPDATE", lock(RE, "orders"))
MAKE = did("CREATE TABLE", change("added", "table", "fresh", kind="table"), change("added", "column", "fresh.id", new=True))


def lacking(table: str, right: str) -> Preflight:
    """A target whose role lacks one right."""
    return Preflight(lacking=(Lacking(table=table, right=right, role="app"),))


def test_a_refused_statement_is_told_at_its_line() -> None:
    """A superuser's scratch cannot notice, and half an upgrade at night is a bad place to learn it."""
    found = only("LG407", judged(ADD, preflight=lacking("public.orders", "owner")))
    assert (found.severity.value, found.line, found.relation) == ("error", 10, "public.orders")
    assert "`app` has no UPDATE on `public.orders`" in only("LG407", judged(UPDATE, preflight=lacking("public.orders", "UPDATE"))).what


def test_a_right_that_no_statement_needs_is_nothing() -> None:
    """Whoever may not write elsewhere runs this plan all the same."""
    assert "LG407" not in ids(judged(ADD, preflight=lacking("public.orders", "UPDATE")))


def test_rights_follow_from_what_a_plan_does() -> None:
    """Asked too much, the target would raise false alarms."""
    plan = Effects(revisions=(revision(ADD, UPDATE, MAKE),))
    assert needed(plan) == {"public.orders": {"owner", "UPDATE"}, "public": {"CREATE"}}


def test_an_extension_is_made_by_superusers_where_the_server_has_it() -> None:
    """The copy has more extensions than the target, and a superuser."""
    made = did("CREATE EXTENSION", change("added", "extension", "vector"))
    assert needed(Effects(revisions=(revision(made),))) == {"vector": {"EXTENSION"}}
    for right, severity, words in (("EXTENSION", "warning", "is made by superusers"), ("NO EXTENSION", "error", "the server has no extension `vector`")):
        found = only("LG407", judged(made, preflight=lacking("vector", right)))
        assert (found.severity.value, words in found.what) == (severity, True)
