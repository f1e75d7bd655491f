"""What batch mode does not make again."""

from __future__ import annotations

import pytest
from effecting import change, did, ids, judged, only, rewrite

from lockgate.hazards.seen import Change

TRIGGER = change("dropped", "trigger", "orders.audit", before={"definition": "CREATE TRIGGER audit AFTER INSERT ON orders BEGIN SELECT 1; END"})


def index(name: str, columns: list[str], *, unique: bool = False) -> Change:
    """An index that goes with its table."""
    return change("dropped", "index", f"orders.{name}", before={"definition": f"CREATE INDEX {name}", "columns": columns, "unique": unique})


def check(name: str) -> Change:
    """A CHECK that goes with its table; without a name it is called as it reads."""
    return change("dropped", "constraint", f"orders.{name}", before={"kind": "check", "definition": "CHECK (age > 0)"})


def test_a_trigger_that_nobody_makes_again_is_an_error_and_its_text_is_the_cure() -> None:
    """The database goes on as if nothing were missing."""
    found = only("LG305", judged(did("DROP TABLE", rewrite("orders", "batch"), TRIGGER)))
    assert (found.severity.value, found.relation) == ("error", "public.orders")
    assert 'op.execute("CREATE TRIGGER audit AFTER INSERT ON orders BEGIN SELECT 1; END")' in found.safer


@pytest.mark.parametrize(
    ("lost", "severity"),
    [
        (index("ix_lower", []), "warning"),
        (index("ux_lower", [], unique=True), "error"),
        (check("CHECK (age > 0)"), "error"),
        (check("ck_age"), ""),
        (index("ix_name", ["name"]), ""),
    ],
    ids=["expression", "unique expression", "check", "named check", "plain index"],
)
def test_only_what_alembic_does_not_reflect_is_lost_without_a_word(lost: Change, severity: str) -> None:
    """A plain index or a named constraint goes only where the revision says so."""
    found = [finding.severity.value for finding in judged(did("DROP TABLE", rewrite("orders", "batch"), lost)).findings if finding.id == "LG305"]
    assert found == ([severity] if severity else [])


def test_what_comes_back_is_not_lost() -> None:
    """A later statement may make it again, also in the next revision."""
    again = did("CREATE TRIGGER", change("added", "trigger", "orders.audit"))
    assert "LG305" not in ids(judged(did("DROP TABLE", rewrite("orders", "batch"), TRIGGER), again))
    assert "LG305" not in ids(judged(did("DROP TRIGGER", TRIGGER)))
