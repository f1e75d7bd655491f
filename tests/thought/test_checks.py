"""The pure parts of the ready-made checks: names by a pattern, made-up rows, and what counts as lost."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from lockgate.drift.items import Enum, Item
from lockgate.drift.made_up import Count, fillings, losses
from lockgate.drift.snapshot import Snapshot, make_snapshot
from lockgate.drift.table_items import Column, Constraint, Relation
from lockgate.graph import Graph, Revision
from lockgate.graph.names import misnamed, template_pattern
from lockgate.settings.alembic_ini import ini_options, read_layout

EMPTY = Count(0, {})


@pytest.mark.parametrize(
    "template, name, good",
    [
        ("%(rev)s_%(slug)s", "ab12_add_users", True),
        ("%(rev)s_%(slug)s", "ab12", True),
        ("%(rev)s_%(slug)s", "add_users", False),
        ("%(rev)s_%(slug)s", "xab12_add_users", False),
        ("%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d-%(rev)s_%(slug)s", "2026_01_05_0930-ab12_add", True),
        ("%(year)d_%(month).2d_%(day).2d_%(hour).2d%(minute).2d-%(rev)s_%(slug)s", "2026_1_05_0930-ab12_add", False),
        ("%(year)d/%(rev)s", "2026/ab12", True),
        ("%(rev)s", "ab12_add", False),
    ],
)
def test_a_file_is_named_by_alembics_template(template: str, name: str, good: bool) -> None:
    """Whatever Alembic makes of a template passes, and nothing else."""
    assert bool(re.fullmatch(template_pattern(template, "ab12"), name)) is good


def chain(*files: str) -> Graph:
    """A history in a line; a file's name up to the second `_` is its id."""
    found, down = {}, ""
    for file in files:
        id_ = "_".join(file.split("_")[:2])
        found[id_] = Revision(id_, f"versions/{file}.py", (down,) if down else ())
        down = id_
    return Graph(found)


def test_ids_after_the_first_timestamp_are_timestamps() -> None:
    """A project that takes to timestamps cannot rename what databases have applied; from then on there is one rule."""
    old, new = "0f3a_b_first", "20260105_0930_second"
    assert misnamed(chain(old, new, "20260105_0930x_third"), "%(rev)s_%(slug)s", True) == (
        "versions/20260105_0930x_third.py: its id `20260105_0930x` is not of the form `YYYYMMDD_HHMM`",
    )
    assert misnamed(chain(old, new), "%(rev)s_%(slug)s", True) == ()
    assert misnamed(chain(old, "strange_id"), "%(rev)s_%(slug)s", False) == ()
    misplaced = Graph({"20260105_0930": Revision("20260105_0930", "versions/add_users.py")})
    assert misnamed(misplaced, "%(rev)s_%(slug)s", True) == (
        "versions/add_users.py: this file of revision `20260105_0930` should be named `20260105_0930_what_it_does.py`",
    )


def test_the_template_is_read_from_alembics_own_settings() -> None:
    """With its percent signs doubled, as an ini file has them."""
    ini = ini_options("[alembic]\nscript_location = db\nfile_template = %%(year)d_%%(rev)s\n", Path("/srv"), "alembic.ini")
    assert read_layout(ini, {}, Path("/srv"), "alembic.ini").file_template == "%(year)d_%(rev)s"
    assert read_layout({"script_location": "db"}, {"file_template": "%(rev)s"}, Path("/srv"), "").file_template == "%(rev)s"
    assert read_layout({"script_location": "db"}, {}, Path("/srv"), "").file_template == "%(rev)s_%(slug)s"


def schema(*items: Item) -> Snapshot:
    """A snapshot of PostgreSQL."""
    return make_snapshot(items, product="postgresql", server="18")


def test_rows_are_made_up_parents_first() -> None:
    """Keys come from the parents' rows, whatever they are; labels, checks and types say the rest; what is not plain stays NULL or empty."""
    users, orders, shapes = (Relation("public", name, "table") for name in ("users", "orders", "shapes"))
    found = schema(
        users,
        orders,
        shapes,
        Column("public", "users", "id", "bigint", True, "nextval('users_id_seq'::regclass)"),
        Column("public", "users", "Name", "character varying(50)", True),
        Column("public", "orders", "user_id", "bigint", True),
        Column("public", "orders", "kind", "kind", True),
        Column("public", "orders", "state", "text", True),
        Column("public", "orders", "at", "timestamp with time zone", True),
        Column("public", "orders", "area", "polygon"),
        Column("public", "shapes", "area", "polygon", True),
        Enum("public", "kind", ("it's", "other")),
        Constraint("public", "orders", "fk", "foreign key", "FOREIGN KEY (user_id) REFERENCES users(id) ON DELETE CASCADE", ("user_id",)),
        Constraint("public", "orders", "state_check", "check", "CHECK ((state = ANY (ARRAY['new'::text, 'done'::text])))", ("state",)),
    )
    tables = [("public", name) for name in ("orders", "shapes", "users")]
    first, second = fillings(found, dict.fromkeys(tables, EMPTY))
    assert first.statement == """insert into "public"."users" ("Name") values ('a')"""
    assert second.needs == (("public", "users"),)
    assert second.statement == (
        """insert into "public"."orders" ("user_id", "at", "kind", "state") select p0."id", '2001-01-01', 'it''s', 'new' """
        """from (select * from "public"."users" limit 1) p0"""
    )


def test_a_table_that_needs_itself_or_a_ring_gets_no_row_by_force() -> None:
    """A row that cannot be made up is not a failure of the revision."""
    node, left, right = (Relation("", name, "table") for name in ("node", "left", "right"))
    found = schema(
        node,
        left,
        right,
        Column("", "node", "id", "INTEGER", True),
        Column("", "node", "parent", "INTEGER"),
        Column("", "left", "other", "INTEGER", True),
        Column("", "right", "other", "INTEGER", True),
        Constraint("", "node", "n", "foreign key", "FOREIGN KEY (parent) REFERENCES node (id)", ("parent",)),
        Constraint("", "left", "l", "foreign key", "FOREIGN KEY (other) REFERENCES right", ("other",)),
        Constraint("", "right", "r", "foreign key", "FOREIGN KEY (other) REFERENCES left", ("other",)),
    )
    made = fillings(found, {("", name): EMPTY for name in ("node", "left", "right")})
    assert [filling.statement for filling in made] == ['insert into "node" ("id") values (1)']


@pytest.mark.parametrize(
    "after, said",
    [
        ({"users": (2, 2)}, ()),
        ({"people": (2, 2)}, ()),
        ({"users": (3, 3)}, ()),
        ({"users": (1, 1)}, ("table `users` had 2 rows, and has 1 now",)),
        ({}, ("table `users` is gone, and 2 rows with it",)),
        ({"people": (1, 1)}, ("table `users` is gone, and 2 rows with it",)),
        ({"users": (2, 0)}, ("column `users.name` had 2 values, and has 0 now",)),
        ({"users": (2, None)}, ()),
    ],
)
def test_what_counts_as_lost(after: dict[str, tuple[int, int | None]], said: tuple[str, ...]) -> None:
    """Rows and values, not names: a rename keeps all of them, a column that is dropped was meant to go."""
    now = {("", name): Count(rows, {} if values is None else {"name": values}) for name, (rows, values) in after.items()}
    assert losses({("", "users"): Count(2, {"name": 2})}, now) == said
