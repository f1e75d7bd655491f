"""One look at a database, through whatever session is at hand: registry and catalog; creates nothing."""

from __future__ import annotations

from dataclasses import replace

from lockgate.dialects.base import Dialect
from lockgate.permit import Session
from lockgate.registry import journal, marker, tables
from lockgate.words import Sight, VersionTable

_LOOKS = 5  # at tables that come into being meanwhile


def see(session: Session, dialect: Dialect, place: str, version_table: VersionTable | None = None) -> Sight:
    """
    Look at a database through `session`: registry and catalog; creates nothing.

    Raises:
        Refused: `registry-newer`.
    """
    for _ in range(_LOOKS):
        try:
            return _see(session, dialect, place, version_table)
        except Exception as error:
            facts = dialect.facts(getattr(error, "orig", None) or error)
            if facts is None or facts.kind != "stale-snapshot":
                raise
            # Another run has just made the tables that this transaction is too old to see; below SQLAlchemy, whose transaction goes on.
            session.execute("rollback")
    return _see(session, dialect, place, version_table)


def _see(session: Session, dialect: Dialect, place: str, version_table: VersionTable | None) -> Sight:
    prefix, moment = dialect.features.registry_prefix, dialect.features.moment_text
    own = dialect.own_tables(session)
    record = marker.read(session, prefix, moment, "head_of_ledger" in own) if own else marker.Record()
    tables.check_version(record.version, place)
    half_applied = journal.unfinished(session, prefix) if "journal" in own else None
    seen = dialect.look(session, place, version_table or record.version_table)
    return replace(
        seen,
        identity=record.identity,
        registry_version=record.version,
        kept_tables=record.tables,
        kept_version_table=record.version_table,
        half_applied=half_applied,
        ledger_head=record.ledger_head,
    )
