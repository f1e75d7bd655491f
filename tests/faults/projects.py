"""The histories that are broken off: every table has an id and a name, so that one query compares all rows of all of them."""

from __future__ import annotations

from pathlib import Path

from building import Tiny, create_table, tiny

# A revision may be told to take long, in the middle of its work.
_SLOW = 'import os\nif os.environ.get("SLOW") == {revision!r}: op.execute("select pg_sleep(300)")'
# No key: a row that is written twice is two rows.
_TALLY = 'op.create_table("tally", sa.Column("id", sa.Integer), sa.Column("name", sa.String(50)))'
_ONCE = 'op.execute("insert into tally (id, name) values ({number}, \'once\')")'


_KINDS = (
    """{made}
op.execute("insert into {table} (id, name) values (1, 'a'), (2, 'b')")""",
    """op.create_index("{first}_name", "{first}", ["name"])
{made}
op.execute("insert into {table} (id, name) select id + 10, name from {first}")""",
    """op.add_column("{first}", sa.Column("extra", sa.Integer, server_default="1"))
op.execute("update {first} set name = name || '!'")""",
)


def _chain(folder: Path, revisions: list[str], *, slow: bool = False) -> Tiny:
    folder.mkdir(parents=True)
    project = tiny(folder)
    down = None
    for number, lines in enumerate(revisions):
        name = f"r{number}"
        head, *rest = lines.split("\n")
        project.revision(name, down, "\n".join([head, *([_SLOW.format(revision=name)] if slow else []), *rest]))
        down = name
    return project


def mixed(folder: Path, length: int, *, slow: bool = False) -> Tiny:
    """DDL and data in turn: tables, rows, columns, indexes, updates that show when they are done twice."""
    revisions = [_TALLY]
    for number in range(1, length):
        first = f"t{number - (number - 1) % 3}"
        revisions.append(f"{_KINDS[(number - 1) % 3].format(table=f't{number}', first=first, made=create_table(f't{number}'))}\n{_ONCE.format(number=number)}")
    return _chain(folder, revisions, slow=slow)


_BACKFILL = """done = 0
with op.get_context().autocommit_block():
    for number in range(1, 13):
        op.execute(f"insert into first (id, name) select {number}, 'row {number}' from tally")
    op.execute("update first set name = name || '!'")"""


def backfill(folder: Path) -> Tiny:
    """A table, a backfill in an autocommit block that would double its rows, and a revision behind it."""
    table = 'op.create_table("first", sa.Column("id", sa.Integer), sa.Column("name", sa.String(50)))'
    revisions = [f"{_TALLY}\n{_ONCE.format(number=0)}", table, _BACKFILL, create_table("second")]
    return _chain(folder, revisions)


def concurrently(folder: Path, *, cautious: bool = False, deaf: bool = False) -> Tiny:
    """
    A table with rows, and a revision that makes another table and an index on the first one without locking it.

    Args:
        cautious: with IF NOT EXISTS.
        deaf: the server does not look whether its client is still there, as behind a cut wire.
    """
    filled = f"{create_table('first')}\nop.execute(\"insert into first (id, name) select n, 'row ' || n from generate_series(1, 300) n\")"
    index = f"create index concurrently {'if not exists ' if cautious else ''}first_name on first (name)"
    block = "with op.get_context().autocommit_block():\n"
    if deaf:
        block += '    op.execute("set client_connection_check_interval = 0")\n'
    block += f"    op.execute({index!r})"
    revisions = [f"{_TALLY}\n{filled}", f"{create_table('second')}\n{_ONCE.format(number=1)}\n{block}", create_table("third")]
    return _chain(folder, revisions)


_BATCH = """with op.batch_alter_table("{table}") as batch:
    batch.add_column(sa.Column("extra", sa.Integer, server_default="1"))
    batch.alter_column("name", existing_type=sa.String(50), nullable=False)
op.execute("update {table} set name = name || '!'")
with op.batch_alter_table("{table}") as batch:
    batch.drop_column("extra")
    batch.create_index("{table}_name", ["name"])"""


def batches(folder: Path, length: int = 12) -> Tiny:
    """Tables that are copied, dropped and renamed, as SQLite wants it: each of them holds rows."""
    revisions = [_TALLY]
    for number in range(1, length):
        table = f"t{(number + 1) // 2}"
        lines = f"{create_table(table)}\nop.execute(\"insert into {table} (id, name) values (1, 'a'), (2, 'b')\")"
        revisions.append(f"{_BATCH.format(table=table) if number % 2 == 0 else lines}\n{_ONCE.format(number=number)}")
    return _chain(folder, revisions)


_WATCHED = """{table}
op.create_table("log{number}", sa.Column("id", sa.Integer), sa.Column("name", sa.String(50)))
op.execute("create trigger w{number} after insert on t{number} begin insert into log{number} values (new.id, 'in ' || new.name); end")
op.execute("create view v{number} as select id, name from t{number}")
op.execute("insert into t{number} (id, name) values (1, 'a'), (2, 'b')")"""
_REBUILT = """op.execute("drop view v{number}")
with op.batch_alter_table("t{number}", recreate="always") as batch:
    batch.add_column(sa.Column("extra", sa.Integer))
op.execute("create trigger w{number} after insert on t{number} begin insert into log{number} values (new.id, 'in ' || new.name); end")
op.execute("create view v{number} as select id, name, extra from t{number}")
op.execute("insert into t{number} (id, name) values (3, 'c')")"""


def triggers(folder: Path, length: int = 12) -> Tiny:
    """Tables with triggers that write and views that read, and what a change of such a table takes."""
    revisions = [_TALLY]
    for number in range(1, length):
        of = (number + 1) // 2
        lines = _REBUILT.format(number=of) if number % 2 == 0 else _WATCHED.format(number=of, table=create_table(f"t{of}"))
        revisions.append(f"{lines}\n{_ONCE.format(number=number)}")
    return _chain(folder, revisions)


_READS_AND_DECIDES = """
connection = op.get_bind()
connection.execute(sa.text("insert into {table} (id, name) values (1, 'a'), (2, 'b')"))
op.add_column("{table}", sa.Column("extra", sa.Integer))
for number, in connection.execute(sa.text("select id from {table} order by id")).fetchall():
    connection.execute(sa.text("update {table} set extra = :extra where id = :id"), {{"extra": number * 10, "id": number}})
if not sa.inspect(connection).has_table("{table}_log"):
    {log}
op.execute("insert into {table}_log (id, name) select id, concat(name, extra) from {table}")
op.drop_column("{table}", "extra")
op.create_index("{table}_name", "{table}", ["name"])
op.execute("insert into counts (id, name) values ({number}, 'once')")
"""


def deciding(folder: Path, length: int) -> Tiny:
    """Revisions for MariaDB that make tables, write rows, decide by what they read, and change the tables after that."""
    revisions = [create_table("counts")]
    for number in range(1, length):
        table = f"t{number}"
        log = _TALLY.replace("tally", f"{table}_log")
        revisions.append(create_table(table) + _READS_AND_DECIDES.format(table=table, number=number, log=log).rstrip())
    return _chain(folder, revisions)
