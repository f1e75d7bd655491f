"""Picks the dialect; the only place that knows which ones there are."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING

from lockgate.dialects.base import Dialect
from lockgate.errors import UsageError

if TYPE_CHECKING:
    from lockgate.dialects.questions import Questions  # a cheap look needs nothing of plans
    from lockgate.dialects.tracing import Tracing

# A run needs one of them: the others stay unread, start-up time is a feature.
_DIALECTS = {
    "postgresql": ("lockgate.dialects.postgres.dialect", "Postgres"),
    "sqlite": ("lockgate.dialects.sqlite.dialect", "Sqlite"),
    "mysql": ("lockgate.dialects.mysql.dialect", "Mysql"),
    "mariadb": ("lockgate.dialects.mysql.dialect", "Mysql"),
}
# Also SQLAlchemy's adapters of async drivers, which live in modules named after them.
_MODULES = {"postgresql": ("psycopg", "asyncpg", "pg8000"), "sqlite": ("sqlite",), "mysql": ("mysql", "MySQLdb", "asyncmy", "mariadb")}

_TRACINGS = {
    "postgresql": ("lockgate.dialects.postgres.tracing", "PostgresTracing"),
    "sqlite": ("lockgate.dialects.sqlite.tracing", "SqliteTracing"),
    "mysql": ("lockgate.dialects.mysql.tracing", "MysqlTracing"),
    "mariadb": ("lockgate.dialects.mysql.tracing", "MysqlTracing"),
}
_QUESTIONS = {
    "postgresql": ("lockgate.dialects.postgres.questions", "PostgresQuestions"),
    "sqlite": ("lockgate.dialects.sqlite.questions", "SqliteQuestions"),
    "mysql": ("lockgate.dialects.mysql.questions", "MysqlQuestions"),
    "mariadb": ("lockgate.dialects.mysql.questions", "MysqlQuestions"),
}


def dialect_named(name: str, where: str = "") -> Dialect:
    """
    Return the dialect for a URL's backend, or for SQLAlchemy's name of it.

    Raises:
        UsageError: `database-unsupported`.
    """
    if name not in _DIALECTS:
        raise UsageError(
            "database-unsupported", f"`{name}` databases are not supported", where, f"lockgate knows {', '.join(_DIALECTS)}"
        )
    return _made(name)


def tracing_named(name: str) -> Tracing:
    """Return what tracing needs of a product, by its dialect's name."""
    module, attribute = _TRACINGS[name]
    tracing: Tracing = getattr(import_module(module), attribute)()
    return tracing


def questions_named(name: str) -> Questions:
    """Return how a product is asked about a plan, by its dialect's name."""
    module, attribute = _QUESTIONS[name]
    questions: Questions = getattr(import_module(module), attribute)()
    return questions


def is_known(name: str) -> bool:
    """Whether there is a dialect of this name."""
    return name in _DIALECTS


def backend_behind(driver: str) -> str:
    """Return the product of a driver, by SQLAlchemy's name of it; empty for one we do not know."""
    return next((name for name, words in _MODULES.items() if any(word in driver for word in words)), "")


def dialect_behind(connection: object) -> Dialect | None:
    """Return the dialect of a DB-API connection, told by its driver's module; None for a database we do not know."""
    modules = [class_.__module__ for class_ in reversed(type(connection).__mro__)]  # a project's own class comes after the driver's
    return next((_made(name) for module in modules for name, words in _MODULES.items() if any(word in module for word in words)), None)


def _made(name: str) -> Dialect:
    module, attribute = _DIALECTS[name]
    dialect: Dialect = getattr(import_module(module), attribute)()
    return dialect
