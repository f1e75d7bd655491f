"""How differences are said: the sentence is what a person reads at three in the morning."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.drift.compare import MODELS, SNAPSHOT, Difference, compare, incomparable
from lockgate.drift.ignore import without_ignored
from lockgate.drift.items import Domain, Enum, Extension, Grant, Item, Routine, Schema, Sequence, View
from lockgate.drift.snapshot import Snapshot, make_snapshot, read_json, write_json
from lockgate.drift.table_items import Column, Constraint, Index, Relation, Trigger
from lockgate.errors import UsageError

NAME = Column("public", "users", "name", "character varying(100)", default="'x'::text", comment="shown")
EMAIL = Column("public", "users", "email", "text", not_null=True)
IX = Index("public", "users", "ix_users_email", "CREATE INDEX ix_users_email ON users USING btree (email)", ("email",))
PK = Constraint("public", "users", "users_pkey", "primary key", "PRIMARY KEY (name)", ("name",))
FK = Constraint("app", "posts", "posts_user_fkey", "foreign key", "FOREIGN KEY (user_name) REFERENCES users(name)", ("user_name",))
MOOD = Enum("public", "mood", ("sad", "ok", "happy"))
USERS = Relation("public", "users", "table", comment="people")
FUNCTION = Routine("public", "f", "a integer", "CREATE OR REPLACE FUNCTION f\nAS $$select a\n$$", "function")
TRIGGER = Trigger("public", "users", "tr", "CREATE TRIGGER tr BEFORE INSERT ON users")
WHOLE: tuple[Item, ...] = (
    Schema("app"),
    Extension("citext", "public"),
    MOOD,
    Domain("public", "email", "text", checks=("email_check CHECK (VALUE ~~ '%@%')",)),
    Sequence("public", "numbers", "bigint", minimum="1", maximum="9"),
    USERS,
    NAME,
    EMAIL,
    Relation("app", "posts", "table"),
    Column("app", "posts", "user_name", "text"),
    PK,
    FK,
    IX,
    View("public", "v", " SELECT 1;", "view"),
    FUNCTION,
    TRIGGER,
    Grant("table", "public", "users", "", "app", ("SELECT",)),
)


def snapshot(*items: Item) -> Snapshot:
    return make_snapshot(items, product="postgresql", server="18", heads=("r1",))


def without(*gone: Item) -> Snapshot:
    return snapshot(*(item for item in WHOLE if item not in gone))


def instead(old: Item, new: Item) -> Snapshot:
    return snapshot(*(new if item == old else item for item in WHOLE))


def told(found: Snapshot) -> list[str]:
    return [difference.sentence for difference in compare(found, snapshot(*WHOLE))]


def column(**facts: object) -> Column:
    values: dict[str, object] = {"type": NAME.type, "default": NAME.default, "comment": NAME.comment}
    return Column("public", "users", "name", **{**values, **facts})  # type: ignore[arg-type]


def constraint(**facts: str) -> Constraint:
    return Constraint("app", "posts", "posts_user_fkey", "foreign key", **{"definition": FK.definition, **facts})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("found", "sentence", "mend"),
    [
        (without(IX), "index `ix_users_email` on `users` is missing", "CREATE INDEX ix_users_email ON users USING btree (email)"),
        (
            instead(NAME, column(type="character varying(50)")),
            "column `users.name` is `varchar(50)`, revisions make it `varchar(100)`",
            "ALTER TABLE users ALTER COLUMN name TYPE character varying(100)",
        ),
        (
            instead(NAME, column(type="timestamp(3) with time zone")),
            "column `users.name` is `timestamptz(3)`, revisions make it `varchar(100)`",
            "ALTER TABLE users ALTER COLUMN name TYPE character varying(100)",
        ),
        (
            instead(NAME, column(not_null=True)),
            "column `users.name` is NOT NULL, revisions make it nullable",
            "ALTER TABLE users ALTER COLUMN name DROP NOT NULL",
        ),
        (
            instead(NAME, column(default="")),
            "column `users.name` has no default, revisions give it `'x'::text`",
            "ALTER TABLE users ALTER COLUMN name SET DEFAULT 'x'::text",
        ),
        (
            instead(NAME, column(comment="it's")),
            "column `users.name` has comment `it's`, revisions give it `shown`",
            "COMMENT ON COLUMN users.name IS 'shown'",
        ),
        (without(EMAIL, IX), "column `users.email` is missing, and with it index `ix_users_email`", ""),
        (
            snapshot(*WHOLE, Column("public", "users", "age", "integer")),
            "column `users.age` is in the database, but not in the revisions",
            "",
        ),
        (snapshot(*WHOLE, Relation("public", "notes", "table")), "table `notes` is in the database, but not in the revisions", ""),
        (without(FK), "foreign key `posts_user_fkey` on `app.posts` is missing", f"ALTER TABLE app.posts ADD CONSTRAINT {FK.name} {FK.definition}"),
        (
            instead(FK, constraint(state="NOT VALID")),
            "foreign key `posts_user_fkey` on `app.posts` is not validated, revisions make it validated",
            "ALTER TABLE app.posts VALIDATE CONSTRAINT posts_user_fkey",
        ),
        (
            instead(FK, constraint(timing="DEFERRABLE")),
            "foreign key `posts_user_fkey` on `app.posts` is `DEFERRABLE`, revisions make it not deferrable",
            "ALTER TABLE app.posts DROP CONSTRAINT posts_user_fkey",
        ),
        (
            instead(IX, Index("public", "users", "ix_users_email", IX.definition, ("email",), invalid=True)),
            "index `ix_users_email` on `users` is INVALID, revisions make it valid",
            "REINDEX INDEX CONCURRENTLY ix_users_email",
        ),
        (
            instead(IX, Index("public", "users", "email_index", IX.definition.replace("ix_users_email", "email_index"), ("email",))),
            "index `email_index` on `users` is named so, revisions make it `ix_users_email`",
            "ALTER INDEX email_index RENAME TO ix_users_email",
        ),
        (instead(MOOD, Enum("public", "mood", ("sad", "happy"))), "enum `mood` lacks label `ok`", "ALTER TYPE mood ADD VALUE 'ok' AFTER 'sad'"),
        (
            instead(MOOD, Enum("public", "mood", ("ok", "sad", "happy"))),
            "enum `mood` has its labels in the order `ok`, `sad`, `happy`, revisions give it `sad`, `ok`, `happy`",
            "",
        ),
        (
            instead(FUNCTION, Routine("public", "f", "a integer", FUNCTION.definition.replace("select a", "select 0"), "function")),
            "function `f(a integer)` differs, first in line 2: it has `AS $$select 0`, revisions give it `AS $$select a`",
            FUNCTION.definition,
        ),
        (
            instead(TRIGGER, Trigger("public", "users", "tr", TRIGGER.definition, "DISABLED")),
            "trigger `tr` on `users` is disabled, revisions make it enabled",
            "ALTER TABLE users ENABLE TRIGGER tr",
        ),
        (
            instead(USERS, Relation("public", "users", "table", row_security=True, comment="people")),
            "table `users` has row security on, revisions make it off",
            "ALTER TABLE users DISABLE ROW LEVEL SECURITY",
        ),
        (
            instead(WHOLE[-1], Grant("table", "public", "users", "", "app", ("INSERT", "SELECT"))),
            "grant to `app` on table `users` has privileges `INSERT`, `SELECT`, revisions give it `SELECT`",
            "",
        ),
        (without(WHOLE[1]), "extension `citext` is missing", "CREATE EXTENSION citext"),
    ],
)
def test_a_difference_is_one_sentence_and_where_it_is_plain_the_ddl_that_ends_it(found: Snapshot, sentence: str, mend: str) -> None:
    """The user's words, every object named once, and nothing beside it."""
    (difference,) = compare(found, snapshot(*WHOLE))
    assert difference.sentence == sentence
    assert (difference.mend or ("",))[0] == mend


