"""
Entry point (group `pytest11`): options, the marker `seeds`, who owns the databases, and what becomes of a failed test's.

The standard library and pytest are all that is imported here: every pytest run in the environment loads this module.
"""

from __future__ import annotations

import os
from collections.abc import Generator
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from lockgate.pytest_plugin.checks_collected import collect, lockgate_checks, lockgate_project, parametrize
from lockgate.pytest_plugin.fixtures import migrated_connection, migrated_database, migrated_engine, migrated_schema_template
from lockgate.pytest_plugin.state import FAILED, LEASES, SERVICE, SESSION, Leased

if TYPE_CHECKING:
    from lockgate.runs.host_service import HostService

__all__ = ["lockgate_checks", "lockgate_project", "migrated_connection", "migrated_database", "migrated_engine", "migrated_schema_template"]

_ADDRESS = "lockgate_address"


def pytest_addoption(parser: pytest.Parser) -> None:
    """Declare options and ini settings."""
    group = parser.getgroup("lockgate", "fresh, migrated databases for tests")
    group.addoption(
        "--lockgate-project", metavar="DIR", help="folder of lockgate.toml (default: searched from pytest's root folder upwards)"
    )
    group.addoption("--lockgate-keep", action="store_true", help="keep the database of a failed test and say how to connect to it")
    group.addoption(
        "--lockgate-checks", action="store_true", help="test the project's revisions, models and seeds as well, by ready-made tests"
    )
    parser.addini("lockgate_project", "folder of lockgate.toml, below the folder of this file")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker."""
    config.addinivalue_line(
        "markers", "seeds(*names): load these seeds of the project into the test's database; all of its environment's without a name"
    )


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    """Tell a worker of pytest-xdist where the databases' owner, this process, listens."""
    from lockgate.runs.host_service import HostService  # a socket and a thread; the rest is loaded when a worker asks

    stash = node.config.stash
    if SERVICE not in stash:
        # A machine without such sockets: each worker owns its databases then. Whoever needs none must not notice.
        with suppress(OSError, AttributeError):
            stash[SERVICE] = HostService(len(node.nodemanager.specs))
    if SERVICE in stash:
        node.workerinput[_ADDRESS] = stash[SERVICE].address


@pytest.hookimpl(tryfirst=True)  # before `-k` and `-m` choose
def pytest_collection_modifyitems(session: pytest.Session, config: pytest.Config, items: list[pytest.Item]) -> None:
    """Add the ready-made tests."""
    if config.getoption("--lockgate-checks"):
        items.extend(collect(session))


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Give the ready-made tests their revisions and environments."""
    parametrize(metafunc)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Give everything back, after the last fixture has ended; a worker of pytest-xdist may be stopped soon after."""
    databases = session.config.stash.get(SESSION, None)
    if databases is not None:
        databases.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say once which kept databases could not be dropped, and, not under pytest-xdist, why a schema file was not used."""
    for owner in (config.stash.get(SESSION, None), config.stash.get(SERVICE, None)):
        for name in owner.spared if owner is not None else ():
            terminalreporter.write_line(f"lockgate: database `{name}` of an earlier session is still kept: somebody is connected to it")
    databases = config.stash.get(SESSION, None)
    if databases is None:
        return
    from lockgate.runs.from_schema import stale_files  # it is loaded by now: the databases needed it

    for error in stale_files(databases.project):
        terminalreporter.write_line(f"lockgate: the revisions were run: {error.what}; {error.hint}")


def pytest_unconfigure(config: pytest.Config) -> None:
    """Drop what the workers left."""
    service: HostService | None = config.stash.get(SERVICE, None)
    if service is not None:
        service.close()


@pytest.hookimpl(hookwrapper=True)  # the old way of wrapping: a pytest that does not know the new one would not start
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[None]) -> Generator[None, Any, None]:
    """Remember that a test failed; with `--lockgate-keep` its report says how to connect to its database."""
    outcome = yield
    report = outcome.get_result()
    leases: list[Leased] = item.stash.get(LEASES, [])
    if report.failed and leases and not item.stash.get(FAILED, False) and item.config.getoption("--lockgate-keep"):
        item.stash[FAILED] = True
        report.sections.extend(("lockgate: this database is kept", leased.databases.when_kept(leased.lease)) for leased in leases)


def project_folder(config: pytest.Config) -> Path:
    """Return the folder in which the settings are searched: the option's, the ini file's, or pytest's root."""
    given = config.getoption("--lockgate-project")
    if given:
        return Path(config.invocation_params.dir, given)
    written = config.getini("lockgate_project")
    return Path(config.inipath.parent if config.inipath else config.rootpath, written) if written else config.rootpath


def address_of(config: pytest.Config) -> str:
    """Return where the databases' owner listens; empty where it is this process."""
    return str(getattr(config, "workerinput", {}).get(_ADDRESS, ""))


def environ() -> dict[str, str]:
    """Return the process's variables as they are now."""
    return dict(os.environ)
