"""The ready-made tests of a project's revisions, models and seeds, on databases of a test session."""

from __future__ import annotations

from lockgate.errors import LockgateError
from lockgate.events import Event
from lockgate.outcome import Fault
from lockgate.runs.checks_history import exceptions_fault as exceptions_fault
from lockgate.runs.checks_history import fault_of, history, seeded_environments, walked
from lockgate.runs.checks_history import head_fault as head_fault
from lockgate.runs.checks_history import names_fault as names_fault
from lockgate.runs.checks_walk import Walk, lines_of
from lockgate.runs.drift import MODELS_WORD, drift
from lockgate.runs.from_schema import stale_files
from lockgate.runs.seed import LOADED
from lockgate.runs.seed_files import chosen
from lockgate.runs.test_databases import TestDatabases
from lockgate.settings.project import Project
from lockgate.words import Verb

__all__ = ["Checks", "environments", "exceptions_fault", "head_fault", "names_fault", "revisions", "schema_fault"]


def revisions(project: Project) -> tuple[str, ...]:
    """Return the ids of the revisions to test, parents first; none where only running the files would tell them."""
    graph = history(project)
    return walked(project, graph) if graph.complete else ()


def environments(project: Project) -> tuple[str, ...]:
    """Return the environments that seeds belong into."""
    return seeded_environments(project)


def schema_fault(project: Project) -> Fault | None:
    """Whether the schema files that the project keeps belong to its revisions."""
    return next((fault_of(error) for error in stale_files(project)), None)


class Checks:
    """The checks of one test process that need databases; each returns what is wrong, None where nothing is."""

    def __init__(self, databases: TestDatabases) -> None:
        self._databases = databases
        self._project = databases.project
        graph = history(self._project)
        self._stairs = Walk(databases, graph)
        self._rows = Walk(databases, graph)

    def stairway(self, revision: str) -> Fault | None:
        """See `Walk`."""
        return self._stairs.stairway(revision)

    def keeps_rows(self, revision: str) -> Fault | None:
        """See `Walk`."""
        return self._rows.keeps_rows(revision)

    def models(self) -> Fault | None:
        """
        Whether the models are what the revisions make.

        Raises:
            LockgateError: `no-comparison` where env.py gives no models; the project cannot be migrated.
        """
        lease = self._databases.take(self._databases.template())
        try:
            scratch = self._databases.scratch(lease)
            found = drift(scratch.request(Verb.DRIFT), scratch.project, _quiet, MODELS_WORD)
        finally:
            self._databases.give(lease)
        if not found.code:
            return None
        hint = 'lockgate revision -m "follow the models", or mend the models; `[drift] ignore` names what may differ'
        return Fault("the models are not what the revisions make", f"at {', '.join(found.heads)}", lines_of(found.differences), hint)

    def seeds(self, environment: str) -> Fault | None:
        """
        Whether the seeds of an environment change nothing when they are loaded a second time.

        Raises:
            LockgateError: the project cannot be migrated.
        """
        names = [seed.name for seed in chosen(self._project, environment, ())]
        lease = self._databases.take(self._databases.template())
        try:
            scratch = self._databases.scratch(lease)
            scratch.seed(*names)
            again = scratch.seed(*names, again=True)
        except LockgateError as error:
            return fault_of(error)
        finally:
            self._databases.give(lease)
        changed = [item for item in again.done if item.how == LOADED]
        details = []
        for item in changed:
            counts = f": {item.counts.new} new, {item.counts.changed} changed, {item.deleted} deleted" if item.counts else ""
            details.append(f"seed `{item.name}` ({item.file}) changes `{item.table}` again{counts}")
        if not changed:
            return None
        hint = "look for a trigger, a default or a later seed that changes the rows after they are loaded: lockgate seed ENV --dry-run"
        return Fault(
            f"seeds of `{environment}` are not idempotent: loaded twice, they write twice",
            self._project.settings_file,
            tuple(details),
            hint,
        )


def _quiet(event: Event) -> None:
    """A check tells no story."""
