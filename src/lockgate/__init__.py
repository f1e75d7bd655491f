"""
lockgate moves a database safely from one schema to the next, in every environment a team owns.

The library's front door. Names are loaded when they are first used: `import lockgate` costs nothing by itself.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING

from lockgate.version import __version__

if TYPE_CHECKING:
    from lockgate.api import (
        acknowledge,
        adopt,
        downgrade,
        find_drift,
        history,
        load_project,
        reset,
        seed,
        seed_export,
        smoke,
        stamp,
        status,
        upgrade,
        url,
    )
    from lockgate.api_plans import approve, lint, plan
    from lockgate.errors import Busy, Failed, LockgateError, Refused, SettingsError, Unreachable, UsageError
    from lockgate.hazards.plan import PlanOutcome
    from lockgate.outcome import EnvironmentRow, LedgerEntry, Outcome
    from lockgate.runs.approve import Approval
    from lockgate.settings.project import Environment, Project

_HOMES = {
    "lockgate.api": (
        *("acknowledge", "adopt", "downgrade", "find_drift", "history", "load_project", "reset", "seed", "seed_export", "smoke", "stamp", "status"),
        *("upgrade", "url"),
    ),
    "lockgate.api_plans": ("approve", "lint", "plan"),
    "lockgate.errors": ("Busy", "Failed", "LockgateError", "Refused", "SettingsError", "Unreachable", "UsageError"),
    "lockgate.hazards.plan": ("PlanOutcome",),
    "lockgate.runs.approve": ("Approval",),
    "lockgate.settings.project": ("Environment", "Project"),
    "lockgate.outcome": ("EnvironmentRow", "LedgerEntry", "Outcome"),
}
_HOME_OF = {name: home for home, names in _HOMES.items() for name in names}

__all__ = [
    "__version__",
    "Approval",
    "Busy",
    "Environment",
    "EnvironmentRow",
    "Failed",
    "LedgerEntry",
    "LockgateError",
    "Outcome",
    "PlanOutcome",
    "Project",
    "Refused",
    "SettingsError",
    "Unreachable",
    "UsageError",
    "acknowledge",
    "adopt",
    "approve",
    "downgrade",
    "find_drift",
    "history",
    "lint",
    "load_project",
    "plan",
    "reset",
    "seed",
    "seed_export",
    "smoke",
    "stamp",
    "status",
    "upgrade",
    "url",
]


def __getattr__(name: str) -> object:
    if name not in _HOME_OF:
        raise AttributeError(f"module 'lockgate' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOME_OF[name]), name)
