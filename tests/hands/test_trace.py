"""
The tracer's look at 110 operations, each on a copy of one schema: which tables they lock, rewrite, read and drop, and what is said of it.

The locks were measured before the tracer was written, on PostgreSQL 18 with rows. A table that is renamed is told by the name that it
had; the rows that REFRESH writes are counted as well; a statement outside of a transaction has no scans (the server counts them in
transactions). PostgreSQL 15, the oldest that a plan may be for, must do the same: the embedded 18 stands in for it.
"""

from __future__ import annotations

import io
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import msgspec
import older_server
import pytest
import sqlalchemy as sa
from alembic import op
from alembic.operations import Operations
from alembic.runtime.migration import MigrationContext
from recorded import RECORD, recorded
from sqlalchemy.exc import DBAPIError
from verdicts import EXPECTED

from lockgate.dialects.connect import dialect_named, tracing_named
from lockgate.dialects.postgres import trace_sql
from lockgate.events import Applied, Started
from lockgate.hazards.effects import Effect, Effects, RevisionEffects, Size, write_effects
from lockgate.hazards.judge import judge
from lockgate.hazards.seen import MODES, Fault
from lockgate.scratch import temporary_server
from lockgate.secret import DatabaseUrl
from lockgate.trace.tracer import Tracer
from lockgate.words import Step, StepDone

SCHEMA = """
create type mood as enum ('sad', 'ok');
create domain posint as integer check (value > 0);
create function next_no() returns integer language plpgsql volatile as 'begin return 42; end';
create function const_no() returns integer language sql immutable as 'select 42';
create table customers (
  id integer primary key, name text not null, nick varchar(50), code varchar(20), age integer, score numeric(10,2),
  created timestamp, doc text, legacy_id integer, email text, note text, mood mood
);
create index customers_code_idx on customers (code);
create table orders (id integer primary key, customer_id integer, status text, during tsrange, total numeric);
create index orders_status_idx on orders (status);
create table items (id integer primary key, order_id integer constraint items_order_fk references orders, qty integer);
create table plain (a integer, b integer);
create view v_customers as select id from customers;
create materialized view mv_sales as select status, count(*) as n from orders group by status;
create unique index mv_sales_ix on mv_sales (status);
create table events (id integer, at date not null) partition by range (at);
create table events_2025 partition of events for values from ('2025-01-01') to ('2026-01-01');
create table events_2026 partition of events for values from ('2026-01-01') to ('2027-01-01');
create table events_2027 (id integer, at date not null);
create schema s; create table s.a (id integer); create table s.b (id integer);
create function touch() returns trigger language plpgsql as 'begin return new; end';
create trigger orders_touch before update on orders for each row execute function touch();
create function add_r() returns void language sql as 'alter table orders add column r double precision default random()';
insert into customers (id, name, age) select n, 'c' || n, n from generate_series(1, 20) n;
insert into orders (id, customer_id, status) select n, n, 's' || n from generate_series(1, 20) n;
insert into items select n, n, 1 from generate_series(1, 20) n;
insert into plain select n, n from generate_series(1, 20) n;
"""
SHORT = dict(zip(("AS", "RS", "RE", "SUE", "S", "SRE", "EX", "AE"), MODES, strict=True))
LONG = {mode: short for short, mode in SHORT.items()}


@contextmanager
def autocommit() -> Iterator[None]:
    """Leave the transaction as a revision does."""
    with op.get_context().autocommit_block():
        yield


def apart(sql: str) -> None:
    """Run one statement outside of the transaction."""
    with autocommit():
        op.execute(sql)


def backfill() -> None:
    """Add a column and fill it in the same transaction."""
    op.add_column("customers", sa.Column("x", sa.Integer))
    op.execute("update customers set x = 1")


def row_by_row() -> None:
    """A data migration as the ORM would do it."""
    for (number,) in op.get_bind().execute(sa.text("select id from customers where id < 3")).fetchall():
        op.get_bind().execute(sa.text("update customers set note = 'x' where id = :id"), {"id": number})


