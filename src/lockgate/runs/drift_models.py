"""The database against the project's models: env.py runs dry on the target and Alembic compares."""

from __future__ import annotations

from functools import partial
from typing import Any

from lockgate.alembic_seam.models import compare_errand
from lockgate.dialects.base import Dialect
from lockgate.drift.compare import Difference
from lockgate.errors import Unreachable
from lockgate.events import Notify
from lockgate.graph import Graph
from lockgate.permit import Session
from lockgate.runs.arrival import Arrival
from lockgate.runs.gate import Gate
from lockgate.runs.passage import Passage
from lockgate.runs.target import Target
from lockgate.runs.through import dry_run
from lockgate.settings.project import Project
from lockgate.words import Cluster, Request, Sight, VersionTable


class NoModels(Unreachable):
    """env.py gives Alembic no models, so there is nothing to compare with."""


_Heard = tuple[Difference, ...] | None


class _Reading(Passage):
    """A passage that reads: the guard has nothing to say to it, but the answer must be about the right database."""

    def __init__(self, cluster: Cluster, *args: Any) -> None:
        super().__init__(*args)
        self._cluster = cluster

    def judge_new(self, session: Session, dialect: Dialect) -> None:
        """Any connection may be opened; the one that is compared is judged."""

    def judge(self, session: Session, dialect: Dialect, version_table: VersionTable) -> None:
        """Raise `no-comparison` where env.py brings another database than the environment's."""
        if not dialect.cluster(session).same(self._cluster):
            what = f"env.py compares with another database: it connected to {dialect.place(session)}"
            hint = "let env.py take its URL from `sqlalchemy.url`, or name its variable in the environment's `export`"
            raise Unreachable("no-comparison", what, self.scene.place, hint)


def against_models(request: Request, project: Project, target: Target, seen: Sight, graph: Graph, notify: Notify) -> tuple[Difference, ...]:
    """
    Compare the database with the models; see `alembic_seam.models`.

    Raises:
        NoModels: `no-comparison`.
        Unreachable: `no-comparison` where env.py connects to another database.
        Failed: `env-failed`.
    """
    heard: list[_Heard] = []
    gate = Gate.of(request, project, target, notify)
    arrival = Arrival(request, project, target, gate, seen, graph)
    dry_run(arrival, notify, lambda config: compare_errand(config, heard.append), partial(_Reading, seen.cluster))
    found = heard[-1] if heard else None
    if found is None:
        raise NoModels(
            "no-comparison", "env.py gives Alembic no models: `target_metadata` is None", target.where, "set `target_metadata` in env.py"
        )
    return found
