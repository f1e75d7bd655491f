"""What a plan counts on SQLite and MariaDB: every failure for the rows is foretold by its number, the second and the third as well, and no other."""

from __future__ import annotations

import re
from typing import Any

import pytest
import sqlalchemy as sa
from alembic.migration import MigrationContext
from alembic.operations import Operations
from building import SETTINGS, Database, Tiny
from planning import Case, planned
from running import up

from lockgate.secret import DatabaseUrl

BATCH = 'with op.batch_alter_table("{t}") as batch:\n    batch.'
ON_SQLITE = (
    Case("nulls", "a int, b text", "(null, 'x'), (null, 'y'), (1, 'z')", "(1, 'x')", BATCH + 'alter_column("a", existing_type=sa.Integer, nullable=False)', 2),
    Case("filled", "a int", "(1), (2)", "", 'op.add_column("{t}", sa.Column("x", sa.Integer, nullable=False))', 2),
    Case("uniq", "a varchar(9)", "('x'), ('x'), ('y'), ('y'), (null)", "('x'), (null), (null)", 'op.create_index("ix_{t}", "{t}", ["a"], unique=True)', 2),
    Case("part", "a int, b int", "(1, 1), (1, 1)", "(1, 1), (1, 0)", 'op.execute("create unique index ix_{t} on {t} (a) where b = 1")', 1),
    Case("constraint", "a int", "(1), (1)", "(1), (2)", BATCH + 'create_unique_constraint("uq_{t}", ["a"])', 1),
    Case("checked", "a int", "(-1), (0), (5)", "(5), (null)", BATCH + 'create_check_constraint("ck_{t}", "a > 0")', 2),
    Case("renamed", "a int", "(null), (1)", "(1)",
         'op.execute("alter table {t} rename column a to \\"order\\"")\n' + BATCH + 'alter_column("order", existing_type=sa.Integer, nullable=False)', 1),
    Case("orphan", "a int", "(1), (9), (9)", "(1), (null)", BATCH + 'create_foreign_key("fk_{t}", "parents", ["a"], ["id"])', 1),
)  # fmt: skip
ON_MARIADB = (
    Case("nulls", "a int", "(null), (null), (1)", "(1)", 'op.alter_column("{t}", "a", existing_type=sa.Integer, nullable=False)', 2),
    Case("uniq", "a varchar(9)", "('x'), ('X'), (null)", "('x'), (null), (null)", 'op.create_unique_constraint("uq_{t}", "{t}", ["a"])', 1),
    Case("key", "a int not null", "(1), (1), (2)", "(1), (2)", 'op.create_primary_key("pk_{t}", "{t}", ["a"])', 1),
    Case("checked", "a int", "(-1), (0), (5)", "(5), (null)", 'op.create_check_constraint("ck_{t}", "{t}", "a > 0")', 2),
    Case("orphan", "a int", "(1), (9), (9)", "(1), (null)", 'op.create_foreign_key("fk_{t}", "{t}", "parents", ["a"], ["id"])', 1),
    Case("small", "a bigint", "(5000000000), (1)", "(1)", 'op.alter_column("{t}", "a", existing_type=sa.BigInteger, type_=sa.Integer)', 1),
    Case("number", "a varchar(9)", "('1'), ('one')", "('1')", 'op.alter_column("{t}", "a", existing_type=sa.String(9), type_=sa.Integer)', 1),
    Case("short", "a varchar(50)", "('long'), ('ok')", "('ok')", 'op.alter_column("{t}", "a", existing_type=sa.String(50), type_=sa.String(3))', 1),
    Case("digits", "a decimal(10, 2)", "(100), (1.55)", "(1.55)", 'op.alter_column("{t}", "a", existing_type=sa.Numeric(10, 2), type_=sa.Numeric(3, 1))', 1),
    Case("label", "a enum('sad', 'ok')", "('sad'), ('ok')", "('ok')", 'op.execute("alter table {t} modify a enum(\'ok\')")', 1),
    Case("renamed", "a int", "(null), (1)", "(1)",
         'op.execute("alter table {t} rename column a to `order`")\nop.alter_column("{t}", "order", existing_type=sa.Integer, nullable=False)', 1),
)  # fmt: skip
ENFORCED = """from sqlalchemy import event
from sqlalchemy.engine import Engine


@event.listens_for(Engine, "connect")
def strict(connection, record):
    connection.execute("pragma foreign_keys = on")


"""
HARMLESS = {
    "m_filled": 'op.execute("update m_filled set a = 0 where a is null")\n'
    'with op.batch_alter_table("m_filled") as batch:\n    batch.alter_column("a", existing_type=sa.Integer, nullable=False)',
    "m_wider": 'with op.batch_alter_table("m_wider") as batch:\n    batch.alter_column("a", existing_type=sa.Integer, type_=sa.BigInteger)',
}
PARENTS = ("create table parents (id int primary key)", "insert into parents values (1)")
MENDED = ("create table m_filled (a int)", "insert into m_filled values (null)", "create table m_wider (a int)", "insert into m_wider values (1)")


