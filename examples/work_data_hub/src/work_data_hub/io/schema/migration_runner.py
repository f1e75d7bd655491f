"""
Migrations for programs: tests, tooling, deployment.

Thin on purpose. Every function asks lockgate, so the database itself says whether it is the one that is meant; no URL and no name is
looked at to guess it.
"""

from __future__ import annotations

import os
from pathlib import Path

import lockgate
from work_data_hub.config import get_settings

ROOT = Path(__file__).resolve().parents[4]
TEST_DATA = "test-data"  # the seed that stands for io/schema/fixtures/test_data.sql


def upgrade(
    database_url: str | None = None, revision: str = "head", *, environment: str | None = None, create_database: bool = False
) -> lockgate.Outcome:
    """
    Bring a database to a revision.

    Args:
        database_url: the settings' own where it is left out.
        revision: in Alembic's notation.
        environment: who the database must say it is; `WDH_ENV`, else the default environment, where it is left out.
        create_database: make the database first, where the server does not have it.
    Raises:
        lockgate.LockgateError: `code`, `what`, `where`, `hint` and `changed` say what happened.
    """
    project, name, url = _meant(database_url, environment)
    return lockgate.upgrade(project, name, revision, database_url=url, create_database=create_database)


def downgrade(database_url: str | None = None, revision: str = "-1", *, environment: str | None = None) -> lockgate.Outcome:
    """Go back to a revision. May lose data, so `CONFIRM_ENV` must name the environment. Otherwise as `upgrade`."""
    project, name, url = _meant(database_url, environment)
    return lockgate.downgrade(project, name, revision, database_url=url)


def stamp(database_url: str | None = None, revision: str = "head", *, environment: str | None = None) -> lockgate.Outcome:
    """Write the version table without running a revision. Otherwise as `upgrade`."""
    project, name, url = _meant(database_url, environment)
    return lockgate.stamp(project, name, revision, database_url=url)


def current(database_url: str | None = None, *, environment: str | None = None) -> tuple[str, ...]:
    """Return the revisions that a database is at, empty for one without any; RuntimeError where it cannot be seen. Only looks."""
    project, name, url = _meant(database_url, environment)
    (row,) = lockgate.status(project, name, database_url=url)
    if row.error:
        raise RuntimeError(f"{row.error} ({row.error_code})")
    return row.heads


def seed(database_url: str | None = None, file: Path | None = None, *, environment: str | None = None) -> list[str]:
    """
    Load the test data.

    Args:
        file: loaded in place of `io/schema/fixtures/test_data.sql`.
    Returns:
        A line for people about each file.
    """
    project, name, url = _meant(database_url, environment)
    done = lockgate.seed(project, name, TEST_DATA, file=file, database_url=url).done
    return [f"{item.how}: {item.file} ({item.table})" for item in done]


def _meant(database_url: str | None, environment: str | None) -> tuple[lockgate.Project, str, str]:
    project = lockgate.load_project(ROOT)
    name = environment or os.environ.get(project.variable.name) or project.default_environment
    return project, name, database_url or get_settings().database_uri.get_secret_value()
