"""A database that the server does not have: made for `upgrade --create-database`, if the guard would let an empty one be marked."""

from __future__ import annotations

from lockgate.errors import Unreachable
from lockgate.events import Notice, Notify
from lockgate.runs.gate import Also, Gate, find
from lockgate.runs.target import Target, target_of
from lockgate.settings.project import Project
from lockgate.words import Cluster, Request, Sight


def find_or_create(request: Request, project: Project, notify: Notify, also: Also) -> tuple[Target, Sight, str]:
    """
    Resolve the request and look; where the database is missing and the request says so, make it and look again.

    Creating destroys nothing, and the new database passes the whole gate like any other; here the guard is asked beforehand, so
    that no database comes into being that could not be used.

    Args:
        also: see `lockgate.runs.gate.look`.
    Returns:
        The target, the look, and what was made in the user's words; empty where nothing was.
    Raises:
        Refused: by the guard; nothing was made.
        Unreachable: as `find`; `database-missing` also where the role may not create one.
    """
    try:
        return *find(request, project, also), ""
    except Unreachable as error:
        if error.code != "database-missing" or not request.create:
            raise
    target = target_of(request, project)
    kind = target.dialect.name
    Gate.of(request, project, target, notify).check(Sight(target.url.place, Cluster(kind, "", ""), exists=False))
    target.dialect.create_database(target.url, target.environment.connect_timeout)
    made = f"created database `{target.url.database}`"
    notify(Notice(made))
    return *find(request, project, also), made
