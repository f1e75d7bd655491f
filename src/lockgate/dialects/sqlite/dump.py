"""Schema and rows of a SQLite file as a script; what lockgate and Alembic keep in it is left out."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.dialects.sqlite.catalog import quoted
from lockgate.errors import UsageError
from lockgate.permit import Session
from lockgate.words import VersionTable

_OURS = "name not like 'sqlite\\_%' escape '\\' and tbl_name not like 'lockgate\\_%' escape '\\' and tbl_name <> :version_table"
_OBJECTS = f"select type, name, sql from sqlite_master where sql is not null and {_OURS} order by rowid"


def statements(session: Session, version_table: VersionTable) -> Iterator[str]:
    """
    Yield tables, their rows, the positions of AUTOINCREMENT, then indexes, triggers and views: none of them sees the rows come.

    Raises:
        UsageError: `database-unsupported` for virtual tables: their shadow tables cannot be written.
    """
    objects = [(str(kind), str(name), str(sql)) for kind, name, sql in session.execute(_OBJECTS, {"version_table": version_table.name})]
    virtual = [f"`{name}`" for _, name, sql in objects if sql.lower().split()[:2] == ["create", "virtual"]]
    if virtual:
        what = f"a schema file cannot hold virtual tables: {', '.join(virtual)}"
        raise UsageError("database-unsupported", what, hint="this project's databases are made by its revisions")
    version = int(str(session.execute("pragma user_version")[0][0]))
    if version:
        yield f"pragma user_version = {version};\n"
    tables = [name for kind, name, _ in objects if kind == "table"]
    yield from (_ended(sql) for kind, _, sql in objects if kind == "table")
    for name in tables:
        yield from _rows(session, name)
    yield from _positions(session, tables)
    for wanted in ("index", "view", "trigger"):
        yield from (_ended(sql) for kind, _, sql in objects if kind == wanted)


def _ended(sql: str) -> str:
    return f"{sql.rstrip()}\n;\n"  # the text may end with a comment


def _rows(session: Session, table: str) -> Iterator[str]:
    # `hidden` is 2 or 3 for generated columns, which nobody may write.
    columns = [
        quoted(str(name)) for name, hidden in session.execute(f"select name, hidden from pragma_table_xinfo({_text(table)})") if not hidden
    ]
    head = f"insert into {quoted(table)} ({', '.join(columns)}) values ("
    for row in session.execute(f"select {', '.join(f'quote({column})' for column in columns)} from {quoted(table)}"):
        yield f"{head}{', '.join(map(str, row))});\n"


def _positions(session: Session, tables: list[str]) -> Iterator[str]:
    if not session.execute("select 1 from sqlite_master where name = 'sqlite_sequence'"):
        return
    for name, position in session.execute("select name, seq from sqlite_sequence order by name"):
        if name in tables:
            yield f"delete from sqlite_sequence where name = {_text(str(name))};\n"
            yield f"insert into sqlite_sequence (name, seq) values ({_text(str(name))}, {position});\n"


def _text(value: str) -> str:
    return "'" + value.replace("'", "''") + "'"