def by_inspection() -> None:
    """DDL that depends on what is there."""
    if "customers_age" not in [index["name"] for index in sa.inspect(op.get_bind()).get_indexes("customers")]:
        op.create_index("customers_age", "customers", ["age"])


def new_table(*columns: sa.Column[Any]) -> sa.Table:
    """Create `t_new`."""
    return op.create_table("t_new", sa.Column("id", sa.Integer, primary_key=True), *columns)


def _column(kind: Any, **options: Any) -> sa.Column[Any]:
    return sa.Column("x", kind, **options)


def sql(*statements: str) -> Callable[[], Any]:
    """Run statements in the transaction."""
    return lambda: [op.execute(statement) for statement in statements]


def alter(text: str, table: str = "customers") -> Callable[[], Any]:
    """Run one ALTER TABLE."""
    return sql(f"alter table {table} {text}")


# name, what is done, table locks by statement (`;` between them), what else the server saw; set-up that the schema needs first.
REWRITE = "rewrite customers (type)"
CASES: list[tuple[str, Callable[[], Any], str, str, str]] = [
    ("col_null", lambda: op.add_column("customers", _column(sa.Text)), "AE customers", "", ""),
    ("col_const", lambda: op.add_column("customers", _column(sa.Integer, nullable=False, server_default="0")), "AE customers", "", ""),
    ("col_now", alter("add x timestamptz default now()"), "AE customers", "", ""),
    ("col_volatile", alter("add x uuid default gen_random_uuid()"), "AE customers", "rewrite customers (default)", ""),
    ("col_volatile_udf", alter("add x integer default next_no()"), "AE customers", "rewrite customers (default)", ""),
    ("col_immutable_udf", alter("add x integer default const_no()"), "AE customers", "", ""),
    ("col_identity", lambda: op.add_column("customers", sa.Column("x", sa.BigInteger, sa.Identity(), nullable=False)), "AE customers", "rewrite customers (default)", ""),
    ("col_serial", alter("add x bigserial"), "AE customers", "rewrite customers (default)", ""),
    ("col_stored", alter("add x text generated always as (upper(name)) stored"), "AE customers", "rewrite customers (default)", ""),
    ("col_domain", alter("add x posint default 1"), "AE customers", "rewrite customers (default)", ""),
    ("col_notnull", alter("add x integer not null"), "", "error 23502", ""),
    ("col_unique", alter("add x integer unique"), "AE customers", "build customers_x_key; scan customers", ""),
    ("col_fk", lambda: op.add_column("items", sa.Column("customer_id", sa.Integer, sa.ForeignKey("customers.id"))), "AE items ; SRE customers, SRE items", "scan items", ""),
    ("col_fk_raw", alter("add customer_id integer references customers", "items"), "AE items, SRE customers", "", ""),
    ("col_check", alter("add x integer default 1 check (x > 0)"), "AE customers", "scan customers", ""),
    ("col_json", lambda: op.add_column("customers", _column(sa.JSON)), "AE customers", "", ""),
    ("drop_col", lambda: op.drop_column("customers", "note"), "AE customers", "drop table column public.customers.note", ""),
    ("rename_col", lambda: op.alter_column("customers", "nick", new_column_name="nickname"), "AE customers", "", ""),
    ("rename_table", lambda: op.rename_table("customers", "clients"), "AE customers", "", ""),
    ("vc_widen", lambda: op.alter_column("customers", "nick", type_=sa.String(100)), "AE customers", "", ""),
    ("vc_narrow", lambda: op.alter_column("customers", "nick", type_=sa.String(20)), "AE customers", REWRITE, ""),
    ("vc_text", lambda: op.alter_column("customers", "nick", type_=sa.Text), "AE customers", "", ""),
    ("vc_text_indexed", lambda: op.alter_column("customers", "code", type_=sa.Text), "AE customers", "", ""),
    ("text_vc", lambda: op.alter_column("customers", "name", type_=sa.String(100)), "AE customers", REWRITE, ""),
    ("int_bigint", lambda: op.alter_column("customers", "age", type_=sa.BigInteger), "AE customers", REWRITE, ""),
    ("pk_bigint", lambda: op.alter_column("orders", "id", type_=sa.BigInteger), "AE items, AE orders", "rewrite orders (type); scan items", ""),
    ("num_precision", lambda: op.alter_column("customers", "score", type_=sa.Numeric(12, 2)), "AE customers", "", ""),
    ("num_scale", lambda: op.alter_column("customers", "score", type_=sa.Numeric(12, 4)), "AE customers", REWRITE, ""),
    ("ts_utc", sql("set local timezone = 'UTC'", "alter table customers alter created type timestamptz"), "AE customers", "", ""),
    ("ts_other", sql("set local timezone = 'Europe/Oslo'", "alter table customers alter created type timestamptz"), "AE customers", REWRITE, ""),
    ("text_jsonb", alter("alter doc type jsonb using doc::jsonb"), "AE customers", REWRITE, ""),
    ("type_with_check", alter("alter nick type varchar(100)"), "AE customers", "scan customers", "alter table customers add constraint nick_ck check (nick <> '')"),
    ("type_in_view", alter("alter id type bigint"), "", "error 0A000", ""),
    ("set_notnull", lambda: op.alter_column("customers", "age", nullable=False), "AE customers", "scan customers", ""),
    ("set_notnull_chk", alter("alter age set not null"), "AE customers", "", "alter table customers add check (age is not null)"),
    ("set_notnull_wrongchk", alter("alter age set not null"), "AE customers", "scan customers", "alter table customers add check (age > 0)"),
    ("notnull_notvalid", alter("add not null legacy_id not valid"), "AE customers", "", ""),
    ("drop_notnull", alter("alter name drop not null"), "AE customers", "", ""),
    ("set_default", alter("alter age set default 1"), "AE customers", "", ""),
    ("add_check", lambda: op.create_check_constraint("age_ck", "customers", "age >= 0"), "AE customers", "scan customers", ""),
    ("add_check_nv", alter("add constraint age_ck check (age >= 0) not valid"), "AE customers", "", ""),
    ("validate_check", alter("validate constraint age_ck"), "SUE customers", "scan customers", "alter table customers add constraint age_ck check (age >= 0) not valid"),
    ("nv_and_validate", sql("alter table customers add constraint age_ck check (age >= 0) not valid", "alter table customers validate constraint age_ck"), "AE customers ; SUE customers", "scan customers", ""),
    ("add_fk", lambda: op.create_foreign_key("o_c_fk", "orders", "customers", ["customer_id"], ["id"]), "SRE customers, SRE orders", "scan customers; scan orders", ""),
    ("add_fk_nv", alter("add constraint o_c_fk foreign key (customer_id) references customers not valid", "orders"), "SRE customers, SRE orders", "", ""),
    ("validate_fk", alter("validate constraint o_c_fk", "orders"), "RS customers, SUE orders", "scan customers; scan orders", "alter table orders add constraint o_c_fk foreign key (customer_id) references customers not valid"),
    ("drop_fk", lambda: op.drop_constraint("items_order_fk", "items"), "AE items, AE orders", "drop table constraint items_order_fk on public.items", ""),
    ("add_unique", lambda: op.create_unique_constraint("email_uq", "customers", ["email"]), "AE customers", "build email_uq; scan customers", ""),
    ("unique_using", alter("add constraint email_uq unique using index email_ix"), "AE customers", "", "create unique index email_ix on customers (email)"),
    ("add_pk", alter("add primary key (a)", "plain"), "AE plain", "build plain_pkey; scan plain x2", ""),
    ("pk_using_null", alter("add primary key using index plain_ix", "plain"), "AE plain", "scan plain", "create unique index plain_ix on plain (a)"),
    ("add_exclude", alter("add constraint o_ex exclude using gist (during with &&)", "orders"), "AE orders", "build o_ex; scan orders x2", ""),
    ("index", lambda: op.create_index("c_age_ix", "customers", ["age"]), "S customers", "build c_age_ix; scan customers", ""),
    ("index_unique", lambda: op.create_index("c_email_ix", "customers", ["email"], unique=True), "S customers", "build c_email_ix; scan customers", ""),
    ("index_conc", lambda: apart("create index concurrently c_age_ix on customers (age)"), "SUE customers", "build c_age_ix concurrently", ""),
    ("index_conc_tx", sql("create index concurrently c_age_ix on customers (age)"), "", "error 25001", ""),
    ("index_conc_dup", lambda: apart("create unique index concurrently c_qty_ix on items (qty)"), "", "error 23505", ""),
    ("index_auto", lambda: apart("create index c_age_ix on customers (age)"), "S customers", "build c_age_ix", ""),
    ("index_part", sql("create index e_ix on events (id)"), "S events, S events_2025, S events_2026", "build events_2025_id_idx; build events_2026_id_idx; scan events_2025; scan events_2026", ""),
    ("drop_index", lambda: op.drop_index("orders_status_idx"), "AE orders", "drop index public.orders_status_idx", ""),
    ("drop_index_conc", lambda: apart("drop index concurrently orders_status_idx"), "SUE orders", "drop index public.orders_status_idx", ""),
    ("reindex", sql("reindex table orders"), "S orders", "build orders_pkey again; build orders_status_idx again; scan orders x2", ""),
    ("reindex_conc", lambda: apart("reindex table concurrently orders"), "SUE orders", "build orders_pkey again concurrently; build orders_status_idx again concurrently", ""),
    ("rename_index", sql("alter index orders_status_idx rename to o_s_ix"), "", "", ""),
    ("new_table", lambda: new_table(), "", "", ""),
    ("new_table_fk", lambda: new_table(sa.Column("c", sa.Integer, sa.ForeignKey("customers.id"))), "SRE customers", "", ""),
    ("new_table_index", lambda: (new_table(sa.Column("a", sa.Integer)), op.create_index("t_new_a", "t_new", ["a"])), "", "", ""),
    ("drop_table", lambda: op.drop_table("items"), "AE items, AE orders", "drop table public.items", ""),
    ("drop_table_casc", sql("drop table orders cascade"), "AE items, AE mv_sales, AE orders", "drop materialized view public.mv_sales (cascade); drop table constraint items_order_fk on public.items (cascade); drop table public.orders", ""),
    ("drop_type_casc", sql("drop type mood cascade"), "AE customers", "drop table column public.customers.mood (cascade); drop type public.mood", ""),
    ("drop_schema_casc", sql("drop schema s cascade"), "AE s.a, AE s.b", "drop schema s; drop table s.a (cascade); drop table s.b (cascade)", ""),
    ("drop_view", sql("drop view v_customers"), "AE v_customers", "drop view public.v_customers", ""),
    ("replace_view", sql("create or replace view v_customers as select id, name from customers"), "AE v_customers", "", ""),
    ("trigger", sql("create trigger c_t before update on customers for each row execute function touch()"), "SRE customers", "", ""),
    ("drop_trigger", sql("drop trigger orders_touch on orders"), "AE orders", "drop trigger orders_touch on public.orders", ""),
    ("disable_trigger", alter("disable trigger orders_touch", "orders"), "SRE orders", "", ""),
    ("rls", sql("alter table orders enable row level security", "create policy p on orders using (true)"), "AE orders", "", ""),
    ("enum_new", sql("create type e_new as enum ('a', 'b')"), "", "", ""),
    ("enum_add", sql("alter type mood add value 'happy'"), "", "", ""),
    ("enum_add_use", sql("alter type mood add value 'happy'", "update customers set mood = 'happy'"), "", "error 55P04", ""),
    ("enum_rename", sql("alter type mood rename value 'sad' to 'unhappy'"), "", "", ""),
    ("enum_swap", sql("create type mood2 as enum ('sad', 'ok', 'new')", "alter table customers alter mood type mood2 using mood::text::mood2"), "AE customers", REWRITE, ""),
    ("attach", sql("alter table events attach partition events_2027 for values from ('2027-01-01') to ('2028-01-01')"), "AE events_2027, SUE events", "scan events_2027", ""),
    ("attach_chk", sql("alter table events attach partition events_2027 for values from ('2027-01-01') to ('2028-01-01')"), "AE events_2027, SUE events", "", "alter table events_2027 add check (at >= '2027-01-01' and at < '2028-01-01')"),
    ("new_partition", sql("create table events_2028 partition of events for values from ('2028-01-01') to ('2029-01-01')"), "AE events", "", ""),
    ("detach", alter("detach partition events_2025", "events"), "AE events, AE events_2025", "", ""),
    ("detach_conc", lambda: apart("alter table events detach partition events_2025 concurrently"), "AE events_2025, SUE events", "", ""),
    ("part_col", alter("add x text", "events"), "AE events, AE events_2025, AE events_2026", "", ""),
    ("truncate", sql("truncate customers"), "AE customers", "rewrite customers (truncate)", ""),
    ("truncate_casc", sql("truncate orders cascade"), "AE items, AE orders", "rewrite items (truncate); rewrite orders (truncate)", ""),
    ("vacuum_full", lambda: apart("vacuum full customers"), "AE customers", "rewrite customers (new file)", ""),
    ("cluster", sql("cluster orders using orders_pkey"), "AE orders", "rewrite orders (new file)", ""),
    ("unlogged", alter("set unlogged", "items"), "AE items", "rewrite items (persistence)", ""),
    ("fillfactor", alter("set (fillfactor = 90)"), "SUE customers", "", ""),
    ("statistics", alter("alter age set statistics 500"), "SUE customers", "", ""),
    ("storage", alter("alter doc set storage external"), "AE customers", "", ""),
    ("update_all", sql("update customers set age = 1"), "RE customers", "rows customers +0 ~20 -0; scan customers", ""),
    ("update_one", sql("update customers set age = 1 where id = 1"), "RE customers", "rows customers +0 ~1 -0", ""),
    ("delete_all", sql("delete from items"), "RE items", "rows items +0 ~0 -20; scan items", ""),
    ("ddl_then_dml", backfill, "AE customers ; RE customers", "rows customers +0 ~20 -0; scan customers", ""),
    ("orm_data", row_by_row, "RE customers", "rows customers +0 ~1 -0 twice", ""),
    ("do_block", sql("do $$ begin alter table customers alter age type bigint; end $$"), "AE customers", REWRITE, ""),
    ("func_ddl", sql("select add_r()"), "AE orders", "rewrite orders (default)", ""),
    ("inspector", by_inspection, "S customers", "build customers_age; scan customers", ""),
    ("mv_refresh", sql("refresh materialized view mv_sales"), "AE mv_sales", "rewrite mv_sales (new file); rows mv_sales +20 ~0 -0; scan orders", ""),
    ("mv_refresh_conc", sql("refresh materialized view concurrently mv_sales"), "EX mv_sales", "rows mv_sales +20 ~0 -0; scan mv_sales; scan orders", ""),
    ("lock_table", sql("lock table customers"), "AE customers", "", ""),
    ("grant_comment", sql("grant select on customers to public", "comment on table customers is 'x'"), "SUE customers", "", ""),
    ("extension", sql("create extension pg_trgm"), "", "", ""),
    ("bulk_insert", lambda: op.bulk_insert(new_table(sa.Column("a", sa.Integer)), [{"id": 1, "a": 1}, {"id": 2, "a": 2}]), "", "rows t_new +2 ~0 -0", ""),
]


