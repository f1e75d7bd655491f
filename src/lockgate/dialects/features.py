"""What a database can do, and what a server is like."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import field

from lockgate.permit import Spelling
from lockgate.records import dataclass


@dataclass(frozen=True)
class Features:
    """
    What a database can do, and how it spells what the registry needs.

    Args:
        lock_timeout: whether a statement's wait for a table can be bounded, and a revision be tried again after it.
        transactional_ddl: what Alembic is told; None leaves its own idea of the database.
        registry_prefix: put before the registry's table names: a schema with its dot, or a prefix.
        registry_setup: statement that must come before its tables; empty where none is needed.
        serial: column definition of an ascending primary key.
        moment: column definition of a time that the database's own clock fills in.
        moment_text: expression that renders such a column `{0}` as ISO 8601 in UTC.
        own_driver: SQLAlchemy's name of the driver that lockgate itself uses, for a scratch database where nobody named one.
        shares_server: whether a new database stands beside others on a server, so that making it needs permission.
        copies: whether a database can be copied as a whole, which test databases need.
        embeds: whether the embedded server can stand in for a server of this product.
        long_text: type of a text without a limit that a user might reach.
        registry_options: put behind the definition of each of the registry's tables.
        begin: the statement that begins a transaction which will write.
        journal: DDL commits by itself, so a revision's statements are journaled one by one, and a broken run is resumed.
        equal, plus, digest, now, rules: see `lockgate.permit.Spelling`.
    """

    lock_timeout: bool
    transactional_ddl: bool | None
    registry_prefix: str
    registry_setup: str
    serial: str
    moment: str
    moment_text: str
    own_driver: str
    shares_server: bool
    copies: bool = True
    embeds: bool = False
    long_text: str = "text"
    registry_options: str = ""
    begin: str = "begin"
    journal: bool = False
    equal: str = "="
    plus: str = "+"
    digest: str = ""
    now: str = ""
    rules: str = ""

    @property
    def spelling(self) -> Spelling:
        """What a permit carries of this."""
        return Spelling(self.equal, self.plus, self.digest, self.now, self.moment_text, self.rules)


@dataclass(frozen=True)
class ServerFacts:
    """
    What decides whether another server can stand in for this one.

    Args:
        major: version by which texts are printed, as in `Snapshot.server`.
        product: name and major version, as people write them.
        extensions: that could be installed.
        roles: that grants and policies may name; the server's own are left out.
        role: who is asking.
        settings: what sessions of this database begin with, as far as it changes what a revision makes.
    """

    major: str
    product: str
    extensions: frozenset[str] = frozenset()
    roles: tuple[str, ...] = ()
    role: str = ""
    settings: Mapping[str, str] = field(default_factory=dict)
