"""What the plugin keeps in pytest's stashes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lockgate.errors import LockgateError
    from lockgate.runs.checks import Checks
    from lockgate.runs.host_service import HostService
    from lockgate.runs.test_databases import Lease, TestDatabases
    from lockgate.settings.project import Project


@dataclass(frozen=True)
class Leased:
    """A database that a test holds."""

    databases: TestDatabases
    lease: Lease


SESSION: pytest.StashKey[TestDatabases] = pytest.StashKey()  # of this process, from the first fixture on
BROKEN: pytest.StashKey[LockgateError] = pytest.StashKey()  # why there is none: asked once, not for every test
SERVICE: pytest.StashKey[HostService] = pytest.StashKey()  # of the process that starts workers
LEASES: pytest.StashKey[list[Leased]] = pytest.StashKey()  # of a test
FAILED: pytest.StashKey[bool] = pytest.StashKey()  # a test failed, and its databases are to be kept
PROJECT: pytest.StashKey[Project] = pytest.StashKey()  # of the ready-made checks
CHECKS: pytest.StashKey[Checks] = pytest.StashKey()
