"""A revision's fingerprint sees what the file does, and nothing else."""

from __future__ import annotations

import pytest

from lockgate.graph import Edited, Graph, Revision, edited, fingerprint
from lockgate.graph.fingerprint import same

FILE = '''"""create users

Revision ID: r1
Create Date: 2026-01-05
"""

from alembic import op
import sqlalchemy as sa

revision = "r1"
down_revision = None


def upgrade() -> None:
    op.create_table("users", sa.Column("id", sa.Integer, primary_key=True))


def downgrade() -> None:
    op.drop_table("users")
'''
ALIKE = {
    "comments": FILE.replace("    op.drop", "    # gone for good\n    op.drop"),
    "docstring": FILE.replace("create users", "make the table of users"),
    "a docstring in a function": FILE.replace("    op.drop", '    """Drop it."""\n    op.drop'),
    "quotes": FILE.replace('"', "'").replace("'''", '"""'),
    "line breaks": FILE.replace('("users", sa', '(\n        "users",\n        sa'),
    "a trailing comma": FILE.replace("primary_key=True))", "primary_key=True),)"),
    "windows": FILE.replace("\n", "\r\n"),
    "its place in the graph": FILE.replace("down_revision = None", 'down_revision: str | None = "r0"\nbranch_labels = ("shop",)'),
}
OTHER = {
    "a name": FILE.replace('"id"', '"key"'),
    "a type": FILE.replace("Integer", "BigInteger"),
    "an argument": FILE.replace(", primary_key=True", ""),
    "True for 1": FILE.replace("True", "1"),
    "None for False": FILE.replace("primary_key=True", "primary_key=None"),
    "one more statement": FILE.replace("    op.drop", '    op.execute("select 1")\n    op.drop'),
    "the way down": FILE.replace('drop_table("users")', 'drop_table("user")'),
    "an import": FILE.replace("import sqlalchemy as sa", "import other as sa"),
    "no Python any more": FILE.replace("def upgrade", "def"),
}


@pytest.mark.parametrize("text", ALIKE.values(), ids=ALIKE)
def test_what_changes_nothing_is_no_edit(text: str) -> None:
    """An alarm for a formatter's work is an alarm that people learn to silence."""
    assert text != FILE
    assert same(fingerprint(FILE), text)


@pytest.mark.parametrize("text", OTHER.values(), ids=OTHER)
def test_what_changes_the_work_is_one(text: str) -> None:
    """Also where only the downgrade is another one."""
    assert not same(fingerprint(FILE), text)


def test_the_fingerprint_of_one_text_is_the_same_on_every_python() -> None:
    """Written down here: a Python or a lockgate that computes another one would raise a false alarm on every database there is."""
    text = "def upgrade():\n    op.execute(f'select {1 + x!r:>{width}} as {name}', *rest, **more)\n    [a for a in b if not a]\n    x: int = -1.5\n"
    assert fingerprint(text).split(":")[:2] == ["1", KNOWN]


def test_fingerprints_of_another_algorithm_are_not_compared() -> None:
    """Better no alarm than a false one on every database after an upgrade of lockgate."""
    assert same("0:abc:def", FILE)
    assert same("", FILE)


def test_only_revisions_that_are_applied_count() -> None:
    """A file that has not run yet may be edited as one likes."""
    graph = Graph({"r1": Revision("r1", "v/r1.py", source=lambda: "x = 1"), "r2": Revision("r2", "v/r2.py", ("r1",), source=lambda: "y = 1")})
    kept = {"r1": fingerprint("x = 2"), "r2": fingerprint("y = 2")}
    assert edited(graph, ["r1"], kept) == (Edited("r1", "v/r1.py"),)
    assert edited(graph, [], kept) == ()
    assert edited(graph, ["r2"], {"r2": fingerprint("y = 1  # same")}) == ()


KNOWN = "08bc9e2c541187abf912c623c4234e2307a866548b4d70cc7f143d9e9f61a4b0"
