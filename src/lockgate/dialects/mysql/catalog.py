"""What a MariaDB or MySQL database says of itself, in a few queries that create nothing."""

from __future__ import annotations

from lockgate.permit import Session
from lockgate.words import Cluster, Sight, VersionTable

# `like` on names of tables would compare by the server's collation, where `_` is any letter.
NOT_OURS = "left({0}, 9) <> 'lockgate_'"
_RELATIONS = f"""
select table_name, table_type, coalesce(table_rows, 0) from information_schema.tables
 where table_schema = database() and {NOT_OURS.format("table_name")} order by 1
"""
_OTHERS = """
select (select count(*) from information_schema.routines where routine_schema = database())
     + (select count(*) from information_schema.events where event_schema = database())
"""
_OWN = """
select table_name from information_schema.tables where table_schema = database() and table_name in
 ('lockgate_marker', 'lockgate_setting', 'lockgate_ledger', 'lockgate_head_of_ledger', 'lockgate_journal')
"""
_WHOLE = frozenset({"marker", "setting", "ledger"})
_UNSAFE = f"""
select table_name, engine from information_schema.tables
 where table_schema = database() and table_type = 'BASE TABLE' and engine in ('MyISAM', 'Aria', 'MEMORY', 'CSV', 'ARCHIVE', 'MRG_MyISAM')
   and {NOT_OURS.format("table_name")} order by 1
"""
_IDENTITIES = (("server_uuid", "server_uuid and schema"), ("server_uid", "server_uid and schema"))
_TABLES = ("BASE TABLE", "SYSTEM VERSIONED")


def look(session: Session, place: str, version_table: VersionTable | None) -> Sight:
    """Read everything that the guard, the route and the reports want to know of the catalog; see `Dialect.look`."""
    version, read_only = session.execute("select version(), @@read_only")[0]
    relations = [(str(name), str(kind), int(str(rows))) for name, kind, rows in session.execute(_RELATIONS)]
    found = _find_version_table(session, version_table or VersionTable())
    heads = tuple(sorted(str(row[0]) for row in session.execute(f"select version_num from {qualified(found)}"))) if found else ()
    others = [row for row in relations if found is None or found.schema or row[0] != found.name]
    tables = [row for row in others if row[1] in _TABLES]
    return Sight(
        place=place,
        server=_server(str(version)),
        cluster=cluster(session),
        objects=len(others) + int(str(session.execute(_OTHERS)[0][0])),
        tables=tuple(name for name, _, _ in tables),
        rows=sum(rows for _, _, rows in tables),
        version_table=found,
        heads=heads,
        writable=not read_only,
    )


def cluster(session: Session) -> Cluster:
    """
    Read the server's own identity and the name of the schema.

    MySQL keeps `server_uuid` in its data directory; MariaDB computes `server_uid` from a network card's address and its port
    (10.11 and later), so that a server that moves to other hardware looks like a copy.
    """
    database = str(session.execute("select database()")[0][0] or "")
    for variable, source in _IDENTITIES:
        rows = session.execute(f"show global variables like '{variable}'")
        if rows and rows[0][1]:
            return Cluster("mysql", str(rows[0][1]), database, source)
    return Cluster("mysql", "", database, "name of the schema only: this server does not tell who it is")


def own_tables(session: Session) -> frozenset[str]:
    """Which tables the registry has; none until it is whole: they are made one by one."""
    found = frozenset(str(name).removeprefix("lockgate_") for (name,) in session.execute(_OWN))
    return found if found >= _WHOLE else frozenset()


def cautions(session: Session) -> list[str]:
    """What the database cannot do for a run that is about to begin, in sentences for people."""
    product = _server(str(session.execute("select version()")[0][0])).partition(" ")[0]
    said = [
        f"{product} commits every statement that changes the schema: a revision that fails or is broken off may be half applied. "
        "Its statements are journaled: you are told which ran, and the next run goes on behind them"
    ]
    unsafe = [f"`{name}` ({engine})" for name, engine in session.execute(_UNSAFE)]
    if unsafe:
        said.append(
            f"{', '.join(unsafe[:5])}{' and others' if len(unsafe) > 5 else ''}: this storage engine has no transactions; rows that a "
            "revision writes there may be written twice after a broken run"
        )
    return said


def qualified(table: VersionTable) -> str:
    """Return a version table's name as SQL."""
    return f"{quoted(table.schema)}.{quoted(table.name)}" if table.schema else quoted(table.name)


def quoted(name: str) -> str:
    """Return an identifier in backticks, which every sql_mode understands."""
    return "`" + name.replace("`", "``") + "`"


def literal(text: str) -> str:
    """Return a text as SQL, whatever sql_mode says of backslashes."""
    return f"convert(0x{text.encode().hex()} using utf8mb4)" if text else "''"


def _find_version_table(session: Session, wanted: VersionTable) -> VersionTable | None:
    schema = literal(wanted.schema) if wanted.schema else "database()"
    sql = "select table_name, table_schema = database() from information_schema.tables"
    rows = session.execute(f"{sql} where table_schema = {schema} and table_name = {literal(wanted.name)}")
    return VersionTable(str(rows[0][0]), "" if rows[0][1] else wanted.schema) if rows else None


def _server(version: str) -> str:
    product = "MariaDB" if "mariadb" in version.lower() else "MySQL"
    return f"{product} {version.partition('-')[0]}"
