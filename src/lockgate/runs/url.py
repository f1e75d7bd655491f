"""`url`: the connection URL, a test of it, and the database's own shell."""

from __future__ import annotations

import subprocess

from lockgate.errors import UsageError
from lockgate.files import private_file
from lockgate.outcome import EnvironmentRow
from lockgate.runs.status import seen_row
from lockgate.runs.target import target_of
from lockgate.secret import Secret, without_secrets
from lockgate.settings.project import Project
from lockgate.words import Request


def connection_url(request: Request, project: Project) -> Secret:
    """Return the URL as the project's own driver reads it."""
    target = target_of(request, project)
    return target.dialect.project_url(target.url, target.environment.connect_timeout)[0].render()


def check(request: Request, project: Project) -> EnvironmentRow:
    """Connect and look; raises what stands in the way, with its own hint."""
    return seen_row(request, project, None)


def psql(request: Request, project: Project) -> int:
    """
    Open the database's own shell on this terminal.

    The password goes through a file that only this user can read: a variable or an argument would be seen by others.

    Returns:
        The shell's exit status.
    """
    target = target_of(request, project)
    command, variables, password = target.dialect.client(target.url)
    try:
        with private_file(password) as path:
            environ = {**without_secrets(request.environ), **variables, **({"PGPASSFILE": str(path)} if password else {})}
            return subprocess.run(command, env=environ, check=False).returncode
    except FileNotFoundError:
        raise UsageError(
            "extra-missing",
            f"`{command[0]}` is not installed",
            target.where,
            f"install it, or use the URL of `lockgate url {request.environment}`",
        ) from None