SERVERS = ["18", *([older_server.MAJOR] if older_server.INSTALLED else [])]
# What PostgreSQL 15 does otherwise: table locks, what else it saw, ids of errors and warnings without sizes. NOT NULL .. NOT VALID came with 18.
OLDER = {"notnull_notvalid": ("", "error 42601", "LG406")}
VERDICTS = {name: found for name, _, found, _ in EXPECTED}
RECORDED = recorded()


@pytest.fixture(scope="module", params=SERVERS)
def template(request: pytest.FixtureRequest) -> Iterator[Any]:
    """The part that copies the database with the schema, on each server that there is."""
    older = request.param == older_server.MAJOR
    with prepared(request.getfixturevalue("older_postgres_server" if older else "postgres_server")) as clones:
        yield clones


@contextmanager
def prepared(server: Any) -> Iterator[Any]:
    """Make the database with the schema on a server of ours."""
    dialect = dialect_named("postgresql")
    clones = dialect.clones(server.url("postgres"), 10)
    clones.create("lockgate_trace_template")
    with dialect.open(clones.url("lockgate_trace_template"), 10, write=True) as session:
        for statement in ("create schema lockgate", *trace_sql.INSTALL, SCHEMA):
            session.execute(statement)
        session.commit()
    yield clones
    clones.drop("lockgate_trace_template")
    clones.close()


