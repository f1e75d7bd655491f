"""The Alembic project: as Alembic makes it, and what its revisions do."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from calling import HEAD, PROJECT, Ground
from sqlalchemy import create_engine

from combine.models import Base

BASE = "20260301_001"
CATALOG = """
select c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull, pg_get_expr(d.adbin, d.adrelid)
from pg_class c join pg_attribute a on a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped
left join pg_attrdef d on d.adrelid = c.oid and d.adnum = a.attnum
where c.relnamespace = 'public'::regnamespace and c.relkind in ('r', 'i', 'v') and c.relname not like 'alembic%'
union all select 'type', typname, '', false, '' from pg_type where typnamespace = 'public'::regnamespace and typtype = 'e'
union all select 'trigger', tgname, '', false, pg_get_triggerdef(oid) from pg_trigger where not tgisinternal
union all select 'constraint', conname, '', false, pg_get_constraintdef(oid) from pg_constraint
where connamespace = 'public'::regnamespace and conrelid <> 0 and contype <> 'n' and conname not like 'alembic%'
order by 1, 2, 5
"""


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


def test_the_application_sees_the_tables_that_the_revisions_make(migrated: Ground) -> None:
    """Alembic's own comparison finds nothing to generate, defaults and types included."""
    engine = create_engine(migrated.script("db_connect.sh", "dev", check=0).stdout.strip())
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, Base.metadata) == []
    engine.dispose()


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


def test_every_revision_goes_back_and_forth_without_a_trace(empty: Ground) -> None:
    """Down to the tables of the first release and up again: types, indexes, triggers and constraints as before."""
    empty.script("db_migrate_dev.sh", check=0)
    after = empty.query("dev", CATALOG)
    empty.lockgate("downgrade", "dev", BASE, check=0, CONFIRM_ENV="dev")
    base = empty.query("dev", CATALOG)
    with empty.connect("test") as other:
        other.execute((PROJECT / "ops" / "db" / "schema.sql").read_bytes())
    assert base == empty.query("test", CATALOG)
    empty.script("db_migrate_dev.sh", check=0)
    assert empty.query("dev", CATALOG) == after


def test_the_database_keeps_its_own_promises(migrated: Ground) -> None:
    """Trigger, partial unique index, enum, JSONB with its index, case-insensitive emails: each is asked."""
    with migrated.connect("dev") as dev:
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
