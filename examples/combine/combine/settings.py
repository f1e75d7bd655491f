"""
Which database the application uses: `ENVIRONMENT` names a profile, a profile names an environment of lockgate.toml.

The URL comes the same way as for the scripts in ops/scripts, by lockgate out of Secrets Manager, so that the application
and its migrations cannot be at different databases. There is no default: a process that does not say where it belongs
does not start.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import lockgate

PROJECT = Path(__file__).resolve().parents[1]
# Profile -> environment of lockgate.toml.
PROFILES = {"dev_aws": "dev", "test_aws": "test"}


class RefusedToStart(Exception):
    """The surroundings of the process do not say clearly which database is meant."""


@dataclass(frozen=True)
class Settings:
    """
    What the application needs to know of its surroundings.

    Args:
        profile: value of `ENVIRONMENT`.
        environment: the environment of lockgate.toml that it stands for.
        database_url: for SQLAlchemy, password included.
    """

    profile: str
    environment: str
    database_url: str = field(repr=False)


def environment_of(environ: Mapping[str, str]) -> str:
    """
    Return the environment that `ENVIRONMENT` stands for.

    Raises:
        RefusedToStart: it is missing or unknown, or `COMBINE_ENV` says something else.
    """
    profile, known = environ.get("ENVIRONMENT", ""), ", ".join(PROFILES)
    if not profile:
        raise RefusedToStart(f"ENVIRONMENT is not set; the profiles are {known}")
    if profile not in PROFILES:
        raise RefusedToStart(f"ENVIRONMENT={profile} is no profile; the profiles are {known}")
    environment = PROFILES[profile]
    if environ.get("COMBINE_ENV", environment) != environment:
        raise RefusedToStart(f"ENVIRONMENT={profile} stands for `{environment}`, and COMBINE_ENV says `{environ['COMBINE_ENV']}`")
    return environment


def load_settings(environ: Mapping[str, str]) -> Settings:
    """
    Read the settings of this process and fetch its URL.

    Raises:
        RefusedToStart: see `environment_of`.
        lockgate.LockgateError: the secret cannot be read.
    """
    environment = environment_of(environ)
    return Settings(environ["ENVIRONMENT"], environment, lockgate.url(lockgate.load_project(PROJECT), environment))
