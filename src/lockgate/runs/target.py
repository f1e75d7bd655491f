"""From a request to the place it is about: the environment, its URL now, and who asks."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

from lockgate.credentials.resolve import resolve
from lockgate.dialects.base import Dialect
from lockgate.dialects.connect import dialect_named
from lockgate.errors import Unreachable, UsageError
from lockgate.guard import Asked
from lockgate.nearest import nearest
from lockgate.permit import Author
from lockgate.runs.checkout import commit_of
from lockgate.secret import DatabaseUrl, parse_url
from lockgate.settings.project import Environment, Project
from lockgate.version import __version__
from lockgate.words import Request

# Links to the job, as the CI systems set them; the first that is set is kept.
_CI_JOBS = ("GITHUB_RUN_ID", "CI_JOB_URL", "BUILD_URL", "CIRCLE_BUILD_URL", "BUILDKITE_BUILD_URL")


@dataclass(frozen=True)
class Target:
    """
    A database as the settings resolve it now, and the dialect that knows how to talk to it.

    Args:
        warning: what every run says of the connection; empty for nothing.
    """

    environment: Environment
    url: DatabaseUrl
    dialect: Dialect
    warning: str = ""

    @property
    def where(self) -> str:
        """For errors: environment, place in the settings, place of the database."""
        return f"environment `{self.environment.name}` ({self.environment.where}), {self.url.place}"


def environment_of(project: Project, name: str) -> Environment:
    """
    Return the environment of that name.

    Raises:
        UsageError: `unknown-environment`, with the nearest name.
    """
    if name in project.environments:
        return project.environments[name]
    near = nearest(name, project.environments)
    hint = f"did you mean `{near}`?" if near else f"the environments are {', '.join(f'`{known}`' for known in project.environments)}"
    raise UsageError("unknown-environment", f"there is no environment `{name}`", project.settings_file, hint)


def target_of(request: Request, project: Project) -> Target:
    """
    Resolve the request's environment to a database, now; nothing is cached.

    Raises:
        UsageError, Unreachable: as the URL source says.
    """
    environment = environment_of(project, request.environment)
    url = _url_of(request, project, environment)
    dialect = dialect_named(url.backend, environment.where)
    written = {**environment.url.options, **environment.query}
    url, warning = dialect.secured(url, written, f"environment `{environment.name}` ({environment.where})", request.environ)
    return Target(environment, url, dialect, warning)


def _url_of(request: Request, project: Project, environment: Environment) -> DatabaseUrl:
    if request.database_url:
        given = parse_url(request.database_url, "--database-url").with_driver(environment.driver)
        return given.anchored(project.folder)
    if environment.url.kind == "embedded":
        from lockgate.scratch import embedded_url

        database = environment.url.options.get("database") or environment.name
        url = embedded_url(project.folder, database).with_driver(environment.driver)
        return replace(url, query={**url.query, **environment.query})
    return resolve(environment, project.folder, request.environ)


def renewed(request: Request, project: Project, error: Unreachable, old: Target) -> Target:
    """
    Fetch the credentials once more after a failed login: a rotated secret is only seen by asking again.

    Raises:
        Unreachable: the old error, where the source gives the same credentials as before.
    """
    fresh = target_of(request, project)
    if error.code != "authentication-failed" or fresh.url == old.url:
        raise error
    return fresh


def asked_of(request: Request, project: Project, environment: Environment) -> Asked:
    """Collect what the guard looks at."""
    environ, variable = request.environ, project.variable
    verbs = {request.verb.value, *(["seed"] if request.seeds else [])}
    return Asked(
        verb=request.verb,
        environment=environment.name,
        project=project.name,
        protection=environment.protection,
        variable=variable.name,
        variable_value=environ.get(variable.name),
        variable_required=not verbs.isdisjoint(variable.required_for),
        confirm=request.confirm,
        ci=environ.get("CI", "").lower() in ("true", "1"),
        ci_allowed=environ.get("ALLOW_DESTRUCTIVE_IN_CI") == "1",
        copy=request.copy,
        seeds=request.seeds,
        deletes=request.seeds and any(seed.deletes for seed in project.seeds if environment.name in seed.environments),
    )


def author_of(request: Request, folder: Path) -> Author:
    """Say who asks, for the ledger."""
    return Author(str(uuid.uuid4()), request.operator, _ci_job(request.environ), commit_of(folder, request.environ), __version__)


def _ci_job(environ: Mapping[str, str]) -> str:
    return next((f"{name}={environ[name]}" for name in _CI_JOBS if environ.get(name)), "")
