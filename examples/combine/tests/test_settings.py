"""Profiles: which database the application is at is said once, and never guessed."""

from __future__ import annotations

import json

import pytest
from calling import Ground

from combine.settings import PROFILES, RefusedToStart, environment_of


@pytest.mark.parametrize("profile, environment", [("dev_aws", "dev"), ("test_aws", "test")])
def test_each_profile_starts_at_the_database_that_the_scripts_migrate(migrated: Ground, profile: str, environment: str) -> None:
    """One URL by one path: host, port and database are those of the environment's secret."""
    done = migrated.python("-m", "combine", check=0, ENVIRONMENT=profile)
    told = json.loads(migrated.secrets[environment])
    assert done.stdout.startswith(f"{profile} is `{environment}` at {told['host']}:{told['port']}/{told['dbname']}\n2 projects, ")
    assert migrated.script("db_connect.sh", environment, "--check", check=0).stdout.startswith(f"reached {told['host']}:{told['port']}/{told['dbname']} ")


@pytest.mark.parametrize("profile", ["", "dev", "prod_aws", "DEV_AWS", "dev_aws ", "*"])
def test_an_unknown_profile_refuses_to_start(profile: str) -> None:
    """No default, no nearest match, no production."""
    with pytest.raises(RefusedToStart, match="the profiles are dev_aws, test_aws"):
        environment_of({"ENVIRONMENT": profile})
    assert set(PROFILES.values()) == {"dev", "test"}


def test_a_process_without_a_profile_ends_with_2(ground: Ground) -> None:
    """What a person sees who forgot it."""
    done = ground.python("-m", "combine", check=2)
    assert done.stderr == "error: ENVIRONMENT is not set; the profiles are dev_aws, test_aws\n"


def test_a_profile_that_contradicts_combine_env_refuses_to_start() -> None:
    """A shell made for migrating test does not run the application on dev."""
    with pytest.raises(RefusedToStart, match="stands for `dev`, and COMBINE_ENV says `test`"):
        environment_of({"ENVIRONMENT": "dev_aws", "COMBINE_ENV": "test"})