def filled(project: Tiny, url: DatabaseUrl, cases: tuple[Case, ...]) -> list[tuple[Case, str]]:
    """Make an empty first revision, the tables with their rows, and one revision for all the cases; return each with its table."""
    project.point("dev", url).revision("r1", None)
    up(project)
    tables = [(case, f"{kind}_{case.name}") for case in cases for kind in "dc"]
    made = Database(url)
    for statement in (*PARENTS, *MENDED):
        made.query(statement)
    for case, table in tables:
        made.query(f"create table {table} ({case.columns})")
        if rows := case.dirty if table.startswith("d") else case.clean:
            made.query(f"insert into {table} values {rows}")
    return tables


def fails(url: DatabaseUrl, code: str, table: str) -> bool:
    """Whether a revision's code fails on the target's rows, or leaves a foreign key that nothing answers."""
    engine = sa.create_engine(url.with_driver({"sqlite": "pysqlite"}.get(url.backend, "pymysql")).render().reveal())
    try:
        with engine.begin() as connection:
            exec(code, {"op": Operations(MigrationContext.configure(connection)), "sa": sa})
            return url.backend == "sqlite" and bool(connection.exec_driver_sql(f'pragma foreign_key_check("{table}")').all())
    except sa.exc.DBAPIError:
        return True
    finally:
        engine.dispose()


def counted(document: dict[str, Any], severity: str = "error") -> dict[str, str]:
    """The words about rows in the way, by table; each is told once."""
    told = [finding for finding in document["findings"] if finding["id"] in ("LG401", "LG402", "LG406") and finding["severity"] == severity]
    by_table = {re.search(r"\b[dcm]_\w+", finding["relation"] or finding["what"])[0]: finding["what"] for finding in told}  # type: ignore[index]
    assert len(by_table) == len(told), told
    return by_table


def assert_foretold(told: dict[str, str], cases: tuple[Case, ...]) -> None:
    """Each dirty table with its number, and no clean one."""
    assert set(told) == {f"d_{case.name}" for case in cases}
    assert [words for case in cases if not re.search(rf"\b{case.count} (row|key|value|duplicate)", words := told[f"d_{case.name}"])] == []


