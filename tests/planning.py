"""What tests of plans and of lint share: an env.py with an engine of its own, tables with rows in the way, git, a plan's document."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from typing import Any

import msgspec
from building import Tiny

from lockgate.hazards.effects import Effects

# The end of an env.py that has made `engine`, sync or async.
RUN = """
import asyncio
from alembic import context


def work(connection):
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()


async def work_async():
    async with engine.connect() as connection:
        await connection.run_sync(work)


if hasattr(engine, "sync_engine"):
    asyncio.run(work_async())
else:
    with engine.connect() as connection:
        work(connection)
"""


@dataclass(frozen=True)
class Case:
    """
    One table twice, `d_NAME` with dirty rows and `c_NAME` with clean ones, and what is to be done to it.

    Args:
        columns: of `CREATE TABLE {t}`, with what belongs to it.
        dirty, clean: rows.
        does: statements about `{t}`, separated by semicolons.
        count: of what stands in the way in the dirty table.
        after: what is done when the rows are there.
    """

    name: str
    columns: str
    dirty: str
    clean: str
    does: str
    count: int
    after: str = ""


def git(project: Tiny, *words: str) -> None:
    """Call git in the project's folder."""
    who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "init.defaultBranch=main", "-c", "commit.gpgsign=false"]
    subprocess.run(["git", *who, *words], cwd=project.folder, check=True, capture_output=True)


def planned(project: Tiny, *arguments: str, check: int = 0) -> tuple[Effects, dict[str, Any]]:
    """Plan environment `dev`; the effects, and the whole document."""
    document = json.loads(project.here("plan", "dev", *arguments, "--json", check=check).stdout)
    return msgspec.convert(document["effects"], Effects), document
