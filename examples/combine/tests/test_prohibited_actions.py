"""The four prohibited actions: what must not happen, tried."""

from __future__ import annotations

import hashlib
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from calling import PROJECT, Ground

TAKE_AN_ENVIRONMENT = ["db_migrate.sh", "db_connect.sh", "db_seed.sh", "db_reset.sh", "db_status.sh"]
# What somebody would write who wants a password to be in a file.
CREDENTIAL = re.compile(r"://[^/\s:@]+:[^@\s{$]+@|(?:password|secret_access_key)\s*[:=]\s*[\"'][^\"'{}$]+[\"']|AKIA[0-9A-Z]{16}", re.IGNORECASE)


def settings() -> dict[str, Any]:
    """lockgate.toml as it is."""
    return tomllib.loads((PROJECT / "lockgate.toml").read_text(encoding="utf-8"))


def files(folder: Path) -> Iterator[Path]:
    """The project's own files, without what was made on this machine."""
    for path in sorted(folder.rglob("*")):
        made = [part for part in path.relative_to(folder).parts if (part.startswith(".") and part != ".gitignore") or part == "__pycache__"]
        if path.is_file() and not made and ".egg-info" not in str(path):
            yield path


@pytest.mark.parametrize("name", TAKE_AN_ENVIRONMENT)
def test_no_script_takes_production_as_an_argument(ground: Ground, name: str) -> None:
    """Whatever it is called: there is no way to write it."""
    for word in ("prod", "production", "PROD", "live", "dev,prod", "../prod", ""):
        said = ground.script(name, word, check=2, CONFIRM_ENV=word).stderr
        assert "changed: nothing" in said and f"usage: {'CONFIRM_ENV=<dev|test> ' if name == 'db_reset.sh' else ''}ops/scripts/{name} <dev|test>" in said


def test_no_setting_knows_production(ground: Ground) -> None:
    """Not even locked: what lockgate.toml does not name cannot be resolved to a database on anybody's machine."""
    assert set(settings()["environments"]) == {"dev", "test"}
    assert "code: unknown-environment" in ground.lockgate("upgrade", "prod", check=2).stderr


def test_a_shell_set_up_for_production_migrates_nothing(migrated: Ground) -> None:
    """COMBINE_ENV=prod is set on purpose somewhere; whoever is there wanted something else."""
    before = migrated.contents("dev")
    for name in ("db_migrate.sh", "db_seed.sh", "db_reset.sh"):
        assert "`prod`" in migrated.script(name, "dev", check=1, COMBINE_ENV="prod", CONFIRM_ENV="dev").stderr
    assert migrated.contents("dev") == before


def test_a_secret_that_carries_productions_database_changes_nothing_there(migrated: Ground, tmp_path: Path) -> None:
    """The worst mistake that can be made in Secrets Manager: the database itself says that it is production."""
    production = migrated.copied(tmp_path / "deployment")
    production.edit("lockgate.toml", "[environments.dev]", "[environments.prod]")
    production.edit("lockgate.toml", '["dev", "test"]', '["prod", "test"]')
    production.edit("lockgate.toml", '["dev"]', '["prod"]')
    migrated.empty("dev")
    production.lockgate("upgrade", "prod", check=0)
    before = (production.contents("dev"), production.ledger("dev"))
    for name in ("db_migrate_dev.sh", "db_migrate.sh dev --seed", "db_seed.sh dev", "db_reset.sh dev", "db_connect.sh dev --check"):
        said = migrated.script(*name.split(), check=1, CONFIRM_ENV="dev").stderr
        assert "this database says it is `prod`" in said and "changed: nothing" in said
    assert (production.contents("dev"), production.ledger("dev")) == before


def test_no_seed_is_destructive() -> None:
    """None deletes rows, none may; and the SQL has no word for it."""
    seeds = settings()["seeds"]
    assert [seed["name"] for seed in seeds if seed.get("destructive") or seed.get("unknown_rows") == "delete"] == []
    scripts = [PROJECT / seed["file"] for seed in seeds if seed["file"].endswith(".sql")]
    assert scripts
    destructive = re.compile(r"\b(drop|truncate|delete|alter)\b", re.IGNORECASE)
    assert [path.name for path in scripts if destructive.search(path.read_text(encoding="utf-8"))] == []


def test_a_destructive_seed_is_refused_without_its_guard(migrated: Ground, tmp_path: Path) -> None:
    """Somebody adds it in good faith; it does not run, and with `destructive = true` it still asks for CONFIRM_ENV."""
    copy, before = migrated.copied(tmp_path / "copy"), migrated.contents("test")
    for statement in ("truncate documents;", "drop table documents;", "delete from documents;"):
        (copy.folder / "ops" / "db" / "test" / "cases.sql").write_text(statement, encoding="utf-8")
        assert "code: seed-destructive" in copy.script("db_seed.sh", "test", "test-cases", check=1).stderr
    copy.edit("lockgate.toml", 'file = "ops/db/test/cases.sql"', 'file = "ops/db/test/cases.sql"\ndestructive = true')
    assert "code: unconfirmed" in copy.script("db_seed.sh", "test", "test-cases", check=1).stderr
    assert migrated.contents("test") == before


def test_no_file_holds_credentials(ground: Ground) -> None:
    """Neither something that looks like one nor what the running stack uses."""
    known = ground.passwords()
    for path in files(PROJECT):
        text = path.read_bytes().decode("utf-8", "replace")
        assert not [word for word in known if word in text], path
        if path.suffix in (".sh", ".toml", ".ini", ".sql", ".csv", ".jsonl") or path.parent.name == "combine":
            found = [word for word in CREDENTIAL.findall(text) if word != "://user:pass@"]  # the example in Alembic's own alembic.ini
            assert found == [], path


def test_credentials_in_the_settings_are_refused(ground: Ground, tmp_path: Path) -> None:
    """Should somebody try, the scripts stop before they contact anything, and do not repeat the password."""
    copy, told = ground.copied(tmp_path / "copy"), json.loads(ground.secrets["dev"])
    url = f"postgresql://{told['username']}:not-a-real-one@{told['host']}:{told['port']}/{told['dbname']}"
    copy.edit("lockgate.toml", '{ aws_secret = "the-combine/db-dev", region = "us-east-1" }', f'"{url}"')
    done = copy.script("db_migrate_dev.sh", check=2)
    assert "password" in done.stderr and "not-a-real-one" not in done.stdout + done.stderr


def test_the_scripts_do_not_modify_migration_files(empty: Ground, tmp_path: Path) -> None:
    """Migrated, seeded, reset: every byte in alembic/ is as it was, and no file was added."""
    copy = empty.copied(tmp_path / "copy")
    before = digests(copy.folder)
    copy.script("db_migrate.sh", "dev", "--seed", check=0)
    copy.script("db_reset.sh", "dev", check=0, CONFIRM_ENV="dev")
    assert digests(copy.folder) == before and len(before) >= 15


def digests(folder: Path) -> dict[str, str]:
    """alembic.ini and everything in alembic/, by content."""
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in [folder / "alembic.ini", *files(folder / "alembic")]}
