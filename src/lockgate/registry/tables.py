"""
lockgate's own tables and their version.

Plain SQL and no SQLAlchemy Core: the registry is read on every call, also where SQLAlchemy is never imported.
"""

from __future__ import annotations

from lockgate.errors import Refused
from lockgate.permit import Session
from lockgate.registry import chain

VERSION = 2

_HEAD = """create table if not exists {prefix}head_of_ledger (
        singleton integer primary key default 1 check (singleton = 1), number bigint not null, digest varchar(64) not null){options}"""
# Version 2: the chain, and the fingerprint of each revision's file.
_SEALED = (
    "source varchar(200) not null default ''",
    "number bigint not null default 0",
    "digest varchar(64) not null default ''",
)
_TABLES = (
    """create table if not exists {prefix}marker (
        singleton integer primary key default 1 check (singleton = 1),
        environment text not null, project text not null, marker_id text not null,
        cluster_kind text not null, cluster_system text not null, cluster_database text not null, cluster_source text not null,
        adopted_at {moment}, adopted_by text not null){options}""",
    # A key of MySQL's has a length.
    "create table if not exists {prefix}setting (name varchar(100) primary key, value {long_text} not null){options}",
    """create table if not exists {prefix}ledger (
        id {serial}, run text not null, at {moment}, verb text not null, environment text not null, outcome text not null,
        revision text not null, from_heads text not null, to_heads text not null, duration_ms integer,
        operator text not null, ci_job text not null, lockgate text not null, git_commit text not null,
        error text not null, details {long_text} not null,
        {sealed}){options}""",
    _HEAD,
)


def create(session: Session, prefix: str, setup: str, serial: str, moment: str, long_text: str = "text", options: str = "") -> None:
    """
    Create the registry in the open transaction; called by whoever is about to write the marker.

    Where the database commits each table, a broken run may have left some of them.
    """
    if setup:
        session.execute(setup)
    for statement in _TABLES:
        sealed = ", ".join(_SEALED)
        session.execute(statement.format(prefix=prefix, serial=serial, moment=moment, long_text=long_text, options=options, sealed=sealed))
    session.execute(f"insert into {prefix}head_of_ledger (number, digest) values (0, '')")
    session.execute(f"insert into {prefix}setting (name, value) values ('registry_version', :version)", {"version": str(VERSION)})


def upgrade(session: Session, prefix: str, moment_text: str, options: str = "") -> None:
    """
    Bring a registry of version 1 to version 2, in the open transaction; nothing where another run did so meanwhile.

    Every row that is there is sealed as it stands.
    """
    wanted, before = {"new": str(VERSION), "old": "1"}, f"update {prefix}setting set value = :new where name = 'registry_version'"
    # Whoever comes second waits here for the first one's end, and then finds another version.
    if session.write(f"{before} and value = :old", wanted) != 1:
        return
    for column in _SEALED:
        session.execute(f"alter table {prefix}ledger add column {column}")
    session.execute(_HEAD.format(prefix=prefix, options=options))
    chain.seal_all(session, prefix, moment_text)


def check_version(found: int, place: str) -> None:
    """
    Refuse a registry that a newer lockgate wrote: this one might not understand what it says.

    Raises:
        Refused: `registry-newer`.
    """
    if found > VERSION:
        raise Refused(
            "registry-newer",
            f"this database's registry has version {found}, this lockgate knows {VERSION}",
            place,
            "pip install --upgrade lockgate",
        )
