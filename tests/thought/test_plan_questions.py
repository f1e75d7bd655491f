"""Which questions a plan leads to: from the catalog alone, in the names that the target knows."""

from __future__ import annotations

import pytest
from effecting import AE, RE, change, column, constraint, did, drop, lock, retyped, revision, rewrite, scan
from msgspec import structs

from lockgate.dialects.postgres.ask_rows import sql
from lockgate.hazards.answers import Query, Workload
from lockgate.hazards.checks import checks, clean
from lockgate.hazards.effects import Effect, Effects, RevisionEffects
from lockgate.hazards.fitting import fits_always
from lockgate.hazards.questions import Check
from lockgate.hazards.workload import Tried, compare

NAMES = {"public.orders": "public.orders", "public.people": "public.people"}
REQUIRED = change("altered", "column", "orders.a", before={"not_null": False}, not_null=True)
FOREIGN = {"definition": "FOREIGN KEY (a) REFERENCES people(id)", "references": "public.people"}


def asked(*effects: Effect | RevisionEffects) -> list[Check]:
    """The questions of one revision's statements, or of whole revisions, without those for the planner."""
    whole = tuple(item for item in effects if isinstance(item, RevisionEffects))
    found = checks(Effects(revisions=whole or (revision(*(item for item in effects if isinstance(item, Effect))),)))
    return [check for check in found if not check.statement]


def one(*effects: Effect) -> Check:
    """The only question."""
    (check,) = asked(*effects)
    return check


def test_a_renamed_column_is_asked_by_its_old_name() -> None:
    """The target has not heard of the plan."""
    rename = did("ALTER TABLE", lock(AE, "orders"), change("renamed", "column", "orders.a", old_name="b"))
    check = one(rename, did("ALTER TABLE", lock(AE, "orders"), scan("orders"), REQUIRED))
    expected = 'select pg_catalog.count(*) from (select t.*, t."b" as "a" from public.orders as t) as "orders" where "a" is null'
    assert sql(check, NAMES, 18) == expected


def test_a_new_column_stands_for_its_default() -> None:
    """A unique index over a constant breaks with the second row."""
    add = did("ALTER TABLE", lock(AE, "orders"), column("orders.x", "integer", default="1"))
    unique = change("added", "index", "orders.ix", kind="index", unique=True, columns=["x"], predicate="(b > 0)")
    check = one(add, did("CREATE INDEX", lock(AE, "orders"), unique))
    assert sql(check, NAMES, 18) == (
        "select pg_catalog.count(*) from (select 1 from (select t.*, cast(1 as integer) as \"x\" from only public.orders as t) as \"orders\""
        " where ((b > 0)) and (x) is not null group by (x) having pg_catalog.count(*) operator(pg_catalog.>) 1) as again"
    )


def test_what_the_plan_itself_writes_is_not_held_against_it() -> None:
    """Fill, then SET NOT NULL, is the right way, and must not look like a failure."""
    fill = did("UPDATE", lock(RE, "orders"), line=7)
    check = one(fill, did("ALTER TABLE", lock(AE, "orders"), scan("orders"), REQUIRED))
    assert (check.answer.written, check.answer.planned) == ("r1 line 7", False)
    add = did("ALTER TABLE", lock(AE, "orders"), column("orders.a", "integer"))
    filled = one(add, fill, did("ALTER TABLE", lock(AE, "orders"), scan("orders"), REQUIRED))
    assert (filled.answer.planned, filled.answer.unknown) == (True, "the plan itself fills `a` (r1 line 7)")


def test_what_the_plan_itself_makes_is_not_asked_of_the_target() -> None:
    """The target has no such function, or one by the same name that says something else: no error of the database, just not known."""
    made = did("CREATE FUNCTION", change("added", "function", "is_ok(integer)", new=True), change("added", "domain", "small", new=True))
    check = one(made, did("ALTER TABLE", lock(AE, "orders"), scan("orders"), constraint("check", "orders.ck", definition="CHECK (is_ok(a))")))
    assert (check.answer.planned, check.answer.unknown) == (True, "the plan itself makes the function `is_ok`")
    cast = constraint("check", "orders.ck", definition="CHECK (((a)::small > 0))")
    assert one(made, did("ALTER TABLE", lock(AE, "orders"), cast)).answer.unknown == "the plan itself makes the type `small`"
    column_of_that_name = constraint("check", "orders.ck", definition="CHECK ((is_ok > 0))")
    assert not one(made, did("ALTER TABLE", lock(AE, "orders"), column_of_that_name)).answer.unknown


def test_a_loop_over_rows_may_mend_them() -> None:
    """It did not run on the empty copy, so nobody knows what it does."""
    read = did("SELECT", lock("AccessShareLock", "orders"), line=7)
    (check,) = asked(revision(read, did("ALTER TABLE", lock(AE, "orders"), scan("orders"), REQUIRED), not_run=(8,)))
    assert check.answer.written == "r1 line 8, which did not run on the copy,"


