"""Dropping every user object of a PostgreSQL database, for `reset`."""

from __future__ import annotations

from lockgate.dialects.postgres import catalog
from lockgate.permit import Permit, Session

_KINDS = {"r": "table", "p": "table", "v": "view", "m": "materialized view", "S": "sequence", "f": "foreign table", "c": "type"}
_ROUTINES = {"f": "function", "p": "procedure", "a": "aggregate", "w": "function"}


def drop_everything(permit: Permit, version_schema: str) -> list[str]:
    """
    Drop relations, then routines, then types, each with what hangs on it, and the schemas that held them; extensions and the registry stay.

    Args:
        version_schema: schema of Alembic's version table. It stays: Alembic writes there before the first revision runs, so
            no revision can have made it.
    """
    session = permit.session
    dropped = [_drop(session, _KINDS[str(kind)], str(schema), str(name)) for schema, name, kind in session.execute(catalog.RELATIONS)]
    for schema, name, arguments, kind in session.execute(catalog.ROUTINES):
        dropped.append(_drop(session, _ROUTINES[str(kind)], str(schema), str(name), f"({arguments})"))
    dropped += [_drop(session, "type", str(schema), str(name)) for schema, name in session.execute(catalog.TYPES)]
    for (name,) in session.execute(catalog.SCHEMAS):
        if name != version_schema:
            session.execute(f"drop schema if exists {quoted(str(name))} cascade")
            dropped.append(f"schema {name}")
    return dropped


def _drop(session: Session, kind: str, schema: str, name: str, arguments: str = "") -> str:
    # `if exists`: a CASCADE before this one may have taken it.
    session.execute(f"drop {kind} if exists {quoted(schema)}.{quoted(name)}{arguments} cascade")
    return f"{kind} {schema}.{name}"


def quoted(name: str) -> str:
    """Return an identifier in double quotes."""
    return '"' + name.replace('"', '""') + '"'
