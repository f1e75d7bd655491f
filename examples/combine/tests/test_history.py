"""
The Alembic project: as Alembic makes it, and what its revisions do.

lockgate's ready-made checks say that every revision goes back and forth without a trace and keeps rows, on databases of its plugin's:
they begin with the tables of the first release, by the bootstrap.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from calling import HEAD, PROJECT, Ground
from lockgate.pytest_plugin.checks import test_exceptions_are_revisions as test_exceptions_are_revisions
from lockgate.pytest_plugin.checks import test_history_has_one_head as test_history_has_one_head
from lockgate.pytest_plugin.checks import test_revision_goes_up_down_and_up_again as test_revision_goes_up_down_and_up_again
from lockgate.pytest_plugin.checks import test_revision_keeps_rows as test_revision_keeps_rows
from lockgate.pytest_plugin.checks import test_revisions_are_named_by_the_pattern as test_revisions_are_named_by_the_pattern
from lockgate.pytest_plugin.checks import test_seeds_are_idempotent as test_seeds_are_idempotent
from sqlalchemy import Connection, make_url

from combine.models import Base

BASE = "20260301_001"


@pytest.fixture
def graph() -> ScriptDirectory:
    """The revisions as Alembic reads them."""
    return ScriptDirectory.from_config(Config(PROJECT / "alembic.ini"))


def test_the_alembic_folder_is_byte_for_byte_what_alembic_init_makes(tmp_path: Path) -> None:
    """lockgate asks for no line in env.py: made anew with the installed Alembic's generic template, nothing differs."""
    subprocess.run([sys.executable, "-m", "alembic", "init", "--template", "generic", "alembic"], cwd=tmp_path, check=True, capture_output=True)
    made = {path.relative_to(tmp_path): path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()}
    assert {str(path) for path in made} >= {"alembic.ini", "alembic/env.py", "alembic/script.py.mako", "alembic/README"}
    assert [str(path) for path, content in made.items() if (PROJECT / path).read_bytes() != content] == []
    beside = {path.name for path in (PROJECT / "alembic").iterdir()} - {path.name for path in (tmp_path / "alembic").iterdir()}
    assert beside - {"__pycache__"} == set()


def test_the_history_has_one_head_and_one_merge(graph: ScriptDirectory) -> None:
    """Two branches that became one line again; every revision can go back."""
    revisions = list(graph.walk_revisions())
    assert graph.get_heads() == [HEAD] and graph.get_bases() == [BASE]
    assert len(revisions) >= 12
    assert [revision.revision for revision in revisions if revision.is_merge_point] == ["20260306_001"]
    assert [revision.revision for revision in revisions if revision.is_branch_point] == ["20260304_001"]


def test_the_application_sees_the_tables_that_the_revisions_make(migrated_connection: Connection) -> None:
    """Alembic's own comparison finds nothing to generate, defaults and types included."""
    context = MigrationContext.configure(migrated_connection, opts={"compare_type": True, "compare_server_default": True})
    assert compare_metadata(context, Base.metadata) == []


def test_kinds_become_types_and_none_is_lost(empty: Ground) -> None:
    """The data migration on rows as people wrote them, and the way back."""
    empty.lockgate("upgrade", "dev", "20260309_001", check=0)
    empty.query("dev", "insert into projects (slug, name) values ('p', 'P')")
    empty.query("dev", "insert into documents (project_id, title, kind) values (1, 'a', ' ADR'), (1, 'b', 'adr'), (1, 'c', 'Memo; old'), (1, 'd', ' ')")
    empty.script("db_migrate.sh", "dev", "--seed", check=0)
    rows = empty.query("dev", "select title, type_code from documents where title in ('a', 'b', 'c', 'd') order by title")
    assert rows == [("a", "adr"), ("b", "adr"), ("c", "memo; old"), ("d", "note")]
    assert empty.query("dev", "select name from document_types where code = 'adr'") == [("Architecture decision record",)]
    empty.lockgate("downgrade", "dev", "20260309_001", check=0, CONFIRM_ENV="dev")
    assert empty.query("dev", "select kind from documents where title = 'c'") == [("memo; old",)]


@pytest.mark.seeds("demo-users", "demo-projects", "demo-documents", "document-types")
def test_the_database_keeps_its_own_promises(migrated_database: str) -> None:
    """Trigger, partial unique index, enum, JSONB with its index, case-insensitive emails: each is asked."""
    url = make_url(migrated_database).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(url, autocommit=True) as dev:
        dev.execute("update documents set title = title where id = -1")
        assert dev.execute("select updated_at > created_at from documents where id = -1").fetchone() == (True,)
        session = "insert into user_sessions (user_id, token_hash, expires_at, revoked_at) values (-1, 'x', now(), {})"
        for revoked in ("now()", "now()", "null"):
            dev.execute(session.format(revoked).encode())
        with pytest.raises(Exception, match="user_sessions_live_token_key"):
            dev.execute(session.format("null").encode())
        with pytest.raises(Exception, match="workflow_status"):
            dev.execute("insert into workflow_executions (workflow, status) values ('w', 'sleeping')")
        with pytest.raises(Exception, match="users_email_key"):
            dev.execute("insert into users (email, display_name) values ('ADA@combine.example', 'Ada')")
        assert dev.execute("""select id from documents where labels @> '{"area": ["quality"]}'""").fetchall() == [(-1,)]


def test_the_plan_of_the_history_is_known_before_it_runs(empty: Ground) -> None:
    """What a live database would feel is found without touching it, such as the column that goes with its data."""
    empty.lockgate("upgrade", "dev", "20260307_001", check=0)
    before = empty.contents("dev")
    document = json.loads(empty.lockgate("plan", "dev", "--json", check=0).stdout)
    assert document["effects"]["revisions"][-1]["id"] == HEAD
    assert ("20260311_001", "LG301") in {(finding["revision"], finding["id"]) for finding in document["findings"]}
    assert empty.contents("dev") == before
