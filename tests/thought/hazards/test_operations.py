"""The operations that were measured on PostgreSQL 18: what the effects alone decide, without sizes."""

from __future__ import annotations

from typing import Any

import pytest
from effecting import (
    AE,
    EX,
    RE,
    RS,
    SRE,
    SUE,
    S,
    build,
    change,
    column,
    constraint,
    did,
    drop,
    ids,
    judged,
    lock,
    retyped,
    rewrite,
    scan,
    table,
)

from lockgate.hazards.effects import Effect
from lockgate.hazards.seen import Fault

Case = tuple[str, tuple[Effect, ...], str]
C, OR, IT, E = "customers", "orders", "items", "events"


def alter(*things: object, **facts: Any) -> tuple[Effect, ...]:
    """One ALTER TABLE."""
    return (did("ALTER TABLE", *things, **facts),)


def one(command: str, *things: object, **facts: Any) -> tuple[Effect, ...]:
    """One statement."""
    return (did(command, *things, **facts),)


def failed(command: str, state: str, *things: object, **facts: Any) -> tuple[Effect, ...]:
    """One statement that the server refused."""
    return (did(command, Fault(message="refused", state=state), *things, **facts),)


def fk(name: str, to: str, **facts: Any) -> Any:
    """A foreign key."""
    return constraint("foreign key", name, references=f"public.{to}", columns=["customer_id"], **facts)


def gone(kind: str, name: str, /, **before: Any) -> Any:
    """A dropped object that was there when the plan began."""
    return change("dropped", kind, name, before=before)


def required(name: str) -> Any:
    """SET NOT NULL."""
    return change("altered", "column", name, before={"not_null": False}, not_null=True)


NEW = (
    lock(AE, "t_new", new=True),
    change("added", "table", "t_new"),
    change("added", "column", "t_new.id", new=True, type="integer", not_null=True),
)
TYPE = [lock(AE, C), rewrite(C, "type")]
DEFAULT = [lock(AE, C), rewrite(C, "default")]
TABLE_GONE = [
    gone("table", IT),
    gone("constraint", "items.items_order_fk", kind="foreign key", references="public.orders"),
    gone("column", "items.id"),
]

