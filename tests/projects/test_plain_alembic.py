"""Plain `alembic` and `alembic.command`: the gate stands in every project that has lockgate settings, and nowhere else."""

from __future__ import annotations

import os
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from alembic import command
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.script import ScriptDirectory
from alembic.util import CommandError
from building import SETTINGS, Database, Tiny, create_table, tiny
from calling import ASK, COMMANDS, as_found, config_for, filled, overwriting_env_py, plain, refused, shown
from sqlalchemy import create_engine

from lockgate.errors import Busy, Failed, Refused, SettingsError
from lockgate.runs.gate import one_run_per_process
from lockgate.secret import DatabaseUrl

MODELS = """
import sqlalchemy as sa
metadata = sa.MetaData()
users = sa.Table("users", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))
orders = sa.Table("orders", metadata, sa.Column("id", sa.Integer, primary_key=True), sa.Column("name", sa.String(50)))
"""
MULTIDB = """
import os
from alembic import context
from sqlalchemy import create_engine
for variable in ("FIRST_URL", "SECOND_URL"):
    engine = create_engine(os.environ[variable])
    with engine.connect() as connection:
        context.configure(connection=connection)
        with context.begin_transaction():
            context.run_migrations()
"""


@pytest.fixture
def app(project: Tiny) -> Tiny:
    """A project of two revisions whose env.py takes its URL from a variable."""
    return project.tables("users", "orders").env_py(overwriting_env_py())


def without_default(project: Tiny) -> Tiny:
    """Settings that do not say which environment plain alembic means."""
    return project.settings(SETTINGS.replace('default_environment = "dev"\n', ""))


def becomes_scratch(database: Database) -> None:
    """Let a marked database say that it is nobody's."""
    marker = "lockgate_marker" if database.url.backend == "sqlite" else "lockgate.marker"
    database.query(f"update {marker} set environment = 'scratch', project = ''")


def marker_of(database: Database) -> list[tuple[Any, ...]]:
    """Environment and project that the database says."""
    marker = "lockgate_marker" if database.url.backend == "sqlite" else "lockgate.marker"
    return database.query(f"select environment, project from {marker}")


def observed(monkeypatch: pytest.MonkeyPatch, **members: Any) -> SimpleNamespace:
    """Give env.py and revisions a module `observer` of this process to talk to."""
    observer = SimpleNamespace(seen=[], **members)
    monkeypatch.setitem(sys.modules, "observer", observer)
    return observer


def assert_as_before(other: DatabaseUrl) -> None:
    """No proxy, no listener and no lock of a call is left; `other` is a database that a listener would refuse."""
    from alembic import context

    with pytest.raises((NameError, AttributeError)):  # Alembic's own words for "no context"; the second once there was one
        context.get_context()
    with one_run_per_process():
        pass
    engine = create_engine(shown(other))
    with engine.connect():
        pass
    engine.dispose()


# What the call means.


def test_upgrade_marks_an_empty_database_and_every_step_is_in_the_ledger(app: Tiny, database_url: DatabaseUrl) -> None:
    """Somebody who goes on typing `alembic` gets the same database as somebody who types `lockgate`."""
    config, variables = config_for(app), {ASK: shown(database_url)}
    database = Database(database_url)
    plain(command.upgrade, config, "head", **variables)
    assert marker_of(database) == [("dev", "app")]
    plain(command.downgrade, config, "-1", CONFIRM_ENV="dev", **variables)
    plain(command.stamp, config, "head", **variables)
    rows = [row[:3] for row in database.ledger() if row[1] != "adopted"]
    assert rows == [("upgrade", "applied", "r1"), ("upgrade", "applied", "r2"), ("downgrade", "applied", "r2"), ("stamp", "stamped", "r2")]
    assert database.heads() == ["r2"]
    assert database.user_tables() == ["users"]


