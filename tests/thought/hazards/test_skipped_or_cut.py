"""What only a notice tells."""

from __future__ import annotations

from effecting import did, ids, judged, only


def test_a_skipped_statement_is_a_warning() -> None:
    """The table that is there may be another one than was meant."""
    notice = 'relation "orders" already exists, skipping'
    found = only("LG702", judged(did("CREATE TABLE", notices=(notice,))))
    assert (found.severity.value, notice in found.what) == ("warning", True)


def test_a_cut_name_is_a_warning() -> None:
    """A later revision looks for the long one."""
    assert "LG702" in ids(judged(did("CREATE INDEX", notices=('identifier "x" will be truncated to "y"',))))
    assert "LG702" not in ids(judged(did("DROP TABLE", notices=("drop cascades to view v",))))