# name, effects, ids of errors and warnings; notes are left out.
CASES: list[Case] = [
    ("col_null", alter(lock(AE, C), column("customers.x", "text")), ""),
    ("col_const", alter(lock(AE, C), column("customers.x", "integer", not_null=True, default="0")), ""),
    ("col_now", alter(lock(AE, C), column("customers.x", "timestamp with time zone", default="now()")), ""),
    ("col_volatile", alter(*DEFAULT, column("customers.x", "uuid", default="gen_random_uuid()")), "LG202"),
    ("col_volatile_udf", alter(*DEFAULT, column("customers.x", "integer", default="next_no()")), "LG202"),
    ("col_immutable_udf", alter(lock(AE, C), column("customers.x", "integer", default="const_no()")), ""),
    ("col_identity", alter(*DEFAULT, column("customers.x", "bigint", not_null=True, identity="d")), "LG202"),
    (
        "col_serial",
        alter(*DEFAULT, column("customers.x", "bigint", not_null=True, default="nextval('customers_x_seq'::regclass)")),
        "LG202",
    ),
    ("col_stored", alter(*DEFAULT, column("customers.x", "text", generated="upper(name)")), "LG202"),
    ("col_domain", alter(*DEFAULT, column("customers.x", "posint", default="1")), "LG202"),
    ("col_notnull", failed("ALTER TABLE", "23502"), "LG401"),
    ("col_notnull, on an empty scratch", alter(lock(AE, C), column("customers.x", "integer", not_null=True)), "LG401 LG502"),
    (
        "col_unique",
        alter(
            lock(AE, C),
            scan(C),
            build("customers_x_key", C, unique=True),
            column("customers.x", "integer"),
            constraint("unique", "customers.customers_x_key"),
        ),
        "LG206",
    ),
    (
        "col_fk",
        (
            did("ALTER TABLE", lock(AE, IT), column("items.customer_id", "integer")),
            did("ALTER TABLE", lock(SRE, C), lock(SRE, IT), scan(IT), fk("items.items_c_fkey", C)),
        ),
        "LG102 LG104 LG204",
    ),
    ("col_fk_raw", alter(lock(AE, IT), lock(SRE, C), column("items.customer_id", "integer"), fk("items.items_c_fkey", C)), ""),
    (
        "col_check",
        alter(lock(AE, C), scan(C), column("customers.x", "integer", default="1"), constraint("check", "customers.customers_x_check")),
        "LG204",
    ),
    ("col_json", alter(lock(AE, C), column("customers.x", "json")), ""),
    ("drop_col", alter(lock(AE, C), gone("column", "customers.note"), drop("table column", "customers.note")), "LG301 LG501"),
    ("rename_col", alter(lock(AE, C), change("renamed", "column", "customers.nickname", old_name="nick")), "LG501"),
    ("rename_table", alter(lock(AE, "clients", original="public.customers"), change("renamed", "table", "clients", old_name=C)), "LG501"),
    ("vc_widen", alter(lock(AE, C), retyped("customers.nick", "character varying(50)", "character varying(100)")), ""),
    # Values that no longer fit are told beside the copy.
    ("vc_narrow", alter(*TYPE, retyped("customers.nick", "character varying(50)", "character varying(20)")), "LG201 LG304"),
    ("vc_text", alter(lock(AE, C), retyped("customers.nick", "character varying(50)", "text")), ""),
    (
        "vc_text_indexed",
        alter(
            lock(AE, C),
            change("recreated", "index", "customers.customers_code_idx"),
            retyped("customers.code", "character varying(20)", "text"),
        ),
        "",
    ),
    ("text_vc", alter(*TYPE, retyped("customers.name", "text", "character varying(100)")), "LG201 LG304"),
    ("int_bigint", alter(*TYPE, retyped("customers.age", "integer", "bigint")), "LG201"),
    (
        "pk_bigint",
        alter(
            lock(AE, IT),
            lock(AE, OR),
            rewrite(OR, "type", 1),
            scan(IT),
            change("recreated", "constraint", "items.items_order_fk"),
            retyped("orders.id", "integer", "bigint"),
        ),
        "LG201 LG209",
    ),
    ("num_precision", alter(lock(AE, C), retyped("customers.score", "numeric(10,2)", "numeric(12,2)")), ""),
    ("num_scale", alter(*TYPE, retyped("customers.score", "numeric(10,2)", "numeric(12,4)")), "LG201"),
    ("ts_utc", alter(lock(AE, C), retyped("customers.created", "timestamp without time zone", "timestamp with time zone")), ""),
    ("ts_other", alter(*TYPE, retyped("customers.created", "timestamp without time zone", "timestamp with time zone")), "LG201"),
    ("text_jsonb", alter(*TYPE, retyped("customers.doc", "text", "jsonb")), "LG201"),
    (
        "type_with_check",
        alter(
            lock(AE, C),
            scan(C),
            change("recreated", "constraint", "customers.nick_ck"),
            retyped("customers.nick", "character varying(50)", "character varying(100)"),
        ),
        "LG209",
    ),
    ("type_in_view", failed("ALTER TABLE", "0A000"), "LG406"),
    ("set_notnull", alter(lock(AE, C), scan(C), required("customers.legacy_id")), "LG204 LG502"),
    (
        "set_notnull_chk",
        alter(lock(AE, C), required("customers.legacy_id"), constraint("not null", "customers.customers_legacy_id_not_null")),
        "",
    ),
    ("set_notnull_wrongchk", alter(lock(AE, C), scan(C), required("customers.legacy_id")), "LG204 LG502"),
    ("notnull_notvalid", alter(lock(AE, C), required("customers.legacy_id"), constraint("not null", "customers.nn", valid=False)), "LG502"),
    ("drop_notnull", alter(lock(AE, C), change("altered", "column", "customers.name", before={"not_null": True}, not_null=False)), ""),
    ("set_default", alter(lock(AE, C), change("altered", "column", "customers.age", default="1")), ""),
    ("add_check", alter(lock(AE, C), scan(C), constraint("check", "customers.age_ck")), "LG204"),
    ("add_check_nv", alter(lock(AE, C), constraint("check", "customers.age_ck", valid=False)), ""),
    (
        "validate_check",
        alter(lock(SUE, C), scan(C), change("altered", "constraint", "customers.age_ck", before={"valid": False}, valid=True)),
        "",
    ),
    (
        "nv_and_validate",
        (
            did("ALTER TABLE", lock(AE, C), constraint("check", "customers.age_ck", valid=False)),
            did(
                "ALTER TABLE",
                lock(SUE, C),
                scan(C),
                change("altered", "constraint", "customers.age_ck", before={"valid": False}, valid=True),
            ),
        ),
        "LG205",
    ),
    ("add_fk", alter(lock(SRE, C), lock(SRE, OR), scan(OR), scan(C), fk("orders.o_c_fk", C)), "LG104 LG204"),
    ("add_fk_nv", alter(lock(SRE, C), lock(SRE, OR), fk("orders.o_c_fk", C, valid=False)), ""),
    (
        "validate_fk",
        alter(
            lock(RS, C),
            lock(SUE, OR),
            scan(C),
            scan(OR),
            change("altered", "constraint", "orders.o_c_fk", before={"valid": False}, valid=True),
        ),
        "",
    ),
    (
        "drop_fk",
        alter(
            lock(AE, IT),
            lock(AE, OR),
            gone("constraint", "items.items_order_fk", kind="foreign key", references="public.orders"),
            drop("table constraint", "items_order_fk on public.items"),
        ),
        "",
    ),
    (
        "add_unique",
        alter(
            lock(AE, C),
            scan(C),
            build("email_uq", C, unique=True),
            change("added", "index", "customers.email_uq", unique=True),
            constraint("unique", "customers.email_uq"),
        ),
        "LG206",
    ),
    (
        "unique_using",
        alter(
            lock(AE, C), constraint("unique", "customers.email_uq"), change("renamed", "index", "customers.email_uq", old_name="email_ix")
        ),
        "",
    ),
    (
        "add_pk",
        alter(
            lock(AE, "plain"),
            scan("plain", 2),
            build("plain_pkey", "plain", unique=True),
            required("plain.a"),
            constraint("primary key", "plain.plain_pkey"),
        ),
        "LG206 LG502",
    ),
    (
        "pk_using_null",
        alter(lock(AE, "plain"), scan("plain"), required("plain.a"), constraint("primary key", "plain.plain_pkey")),
        "LG204 LG502",
    ),
    ("add_exclude", alter(lock(AE, OR), scan(OR, 2), build("o_ex", OR), constraint("exclusion", "orders.o_ex")), "LG206"),
    ("index", one("CREATE INDEX", lock(S, C), scan(C), build("c_age_ix", C)), "LG206"),
    ("index_unique", one("CREATE INDEX", lock(S, C), scan(C), build("c_email_ix", C, unique=True)), "LG206"),
    ("index_conc", one("CREATE INDEX", lock(SUE, C), build("c_age_ix", C, concurrently=True), autocommit=True, concurrently=True), ""),
    ("index_conc_tx", failed("CREATE INDEX", "25001", concurrently=True), "LG404"),
    ("index_conc_dup", failed("CREATE INDEX", "23505", concurrently=True, autocommit=True), "LG402 LG403"),
    ("index_auto", one("CREATE INDEX", lock(S, C), scan(C), build("c_age_ix", C), autocommit=True), "LG206"),
    (
        "index_part",
        one(
            "CREATE INDEX",
            lock(S, E, kind="partitioned table"),
            lock(S, "e_2025"),
            lock(S, "e_2026"),
            scan("e_2025"),
            scan("e_2026"),
            build("e_2025_id_idx", "e_2025"),
            build("e_2026_id_idx", "e_2026"),
        ),
        "LG206",
    ),
    ("drop_index", one("DROP INDEX", lock(AE, OR), gone("index", "orders.orders_status_idx"), drop("index", "orders_status_idx")), ""),
    (
        "drop_index_conc",
        one(
            "DROP INDEX",
            lock(SUE, OR),
            gone("index", "orders.orders_status_idx"),
            drop("index", "orders_status_idx"),
            concurrently=True,
            autocommit=True,
        ),
        "",
    ),
    ("reindex", one("REINDEX", lock(S, OR), scan(OR, 2), build("orders_pkey", OR, again=True), build("o_s_ix", OR, again=True)), "LG207"),
    (
        "reindex_conc",
        one("REINDEX", lock(SUE, OR), build("orders_pkey", OR, again=True, concurrently=True), concurrently=True, autocommit=True),
        "",
    ),
    ("rename_index", one("ALTER INDEX", change("renamed", "index", "orders.o_s_ix", old_name="orders_status_idx")), ""),
    ("new_table", one("CREATE TABLE", *NEW, build("t_new_pkey", "t_new")), ""),
    (
        "new_table_fk",
        one(
            "CREATE TABLE",
            *NEW,
            lock(SRE, C),
            change("added", "constraint", "t_new.t_new_c_fkey", new=True, kind="foreign key", references="public.customers", columns=["c"]),
        ),
        "",
    ),
    ("new_table_index", (did("CREATE TABLE", *NEW), did("CREATE INDEX", scan("t_new", new=True), build("t_new_a", "t_new"))), ""),
    (
        "drop_table",
        one("DROP TABLE", lock(AE, IT), lock(AE, OR), *TABLE_GONE, drop("table", IT), drop("index", "items_pkey", named=False)),
        "LG301 LG501",
    ),
    (
        "drop_table_casc",
        one(
            "DROP TABLE",
            lock(AE, IT),
            lock(AE, "mv_sales", kind="materialized view"),
            lock(AE, OR),
            gone("table", OR),
            drop("table", OR),
            drop("materialized view", "mv_sales", named=False, cascade=True),
            drop("table constraint", "items_order_fk on public.items", named=False, cascade=True),
        ),
        "LG301 LG302 LG501",
    ),
    (
        "drop_type_casc",
        one("DROP TYPE", lock(AE, C), drop("type", "mood"), drop("table column", "customers.mood", named=False, cascade=True)),
        "LG302 LG501",
    ),
    (
        "drop_schema_casc",
        one("DROP SCHEMA", lock(AE, "s.a"), lock(AE, "s.b"), drop("schema", "s"), drop("table", "s.a", named=False, cascade=True)),
        "LG301 LG302 LG501",
    ),
    ("drop_view", one("DROP VIEW", lock(AE, "v_customers", kind="view"), drop("view", "v_customers")), "LG501"),
    ("replace_view", one("CREATE VIEW", lock(AE, "v_customers", kind="view"), column("v_customers.name", "text")), ""),
    ("trigger", one("CREATE TRIGGER", lock(SRE, C), change("added", "trigger", "customers.c_t")), ""),
    (
        "drop_trigger",
        one("DROP TRIGGER", lock(AE, OR), gone("trigger", "orders.orders_touch"), drop("trigger", "orders_touch on public.orders")),
        "",
    ),
    ("disable_trigger", alter(lock(SRE, OR)), ""),
    (
        "rls",
        (
            did("ALTER TABLE", lock(AE, OR), change("altered", "table", OR, row_security=True)),
            did("CREATE POLICY", change("added", "policy", "orders.own")),
        ),
        "",
    ),
    ("enum_new", one("CREATE TYPE", change("added", "enum value", "e_new.a", new=True)), ""),
    ("enum_add", one("ALTER TYPE", change("added", "enum value", "mood.happy", new=True)), ""),
    ("enum_add_use", (did("ALTER TYPE", change("added", "enum value", "mood.happy", new=True)), *failed("UPDATE", "55P04")), "LG405"),
    ("enum_rename", one("ALTER TYPE", change("renamed", "enum value", "mood.unhappy", old_name="sad")), "LG501"),
    ("enum_swap", alter(*TYPE, retyped("customers.mood", "mood", "mood2")), "LG201"),
    (
        "attach",
        alter(
            lock(AE, "e_2027"),
            lock(SUE, E, kind="partitioned table"),
            scan("e_2027"),
            change("altered", "table", "e_2027", partition_of="public.events"),
        ),
        "LG204",
    ),
    (
        "attach_chk",
        alter(
            lock(AE, "e_2027"), lock(SUE, E, kind="partitioned table"), change("altered", "table", "e_2027", partition_of="public.events")
        ),
        "",
    ),
    (
        "new_partition",
        one("CREATE TABLE", lock(AE, E, kind="partitioned table"), change("added", "table", "e_2028", partition_of="public.events")),
        "",
    ),
    (
        "detach",
        alter(
            lock(AE, E, kind="partitioned table"),
            lock(AE, "e_2025"),
            change("altered", "table", "e_2025", before={"partition_of": "public.events"}),
        ),
        "LG501",
    ),
    (
        "detach_conc",
        alter(
            lock(AE, "e_2025"),
            lock(SUE, E, kind="partitioned table"),
            change("altered", "table", "e_2025", before={"partition_of": "public.events"}),
            concurrently=True,
        ),
        "LG501",
    ),
    (
        "part_col",
        alter(lock(AE, E, kind="partitioned table"), lock(AE, "e_2025"), column("events.x", "text"), column("e_2025.x", "text")),
        "",
    ),
    ("truncate", one("TRUNCATE", lock(AE, C), rewrite(C, "truncate")), "LG303"),
    ("truncate_casc", one("TRUNCATE", lock(AE, IT), lock(AE, OR), rewrite(IT, "truncate"), rewrite(OR, "truncate")), "LG303"),
    ("vacuum_full", one("VACUUM", lock(AE, C), rewrite(C, "new file"), autocommit=True), "LG203"),
    ("cluster", one("CLUSTER", lock(AE, OR), rewrite(OR, "new file")), "LG203"),
    (
        "unlogged",
        alter(lock(AE, IT), rewrite(IT, "persistence", 1), change("altered", "table", IT, before={"persistence": "p"}, persistence="u")),
        "LG203",
    ),
    ("fillfactor", alter(lock(SUE, C)), ""),
    ("statistics", alter(lock(SUE, C)), ""),
    ("storage", alter(lock(AE, C)), ""),
    ("update_all", one("UPDATE", lock(RE, C), scan(C)), "LG210"),
    ("update_one", one("UPDATE", lock(RE, C)), ""),
    ("delete_all", one("DELETE", lock(RE, IT), scan(IT)), "LG210 LG303"),
    (
        "ddl_then_dml",
        (did("ALTER TABLE", lock(AE, C), column("customers.x", "integer")), did("UPDATE", lock(RE, C), scan(C))),
        "LG102 LG210",
    ),
    ("orm_data", (did("SELECT", scan(C)), did("UPDATE", lock(RE, C))), ""),
    ("do_block", one("DO", *TYPE, retyped("customers.age", "integer", "bigint")), "LG201"),
    (
        "func_ddl",
        one("SELECT", lock(AE, OR), rewrite(OR, "default", 1), column("orders.r", "double precision", default="random()")),
        "LG202",
    ),
    ("inspector", one("CREATE INDEX", lock(S, C), scan(C), build("customers_age", C)), "LG206"),
    # A copy of what can be made again at any time; how long it takes is told with the lock.
    (
        "mv_refresh",
        one(
            "REFRESH MATERIALIZED VIEW",
            lock(AE, "mv_sales", kind="materialized view"),
            rewrite("mv_sales", "new file", 1, kind="materialized view"),
        ),
        "LG106",
    ),
    # Readers go on; what takes long is the query, which is no table's size.
    ("mv_refresh_conc", one("REFRESH MATERIALIZED VIEW", lock(EX, "mv_sales", kind="materialized view"), scan(OR)), "LG106"),
    ("lock_table", one("LOCK", lock(AE, C)), ""),
    ("grant_comment", one("COMMENT", lock(SUE, C)), ""),
    ("extension", one("CREATE EXTENSION"), ""),
    ("bulk_insert", (did("CREATE TABLE", *NEW), did("INSERT", lock(RE, "t_new", new=True))), ""),
]


@pytest.mark.parametrize(("effects", "expected"), [pytest.param(effects, expected, id=name) for name, effects, expected in CASES])
def test_each_operation_is_judged_as_it_was_measured(effects: tuple[Effect, ...], expected: str) -> None:
    """Linters guess these from the text and find 18 to 70 %: a miss costs an outage, a false alarm costs trust."""
    found = judged(*effects)
    assert ids(found, "error") | ids(found, "warning") == set(expected.split())


def test_all_measured_operations_are_here() -> None:
    """110 were measured; `col_notnull` is here twice, because an empty table does not refuse it."""
    assert len({name for name, _, _ in CASES}) == 111


def test_a_short_lock_is_told_but_does_not_fail_a_plan() -> None:
    """ADD COLUMN is what most revisions do: a plan that cries about it is switched off."""
    found = judged(*alter(lock(AE, C), column("customers.x", "text")))
    assert ids(found) == {"LG101"}
    assert found.findings[0].estimate is not None and found.findings[0].estimate.duration_class == "< 1 s"
    assert not found.fails("warning") and found.fails("note") and found.fails("LG101")
    assert table(C).path in found.findings[0].what
