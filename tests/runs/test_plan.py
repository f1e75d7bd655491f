"""`plan`: what pending revisions will do, seen on a copy; the database itself and whatever env.py names are left alone."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import pytest
from building import Database, Tiny
from running import up

from lockgate.hazards.effects import Effects, RevisionEffects
from lockgate.secret import DatabaseUrl

ORDERS = """op.create_table(
    "orders", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)), sa.Column("age", sa.Integer)
)"""
# A host of its own that nobody's settings know, by each way of connecting that there is.
ENV = {
    "psycopg": "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg://app:pw@127.0.0.1:{port}/prod')",
    "psycopg2": "from sqlalchemy import create_engine\nengine = create_engine('postgresql+psycopg2://app:pw@127.0.0.1:{port}/prod')",
    "creator": "import psycopg\nfrom sqlalchemy import create_engine\n"
    "engine = create_engine('postgresql+psycopg://', creator=lambda: psycopg.connect('host=127.0.0.1 port={port} user=app dbname=prod'))",
    "asyncpg": "from sqlalchemy.ext.asyncio import create_async_engine\n"
    "engine = create_async_engine('postgresql+asyncpg://app:pw@127.0.0.1:{port}/prod')",
    "psycopg_async": "from sqlalchemy.ext.asyncio import create_async_engine\n"
    "engine = create_async_engine('postgresql+psycopg_async://app:pw@127.0.0.1:{port}/prod')",
}
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
BARE = """import asyncio, asyncpg, psycopg, psycopg2
for library in (psycopg, psycopg2):
    with library.connect("host=127.0.0.1 port={port} user=app password=pw dbname=prod") as connection:
        cursor = connection.cursor()
        cursor.execute("select current_database()")
        assert cursor.fetchone()[0].startswith("lockgate_plan_")
async def ask():
    connection = await asyncpg.connect("postgresql://app:pw@127.0.0.1:{port}/prod")
    assert (await connection.fetchval("select current_database()")).startswith("lockgate_plan_")
    await connection.close()
import threading
thread = threading.Thread(target=asyncio.run, args=(ask(),))
thread.start()
thread.join()"""


@pytest.fixture
def dev(project: Tiny, postgres_url: DatabaseUrl) -> Database:
    """Environment `dev` at r1, which makes `orders`; later revisions are the test's."""
    project.point("dev", postgres_url).revision("r1", None, ORDERS)
    up(project)
    return Database(postgres_url)


@pytest.fixture
def live_host() -> Iterator[socket.socket]:
    """A socket that listens on 127.0.0.1 and hears whoever connects."""
    with closing(socket.create_server(("127.0.0.1", 0))) as server:
        server.setblocking(False)
        yield server


def planned(project: Tiny, *arguments: str, check: int = 0) -> tuple[Effects, dict[str, Any]]:
    """Plan environment `dev`; the effects, and the whole document."""
    document = json.loads(project.here("plan", "dev", *arguments, "--json", check=check).stdout)
    import msgspec

    return msgspec.convert(document["effects"], Effects), document


def strongest(revision: RevisionEffects) -> list[tuple[str, list[str]]]:
    """Command and strongest table locks of each statement."""
    return [
        (effect.command, [f"{lock.strongest} {lock.relation.name}" for lock in effect.locks if lock.relation.kind == "table"])
        for effect in revision.effects
    ]


@pytest.mark.parametrize("way", ENV)
def test_nothing_reaches_the_host_that_env_py_names(project: Tiny, dev: Database, live_host: socket.socket, way: str) -> None:
    """The first thing that must be true of a plan: whatever env.py resolves, production does not hear of it, and the trace is the same."""
    port = live_host.getsockname()[1]
    project.revision("r2", "r1", 'op.add_column("orders", sa.Column("x", sa.Integer))\n' + BARE.format(port=port))
    project.env_py(ENV[way].format(port=port) + RUN)
    before = dev.picture()
    found, _ = planned(project)
    assert strongest(found.revisions[0]) == [("ALTER TABLE", ["AccessExclusiveLock orders"])]
    with pytest.raises(BlockingIOError):
        live_host.accept()
    assert dev.picture() == before