def test_the_variable_says_which_environment_is_meant_before_the_default(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """The shell was set up for somewhere; the settings only know what is usual."""
    test = Database(make_database())
    plain(command.upgrade, config_for(app), "head", LOCKGATE_ENV="test", **{ASK: shown(test.url)})
    assert marker_of(test) == [("test", "app")]
    before = test.picture()
    assert refused(command.stamp, config_for(app), "r1", **{ASK: shown(test.url)}).code == "identity-mismatch"
    assert test.picture() == before


def test_an_environment_that_is_not_in_the_settings_is_a_mistake(app: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A typing error must not fall back to the default."""
    with pytest.raises(CommandError) as caught:
        plain(command.upgrade, config_for(app), "head", LOCKGATE_ENV="tset", **{ASK: shown(sqlite_url)})
    assert getattr(caught.value, "code", "") == "unknown-environment"
    assert Database(sqlite_url).tables() == []


def test_a_call_that_names_no_environment_is_refused_but_for_scratch_databases(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """Nobody said what is meant, so nothing can agree with it; a throw-away database is meant by whoever reaches it."""
    empty, used = Database(make_database()), filled(app, "dev", make_database())
    without_default(app).tables("users", "orders", "invoices")
    before = used.picture()
    assert refused(command.upgrade, config_for(app), "head", **{ASK: shown(empty.url)}).code == "environment-unclear"
    assert empty.picture() == {}
    for call, arguments in COMMANDS:
        assert refused(call, config_for(app), *arguments, **{ASK: shown(used.url)}).code == "environment-unclear"
        assert used.picture() == before
    becomes_scratch(used)
    for variables in ({}, {"LOCKGATE_ENV": "prod", "CI": "true", "CONFIRM_ENV": "dev"}):
        plain(command.upgrade, config_for(app), "head", **variables, **{ASK: shown(used.url)})
        assert used.user_tables() == ["invoices", "orders", "users"]
        plain(command.downgrade, config_for(app), "base", **variables, **{ASK: shown(used.url)})
        assert used.user_tables() == []


# Refusals.


@pytest.mark.parametrize("arguments", [("downgrade", "base"), ("stamp", "--purge", "base")])
def test_on_the_terminal_a_refusal_is_a_message_and_a_status(app: Tiny, database_url: DatabaseUrl, arguments: tuple[str, ...]) -> None:
    """Scripts look at the status, people at the message, nobody at a traceback."""
    database = filled(app, "dev", database_url)
    before = database.picture()
    done = app.alembic(*arguments, LOCKGATE_ENV="test", **{ASK: shown(database_url)})
    assert done.returncode not in (0, 1)
    said = done.stdout + done.stderr
    assert "Traceback" not in said
    assert "you asked for `test`" in said
    assert "changed: nothing" in said
    assert "hint: " in said
    assert "code: identity-mismatch" in said
    assert database.picture() == before


def test_a_downgrade_without_confirmation_is_refused_on_the_terminal(app: Tiny, database_url: DatabaseUrl) -> None:
    """The right database, and still a loss that somebody has to want."""
    database = filled(app, "dev", database_url)
    before = database.contents()
    done = app.alembic("downgrade", "base", **{ASK: shown(database_url)})
    assert done.returncode not in (0, 1)
    assert "Traceback" not in done.stdout + done.stderr
    assert "set CONFIRM_ENV=dev" in done.stderr + done.stdout
    assert "code: unconfirmed" in done.stderr + done.stdout
    assert database.contents() == before
    assert database.ledger()[-1][:2] == ("downgrade", "refused")


@pytest.mark.parametrize("confirm", ["", "dev", "test"])
def test_on_an_empty_database_only_an_upgrade_writes(app: Tiny, database_url: DatabaseUrl, confirm: str) -> None:
    """Stock Alembic makes its version table by being asked to go down to nothing."""
    variables = {ASK: shown(database_url), "CONFIRM_ENV": confirm}
    plain(command.downgrade, config_for(app), "base", **variables)
    plain(command.stamp, config_for(app), "base", **variables)
    assert Database(database_url).picture() == {}
    for call, arguments in ((command.stamp, ("head",)), (command.ensure_version, ())):
        assert refused(call, config_for(app), *arguments, **variables).code == "unmarked"
        assert Database(database_url).picture() == {}
    assert refused(command.upgrade, config_for(app), "head", **variables, LOCKGATE_ENV="staging").code == "unmarked"
    assert Database(database_url).picture() == {}


def test_the_version_table_alone_is_made_behind_the_gate(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """`alembic ensure_version` has no steps and writes all the same."""
    dev, stray = filled(app, "dev", make_database()), Database(make_database())
    stray.query("create table users (id integer primary key)")
    assert refused(command.ensure_version, config_for(app), **{ASK: shown(stray.url)}).code == "unmarked"
    assert stray.tables() == ["users"]
    dev.query("drop table alembic_version")
    before = dev.picture()
    assert refused(command.ensure_version, config_for(app), LOCKGATE_ENV="test", **{ASK: shown(dev.url)}).code == "identity-mismatch"
    assert dev.picture() == before
    plain(command.ensure_version, config_for(app), **{ASK: shown(dev.url)})
    assert dev.heads() == []
    assert "alembic_version" in dev.tables()


def test_purging_the_version_table_is_a_stamp(app: Tiny, database_url: DatabaseUrl) -> None:
    """`stamp --purge` is how people leave a revision whose file is gone."""
    database = filled(app, "dev", database_url)
    database.query("update alembic_version set version_num = 'gone'")
    before = database.picture()
    with as_found():
        os.environ.update({ASK: shown(database_url), "LOCKGATE_ENV": "test"})
        with pytest.raises(Refused) as caught:
            command.stamp(config_for(app), "head", purge=True)
    assert caught.value.code == "identity-mismatch"
    assert database.picture() == before
    with as_found():
        os.environ[ASK] = shown(database_url)
        command.stamp(config_for(app), "head", purge=True)
        command.stamp(config_for(app), "head", purge=True)
    assert database.heads() == ["r2"]
    assert [row[0] for row in database.ledger()][-2:] == ["stamp", "stamp"]
    with as_found():
        os.environ[ASK] = shown(database_url)
        command.stamp(config_for(app), "base", purge=True)
    assert database.heads() == []
    assert database.user_tables() == ["orders", "users"]


def test_an_env_py_of_several_databases_is_refused_before_the_first_revision(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """One name cannot be the answer of two databases; stopping after the first would be worse."""
    first, second = Database(make_database()), Database(make_database())
    app.env_py(MULTIDB)
    variables = {"FIRST_URL": shown(first.url), "SECOND_URL": shown(second.url)}
    assert refused(command.upgrade, config_for(app), "head", **variables).code == "configure-twice"
    assert first.picture() == second.picture() == {}


@pytest.mark.parametrize(("text", "code"), [("default_environment = [\n", "settings-syntax"), ('colour = "red"\n', "settings-invalid")])
def test_broken_settings_stop_plain_alembic(app: Tiny, sqlite_url: DatabaseUrl, text: str, code: str) -> None:
    """A typing error in the settings must not open the gate."""
    app.settings(text)
    with pytest.raises(SettingsError) as caught:
        plain(command.upgrade, config_for(app), "head", **{ASK: shown(sqlite_url)})
    assert isinstance(caught.value, CommandError)
    assert caught.value.code == code
    assert Database(sqlite_url).tables() == []
    assert_as_before(sqlite_url)


def test_settings_written_twice_stop_plain_alembic(app: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Two answers to one question are none."""
    (app.folder / "pyproject.toml").write_text("[tool.lockgate]\n", encoding="utf-8")
    with pytest.raises(SettingsError) as caught:
        plain(command.upgrade, config_for(app), "head", **{ASK: shown(sqlite_url)})
    assert caught.value.code == "settings-both"


# Reading.


def modelled(project: Tiny, more: str = "") -> Tiny:
    """Let env.py know the models of the two revisions, and maybe one more table."""
    env = overwriting_env_py().replace("target_metadata = None", f"{MODELS}{more}\ntarget_metadata = metadata")
    if not more:
        env = env.replace("target_metadata=target_metadata", "target_metadata=target_metadata, include_schemas=True")
    return project.env_py(env)


@pytest.mark.parametrize("asked", ["", "test"])
def test_reading_commands_work_and_write_nothing(
    app: Tiny, make_database: Callable[[], DatabaseUrl], asked: str, capsys: pytest.CaptureFixture[str]
) -> None:
    """Looking is how one finds out that something is wrong, so it must work on the wrong database, too."""
    used, empty = filled(modelled(app), "dev", make_database()), Database(make_database())
    before = used.picture()
    variables = {ASK: shown(used.url), "LOCKGATE_ENV": asked}
    for call in (command.current, command.history, command.heads, command.branches, command.check):
        plain(call, config_for(app), **variables)
        assert used.picture() == before, call
    plain(command.upgrade, config_for(app), "head", True, **variables)
    assert "CREATE TABLE" in capsys.readouterr().out
    plain(command.downgrade, config_for(app), "r2:base", True, **variables)
    assert "DROP TABLE" in capsys.readouterr().out
    assert used.picture() == before
    plain(command.current, config_for(app), **{**variables, ASK: shown(empty.url)})
    assert empty.picture() == {}


def test_a_new_revision_is_a_file_and_no_change(app: Tiny, database_url: DatabaseUrl) -> None:
    """`revision --autogenerate` compares with the database, and its answer never names lockgate's own tables."""
    used = filled(modelled(app), "dev", database_url)
    before = used.picture()
    more = 'sa.Table("invoices", metadata, sa.Column("id", sa.Integer, primary_key=True))'
    with as_found():
        os.environ.update({ASK: shown(database_url), "LOCKGATE_ENV": "test"})
        command.revision(config_for(app), "nothing", rev_id="same", autogenerate=True)
        command.revision(config_for(app), "by hand", rev_id="hand")
    assert used.picture() == before
    for name in ("same", "hand"):
        path = next((app.folder / "migrations" / "versions").glob(f"{name}_*.py"))
        text = path.read_text(encoding="utf-8")
        assert "op." not in text
        assert "lockgate" not in text
        path.unlink()
    modelled(app, more)
    with as_found():
        os.environ[ASK] = shown(database_url)
        command.revision(config_for(app), "more", rev_id="more", autogenerate=True)
    text = next((app.folder / "migrations" / "versions").glob("more_*.py")).read_text(encoding="utf-8")
    assert "op.create_table('invoices'" in text
    assert "lockgate" not in text
    assert "op.drop_table('users')" not in text
    assert used.picture() == before


def test_reading_on_the_terminal(app: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The command line, with the statuses that scripts look at."""
    used = filled(modelled(app), "dev", sqlite_url)
    before = used.picture()
    variables = {ASK: shown(sqlite_url)}
    assert "r2 (head)" in app.alembic("current", **variables).stdout
    assert app.alembic("check", **variables).returncode == 0
    offline = app.alembic("upgrade", "head", "--sql", **variables)
    assert (offline.returncode, "CREATE TABLE users" in offline.stdout) == (0, True)
    assert used.picture() == before


# Where the project is found.


def test_the_gate_stands_wherever_the_command_is_called_from(
    app: Tiny, tmp_path: Path, make_database: Callable[[], DatabaseUrl], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`alembic -c path/alembic.ini`, and a Config of a program that has no file at all."""
    dev = filled(app, "dev", make_database())
    before = dev.picture()
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    monkeypatch.chdir(elsewhere)
    bare = Config(stdout=sys.stderr)
    bare.set_main_option("script_location", str(app.folder / "migrations"))
    for config in (config_for(app), bare):
        variables = {ASK: shown(dev.url), "LOCKGATE_ENV": "test"}
        for call, arguments in COMMANDS[:3]:
            assert refused(call, config, *arguments, **variables).code == "identity-mismatch"
        assert dev.picture() == before
    fresh = Database(make_database())
    plain(command.upgrade, bare, "head", **{ASK: shown(fresh.url)})
    assert marker_of(fresh) == [("dev", "app")]


def test_the_gate_stands_for_the_terminal_in_another_folder(app: Tiny, tmp_path: Path, sqlite_url: DatabaseUrl) -> None:
    """Continuous integration rarely stands in the project's folder."""
    dev = filled(app, "dev", sqlite_url)
    before = dev.picture()
    ini = str(app.folder / "alembic.ini")
    outside = Tiny(tmp_path)
    done = outside.alembic("-c", ini, "downgrade", "base", LOCKGATE_ENV="test", **{ASK: shown(sqlite_url)})
    assert done.returncode not in (0, 1)
    assert "code: identity-mismatch" in done.stdout + done.stderr
    assert dev.picture() == before


def test_a_marked_database_refuses_writes_from_a_place_without_settings(
    app: Tiny, tmp_path: Path, make_database: Callable[[], DatabaseUrl], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The marker works for the neighbour's project as well, if only lockgate is installed there."""
    dev = filled(app, "dev", make_database())
    before = dev.picture()
    other = tmp_path / "other"
    other.mkdir()
    neighbour = tiny(other).tables("users", "orders", "invoices").env_py(overwriting_env_py())
    (other / "lockgate.toml").unlink()
    monkeypatch.chdir(other)
    for variables in ({}, {"LOCKGATE_ENV": "dev", "CONFIRM_ENV": "dev"}):
        for call, arguments in COMMANDS:
            assert refused(call, config_for(neighbour), *arguments, **variables, **{ASK: shown(dev.url)}).code == "no-project"
            assert dev.picture() == before
    plain(command.current, config_for(neighbour), **{ASK: shown(dev.url)})
    plain(command.upgrade, config_for(neighbour), "head", True, **{ASK: shown(dev.url)})
    assert dev.picture() == before
    becomes_scratch(dev)
    plain(command.downgrade, config_for(neighbour), "base", **{ASK: shown(dev.url)})
    assert dev.user_tables() == []


def test_without_settings_and_marker_alembic_is_as_it_was(app: Tiny, database_url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> None:
    """Installing lockgate must change nothing for the projects that do not use it."""
    (app.folder / "lockgate.toml").unlink()
    app.env_py("import observer\nobserver.seen.append(1)\n" + overwriting_env_py())
    monkeypatch.chdir(app.folder)
    observer = observed(monkeypatch)
    variables, database = {ASK: shown(database_url), "LOCKGATE_ENV": "prod", "CI": "true"}, Database(database_url)
    plain(command.downgrade, config_for(app), "base", **variables)
    assert database.picture() == {"alembic_version": []}
    assert observer.seen == [1]
    plain(command.upgrade, config_for(app), "head", **variables)
    assert observer.seen == [1, 1]
    assert database.tables() == ["alembic_version", "orders", "users"]
    plain(command.stamp, config_for(app), "r1", **variables)
    plain(command.stamp, config_for(app), "r2", **variables)
    plain(command.downgrade, config_for(app), "base", **variables)
    assert database.picture() == {"alembic_version": []}


# One process.


def test_a_second_run_in_the_same_process_is_refused_and_the_first_goes_on(
    app: Tiny, make_database: Callable[[], DatabaseUrl], monkeypatch: pytest.MonkeyPatch
) -> None:
    """`alembic.op` belongs to the process: the second run's revision would work on the first one's database."""
    first, second = Database(make_database()), Database(make_database())
    observer = observed(monkeypatch, inside=threading.Event(), go_on=threading.Event())
    app.revision("r3", "r2", f"import observer\nobserver.inside.set()\nassert observer.go_on.wait(60)\n{create_table('invoices')}")
    errors: list[BaseException] = []

    def run() -> None:
        try:
            command.upgrade(config_for(app), "head")
        except BaseException as error:
            errors.append(error)

    with as_found():
        os.environ[ASK] = shown(first.url)
        thread = threading.Thread(target=run)
        thread.start()
        assert observer.inside.wait(60), errors
        os.environ[ASK] = shown(second.url)
        with pytest.raises(Busy) as caught:
            command.upgrade(config_for(app), "head")
        observer.go_on.set()
        thread.join(60)
    assert isinstance(caught.value, CommandError)
    assert caught.value.code == "busy-in-process"
    assert not errors
    assert first.user_tables() == ["invoices", "orders", "users"]
    assert second.picture() == {}
    assert_as_before(first.url)


def test_whatever_a_call_ends_in_the_next_one_finds_the_process_as_it_was(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """Test suites call Alembic hundreds of times; one refusal must not be the end of all the others."""
    dev, test = Database(make_database()), filled(app, "test", make_database())
    variables = {ASK: shown(dev.url)}
    plain(command.upgrade, config_for(app), "head", **variables)
    assert_as_before(test.url)
    assert refused(command.downgrade, config_for(app), "base", **variables).code == "unconfirmed"
    assert_as_before(test.url)
    assert refused(command.upgrade, config_for(app), "head", **{ASK: shown(test.url)}).code == "identity-mismatch"
    assert_as_before(test.url)
    broken = app.revision("r3", "r2", f"{create_table('invoices')}\nraise RuntimeError('half way')")
    with pytest.raises(RuntimeError, match="half way"):
        plain(command.upgrade, config_for(app), "head", **variables)
    assert_as_before(test.url)
    assert dev.user_tables() == ["orders", "users"]
    with pytest.raises(CommandError):
        plain(command.upgrade, config_for(app), "nowhere", **variables)
    assert_as_before(test.url)
    broken.unlink()
    app.env_py("raise SystemExit('no configuration')")
    with pytest.raises(SystemExit):
        plain(command.upgrade, config_for(app), "head", **variables)
    assert_as_before(test.url)
    app.env_py(overwriting_env_py())
    app.tables("users", "orders", "invoices")
    plain(command.upgrade, config_for(app), "head", **variables)
    assert dev.heads() == ["r3"]
    assert_as_before(test.url)


def test_a_lock_is_free_again_after_a_failed_call(app: Tiny, database_url: DatabaseUrl) -> None:
    """The next run may come from another process, and waits for nobody."""
    filled(app, "dev", database_url)
    broken = app.revision("r3", "r2", "raise RuntimeError('half way')")
    with pytest.raises(RuntimeError):
        plain(command.upgrade, config_for(app), "head", **{ASK: shown(database_url)})
    broken.unlink()
    app.tables("users", "orders", "invoices")
    app.settings(SETTINGS.replace('protection = "open"', 'protection = "open"\nlock_wait = 0.5'))
    done = app.lockgate("upgrade", "dev", check=0, **{ASK: shown(database_url)})
    assert "r3" in done.stdout


def test_a_program_that_builds_the_context_itself_is_gated(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """Not everybody calls `alembic.command`: pytest plugins and applications enter an EnvironmentContext of their own."""
    dev = filled(app, "dev", make_database())
    before = dev.picture()
    config = config_for(app)
    script = ScriptDirectory.from_config(config)
    context = EnvironmentContext(config, script, fn=lambda heads, _: script._downgrade_revs("base", heads), destination_rev="base")
    with as_found():
        os.environ.update({ASK: shown(dev.url), "LOCKGATE_ENV": "test"})
        with pytest.raises(Refused), context:
            script.run_env()
    assert dev.picture() == before


def test_a_program_that_only_asks_for_the_heads_writes_nothing(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """Applications look at start-up whether the database is at head; stock Alembic makes its table by that."""
    config = config_for(app)
    script = ScriptDirectory.from_config(config)
    found: list[tuple[str, ...]] = []

    def look(heads: Any, context: Any) -> list[Any]:
        found.append(tuple(heads))
        return []

    for url, heads in ((make_database(), ()), (filled(app, "dev", make_database()).url, ("r2",))):
        before = Database(url).picture() if Database(url).exists() else {}
        with as_found():
            os.environ[ASK] = shown(url)
            with EnvironmentContext(config, script, fn=look):
                script.run_env()
        assert found[-1] == heads
        assert Database(url).picture() == before


def test_a_call_that_says_it_reads_runs_no_step(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """`dont_mutate` only keeps Alembic from making its table; the steps of such a call would run past the gate."""
    dev = filled(app, "dev", make_database())
    before = dev.picture()
    config = config_for(app)
    script = ScriptDirectory.from_config(config)

    def down(heads: Any, context: Any) -> Any:
        return script._downgrade_revs("base", heads)

    with as_found():
        os.environ.update({ASK: shown(dev.url), "LOCKGATE_ENV": "test"})
        with pytest.raises(Failed), EnvironmentContext(config, script, fn=down, dont_mutate=True):
            script.run_env()
        with EnvironmentContext(config, script) as context, create_engine(shown(dev.url)).connect() as connection:
            context.configure(connection=connection, fn=down)
            with pytest.raises(Failed), context.begin_transaction():
                context.run_migrations()
    assert dev.picture() == before
    assert_as_before(dev.url)


def test_steps_that_env_py_brings_itself_are_gated(app: Tiny, make_database: Callable[[], DatabaseUrl]) -> None:
    """`context.configure(fn=...)` in env.py wins over the command's own; it must not win over the gate."""
    dev = filled(app, "dev", make_database())
    before = dev.contents()
    brought = "target_metadata=target_metadata, fn=lambda heads, _: context.script._downgrade_revs('base', heads)"
    app.env_py(overwriting_env_py().replace("target_metadata=target_metadata\n        )", brought + "\n        )"))
    assert refused(command.upgrade, config_for(app), "head", LOCKGATE_ENV="test", **{ASK: shown(dev.url)}).code == "identity-mismatch"
    assert refused(command.upgrade, config_for(app), "head", **{ASK: shown(dev.url)}).code == "unconfirmed"
    assert dev.contents() == before
    plain(command.upgrade, config_for(app), "head", CONFIRM_ENV="dev", **{ASK: shown(dev.url)})
    assert dev.user_tables() == []
    assert [row[0] for row in dev.ledger()][-2:] == ["downgrade", "downgrade"]


def test_an_env_py_that_ends_before_its_migrations_holds_no_lock(app: Tiny, database_url: DatabaseUrl) -> None:
    """The lock is taken in `configure`, and whoever comes next waits for nobody."""
    filled(app, "dev", database_url)
    app.tables("users", "orders", "invoices")
    whole = overwriting_env_py()
    early = "import observer\nobserver.seen.append(1)\n" + whole.replace(
        "            context.run_migrations()\n\n\nif", "            len(observer.seen) == 1 and context.run_migrations()\n\n\nif"
    )
    assert early != "import observer\nobserver.seen.append(1)\n" + whole
    with pytest.MonkeyPatch.context() as monkeypatch:
        observed(monkeypatch)
        plain(command.upgrade, config_for(app.env_py(early)), "head", **{ASK: shown(database_url)})
    assert Database(database_url).heads() == ["r2"]
    assert_as_before(database_url)
    app.env_py(whole).settings(SETTINGS.replace('protection = "open"', 'protection = "open"\nlock_wait = 0.5'))
    app.lockgate("upgrade", "dev", check=0, **{ASK: shown(database_url)})
