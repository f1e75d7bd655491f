"""Calls `alembic` and `lockgate` inside the test's own process, the way a test suite's teardown or a script does it."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from building import TEMPLATES, Database, Tiny

import lockgate
from lockgate.alembic_seam.world import kept_logging
from lockgate.cli.main import main
from lockgate.errors import Refused
from lockgate.secret import DatabaseUrl

ASK = "APP_DATABASE_URL"
_ANCHOR = "config = context.config\n"


def overwriting_env_py(variable: str = ASK, template: str = "generic") -> str:
    """Return Alembic's own env.py with the lines that so many projects add: whatever URL came in, the variable's is used."""
    text = (TEMPLATES / template / "env.py").read_text(encoding="utf-8")
    assert _ANCHOR in text
    added = f'import os\nconfig.set_main_option("sqlalchemy.url", os.environ["{variable}"].replace("%", "%%"))\n'
    return text.replace(_ANCHOR, _ANCHOR + added)


def shown(url: DatabaseUrl) -> str:
    """Return the URL as a person would write it into a variable."""
    return url.render().reveal()


def config_for(project: Tiny, url: DatabaseUrl | None = None) -> Config:
    """Return the project's configuration as a program makes it, with a URL of its own choice."""
    config = Config(str(project.folder / "alembic.ini"), stdout=sys.stderr)
    if url is not None:
        config.set_main_option("sqlalchemy.url", shown(url).replace("%", "%%"))
    return config


@contextmanager
def as_found() -> Iterator[None]:
    """Put logging, sys.path and the variables back: env.py and `prepend_sys_path` change them for the whole process."""
    path, environ = list(sys.path), dict(os.environ)
    with kept_logging():
        try:
            yield
        finally:
            sys.path[:] = path
            os.environ.clear()
            os.environ.update(environ)


def plain(call: Callable[..., Any], config: Config, *arguments: str, **variables: str) -> Any:
    """Call one of `alembic.command` with variables set for this call alone."""
    with as_found():
        os.environ.update(variables)
        return call(config, *arguments)


def refused(call: Callable[..., Any], config: Config, *arguments: str, **variables: str) -> Refused:
    """Call one of `alembic.command` and return the refusal that it must end in."""
    with pytest.raises(Refused) as caught:
        plain(call, config, *arguments, **variables)
    assert caught.value.changed == "nothing"
    assert caught.value.hint
    return caught.value


def cli(project: Tiny, *arguments: str, **variables: str) -> int:
    """Call lockgate's command line in this process; its words are left for `capsys`."""
    with as_found():
        os.environ.update({**project.environ, **variables})
        with pytest.raises(SystemExit) as end:
            main([*arguments, "--project", str(project.folder)])
    assert isinstance(end.value.code, int)
    return end.value.code


def filled(project: Tiny, environment: str, url: DatabaseUrl) -> Database:
    """Bring an environment's database to head and put a row into its table `users`."""
    with as_found():
        os.environ[ASK] = shown(url)
        project.point(environment, url)
        lockgate.upgrade(lockgate.load_project(project.folder), environment, environ=project.environ)
    database = Database(url)
    database.query(f"insert into users (id, name) values (1, 'somebody in {environment}')")
    return database


# Every call of alembic.command that may change a database, as a suite's set-up and teardown use them.
COMMANDS: tuple[tuple[Callable[..., Any], tuple[str, ...]], ...] = (
    (command.downgrade, ("base",)),
    (command.downgrade, ("-1",)),
    (command.stamp, ("base",)),
    (command.upgrade, ("head",)),
)
