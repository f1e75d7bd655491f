"""
Ready-made tests of a project's history, models and seeds.

One line in a test module, `from lockgate.pytest_plugin.checks import *`, or the option `--lockgate-checks` without any module.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from lockgate.outcome import Fault
    from lockgate.runs.checks import Checks
    from lockgate.settings.project import Project

__all__ = [
    "test_exceptions_are_revisions",
    "test_history_has_one_head",
    "test_models_match_the_head",
    "test_revision_goes_up_down_and_up_again",
    "test_revision_keeps_rows",
    "test_revisions_are_named_by_the_pattern",
    "test_schema_file_is_of_the_head",
    "test_seeds_are_idempotent",
]


def test_history_has_one_head(lockgate_project: Project) -> None:
    """Two heads are what a merge of two branches leaves, and `upgrade head` refuses."""
    from lockgate.runs.checks import head_fault

    _hold(lambda: head_fault(lockgate_project))


def test_revisions_are_named_by_the_pattern(lockgate_project: Project) -> None:
    """Files sort as they were written, and a file is found by its id."""
    from lockgate.runs.checks import names_fault

    _hold(lambda: names_fault(lockgate_project))


def test_exceptions_are_revisions(lockgate_project: Project) -> None:
    """An exception that names nothing hides nothing, but looks as if it did."""
    from lockgate.runs.checks import exceptions_fault

    _hold(lambda: exceptions_fault(lockgate_project))


def test_schema_file_is_of_the_head(lockgate_project: Project) -> None:
    """A stale file costs every fresh database the way through all revisions, and nobody would notice."""
    from lockgate.runs.checks import schema_fault

    _hold(lambda: schema_fault(lockgate_project))


def test_revision_goes_up_down_and_up_again(lockgate_checks: Checks, lockgate_revision: str) -> None:
    """Each downgrade restores the schema before its revision exactly, and the revision can be applied again."""
    _hold(lambda: lockgate_checks.stairway(lockgate_revision))


def test_revision_keeps_rows(lockgate_checks: Checks, lockgate_revision: str) -> None:
    """A revision that is only ever run on empty tables proves nothing about a database that people work with."""
    _hold(lambda: lockgate_checks.keeps_rows(lockgate_revision))


def test_models_match_the_head(lockgate_checks: Checks) -> None:
    """What the application believes is what the revisions make."""
    from lockgate.runs.drift_models import NoModels

    try:
        _hold(lockgate_checks.models)
    except NoModels as error:
        pytest.skip(error.what)


def test_seeds_are_idempotent(lockgate_checks: Checks, lockgate_seeded_environment: str) -> None:
    """Seeds are loaded at every deployment; the second time they must find everything in place."""
    _hold(lambda: lockgate_checks.seeds(lockgate_seeded_environment))


def _hold(check: Callable[[], Fault | None]) -> None:
    """Fail with what a check finds; an error is shown as the command line would show it."""
    from lockgate.errors import LockgateError
    from lockgate.report.checks import fault as text_of_fault
    from lockgate.report.text import error as text_of
    from lockgate.runs.drift_models import NoModels

    try:
        found = check()
    except NoModels:
        raise
    except LockgateError as error:
        raise pytest.fail.Exception(text_of(error), pytrace=False) from None
    if found:
        raise pytest.fail.Exception(text_of_fault(found), pytrace=False)