def test_what_goes_with_a_table_is_not_told_once_more() -> None:
    """A dropped table is one accident, not twelve."""
    gone = [item for item in WHOLE if item == USERS or item.owner == "users"]
    (difference,) = compare(without(*gone), snapshot(*WHOLE))
    assert difference.sentence == "table `users` is missing"
    assert sorted(difference.along) == [
        "column `users.email`",
        "column `users.name`",
        "index `ix_users_email` on `users`",
        "primary key `users_pkey` on `users`",
        "trigger `tr` on `users`",
    ]
    assert "CONSTRAINT users_pkey PRIMARY KEY (name)" in difference.mend[0]
    assert IX.definition in difference.mend


def test_a_column_that_must_be_filled_is_not_mended_by_guessing() -> None:
    """On a table with rows the statement would fail, and only a person knows the value."""
    (difference,) = compare(without(EMAIL, IX), snapshot(*WHOLE))
    assert difference.mend == ()


@pytest.mark.parametrize(
    "facts, mend",
    [
        ({"default": "'it''s'"}, "ALTER TABLE t ADD COLUMN c DEFAULT 'it''s'"),
        ({"default": "-1.5", "type": "REAL", "not_null": True}, "ALTER TABLE t ADD COLUMN c REAL DEFAULT -1.5 NOT NULL"),
        ({"generated": "GENERATED ALWAYS AS (a) VIRTUAL"}, "ALTER TABLE t ADD COLUMN c GENERATED ALWAYS AS (a) VIRTUAL"),
        ({"generated": "GENERATED ALWAYS AS (a) STORED"}, None),
        ({"default": "1+2"}, None),
        ({"default": "CURRENT_TIMESTAMP"}, None),
    ],
)
def test_no_column_is_proposed_that_sqlite_would_not_add(facts: dict[str, Any], mend: str | None) -> None:
    """A statement that is copied out of a report must run on a table with rows."""
    column = Column("", "t", "c", **{"type": "", "not_null": False, **facts})
    table = [Relation("", "t", "table"), Column("", "t", "a", "", False)]
    sides = [make_snapshot(items, product="sqlite", server="3", heads=(), alters=False) for items in (table, [*table, column])]
    (difference,) = compare(*sides)
    assert difference.mend == ((mend,) if mend else ())
    with closing(sqlite3.connect(":memory:")) as database:
        database.executescript(f"create table t (a); insert into t values (1); {mend or ''}")