class Copy:
    """A copy of the template; a new one where the last case left something."""

    def __init__(self, clones: Any) -> None:
        self._clones = clones
        self.older = clones.product.startswith(f"PostgreSQL {older_server.MAJOR}")
        self._engine: sa.Engine | None = None
        self.driver = "psycopg"

    @property
    def url(self) -> DatabaseUrl:
        url: DatabaseUrl = self._clones.url("lockgate_trace_case")
        return url

    def engine(self) -> sa.Engine:
        """An engine on it."""
        if self._engine is None:
            self._clones.clone("lockgate_trace_template", "lockgate_trace_case")
            self._engine = sa.create_engine(self.url.with_driver(self.driver).render().reveal())
        return self._engine

    def throw_away(self) -> None:
        """Drop it."""
        if self._engine is not None:
            self._engine.dispose()
            self._clones.drop("lockgate_trace_case")
            self._engine = None


@pytest.fixture(scope="module")
def copy(template: Any) -> Iterator[Copy]:
    """A copy for those cases that leave nothing behind."""
    made = Copy(template)
    yield made
    made.throw_away()


class _Undo(Exception):
    """Rolls a case back that never left its transaction: a copy for each would take most of the time."""


def traced(copy: Copy, action: Callable[[], Any], before: str) -> RevisionEffects:
    """Run `action` as Alembic would run a revision that stands in this file."""
    tracing = tracing_named("postgresql")
    assert tracing is not None
    if before:
        with copy.engine().begin() as connection:
            connection.exec_driver_sql(before)
    tracer = Tracer(tracing, copy.url, lambda file: "case.py")
    step = Step("upgrade", "case", file=__file__)
    with tracer.listening(), copy.engine().connect() as connection:
        context = MigrationContext.configure(connection, opts={"transaction_per_migration": True})
        tracer.hear(Started(step))
        try:
            with context.begin_transaction(_per_migration=True), Operations.context(context):  # type: ignore[attr-defined]
                action()
                raise _Undo
        except DBAPIError as error:
            tracer.broken(Fault(message=str(error.orig).splitlines()[0]))
        except _Undo:
            tracer.hear(Applied(StepDone(step, 0)))
    found = tracer.revisions()[0]
    if before or any(effect.autocommit for effect in found.effects):
        copy.throw_away()
    return found


