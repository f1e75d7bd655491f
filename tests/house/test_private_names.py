"""What lockgate uses of Alembic and SQLAlchemy without a promise of theirs: a release that changes it must fail here, not at a user's."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command, util
from alembic.config import Config
from alembic.runtime.environment import EnvironmentContext
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.script.revision import RevisionMap
from sqlalchemy import Connection, create_engine

import lockgate.alembic_plugin
from lockgate.alembic_seam.scripts import LateScript
from lockgate.errors import UsageError
from lockgate.graph import read_graph

ENV_PY = """
import os
from alembic import context
from sqlalchemy import create_engine
engine = create_engine("sqlite://")
with engine.connect() as connection:
    context.configure(connection=connection)
    with context.begin_transaction():
        context.run_migrations()
"""
NAMES_OF_FN = {"upgrade": "upgrade", "downgrade": "downgrade", "stamp": "do_stamp"}
REVISION = "revision = {name!r}\ndown_revision = {down!r}\ndef upgrade(): pass\ndef downgrade(): pass\n"


@pytest.fixture
def config(tmp_path: Path) -> Config:
    """A history of two revisions, outside of any lockgate project."""
    versions = tmp_path / "migrations" / "versions"
    versions.mkdir(parents=True)
    (tmp_path / "migrations" / "env.py").write_text(ENV_PY, encoding="utf-8")
    for name, down in (("r1", None), ("r2", "r1")):
        (versions / f"{name}.py").write_text(REVISION.format(name=name, down=down), encoding="utf-8")
    made = Config()
    made.set_main_option("script_location", str(tmp_path / "migrations"))
    return made


@pytest.fixture
def script(config: Config) -> ScriptDirectory:
    """The history, read."""
    return ScriptDirectory.from_config(config)


@pytest.fixture
def environment(config: Config, script: ScriptDirectory) -> EnvironmentContext:
    """What a command enters before it runs env.py."""
    return EnvironmentContext(config, script, fn=lambda heads, context: [])


@pytest.fixture
def connection() -> Iterator[Connection]:
    """A connection to a database in memory."""
    with create_engine("sqlite://").connect() as opened:
        yield opened


def _parameters(function: Callable[..., Any]) -> list[str]:
    return list(inspect.signature(function).parameters)


def test_the_hook_is_what_an_environment_calls_on_entering_and_leaving(
    environment: EnvironmentContext, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The gate stands in `_install_proxy`, looked up on the class; it goes in `_remove_proxy`, looked up on the instance."""
    calls = []
    install, remove = util.ModuleClsProxy._install_proxy, environment._remove_proxy
    assert install.__module__ == lockgate.alembic_plugin.__name__, "the plugin was not set up"
    assert _parameters(install) == ["self"]
    monkeypatch.setattr(util.ModuleClsProxy, "_install_proxy", lambda self: (calls.append("in"), install(self)))
    environment._remove_proxy = lambda: (calls.append("out"), remove())  # type: ignore[method-assign, assignment, return-value]
    with environment:
        assert calls == ["in"]
    assert calls == ["in", "out"]


