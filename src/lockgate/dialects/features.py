"""What a database can do, as a value: whoever asks for it need not know which database it is."""

from __future__ import annotations

from dataclasses import dataclass

from lockgate.permit import Spelling


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
        long_text: type of a text without a limit that a user might reach.
        registry_options: put behind the definition of each of the registry's tables.
        begin: the statement that begins a transaction which will write.
        journal: DDL commits by itself, so a revision's statements are journaled one by one, and a broken run is resumed.
        equal, plus, digest, now: see `lockgate.permit.Spelling`.
    """

    lock_timeout: bool
    transactional_ddl: bool | None
    registry_prefix: str
    registry_setup: str
    serial: str
    moment: str
    moment_text: str
    long_text: str = "text"
    registry_options: str = ""
    begin: str = "begin"
    journal: bool = False
    equal: str = "="
    plus: str = "+"
    digest: str = ""
    now: str = ""

    @property
    def spelling(self) -> Spelling:
        """What a permit carries of this."""
        return Spelling(self.equal, self.plus, self.digest, self.now, self.moment_text)