def test_the_side_that_is_expected_is_called_by_its_name() -> None:
    """`revisions make it` would send the reader to the wrong place."""
    found = instead(NAME, column(type="text"))
    assert [d.sentence for d in compare(found, snapshot(*WHOLE), SNAPSHOT)] == [
        "column `users.name` is `text`, the snapshot has it as `varchar(100)`"
    ]
    assert [d.sentence for d in compare(found, snapshot(*WHOLE), MODELS)] == ["column `users.name` is `text`, the models make it `varchar(100)`"]


def test_names_that_sql_would_misread_are_quoted() -> None:
    """A statement that is pasted must do what it says."""
    odd = Index("public", "order", 'my"index', 'CREATE INDEX "my""index" ON "order" USING btree (id)')
    (difference,) = compare(snapshot(odd), snapshot())
    assert difference.mend == ('DROP INDEX "my""index"',)


@pytest.mark.parametrize(
    ("pattern", "left"),
    [
        ("extension citext", {"table users"}),
        ("table users", {"extension citext"}),
        ("table user*", {"extension citext"}),
        ("*", set()),
        ("column users", {"extension citext", "table users"}),
        ("citext", {"table users"}),
    ],
)
def test_a_pattern_names_objects_by_kind_and_name(pattern: str, left: set[str]) -> None:
    """A pattern that takes more than it says hides drift."""
    gone = [item for item in WHOLE if isinstance(item, Extension) or item == USERS or item.owner == "users"]
    kept = without_ignored(compare(without(*gone), snapshot(*WHOLE)), [pattern])
    assert {f"{difference.kind} {difference.path}" for difference in kept} == left


