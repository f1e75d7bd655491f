"""MariaDB cannot undo DDL: a run that is killed anywhere must be finished by the next one, with every row written exactly once."""

from __future__ import annotations

import random
import signal
import time

import pytest
from building import Database, Tiny, create_table

from lockgate.secret import DatabaseUrl

TRIALS = 10
REVISIONS = 20
DATA = """
connection = op.get_bind()
connection.execute(sa.text("insert into {table} (name) values ('a'), ('b')"))
op.add_column("{table}", sa.Column("extra", sa.Integer))
for number, in connection.execute(sa.text("select id from {table} order by id")).fetchall():
    connection.execute(sa.text("update {table} set extra = :extra where id = :id"), {{"extra": number * 10, "id": number}})
if not sa.inspect(connection).has_table("{table}_log"):
    {log}
op.execute("insert into {table}_log (name) select concat(name, extra) from {table}")
op.drop_column("{table}", "extra")
op.create_index("{table}_name", "{table}", ["name"])
op.execute("insert into counts (id, name) values ({number}, 'once')")
"""


@pytest.fixture(scope="module")
def twenty(tmp_path_factory: pytest.TempPathFactory) -> Tiny:
    """Twenty revisions that make tables, write rows, decide by what they read, and change the tables after that."""
    from building import tiny

    project = tiny(tmp_path_factory.mktemp("twenty"))
    project.revision("r0", None, create_table("counts"), 'op.drop_table("counts")')
    for number in range(1, REVISIONS):
        table = f"t{number}"
        lines = [create_table(table), DATA.format(table=table, number=number, log=create_table(f"{table}_log")).strip()]
        project.revision(f"r{number}", f"r{number - 1}", "\n".join(lines))
    return project


def complete(database: Database) -> None:
    """Everything is there, and every row once."""
    assert database.heads() == [f"r{REVISIONS - 1}"]
    assert database.query("select id, name from counts order by id") == [(number, "once") for number in range(1, REVISIONS)]
    for number in range(1, REVISIONS):
        assert database.query(f"select name from t{number} order by id") == [("a",), ("b",)]
        assert database.query(f"select name from t{number}_log order by name") == [("a10",), ("b20",)]
    assert database.query("select count(*) from lockgate_journal") == [(0,)]
    assert database.applied() == [f"r{number}" for number in range(REVISIONS)]


def test_a_run_killed_at_any_moment_is_finished_by_the_next_one(twenty: Tiny, make_mariadb_database: object) -> None:
    """Stock Alembic leaves 25 of 28 such runs torn for good: the table is there, the retry says "already exists"."""
    chance = random.Random(6)
    torn = 0
    for _ in range(TRIALS):
        url: DatabaseUrl = make_mariadb_database()  # type: ignore[operator]
        database = Database(url)
        twenty.point("dev", url)
        process = twenty.start("upgrade", "dev")
        moment = chance.randrange(1, 40)
        while process.poll() is None and len(database.tables()) < moment:
            time.sleep(0.002)
        time.sleep(chance.random() * 0.03)
        process.send_signal(signal.SIGKILL)
        process.wait()
        torn += "lockgate_journal" in database.tables() and database.query("select count(*) from lockgate_journal") != [(0,)]
        twenty.here("upgrade", "dev", check=0)
        complete(database)
    assert torn >= 1, "no trial was killed in the middle of a revision: this proves nothing"