def locks_of(found: RevisionEffects) -> str:
    """Table locks by statement, as the table of expectations writes them."""
    told = [
        sorted(
            f"{LONG[lock.strongest]} {lock.relation.path.removeprefix('public.')}"
            for lock in effect.locks
            if not lock.relation.new and "index" not in lock.relation.kind and lock.strongest != MODES[0]
        )
        for effect in found.effects
    ]
    return " ; ".join(", ".join(locks) for locks in told if locks)


def deeds_of(found: RevisionEffects) -> str:
    """What else the server saw, as the table of expectations writes it."""
    told: list[str] = []
    for effect in found.effects:
        told += [f"rewrite {item.relation.name} ({item.reason})" for item in effect.rewrites]
        told += [f"scan {item.relation.name}{f' x{item.times}' if item.times > 1 else ''}" for item in effect.scans if not item.relation.new]
        told += [
            f"build {item.relation.name}{' again' * item.again}{' concurrently' * item.concurrently}"
            for item in effect.builds
            if not _of_new_table(item.relation.table)
        ]
        told += [f"drop {item.kind} {item.identity}{' (cascade)' * item.cascade}" for item in effect.drops if item.named or item.cascade]
        told += [f"rows {item.relation.name} +{item.inserted} ~{item.updated} -{item.deleted}" for item in effect.written]
        told += [f"error {effect.fault.state}"] if effect.fault else []
    return "; ".join(sorted(f"{item}{' twice' * (told.count(item) - 1)}" for item in set(told)))