def test_a_pattern_for_a_table_takes_what_belongs_to_the_table() -> None:
    """Whoever ignores a table does not want to hear of its indexes."""
    differences = compare(without(IX, FK), snapshot(*WHOLE))
    assert [difference.path for difference in without_ignored(differences, ["table users"])] == ["app.posts.posts_user_fkey"]
    assert without_ignored(differences, ["table app.*", "index users.*"]) == ()


def test_one_meaning_printed_in_two_ways_is_no_difference() -> None:
    """PostgreSQL prints `x IN ('a', 'b')` anew after a dump and a restore."""
    texts = (
        "CHECK (s::text = ANY (ARRAY['a'::character varying, 'b'::character varying]::text[]))",
        "CHECK (s::text = ANY (ARRAY['a'::character varying::text, 'b'::character varying::text]))",
        "CHECK (s::text = ANY (ARRAY['a'::character varying::text, 'c'::character varying::text]))",
    )
    one, restored, other = (snapshot(Constraint("public", "t", "c", "check", text)) for text in texts)
    assert compare(one, restored) == ()
    assert len(compare(one, other)) == 1


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        ({"product": "sqlite"}, "sqlite"),
        ({"server": "15"}, "print the same schema differently"),
        ({"heads": ("r2",)}, "at revision r1, the snapshot at r2"),
        ({"grants_read": True}, "grants"),
        ({}, ""),
    ],
)
def test_what_cannot_be_compared_says_why(facts: dict[str, object], reason: str) -> None:
    """A comparison of apples with pears finds differences, or none, and either is wrong."""
    ours = {"product": "postgresql", "server": "18", "heads": ("r1",)}
    said = incomparable(make_snapshot([], **ours), make_snapshot([], **{**ours, **facts}))
    assert reason in said
    assert bool(said) == bool(reason)


@given(st.lists(st.sampled_from(WHOLE), unique=True).flatmap(st.permutations))
def test_a_snapshot_is_the_same_whatever_the_order_it_was_read_in(items: list[Item]) -> None:
    """Its JSON is committed and its digest decides whether a template is still right: neither may change by itself."""
    ours, theirs = snapshot(*items), snapshot(*reversed(items))
    assert write_json(ours) == write_json(theirs)
    assert read_json(write_json(ours)) == ours
    assert read_json(write_json(ours)).digest == theirs.digest
    assert compare(ours, theirs) == ()


@given(st.sets(st.sampled_from(WHOLE)), st.sets(st.sampled_from(WHOLE)))
def test_every_difference_shows_from_both_sides(ours: set[Item], theirs: set[Item]) -> None:
    """What is missing on the one side is too much on the other, and two schemas are equal exactly where their digests are."""
    one, other = snapshot(*ours), snapshot(*theirs)

    def by(how: str, differences: tuple[Difference, ...]) -> list[str]:
        return sorted(label for d in differences if d.how == how for label in (d.path, *d.along))

    there, back = compare(one, other), compare(other, one)
    assert by("missing", there) == by("extra", back)
    assert (there == ()) == (one.digest == other.digest)


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"product": "postgresql", "server": "18", "tables": [{"schema": 1}]}', "<<<<<<< HEAD"])
def test_a_file_that_is_no_snapshot_is_refused_with_the_way_to_a_new_one(text: str) -> None:
    """Half a snapshot would report differences that are not there."""
    with pytest.raises(UsageError) as caught:
        read_json(text, "migrations/snapshot.json")
    assert (caught.value.code, caught.value.where) == ("snapshot-invalid", "migrations/snapshot.json")
    assert "--save" in caught.value.hint


def test_a_snapshot_of_a_later_format_asks_for_a_newer_lockgate() -> None:
    """It may hold what this one does not know."""
    with pytest.raises(UsageError, match="format 2"):
        read_json(write_json(snapshot()).replace('"format": 1', '"format": 2'))
