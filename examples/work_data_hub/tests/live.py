"""A database that people work with."""

from __future__ import annotations

from sqlalchemy import create_engine, make_url, text
from work_data_hub.io.schema import migration_runner

import lockgate

ROW = "insert into pipeline_executions (execution_id, pipeline_name) values ('99999999-9999-4999-8999-999999999999', 'real work')"


def make_live(url: str) -> None:
    """Make a database, let it say that it is `live`, bring it to head and put a row into it."""
    server = make_url(url)
    if server.get_backend_name() == "postgresql":
        with create_engine(server.set(database="postgres"), isolation_level="AUTOCOMMIT").connect() as connection:
            connection.execute(text(f'create database "{server.database}"'))
    project = lockgate.load_project(migration_runner.ROOT)
    lockgate.adopt(project, "live", database_url=url, confirm="live")
    lockgate.upgrade(project, "live", database_url=url, confirm="live")
    engine = create_engine(url)
    with engine.begin() as connection:
        connection.execute(text(ROW))
    engine.dispose()
