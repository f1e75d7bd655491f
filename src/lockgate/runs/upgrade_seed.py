"""`upgrade --seed`: the revisions, then the seeds, then the smoke questions, which may ask for seeded rows."""

from __future__ import annotations

from dataclasses import replace

from lockgate.errors import NOTHING, LockgateError
from lockgate.events import Notify
from lockgate.outcome import Outcome
from lockgate.runs.arrival import Arrival, arrive
from lockgate.runs.seed import LOADED, SeedOptions, seed
from lockgate.runs.seed_files import chosen, loads
from lockgate.runs.seed_sql import read_scripts
from lockgate.runs.target import environment_of
from lockgate.runs.upgrade import revisions, smoked
from lockgate.seeds.outcome import SeededUpgrade, SeedOutcome, Watch
from lockgate.settings.project import Project
from lockgate.words import Request, Verb, VersionTable


def upgrade_and_seed(request: Request, project: Project, notify: Notify, watch: Watch) -> SeededUpgrade:
    """
    Bring an environment to a revision and load the seeds that belong there, also where no revision is pending.

    What can be refused without the new tables is refused before the first revision runs: missing files, forbidden statements,
    and everything that the guard asks of `seed`.

    Args:
        watch: called as files are read.
    Returns:
        The upgrade with its seeds; `code` is `smoke-failed` where an answer was wrong.
    Raises:
        LockgateError: `changed` says which revisions and which seeds were committed.
    """
    files = loads(project, chosen(project, environment_of(project, request.environment).name, ()))
    arrival = arrive(replace(request, to=request.to or "head", seeds=True), project, notify)
    table = arrival.sight.version_table or arrival.sight.kept_version_table or VersionTable()
    read_scripts(arrival.target.dialect, files, table.name)
    outcome = revisions(arrival, arrival.request.to, notify)
    seeded = _seeded(arrival, outcome, notify, watch)
    changed = (*outcome.changed, *(f"loaded seed `{done.name}`" for done in seeded.done if done.how == LOADED))
    waited_s = outcome.waited_s + seeded.waited_s
    ended = SeededUpgrade(**{**vars(outcome), "changed": changed, "waited_s": waited_s}, seeds=seeded.done)
    return smoked(arrival, ended, wrote=bool(outcome.steps) or seeded.wrote)


def _seeded(arrival: Arrival, outcome: Outcome, notify: Notify, watch: Watch) -> SeedOutcome:
    try:
        return seed(replace(arrival.request, verb=Verb.SEED, to=""), arrival.project, notify, SeedOptions(), watch)
    except LockgateError as error:
        error.changed = "; ".join([*outcome.changed, *([] if error.changed == NOTHING else [error.changed])]) or NOTHING
        raise