def _of_new_table(path: str) -> bool:
    return path.endswith("t_new")


def planned(found: RevisionEffects) -> Effects:
    """A plan of what was found; what differs between two runs, and the line here, are left out."""
    still = tuple(_still(effect) for effect in found.effects)
    revision = msgspec.structs.replace(found, effects=still, not_run=())
    return Effects(heads=("r1",), scratch="PostgreSQL 18", server="PostgreSQL 18", source="pg_dump", revisions=(revision,), sizes=SIZES)


def _still(effect: Effect) -> Effect:
    fault = effect.fault and msgspec.structs.replace(effect.fault, line=10)
    locks = effect.locks
    if effect.autocommit:  # watched from outside: weaker locks and those of indexes are seen by chance, and no verdict depends on them
        tables = (lock for lock in effect.locks if lock.relation.kind != "index")
        locks = tuple(msgspec.structs.replace(lock, modes=(lock.strongest,)) for lock in tables)
    return msgspec.structs.replace(effect, ms=0, line=10, fault=fault, locks=locks)


def _numberless(plan: Effects) -> str:
    """Triggers of foreign keys and tables of long values are called by numbers that the server counts for whoever makes anything on it."""
    return re.sub(r"\b(RI_ConstraintTrigger_[ac]|pg_toast)_\d+", r"\1_N", write_effects(plan))


