"""The five Tier 1 verification criteria, in their order and words; the checklist asks for the same."""

from __future__ import annotations

import os

import pytest
from calling import HEAD, PROJECT, SECRETS, Ground

OWN_TABLES = ["document_types", "document_versions", "documents", "projects", "user_sessions", "users", "workflow_executions"]
OTHER = {"dev": "test", "test": "dev"}


@pytest.mark.parametrize("name", ["db_migrate_dev.sh", "db_migrate_test.sh", "db_migrate.sh"])
def test_criterion_1_migration_scripts_exist(name: str) -> None:
    """One for each environment, and the parameterised one that both call; all can be executed as they are."""
    script = PROJECT / "ops" / "scripts" / name
    assert os.access(script, os.X_OK)
    first, *rest = script.read_text(encoding="utf-8").splitlines()
    assert first == "#!/usr/bin/env bash"
    assert "set -euo pipefail" in rest


@pytest.mark.parametrize("environment", SECRETS)
def test_criterion_2_migrations_run_cleanly(empty: Ground, environment: str) -> None:
    """From an empty database to head, each revision once; the other environment is not touched."""
    done = empty.script(f"db_migrate_{environment}.sh", check=0)
    assert f"upgraded `{environment}`" in done.stdout and f"from base to {HEAD}" in done.stdout
    assert empty.query(environment, "select version_num from alembic_version") == [(HEAD,)]
    applied = [revision for _, outcome, revision in empty.ledger(environment) if outcome == "applied"]
    assert len(applied) == len(set(applied)) == 14
    assert empty.tables(OTHER[environment]) == [] and empty.ledger(OTHER[environment]) == []
    again = empty.script(f"db_migrate_{environment}.sh", check=0)
    assert f"nothing to do: `{environment}`" in again.stdout and "smoke: 9 of 9 answers as expected" in again.stdout


@pytest.mark.parametrize("environment", SECRETS)
def test_criterion_3_seed_scripts_run_twice_do_not_corrupt_data(migrated: Ground, environment: str) -> None:
    """The second run writes not a row, and neither does a third by way of the migration script."""
    before = migrated.contents(environment)
    assert before["documents"] and before["document_types"]
    said = migrated.script("db_seed.sh", environment, check=0).stdout
    assert "nothing to do" in said and "loaded" not in said
    migrated.script("db_migrate.sh", environment, "--seed", check=0)
    assert migrated.contents(environment) == before


def test_criterion_3_a_seed_repairs_its_own_rows_and_keeps_those_of_others(migrated: Ground) -> None:
    """Somebody has worked in dev since: what the seed promises comes back, what it does not know stays."""
    migrated.query("dev", "update documents set title = 'spoilt' where id = -1")
    migrated.query("dev", "insert into documents (project_id, title) values (-1, 'written by hand')")
    dry = migrated.script("db_seed.sh", "dev", "--dry-run", "demo-documents", check=0).stdout
    assert "would load" in dry
    assert migrated.query("dev", "select title from documents where id = -1") == [("spoilt",)]
    migrated.script("db_seed.sh", "dev", check=0)
    assert migrated.query("dev", "select title from documents where id = -1") != [("spoilt",)]
    assert migrated.query("dev", "select count(*) from documents where title = 'written by hand'") == [(1,)]


@pytest.mark.parametrize("environment, foreign", [("dev", "test-cases"), ("test", "demo-documents")])
def test_criterion_4_a_seed_of_the_other_environment_is_refused(migrated: Ground, environment: str, foreign: str) -> None:
    """Dev's data cannot be seeded into test, nor test's into dev, also not beside one that is allowed."""
    before = migrated.contents(environment)
    said = migrated.script("db_seed.sh", environment, "document-types", foreign, check=1).stderr
    assert "code: seed-environment" in said and "changed: nothing" in said
    assert migrated.contents(environment) == before


@pytest.mark.parametrize("environment", SECRETS)
def test_criterion_4_seed_scripts_verify_combine_env(migrated: Ground, environment: str) -> None:
    """A shell that is set up for one environment seeds no other, and the attempt is remembered where it was aimed at."""
    before = migrated.contents(environment)
    said = migrated.script("db_seed.sh", environment, check=1, COMBINE_ENV=OTHER[environment]).stderr
    assert f"`COMBINE_ENV` says `{OTHER[environment]}`, you asked for `{environment}`" in said
    assert f"export COMBINE_ENV={environment}" in said and "code: environment-variable" in said
    assert migrated.contents(environment) == before
    assert migrated.ledger(environment)[-1][:2] == ("seed", "refused")


def test_criterion_4_seeding_without_combine_env_is_refused_by_the_gate_itself(migrated: Ground) -> None:
    """Also for whoever calls lockgate by hand: the scripts set the variable, they do not replace the guard."""
    said = migrated.lockgate("seed", "dev", check=3).stderr
    assert "`COMBINE_ENV` is not set, and `seed` requires it" in said
    assert "code: environment-variable" in migrated.lockgate("upgrade", "dev", "--seed", check=3).stderr


def test_criterion_5_a_smoke_query_after_the_migration_lists_the_tables_and_checks_their_number(migrated: Ground) -> None:
    """Exit 0 means that somebody looked."""
    said = migrated.script("db_migrate_dev.sh", check=0).stdout
    assert [name for name in OWN_TABLES if f"ok  table {name}: expected there, found there" not in said] == []
    assert "information_schema.tables" in said and "expected equal to 7, found 7" in said


def test_criterion_5_a_missing_table_fails_the_migration_script(migrated: Ground) -> None:
    """The version table says head, the tables say otherwise; the tables are right."""
    migrated.query("dev", "drop table user_sessions")
    done = migrated.script("db_migrate_dev.sh", check=1)
    assert "BAD table user_sessions: expected there, found missing" in done.stdout
    assert "code: smoke-failed" in done.stderr
