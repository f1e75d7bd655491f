"""Which kind of database a project's revisions are for, as far as that can be told without contacting anything."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import replace

from lockgate.credentials.resolve import resolve
from lockgate.dialects.connect import backend_behind, is_known
from lockgate.errors import LockgateError
from lockgate.events import Notice, Notify
from lockgate.files import read_text
from lockgate.runs.scratch_server import product_of
from lockgate.settings.project import Environment, Project

_LOCAL = ("url", "env", "dotenv")  # kinds of URL sources that ask nobody else
_INI_URL = re.compile(r"^sqlalchemy\.url\s*=\s*[\"']?(\w+)(?:\+\w+)?://", re.M)
_USUAL = "postgresql"


def product(project: Project, like: Environment, environ: Mapping[str, str], notify: Notify) -> str:
    """
    Return the product's name in URLs: of the environment's own URL where it is at hand, else of its driver, of `scratch_url`, else what other settings tell.

    Where nothing tells, PostgreSQL is taken, and that is said.
    """
    found = next(_told(project, like, environ), "")
    if not found:
        hint = f'`driver = "psycopg"`, `"pysqlite"` or `"pymysql"` in [environments.{like.name}] tells it'
        notify(Notice(f"no setting tells which kind of database the revisions are for, so it is taken to be PostgreSQL; {hint}"))
    return found or _USUAL


def _told(project: Project, like: Environment, environ: Mapping[str, str]) -> Iterator[str]:
    yield from _resolved(project, like, environ)
    if like.driver:
        yield from filter(None, [backend_behind(like.driver)])
    if source := like.scratch_url or project.scratch_url:
        yield from _resolved(project, replace(like, url=source, query={}, driver=""), environ)
    if project.tests.server or like.url.kind == "embedded":
        yield product_of(project)
    try:
        text = read_text(project.folder / project.alembic_ini, "alembic-settings")
    except LockgateError:
        text = ""  # the settings of Alembic may be in pyproject.toml alone
    yield from (match[1].lower() for match in _INI_URL.finditer(text) if is_known(match[1].lower()))


def _resolved(project: Project, like: Environment, environ: Mapping[str, str]) -> Iterator[str]:
    if like.url.kind in _LOCAL:
        with suppress(LockgateError):  # in a pipeline, or before a commit, the variable is often not set
            yield resolve(like, project.folder, environ).backend
