"""
The gate inside `context.configure`: judges the connection that env.py brings, and only then lets Alembic have it.

`configure` and `run_migrations` are replaced on the EnvironmentContext instance. A subclass would break the proxies of
`alembic.context`, which are registered per class; refusing later, in `fn`, would be too late: the version table exists by then.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from functools import partial
from typing import Any

from alembic.runtime.environment import EnvironmentContext
from sqlalchemy import Connection, Engine

from lockgate.alembic_seam.crew import Crew
from lockgate.alembic_seam.handed import listed
from lockgate.alembic_seam.version_row import held_back
from lockgate.alembic_seam.work import Work
from lockgate.dialects.alchemy import AlchemySession
from lockgate.dialects.base import Dialect
from lockgate.dialects.connect import dialect_named
from lockgate.dialects.parts import Patience
from lockgate.errors import Failed, Refused
from lockgate.interruption import cancellable
from lockgate.words import VersionTable

StepsOf = Callable[[Any, Any], Any]


def version_table_of(options: dict[str, Any]) -> VersionTable:
    """Alembic's table as env.py names it in its call of `configure`."""
    return VersionTable(options.get("version_table") or "alembic_version", options.get("version_table_schema") or "")


def hide_registry(options: dict[str, Any], dialect: Dialect) -> None:
    """Chain `include_name` so that autogenerate never proposes to drop lockgate's own tables; the project's filter stays."""
    theirs = options.get("include_name")
    prefix = dialect.features.registry_prefix

    def include_name(name: str | None, kind: str, parents: Any) -> bool:
        if kind == "schema" and f"{name}." == prefix:
            return False
        if kind == "table" and not prefix.endswith(".") and (name or "").startswith(prefix):
            return False
        return bool(theirs(name, kind, parents)) if theirs else True

    options["include_name"] = include_name


class Doorway:
    """
    Base of what stands in `configure`'s place: offline mode passes, everything else is admitted by a subclass.

    Args:
        env: entered or about to be entered; must not have been configured yet.
        steps_of: Alembic's own `fn(heads, context)`, which returns the steps.
    """

    def __init__(self, env: EnvironmentContext, crew: Crew, steps_of: StepsOf) -> None:
        self.env = env
        self.crew = crew
        self.steps_of = steps_of
        self.calls = 0
        self._error: BaseException | None = None
        self._configure = env.configure
        self._run_migrations = env.run_migrations
        env.configure = self.configure  # type: ignore[method-assign]
        env.run_migrations = self.run_migrations  # type: ignore[method-assign]

    def configure(self, connection: Any = None, *args: Any, **options: Any) -> None:
        """Stand in for `EnvironmentContext.configure`; same parameters."""
        if self.env.is_offline_mode():
            self._configure(connection, *args, **options)
            return
        with self._remembered():
            if not isinstance(connection, Connection):
                what = "env.py called `context.configure` without a connection"
                raise Failed("env-failed", what, "env.py", "pass `connection=connection`, as Alembic's own template does")
            self.calls += 1
            dialect = dialect_named(connection.dialect.name, "env.py")
            hide_registry(options, dialect)
            # env.py's own would take the place of ours, and its steps would run unseen.
            self.steps_of = options.pop("fn", self.steps_of)
            self.admit(connection, dialect, version_table_of(options), args, options)

    def admit(self, connection: Connection, dialect: Dialect, table: VersionTable, args: Any, options: dict[str, Any]) -> None:
        """Judge the connection, then configure Alembic on it."""
        raise NotImplementedError

    def run_migrations(self, **kw: Any) -> None:
        """Stand in for `EnvironmentContext.run_migrations`."""
        with self._remembered():
            self._run_migrations(**kw)

    def remember(self, error: BaseException) -> None:
        """Keep an error that is on its way to env.py, until `configure` or `run_migrations` is called again."""
        self._error = error

    def raise_swallowed(self) -> None:
        """Raise what env.py caught and kept for itself: a refusal or a failed revision must not look like success."""
        if self._error is not None:
            raise self._error

    @contextmanager
    def _remembered(self) -> Iterator[None]:
        self._error = None
        try:
            yield
        except BaseException as error:
            self.remember(error)
            raise

    def judge(self, connection: Connection, dialect: Dialect, table: VersionTable) -> None:
        """Judge inside whatever transaction env.py's own statements began; a refusal undoes them."""
        with _undone_by_error(connection):
            self.crew.judge(AlchemySession(connection), dialect, table)


class Survey(Doorway):
    """
    The dry pass: env.py runs, the steps are listed, nothing is written.

    It counts the calls of `configure`: an env.py that calls it twice works on several databases, and must be refused before
    the first revision of the first one.
    """

    def __init__(self, env: EnvironmentContext, crew: Crew, steps_of: StepsOf) -> None:
        super().__init__(env, crew, steps_of)
        self.heads: tuple[str, ...] = ()
        self.steps: list[Any] = []
        self.version_table = VersionTable()
        self.makes_version_table = False
        self._connection: Connection | None = None
        self._purges = bool(env.context_opts.get("purge"))
        env.context_opts.update(fn=self._list, dont_mutate=True, purge=False)

    def admit(self, connection: Connection, dialect: Dialect, table: VersionTable, args: Any, options: dict[str, Any]) -> None:
        """Judge the connection as it is; what env.py began in it is undone when its migrations have been listed."""
        if self.calls > 1:
            raise _configures_twice("env.py")
        began = connection.in_transaction()
        self.judge(connection, dialect, table)
        if not began:
            connection.rollback()
        self.version_table = table
        self._connection = connection
        self._configure(connection, *args, **options)

    def run_migrations(self, **kw: Any) -> None:
        """List the steps, then undo what env.py's own statements did in the open transaction."""
        try:
            super().run_migrations(**kw)
        finally:
            if self._connection is not None:
                _undo(self._connection)

    def _list(self, heads: Any, context: Any) -> list[Any]:
        self.heads = tuple(sorted(heads))
        # `alembic ensure_version` has no steps: its `fn` itself makes the table, and SQLite commits that at once.
        context._ensure_version_table = self._note_version_table
        # `stamp --purge` is for heads whose files are gone: Alembic forgets them before it looks for the way.
        self.steps = list(self.steps_of(() if self._purges else heads, context))
        return []

    def _note_version_table(self, *args: Any, **options: Any) -> None:
        self.makes_version_table = True