def verdict_of(plan: Effects) -> str:
    """Ids of errors and warnings, where no table's size is known."""
    found = judge(msgspec.structs.replace(plan, sizes=())).findings
    return " ".join(sorted({finding.id for finding in found if finding.severity.value in ("error", "warning")}))


@pytest.mark.parametrize(("name", "action", "locks", "deeds", "before"), CASES, ids=[case[0] for case in CASES])
def test_the_server_says_what_a_statement_does(
    copy: Copy, name: str, action: Callable[[], Any], locks: str, deeds: str, before: str
) -> None:
    """Every wrong row here is a wrong word to somebody who is about to touch production; rules are tested on the record, so it must not age."""
    found = traced(copy, action, before)
    plan, expected = planned(found), (locks, deeds, VERDICTS[name])
    assert (locks_of(found), deeds_of(found), verdict_of(plan)) == (OLDER.get(name, expected) if copy.older else expected)
    if not copy.older:
        assert _numberless(plan) == _numberless(RECORDED[name])


def test_what_a_savepoint_took_back_is_not_told_twice(copy: Copy) -> None:
    """A revision may try something and go back; the catalog is then again what it was."""

    def action() -> None:
        op.add_column("customers", sa.Column("x", sa.Integer))
        with suppress(_Undo), op.get_bind().begin_nested():
            op.add_column("customers", sa.Column("y", sa.Integer))
            op.add_column("orders", sa.Column("y", sa.Integer))
            raise _Undo
        op.add_column("customers", sa.Column("z", sa.Integer))

    found = traced(copy, action, "")
    assert [[(change.how, change.name) for change in effect.changes] for effect in found.effects] == [[("added", name)] for name in "xyyz"]
    released = [[(lock.relation.name, lock.strongest) for lock in effect.released] for effect in found.effects]
    assert released == [[], [], [], [("orders", "AccessExclusiveLock")]]


