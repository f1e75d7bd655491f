"""How the ready-made tests get their parameters and fixtures, and how they are collected without a module of the project's."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lockgate.pytest_plugin.fixtures import databases_of
from lockgate.pytest_plugin.state import CHECKS, PROJECT

if TYPE_CHECKING:
    from lockgate.runs.checks import Checks
    from lockgate.settings.project import Project

NODE = "lockgate-checks"


class ChecksModule(pytest.Module):
    """The module of checks, as if it belonged to the project."""

    def _getobj(self) -> Any:
        from lockgate.pytest_plugin import checks

        return checks


def collect(session: pytest.Session) -> list[pytest.Item]:
    """Collect the checks without a file of the project's."""
    module = ChecksModule.from_parent(session, name=NODE, path=Path(__file__).with_name("checks.py"), nodeid=NODE)
    return list(session.genitems(module))


def parametrize(metafunc: pytest.Metafunc) -> None:
    """Make one test for each revision, or for each environment with seeds."""
    if "lockgate_revision" in metafunc.fixturenames:
        from lockgate.runs.checks import revisions

        _each(metafunc, "lockgate_revision", revisions)
    if "lockgate_seeded_environment" in metafunc.fixturenames:
        from lockgate.runs.checks import environments

        _each(metafunc, "lockgate_seeded_environment", environments)


def _each(metafunc: pytest.Metafunc, name: str, values: Callable[[Project], tuple[str, ...]]) -> None:
    from lockgate.errors import LockgateError
    from lockgate.report.text import error as text_of

    try:
        found = values(project_of(metafunc.config))
    except LockgateError as error:
        raise pytest.fail.Exception(text_of(error), pytrace=False) from None
    metafunc.parametrize(name, found)


def project_of(config: pytest.Config) -> Project:
    """Return the project's settings, read once."""
    from lockgate.files import load_project
    from lockgate.pytest_plugin.hooks import project_folder

    if PROJECT not in config.stash:
        config.stash[PROJECT] = load_project(project_folder(config))
    return config.stash[PROJECT]


@pytest.fixture(scope="session")
def lockgate_project(request: pytest.FixtureRequest) -> Project:
    """The project's settings, for the ready-made checks."""
    return project_of(request.config)


@pytest.fixture(scope="session")
def lockgate_checks(request: pytest.FixtureRequest) -> Checks:
    """The ready-made checks of this test process."""
    from lockgate.runs.checks import Checks

    stash = request.config.stash
    if CHECKS not in stash:
        stash[CHECKS] = Checks(databases_of(request.config))
    return stash[CHECKS]