class Run(Doorway):
    """
    The real pass: lock, second judgement and permit on the working connection, then the steps.

    Args:
        first: no dry pass went before. The steps are listed before anything is written: a revision that cannot be imported must
            not be found when the database was marked for it.
    """

    def __init__(self, env: EnvironmentContext, crew: Crew, steps_of: StepsOf, *, first: bool = False) -> None:
        super().__init__(env, crew, steps_of)
        self.work: Work | None = None
        self._first = first
        self._place = ""
        self._lists = steps_of
        self._engine: Engine | None = None
        self._cancel: Callable[[], None] = lambda: None
        env.context_opts["fn"] = self._tell

    def admit(self, connection: Connection, dialect: Dialect, table: VersionTable, args: Any, options: dict[str, Any]) -> None:
        """Judge, lock, judge again; then configure Alembic for one transaction per revision."""
        if self.calls > 1:
            if self._first:
                raise _configures_twice(f"env.py, after {self._place}")
            raise Failed("env-failed", "env.py called `context.configure` a second time, which it had not done a moment before", "env.py")
        began = connection.in_transaction()
        self.judge(connection, dialect, table)
        if self._first and self.steps_of is self._lists:  # and not a `fn` of env.py's own, which may want the context
            with _undone_by_error(connection):
                self.steps_of = listed(self.steps_of, connection, dialect, table)
        working = _own_connection(connection) if began else connection
        working.rollback()
        _leave_autocommit(working)
        permit = self.crew.enter(AlchemySession(working), dialect, table)
        self._engine, self._place = working.engine, permit.sight.place
        try:
            self._cancel = partial(self.crew.cancel, working.connection.driver_connection)
            limits = self.crew.limits
            dialect.prepare(working, limits.lock_timeout, limits.statement_timeout, Patience(limits.lock_wait, self.crew.note))
            self.work = Work(working, dialect, permit, self.crew, self.steps_of)
            self._configure(working, *args, **self.work.options(options))
            self.work.attach(self.env.get_context())
        except BaseException:
            self.crew.leave()
            raise

    def run_migrations(self, **kw: Any) -> None:
        """Run the steps; whatever happens, care for the step that was open and let go of the lock before env.py goes on."""
        try:
            with cancellable(self._cancel), held_back(self.work.hold) if self.work else nullcontext():
                super().run_migrations(**kw)
        except BaseException as error:
            if self.work:
                self.work.close()
                self.crew.failed(error)
            raise
        finally:
            self.crew.leave()
            self._engine = None
            if self.work:
                self.work.let_go()

    def end(self) -> None:
        """
        Let go of the lock of an env.py that ended between `configure` and `run_migrations`.

        Its connection may lie in a pool by now, where the session, and with it the lock, would live on.
        """
        engine, self._engine = self._engine, None
        self.crew.leave()
        if engine is not None:
            with suppress(Exception):  # an async engine's loop is over, and its connections with it
                engine.dispose()

    def _tell(self, heads: Any, context: Any) -> Iterator[Any]:
        if self.work is None:
            raise Failed("env-failed", "env.py runs migrations on a context that it did not configure", "env.py")
        return self.work.tell(heads, context)


def _configures_twice(where: str) -> Refused:
    what = "env.py calls `context.configure` more than once: it works on several databases in one run"
    hint = "give each database an Alembic project (or an ini section with its own env.py) and a lockgate environment of its own"
    return Refused("configure-twice", what, where, hint)


@contextmanager
def _undone_by_error(connection: Connection) -> Iterator[None]:
    try:
        yield
    except BaseException:
        with suppress(Exception):  # what is wrong with the connection is not what is to be told
            _undo(connection)
        raise


def _undo(connection: Connection) -> None:
    """Roll back what env.py's statements did, below SQLAlchemy's own transaction; a connection that is gone has done so."""
    if not connection.closed and not connection.invalidated:
        connection.connection.rollback()


def _own_connection(connection: Connection) -> Connection:
    """
    Commit what env.py's statements did, and give Alembic a connection of its own over the same driver connection.

    SQLAlchemy would treat the transaction that env.py's first statement (or `with engine.begin()`) began as an outer one, and
    all revisions would share it. The session settings made in it stay.
    """
    connection.connection.commit()
    own = Connection(connection.engine, connection=connection.connection)
    options = {key: value for key, value in connection.get_execution_options().items() if key != "isolation_level"}
    return own.execution_options(**options)


def _leave_autocommit(connection: Connection) -> None:
    driver = connection.connection.dbapi_connection
    asked = connection.get_execution_options().get("isolation_level") == "AUTOCOMMIT"
    if asked or getattr(driver, "autocommit", False) is True:
        connection.execution_options(isolation_level=connection.default_isolation_level)