def test_configure_and_run_migrations_are_looked_up_on_the_instance(
    environment: EnvironmentContext, script: ScriptDirectory, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`alembic.context.configure` in env.py must reach what stands on the instance, or the gate is walked around."""
    calls: list[str] = []
    environment.configure = lambda *args, **options: calls.append("configure")  # type: ignore[method-assign]
    environment.run_migrations = lambda **options: calls.append("run")  # type: ignore[method-assign]
    monkeypatch.setattr(environment, "begin_transaction", lambda: create_engine("sqlite://").connect())
    with environment:
        script.run_env()
    assert calls == ["configure", "run"]


@pytest.mark.parametrize(
    ("call", "arguments", "options"),
    [
        (command.upgrade, ("head",), {"fn"}),
        (command.downgrade, ("base",), {"fn"}),
        (command.stamp, ("head",), {"fn", "purge"}),
        (command.ensure_version, (), {"fn"}),
        (command.current, (), {"fn", "dont_mutate"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_commands_say_by_their_options_what_they_do(
    config: Config, monkeypatch: pytest.MonkeyPatch, call: Callable[..., Any], arguments: tuple[str, ...], options: set[str]
) -> None:
    """Reading and writing commands are told apart by `context_opts`, before env.py runs."""
    seen: list[dict[str, Any]] = []
    install = util.ModuleClsProxy._install_proxy

    def look(self: Any) -> None:
        if isinstance(self, EnvironmentContext):
            seen.append(dict(self.context_opts))
        install(self)

    monkeypatch.setattr(util.ModuleClsProxy, "_install_proxy", look)
    call(config, *arguments)
    assert seen
    assert options <= set(seen[0])
    assert bool(seen[0].get("dont_mutate")) is ("dont_mutate" in options)
    # The name says what was typed, for the words of a refusal.
    assert seen[0]["fn"].__name__ == NAMES_OF_FN.get(call.__name__, seen[0]["fn"].__name__)


def test_autogenerate_is_known_by_its_revision_context(config: Config, monkeypatch: pytest.MonkeyPatch) -> None:
    """It hands in `fn` without `dont_mutate`, and writes nothing."""
    seen: list[set[str]] = []
    install = util.ModuleClsProxy._install_proxy

    def look(self: Any) -> None:
        if isinstance(self, EnvironmentContext):
            seen.append(set(self.context_opts))
        install(self)

    monkeypatch.setattr(util.ModuleClsProxy, "_install_proxy", look)
    with pytest.raises(util.CommandError):
        command.check(config)
    assert "revision_context" in seen[0]


def test_the_ways_through_the_history_take_target_and_heads(script: ScriptDirectory) -> None:
    """`alembic.command` hands these to its EnvironmentContext; there is no public way to the same steps."""
    up = list(script._upgrade_revs("head", ()))  # type: ignore[arg-type]
    assert [(step.info.up_revision_id, step.info.is_upgrade, step.info.is_stamp) for step in up] == [
        ("r1", True, False),
        ("r2", True, False),
    ]
    down = list(script._downgrade_revs("base", ("r2",)))  # type: ignore[arg-type]
    assert [(step.info.up_revision.revision, step.info.is_upgrade) for step in down] == [("r2", False), ("r1", False)]
    stamps = list(script._stamp_revs(("r1",), ("r2",)))
    assert [(step.info.is_stamp, step.info.destination_revision_ids) for step in stamps] == [(True, ("r1",))]


def test_a_history_can_be_told_without_its_modules(script: ScriptDirectory, tmp_path: Path) -> None:
    """`LateScript` goes past Script's own constructor, and the directory asks the map that is put into it."""
    graph = read_graph({f"migrations/versions/{name}.py": REVISION.format(name=name, down=down) for name, down in (("r1", None), ("r2", "r1"))})
    theirs = script.get_revision("r2")
    script.revision_map = RevisionMap(lambda: [LateScript(one, tmp_path) for one in graph.revisions.values()])
    ours = script.get_revision("r2")
    assert isinstance(ours, LateScript) and "module" not in vars(ours)
    assert script.get_heads() == ["r2"]
    assert set(vars(theirs)) <= {*vars(ours), "module", "path"}, "Alembic keeps something new of each revision"
    (step,) = script._upgrade_revs("head", "r1")
    assert step.migration_fn is ours.module.upgrade  # type: ignore[attr-defined]
    assert (ours.path, ours.doc) == (theirs.path, theirs.doc)


def test_a_file_that_moved_in_the_graph_meanwhile_does_not_run(tmp_path: Path, script: ScriptDirectory) -> None:
    """What was planned is what the files said when they were read."""
    graph = read_graph({"migrations/versions/r2.py": REVISION.format(name="r2", down=None)})
    with pytest.raises(UsageError, match="became another one"):
        _ = LateScript(graph.revisions["r2"], tmp_path).module


def test_python_ends_by_these_names() -> None:
    """`cli.leaving` does by hand what `Py_FinalizeEx` begins with."""
    done = subprocess.run(
        [sys.executable, "-c", "import atexit, threading; atexit.register(print, 'bye'); threading._shutdown(); atexit._run_exitfuncs()"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert (done.stdout, done.stderr) == ("bye\n", "")


def test_a_steps_function_can_be_wrapped(script: ScriptDirectory) -> None:
    """A revision is tried again after a lock timeout; its name is what Alembic logs."""
    step = next(iter(script._upgrade_revs("head", ())))  # type: ignore[arg-type]
    assert step.migration_fn.__name__ == "upgrade"
    step.migration_fn = lambda **kw: None
    assert "lambda" in str(step)


def test_the_version_table_is_made_by_one_method(connection: Connection) -> None:
    """The dry pass puts a note in its place; `purge` is how `stamp --purge` empties the table."""
    context = MigrationContext.configure(connection)
    assert _parameters(context._ensure_version_table) == ["purge"]
    context._ensure_version_table()
    assert connection.dialect.has_table(connection, "alembic_version")


def test_a_connection_can_stand_on_another_ones_driver_connection(connection: Connection) -> None:
    """Alembic gets its own, so that a transaction that env.py began does not hold all revisions together."""
    assert "connection" in _parameters(Connection.__init__)
    own = Connection(connection.engine, connection=connection.connection)
    assert own.connection.dbapi_connection is connection.connection.dbapi_connection
    assert not own.in_transaction()