def test_nothing_is_asked_that_cannot_fail() -> None:
    """Each question reads a table of a busy server."""
    assert asked(did("ALTER TABLE", lock(AE, "orders"), REQUIRED)) == [], "a valid CHECK has proved it"
    assert asked(did("ALTER TABLE", lock(AE, "orders"), constraint("check", "orders.ck", valid=False, definition="CHECK ((a > 0)) NOT VALID"))) == []
    assert asked(did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"), retyped("orders.a", "integer", "bigint"))) == []
    new_key = did("ALTER TABLE", lock(AE, "orders"), lock(AE, "people"), column("orders.a", "integer"), constraint("foreign key", "orders.fk", **FOREIGN))
    assert asked(new_key) == [], "a new key is NULL in every row"
    assert asked(did("DROP TABLE", drop("table", "helper", new=True))) == []


def test_only_what_was_clean_and_is_readable_is_asked_again_before_the_run() -> None:
    """What was approved with rows in the way, what the plan mends itself and what merely goes is no news; a mask would ask something else."""
    text = did("ALTER TABLE", lock(AE, "orders"), constraint("check", "orders.ck", valid=True, definition="CHECK ((a <> '***'::text))"))
    strict = did("ALTER TABLE", lock(AE, "orders"), scan("orders"), REQUIRED)
    effects = Effects(revisions=(revision(strict, text, did("DROP TABLE", drop("table", "people")), did("UPDATE", lock(RE, "orders")), strict),))
    derived = checks(effects)
    assert [check.answer.kind for check in derived] == ["nulls", "violations", "rows", "written", "nulls"]

    def again(*counts: int) -> list[Check]:
        answers = tuple(structs.replace(check.answer, count=count) for check, count in zip(derived, counts, strict=True))
        return list(clean(structs.replace(effects, answers=answers)))

    assert again(0, 0, 0, 0, 0) == [derived[0]]
    assert again(2, 0, 0, 0, 0) == again(-1, 0, 0, 0, 0) == []


def test_validation_is_asked_with_the_definition_that_came_before() -> None:
    """VALIDATE itself changes no more than a flag."""
    add = did("ALTER TABLE", lock(AE, "orders"), constraint("foreign key", "orders.fk", **{**FOREIGN, "valid": False}))
    valid = did("ALTER TABLE", lock(AE, "orders"), lock(AE, "people"), change("altered", "constraint", "orders.fk", before={"valid": False}, valid=True))
    assert sql(one(add, valid), NAMES, 18) == (
        'select pg_catalog.count(*) from (select a from public.orders as "orders" where a is not null'
        ' except select id from public.people as "people") as alone'
    )


def test_what_no_select_answers_says_why() -> None:
    """A question without an answer must not vanish."""
    new = did("ALTER TABLE", lock(AE, "orders"), lock(AE, "people", new=True), constraint("foreign key", "orders.fk", **FOREIGN))
    assert one(new).answer.unknown == "the plan itself makes `public.people`"
    exclusion = did("ALTER TABLE", lock(AE, "orders"), constraint("exclusion", "orders.ex", definition="EXCLUDE USING gist (a WITH &&)"))
    assert one(exclusion).answer.planned
    using = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"), retyped("orders.a", "text", "integer"), text="alter table orders alter a type int using length(a)")  # fmt: skip
    assert "USING" in one(using).answer.unknown
    plain = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"), retyped("orders.a", "text", "jsonb"))
    with pytest.raises(LookupError, match="PostgreSQL 16 and later"):
        sql(one(plain), NAMES, 15)
    with pytest.raises(LookupError, match="is not there"):
        sql(one(plain), {}, 18)


@pytest.mark.parametrize(
    ("was", "now", "always"),
    [
        ("integer", "bigint", True), ("bigint", "integer", False), ("text", "integer", False), ("character varying(9)", "text", True),
        ("date", "timestamp with time zone", True), ("boolean", "integer", True), ("integer", "posint", False), ("mood", "mood2", False),
        ("numeric(10,2)", "integer", False), ("timestamp without time zone", "character varying(4)", False), ("json", "jsonb", True),
    ],
)  # fmt: skip
def test_types_are_asked_about_only_where_a_value_can_fail(was: str, now: str, always: bool) -> None:
    """A cast that no value breaks needs no look at a table of a terabyte."""
    assert fits_always(was, now) is always


def test_older_servers_are_asked_what_they_can_answer() -> None:
    """Before 16 no function tells whether a text is a value."""
    short = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"), retyped("orders.a", "text", "character varying(3)"))
    assert "pg_catalog.length(" in sql(one(short), NAMES, 15)
    small = did("ALTER TABLE", lock(AE, "orders"), rewrite("orders", "type"), retyped("orders.a", "bigint", "integer"))
    assert "not between -2147483648 and 2147483647" in sql(one(small), NAMES, 15)


def test_only_queries_that_ran_before_can_break() -> None:
    """A text that never parsed on this schema says nothing about the plan."""
    queries = tuple(Query(text=f"select {name}", calls=1) for name in ("fine", "wrong", "breaks", "star"))
    fine, wrong, star = Tried(result=(("a", 23),)), Tried("42P01", "no"), Tried(result=(("a", 23), ("x", 23)))
    found = compare(Workload(source="a file", queries=queries), [fine, wrong, fine, fine], [fine, wrong, Tried("42703", "gone"), star])
    assert found.known == 3
    assert [(query.text, query.breaks, query.retyped) for query in found.queries] == [("select breaks", "gone", False), ("select star", "", True)]