def test_nothing_else_is_recorded() -> None:
    """What nobody does any more would be judged for ever."""
    assert list(RECORDED) == [case[0] for case in CASES]


def test_what_a_revision_catches_sets_and_commits_is_told_as_what_it_is(copy: Copy) -> None:
    """Another search path changes no definition, a caught error fails no plan, and a COMMIT is seen; text is as it was written."""

    def action() -> None:
        with suppress(DBAPIError), op.get_bind().begin_nested():
            op.execute("alter table customers drop column nothing")
        op.execute("set local search_path = nowhere")
        op.execute("commit")
        op.execute("alter table public.customers add x int default length('50%')")

    found = traced(copy, action, "")
    assert [(effect.command, effect.caught, len(effect.changes)) for effect in found.effects] == [
        ("ALTER TABLE", True, 0),
        ("SET", False, 0),
        ("COMMIT", False, 0),
        ("ALTER TABLE", False, 1),
    ]
    assert found.effects[-1].text.endswith("length('50%')")


def copied_in(driver: str, cursor: Any) -> None:
    """COPY three rows, in each driver's own way."""
    if driver == "psycopg2":
        cursor.copy_from(io.StringIO("7\n8\n"), "plain", columns=["a"])
        cursor.copy_expert("copy plain (a) from stdin", io.StringIO("9\n"))
        return
    with cursor.copy("copy plain (a) from stdin") as rows:
        for number in (7, 8, 9):
            rows.write_row([number])


@pytest.mark.parametrize("driver", ["psycopg", "psycopg2"])
def test_what_goes_past_sqlalchemy_is_told_as_all_the_rest(copy: Copy, driver: str) -> None:
    """A large table is loaded by COPY, and that is the driver's: what no hook of SQLAlchemy's sees must not look harmless."""

    def action() -> None:
        cursor = op.get_bind().connection.cursor()
        cursor.execute(b"alter table customers add x integer")
        cursor.executemany("update orders set total = %s where id = %s", [(1, 1), (2, 2)])
        copied_in(driver, cursor)
        op.execute("drop table plain")
        cursor.execute("select '50%'")
        assert cursor.fetchall() == [("50%",)]

    copy.throw_away()
    copy.driver = driver
    try:
        found = traced(copy, action, "")
    finally:
        copy.throw_away()
        copy.driver = "psycopg"
    copies = 1 if driver == "psycopg" else 2
    assert [effect.command for effect in found.effects] == ["ALTER TABLE", "UPDATE", *["COPY"] * copies, "DROP TABLE", "SELECT"]
    assert locks_of(found).split(" ; ")[:3] == ["AE customers", "RE orders", "RE plain"]
    assert [(rows.inserted, rows.updated) for effect in found.effects for rows in effect.written] == [(0, 2), *([(3, 0)] if copies == 1 else [(2, 0), (1, 0)])]
    assert len({effect.transaction for effect in found.effects}) == 1
    assert found.effects[0].text == "alter table customers add x integer"


def record() -> None:
    """Write the record anew: `PYTHONPATH=tests python tests/hands/test_trace.py`, after a change of the table above or of what is traced."""
    with temporary_server() as server, prepared(server) as clones:
        copy = Copy(clones)
        lines = []
        for name, action, _, _, before in CASES:
            plan = planned(traced(copy, action, before))
            lines.append(f"{name}\t{msgspec.json.encode(plan).decode()}\n")
        copy.throw_away()
    RECORD.write_text("".join(lines), encoding="utf-8")


# A large, busy table, a middling one and a small one, by the names of the schema above.
SIZES = (
    Size(path="public.customers", rows=58_000_000, heap_bytes=80_000_000_000, index_bytes=4_000_000_000, indexes=2),
    Size(path="public.orders", rows=1_000_000, heap_bytes=100_000_000, index_bytes=40_000_000, indexes=2),
    Size(path="public.items", rows=500, heap_bytes=32_768, index_bytes=16_384, indexes=1),
)

if __name__ == "__main__":
    record()