def test_a_sqlite_plan_goes_on_behind_the_first_failure(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The copy stops at the first row; who mends that one meets the next tomorrow. A file whose rows are left out foretells the same."""
    tables = filled(project, sqlite_url, ON_SQLITE)
    project.revision("r2", "r1", "\n".join(HARMLESS.values()))
    project.revision("r3", "r2", "\n".join(case.does.format(t=table) for case, table in tables))
    before = Database(sqlite_url).picture()
    document = planned(project, check=1)[1]
    assert Database(sqlite_url).picture() == before
    assert (document["code"], document["effects"]["source"]) == ("plan-fails", "copy")
    assert "`r3` fails" in document["what"]
    assert_foretold(counted(document), ON_SQLITE)
    assert counted(document, "warning") == {}
    assert [fails(sqlite_url, case.does.format(t=table), table) for case, table in tables] == [True, False] * len(ON_SQLITE)


def test_a_large_sqlite_file_is_asked_instead_of_copied(project: Tiny, sqlite_url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without rows nothing fails on the copy: the counts are all there is."""
    monkeypatch.setattr("lockgate.dialects.sqlite.trace_copy.WITH_ROWS_UP_TO", 0)
    tables = filled(project, sqlite_url, ON_SQLITE)
    project.revision("r2", "r1", "\n".join(HARMLESS.values()))
    project.revision("r3", "r2", "\n".join(case.does.format(t=table) for case, table in tables))
    document = planned(project, check=1)[1]
    assert document["effects"]["source"] == "schema"
    assert_foretold(counted(document), ON_SQLITE)
    assert {table: "unless r2 line 13 mends that before" in words for table, words in counted(document, "warning").items()} == {"m_filled": True}


def test_a_cast_that_makes_zero_of_texts_is_told(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """SQLite fails for no type: the values are other ones afterwards, and nobody says so."""
    project.point("dev", sqlite_url).revision("r1", None)
    up(project)
    dev = Database(sqlite_url)
    dev.query("create table d_number (a varchar(9), b varchar(9), c integer)")
    dev.query("insert into d_number values ('1', '1', 1), ('one', '2', 2), ('2x', null, 3)")
    project.revision("r2", "r1", BATCH.format(t="d_number") + 'alter_column("a", type_=sa.Integer)\n    batch.alter_column("b", type_=sa.Integer)\n    batch.alter_column("c", type_=sa.String(1))')
    (words,) = counted(planned(project, check=0)[1]).values()
    assert words == "2 values of `main.d_number.a` not fit for the new type: nothing fails, but CAST makes others of them (of a text 0)"
    up(project)
    assert [a for a, *_ in dev.query("select a from d_number")] == [1, 0, 2]


def test_orphans_are_counted_whether_or_not_foreign_keys_are_enforced(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """SQLite makes the key without a look; lockgate looks before COMMIT where the project enforces it, and no statement is to blame then."""
    tables = filled(project, sqlite_url, ON_SQLITE[-1:])
    project.revision("r2", "r1", "\n".join(case.does.format(t=table) for case, table in tables))
    lax = planned(project, check=0)[1]
    assert_foretold(counted(lax, "warning"), ON_SQLITE[-1:])
    assert "where `PRAGMA foreign_keys` is on" in counted(lax, "warning")["d_orphan"]
    env = (project.folder / "migrations" / "env.py").read_text()
    project.env_py(env.replace("from alembic import context\n", f"from alembic import context\n{ENFORCED}"))
    refused = planned(project, check=1)[1]
    assert_foretold(counted(refused), ON_SQLITE[-1:])
    assert refused["where"].endswith("r2.py"), "COMMIT has no line"


def test_a_history_that_leaves_orphans_cannot_be_judged_behind_them(project: Tiny) -> None:
    """No judged revision is to blame, so it is no finding, and what comes behind was not looked at."""
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n')
    env = (project.folder / "migrations" / "env.py").read_text()
    project.env_py(env.replace("from alembic import context\n", f"from alembic import context\n{ENFORCED}"))
    tables = 'op.execute("create table p (id integer primary key)")\nop.execute("create table c (p_id integer references p)")\n'
    project.revision("r1", None, f'{tables}op.execute("insert into c values (1)")')
    project.revision("r2", "r1", 'op.execute("create table more (x)")')
    refused = project.here("lint", "r2", check=5).stderr
    assert "code: no-plan" in refused
    assert "does not run on an empty database up to the revisions that are to be judged: the revision leaves 1 row without a parent" in refused


def test_a_mariadb_plan_counts_what_stands_in_the_way(project: Tiny, mariadb_url: DatabaseUrl) -> None:
    """Its scratch database has no rows, and its failed revision stays half applied: here it counts most to know before."""
    project.settings(SETTINGS.replace("[environments.dev]", "[environments.dev]\nscratch = true"))
    tables = filled(project, mariadb_url, ON_MARIADB)
    project.revision("r2", "r1", "\n".join(HARMLESS.values()))
    project.revision("r3", "r2", "\n".join(case.does.format(t=table) for case, table in tables))
    before = Database(mariadb_url).picture()
    document = planned(project, check=1)[1]
    assert Database(mariadb_url).picture() == before
    assert_foretold(counted(document), ON_MARIADB)
    assert {table: "unless r2 line 13 mends that before" in words for table, words in counted(document, "warning").items()} == {"m_filled": True}
    assert [fails(mariadb_url, case.does.format(t=table), table) for case, table in tables] == [True, False] * len(ON_MARIADB)


def test_queries_that_cannot_be_tried_are_not_passed_over(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A plan that says nothing about them would be taken for one that found nothing."""
    filled(project, sqlite_url, ())
    project.revision("r2", "r1")
    (project.folder / "queries.sql").write_text("select 1;", encoding="utf-8")
    assert "queries can be tried on PostgreSQL only" in project.here("plan", "dev", "--queries", "queries.sql", check=2).stderr
