"""What lockgate asks of a database; the only seam for differences: nobody asks which one it is, `Features` says what it lacks."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING, Any, Protocol

from lockgate.dialects.features import Features, ServerFacts
from lockgate.dialects.parts import Builds, ErrorFacts, Lock, Patience
from lockgate.permit import Permit, Row, Session
from lockgate.secret import DatabaseUrl
from lockgate.words import Cluster, Sight, VersionTable

if TYPE_CHECKING:
    from lockgate.dialects.clones import Clones
    from lockgate.dialects.rows import Rows  # a cheap look needs nothing of seeds
    from lockgate.drift.snapshot import Snapshot
    from lockgate.journal.statement import Thing
    from lockgate.seeds.grammar import Grammar
    from lockgate.seeds.spec import TableName


class BareSession(Session, Protocol):
    """A session over lockgate's own driver connection."""

    def ask(self, sql: str) -> list[Row]:
        """Run one statement of somebody else's and return its rows; text that holds more than one is refused."""

    def cancel(self) -> None:
        """Stop the statement under way; called from another thread, harmless where none runs."""

    def close(self) -> None:
        """Close the connection."""


class Dialect(ABC):
    """One database product."""

    name: str
    grammar: Grammar
    features: Features

    @abstractmethod
    def open(self, url: DatabaseUrl, timeout: float, *, write: bool = False) -> AbstractContextManager[BareSession]:
        """
        Connect with lockgate's own driver.

        Args:
            timeout: seconds for connecting.
            write: False opens a session in which the server itself refuses every write.
        Raises:
            Unreachable: with the code that fits.
        """

    @abstractmethod
    def create_database(self, url: DatabaseUrl, timeout: float) -> None:
        """
        Make the database that `url` names, empty, with the same login; quiet where somebody else was faster; `timeout` is seconds for connecting.

        Raises:
            Unreachable: the server cannot be entered, or the role may not create databases; nothing was made then.
        """

    @abstractmethod
    def look(self, session: Session, place: str, version_table: VersionTable | None = None) -> Sight:
        """Read all but the registry, and create nothing; `version_table` is Alembic's as env.py names it, None means its default name."""

    @abstractmethod
    def keep_alive(self, driver_connection: Any) -> None:
        """Let a connection that somebody else made notice soon that its wire was cut."""

    @abstractmethod
    def cluster(self, session: Session) -> Cluster:
        """Which physical database this session is connected to."""

    @abstractmethod
    def place(self, session: Session) -> str:
        """Host, port and database (or file) that this session is really connected to, for people."""

    @abstractmethod
    def lock(self, session: Session, label: str) -> Lock:
        """The lock of the database behind `session`; `label` tells waiters who holds it."""

    @abstractmethod
    def own_tables(self, session: Session) -> Collection[str]:
        """Which of `marker`, `head_of_ledger` and `journal` the registry has, by one question; none where there is no registry."""

    def own_names(self, session: Session) -> AbstractContextManager[object]:
        """While the block runs, names without a schema mean the server's own objects alone, whatever the search_path is."""
        return nullcontext()

    @abstractmethod
    def ledger_guard(self, transaction: str = "") -> str:
        """A condition in SQL: the session that writes holds the lock still, and `:transaction`, where one is named, was not rolled back."""

    @abstractmethod
    def drop_everything(self, permit: Permit, version_table: VersionTable) -> Sequence[str]:
        """Drop every user object, keep the registry and extensions, empty the version table; return what was dropped."""

    @abstractmethod
    def run_script(self, permit: Permit, connection: Any, text: str) -> int:
        """
        Run a SQL script, dumps included, in the open transaction; return the number of statements.

        Args:
            connection: the permit's own, as SQLAlchemy's Connection over `bootstrap_url()`.
        """

    @abstractmethod
    def run_statement(self, session: Session, sql: str, data: str | None) -> None:
        """Run one statement of a SQL seed on lockgate's own session; `data` are the lines that follow a COPY from stdin."""

    @abstractmethod
    def touched_tables(self, session: Session) -> Sequence[TableName]:
        """Tables whose rows the open transaction changed, triggers' work included."""

    def deleted(self, session: Session) -> Mapping[TableName, int]:
        """Rows deleted so far, by functions and triggers too, for a comparison within a transaction; none where nobody counts."""
        return {}

    @abstractmethod
    def another_time(self, session: Session, tables: Sequence[TableName]) -> AbstractContextManager[Sequence[TableName]]:
        """
        Let what runs inside find another time than what ran before it, in the open transaction.

        `now()` is the same all through a transaction, and the same second on SQLite: without this, a script that writes it again
        each time would seem to change nothing. Rows in `tables` may be changed by it: go back to a savepoint afterwards.

        Returns:
            Gives tables in which a trigger writes the time whatever is written: any update of theirs writes it again.
        """

    @abstractmethod
    def forget_settings(self, session: Session) -> None:
        """Undo what a script has SET."""

    @abstractmethod
    def updates(self, session: Session, table: TableName) -> int:
        """How many rows of a table the open transaction has inserted or updated so far; 0 where the database does not tell."""

    @abstractmethod
    def bootstrap_url(self, url: DatabaseUrl) -> DatabaseUrl:
        """The URL with the driver that lockgate's own runner needs."""

    def secured(self, url: DatabaseUrl, written: Mapping[str, str], where: str, environ: Mapping[str, str]) -> tuple[DatabaseUrl, str]:
        """
        Return the URL with verified TLS where its host is another machine and the settings' options `written` ask for nothing weaker,
        and a warning; UsageError `tls-unverified` where the URL itself asks for something weaker, and the settings do not.
        """
        return url, ""

    @abstractmethod
    def project_url(self, url: DatabaseUrl, timeout: float) -> tuple[DatabaseUrl, Mapping[str, str]]:
        """The URL as the project's driver reads it, and variables for it; `timeout`: seconds for connecting, where it can be told."""

    @abstractmethod
    def limit(self, session: Session, seconds: float) -> None:
        """Bound the statements of the open transaction, where the database can."""

    @abstractmethod
    def client(self, url: DatabaseUrl) -> tuple[Sequence[str], Mapping[str, str], str]:
        """The database's own shell: arguments and variables without a secret, and the line of a password file (empty for none)."""

    @abstractmethod
    def prepare(self, connection: Any, lock_timeout: float | None, statement_timeout: float | None, patience: Patience) -> None:
        """
        Make a working SQLAlchemy connection fit for revisions: timeouts, real transactional DDL.

        Args:
            lock_timeout: seconds; None means 1.0 unless the session has a limit of its own.
            statement_timeout: seconds; None leaves it alone.
        """

    @abstractmethod
    def around_step(self, connection: Any) -> AbstractContextManager[None]:
        """Care that one revision needs before its transaction begins and after it ended."""

    def open_step(self, connection: Any, savepoint: str) -> tuple[str, bool]:
        """
        Begin a revision's transaction by one question; set the limits again, and `savepoint` where `Features.lock_timeout` goes back to it.

        Returns:
            The transaction's name, empty where nobody can tell later how it ended; and whether the session still holds the lock.
        """
        held = connection.exec_driver_sql(f"select case when {self.ledger_guard()} then 1 else 0 end").scalar_one()
        return "", bool(held)

    def was_rolled_back(self, session: Session, transaction: str) -> bool:
        """Whether the transaction of that name was rolled back in the meantime."""
        return False

    def keeps_transaction(self, session: Session) -> bool:
        """Whether a lock timeout undoes no more than the statement that waited."""
        return False

    def definition(self, session: Session, thing: Thing) -> str:
        """How an object is defined now, as a digest; empty where there is none. For journaled statements."""
        return ""

    def builds(self, session: Session) -> Builds | None:
        """Indexes that are built outside a transaction; None where the database has no such thing."""
        return None

    def has_written(self, session: Session) -> bool:
        """Whether the open transaction wrote anything; False where reading statements cannot write."""
        return False

    @abstractmethod
    def session_has_written(self, session: Session) -> bool:
        """Whether the session wrote rows before: since it was opened, or in the open transaction where that alone can be told."""

    def invalid_indexes(self, session: Session) -> Sequence[str]:
        """Qualified names of the indexes that the server marks as invalid, as in `Sight`."""
        return ()

    def cautions(self, session: Session) -> Sequence[str]:
        """What the user should know before a run: what this database cannot do."""
        return ()

    @abstractmethod
    def bound_waiting(self, session: Session, seconds: float) -> None:
        """Bound how long statements of the open transaction wait for a table, where the database can."""

    def session_id(self, session: Session) -> str:
        """The server's number of a session, for `blockers` asked from another one; empty where the database cannot tell."""
        return ""

    def blockers(self, session: Session, session_id: str) -> Sequence[str]:
        """Who holds what a session waits for, a line each for people; without `session_id` who holds tables so that nobody can read them."""
        return ()

    @abstractmethod
    def cancel(self, driver_connection: Any, url: DatabaseUrl | None) -> None:
        """Stop the statement on a driver's connection, by `url` where a second one is needed; from another thread, harmless where none runs."""

    @abstractmethod
    def before_commit(self, connection: Any) -> None:
        """The last look inside a revision's transaction; raises `Failed` where it must not be committed."""

    @abstractmethod
    def without_lock_timeout(self, connection: Any) -> AbstractContextManager[None]:
        """No bound on waiting: statements outside a transaction wait for old transactions by design."""

    @abstractmethod
    def facts(self, error: BaseException) -> ErrorFacts | None:
        """Read a driver's error by class or SQLSTATE; None for an error that is not the driver's."""

    @abstractmethod
    def drop_invalid_index(self, permit: Permit, name: str) -> bool:
        """Drop an index that a broken CONCURRENTLY left behind; False where it is gone, or valid by now."""

    @abstractmethod
    def refuse_pooler(self, url: DatabaseUrl, timeout: float) -> None:
        """Raise `Refused` for a transaction pooler: a session lock through it is nobody's; `timeout` for connecting, in seconds."""

    @abstractmethod
    def rows(self) -> Rows:
        """The part that seeds use, on lockgate's own bare sessions."""

    @abstractmethod
    def snapshot(self, session: Session, version_table: VersionTable, heads: tuple[str, ...] = (), *, grants: bool = False) -> Snapshot:
        """
        Read the whole schema in a number of queries that does not grow with it; writes nothing.

        The registry, the version table and what belongs to extensions are left out.

        Args:
            version_table: Alembic's table.
            heads: what it says; kept in the snapshot.
            grants: whether to read who may do what, where the database knows roles.
        """

    def dump(self, session: Session, version_table: VersionTable) -> str:
        """Schema and rows as a script for `run_script`, without registry and version table; empty where the server's program is for that."""
        return ""

    @abstractmethod
    def server_facts(self, session: Session) -> ServerFacts:
        """Read what another server must have in order to stand in for this one."""

    @abstractmethod
    def clones(self, server: DatabaseUrl, timeout: float) -> Clones:
        """
        The part that makes and drops databases of our own.

        Args:
            server: a database of it that this role may enter; for files the folder.
            timeout: seconds for connecting.
        Raises:
            Unreachable: with the code that fits.
        """

    def retry_delays(self) -> Iterator[float]:
        """Seconds to wait before each further try: short, growing, at most 2."""
        delay = 0.1
        while True:
            yield delay
            delay = min(delay * 1.6, 2.0)
