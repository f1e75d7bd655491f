"""Safe and idempotent: the same scripts where something is wrong or somebody else is at work."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from calling import HEAD, SECRETS, Ground, until

from ops.local import Stack

WAITING = "select pid from pg_locks where not granted and pid in (select pid from pg_stat_activity where datname = current_database())"


def test_run_concurrently_each_revision_is_applied_once(empty: Ground) -> None:
    """Two deployments at the same moment: one works, the other waits and finds nothing to do."""
    both = [empty.start("db_migrate_dev.sh") for _ in range(2)]
    said = [process.communicate(timeout=170) for process in both]
    assert [process.returncode for process in both] == [0, 0], said
    outcomes = [outcome for _, outcome, _ in empty.ledger("dev")]
    assert outcomes.count("bootstrapped") == 1 and outcomes.count("applied") == 14


def test_with_swapped_secrets_nothing_happens_to_either_database(migrated: Ground) -> None:
    """Each script reaches the other environment's database, which says so, and no row of its ledger tells of it."""
    before = {name: (migrated.contents(name), migrated.ledger(name)) for name in SECRETS}
    migrated.swap_secrets()
    for environment, other in (("dev", "test"), ("test", "dev")):
        for call in (f"db_migrate_{environment}.sh", f"db_seed.sh {environment}", f"db_reset.sh {environment}"):
            said = migrated.script(*call.split(), check=1, CONFIRM_ENV=environment).stderr
            assert f"this database says it is `{other}`, you asked for `{environment}`" in said and "changed: nothing" in said
            assert "code: identity-mismatch" in said
    assert {name: (migrated.contents(name), migrated.ledger(name)) for name in SECRETS} == before


def test_a_reset_whose_secret_carries_the_other_environments_url_is_refused(migrated: Ground) -> None:
    """Confirmed, in CI, allowed to destroy: still the wrong database."""
    before = migrated.contents("dev")
    migrated.put_secret("test", migrated.secrets["dev"])
    said = migrated.script("db_reset.sh", "test", check=1, CONFIRM_ENV="test", CI="true", ALLOW_DESTRUCTIVE_IN_CI="1").stderr
    assert "this database says it is `dev`, you asked for `test`" in said and "code: identity-mismatch" in said
    assert migrated.contents("dev") == before


def test_a_reset_needs_confirm_env_and_one_word_more_in_ci(migrated: Ground) -> None:
    """Missing, another environment's, everybody's: refused. Named: the rows are gone and the tables are back."""
    before = migrated.contents("test")
    for confirm in ({}, {"CONFIRM_ENV": "dev"}, {"CONFIRM_ENV": "all"}):
        assert "code: unconfirmed" in migrated.script("db_reset.sh", "test", check=1, **confirm).stderr
    assert "code: destructive-in-ci" in migrated.script("db_reset.sh", "test", check=1, CONFIRM_ENV="test", CI="true").stderr
    assert migrated.contents("test") == before
    migrated.script("db_reset.sh", "test", check=0, CONFIRM_ENV="test", CI="true", ALLOW_DESTRUCTIVE_IN_CI="1")
    assert migrated.query("test", "select count(*) from users") == [(0,)]
    assert migrated.query("test", "select version_num from alembic_version") == [(HEAD,)]


def test_in_ci_migrations_and_seeds_run_as_everywhere(migrated: Ground) -> None:
    """CI=true makes destructive scripts careful, not the others useless."""
    before = migrated.contents("test")
    migrated.script("db_migrate_test.sh", "--seed", check=0, CI="true")
    assert migrated.contents("test") == before


@pytest.mark.parametrize("environment", SECRETS)
def test_a_missing_secret_is_unreachable_and_says_which(migrated: Ground, environment: str) -> None:
    """Exit 5: nothing was contacted that could have changed; trying again helps once somebody has put the secret back."""
    migrated.secrets_manager.delete_secret(SecretId=SECRETS[environment], ForceDeleteWithoutRecovery=True)
    said = migrated.script(f"db_migrate_{environment}.sh", check=5).stderr
    assert SECRETS[environment] in said and "code: secret-missing" in said and "changed: nothing" in said
    assert "code: secret-missing" in migrated.script("db_seed.sh", environment, check=5).stderr


def test_an_incomplete_secret_is_told_without_its_values(migrated: Ground) -> None:
    """A field was forgotten when it was written by hand."""
    migrated.put_secret("dev", '{"username": "combine_dev", "password": "half-a-secret"}')
    done = migrated.script("db_migrate_dev.sh", check=5)
    assert "code: secret-incomplete" in done.stderr and "half-a-secret" not in done.stdout + done.stderr


def test_with_the_server_down_every_script_ends_with_5(migrated: Ground, stack: Stack) -> None:
    """And goes on as if nothing had been once the server is back."""
    before = migrated.contents("dev")
    stack.stop_postgres()
    try:
        for call in ("db_migrate_dev.sh", "db_seed.sh dev", "db_reset.sh dev", "db_connect.sh dev --check"):
            said = migrated.script(*call.split(), check=5, CONFIRM_ENV="dev").stderr
            assert "code: unreachable" in said and "changed: nothing" in said
    finally:
        stack.start_postgres()
    migrated.script("db_migrate_dev.sh", check=0)
    assert migrated.contents("dev") == before


def test_with_secrets_manager_down_every_script_ends_with_5(migrated: Ground, stack: Stack) -> None:
    """No URL is kept anywhere, so without Secrets Manager there is none."""
    stack.stop_secrets()
    try:
        for call in ("db_migrate_dev.sh", "db_connect.sh dev"):
            done = migrated.script(*call.split(), check=5)
            assert "code: credentials-unreachable" in done.stderr and done.stdout == ""
    finally:
        stack.start_secrets()
    migrated.restore_secrets()
    migrated.script("db_connect.sh", "dev", "--check", check=0)


def test_a_bootstrap_killed_in_the_middle_is_repeatable_and_meanwhile_others_are_told_busy(empty: Ground, tmp_path: Path) -> None:
    """
    Tables and stamp are one transaction: killed at any moment, the database is empty.

    Held at a known point: a table `projects` that somebody else has not committed yet makes the bootstrap wait for the name.
    """
    patient, hasty = empty.copied(tmp_path / "patient"), empty.copied(tmp_path / "hasty")
    patient.edit("lockgate.toml", "lock_wait = 60.0", "lock_timeout = 60.0")
    hasty.edit("lockgate.toml", "lock_wait = 60.0", "lock_wait = 0.5")
    with empty.connect("dev") as other:
        other.execute("begin")
        other.execute("create table projects (id int)")
        process = patient.start("db_migrate_dev.sh")
        until(lambda: empty.query("dev", WAITING) or process.poll() is not None, "a bootstrap that waits for the name")
        assert process.poll() is None, process.communicate()
        assert "code: busy" in hasty.script("db_migrate_dev.sh", check=4).stderr
        [(pid,)] = empty.query("dev", WAITING)
        os.killpg(process.pid, signal.SIGKILL)
        process.communicate()
        other.execute("rollback")
    until(lambda: not empty.query("dev", f"select 1 from pg_stat_activity where pid = {pid}"), "the end of its session")
    assert empty.tables("dev") == []
    assert "bootstrapped" not in [outcome for _, outcome, _ in empty.ledger("dev")]
    empty.script("db_migrate_dev.sh", check=0)
    assert empty.query("dev", "select version_num from alembic_version") == [(HEAD,)]
    assert [outcome for _, outcome, _ in empty.ledger("dev")].count("bootstrapped") == 1
