"""The process as env.py expects it, and put back afterwards: directory, variables, sys.path, logging, stdout."""

from __future__ import annotations

import contextlib
import logging
import os
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory

_CHATTY = ("alembic.runtime.migration", "alembic.runtime.plugins")


@contextlib.contextmanager
def project_world(folder: Path, variables: Mapping[str, str]) -> Iterator[None]:
    """
    Run the block as `alembic` would run in the project's folder.

    Args:
        folder: relative paths of the project start here.
        variables: set while the block runs; they may hold secrets and are gone afterwards.
    """
    with contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.chdir(folder))
        stack.enter_context(_variables(variables))
        stack.enter_context(_search_path())
        stack.enter_context(kept_logging())
        stack.enter_context(quiet_alembic())
        stack.enter_context(_talk_on_stderr())
        yield


@contextlib.contextmanager
def _talk_on_stderr() -> Iterator[None]:
    """What env.py or a revision prints is talk, and stdout is for data; programs that they start inherit the descriptor."""
    with contextlib.redirect_stdout(sys.stderr), contextlib.ExitStack() as stack:
        with contextlib.suppress(OSError):  # a service may run with either of them closed
            kept = os.dup(1)
            stack.callback(os.close, kept)
            os.dup2(2, 1)
            stack.callback(os.dup2, kept, 1)
        yield


@contextlib.contextmanager
def _variables(variables: Mapping[str, str]) -> Iterator[None]:
    before = {name: os.environ.get(name) for name in variables}
    os.environ.update(variables)
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


@contextlib.contextmanager
def _search_path() -> Iterator[None]:
    before = list(sys.path)
    try:
        yield
    finally:
        sys.path[:] = before


@contextlib.contextmanager
def kept_logging() -> Iterator[None]:
    """Restore the host's logging: env.py usually calls fileConfig, which replaces handlers and disables loggers."""
    root = logging.getLogger()
    loggers = [root, *(item for item in logging.Logger.manager.loggerDict.values() if isinstance(item, logging.Logger))]
    before = [(item, item.level, list(item.handlers), item.propagate, item.disabled) for item in loggers]
    try:
        yield
    finally:
        for item, level, handlers, propagate, disabled in before:
            item.handlers[:] = handlers
            item.propagate, item.disabled = propagate, disabled
            item.setLevel(level)


@contextlib.contextmanager
def quiet_alembic() -> Iterator[None]:
    """Take out Alembic's own progress lines: the run tells the same story. A filter survives env.py's fileConfig."""

    def only_warnings(record: logging.LogRecord) -> bool:
        return record.levelno >= logging.WARNING

    for name in _CHATTY:
        logging.getLogger(name).addFilter(only_warnings)
    try:
        yield
    finally:
        for name in _CHATTY:
            logging.getLogger(name).removeFilter(only_warnings)


@contextlib.contextmanager
def compiled_anew() -> Iterator[None]:
    """Let Python read the source of what is imported in the block, and none of the compiled files that lie beside it."""
    before = sys.pycache_prefix
    with TemporaryDirectory(prefix="lockgate-") as folder:
        sys.pycache_prefix = folder
        try:
            yield
        finally:
            sys.pycache_prefix = before
