"""The gate against env.py files of every common kind: it judges what they bring and changes nothing of what they mean."""

from __future__ import annotations

import importlib
import json
import re
import shutil
import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from types import ModuleType

import pytest
from alembic import command
from alembic.config import Config
from building import SETTINGS, TEMPLATES, Database, Tiny, create_table, tiny
from calling import as_found, config_for, plain, refused, shown
from running import FAILING, alembic_twin, lock_is_free, mark, plain_up, up, up_fails
from sqlalchemy import create_engine

from lockgate.report import text
from lockgate.secret import DatabaseUrl

ENV_KINDS = Path(__file__).parent / "env_kinds"
HIDDEN = """from alembic import context
from sqlalchemy import create_engine

with create_engine({!r}).connect() as connection:
    context.configure(connection=connection)
    context.run_migrations()
"""
OPEN = 'protection = "open"\n'


@dataclass(frozen=True)
class Kind:
    """
    One kind of env.py.

    Args:
        name: file in `env_kinds/`, or `NAME template` for one of Alembic's own.
        settings: lines of `[environments.dev]`.
        drivers: SQLAlchemy's driver by backend; also the backends that this kind is for.
        table: Alembic's version table by backend, where it is not the usual one.
        schema: where the tables land, with its dot.
    """

    name: str
    settings: str = ""
    drivers: dict[str, str] = field(default_factory=lambda: {"postgresql": "", "sqlite": ""})
    table: dict[str, str] = field(default_factory=dict)
    schema: str = ""

    def heads(self, url: DatabaseUrl) -> list[str]:
        """Rows of the version table, by whatever name."""
        table = self.table.get(url.backend, self.schema + "alembic_version")
        return [row[0] for row in Database(url).query(f"select version_num from {table}")]

    def tables(self, url: DatabaseUrl) -> list[str]:
        """User tables without the schema that they are meant to be in."""
        own = self.table.get(url.backend, self.schema + "alembic_version")
        return [name.removeprefix(self.schema) for name in Database(url).user_tables() if name != own]


POSTGRES = {"postgresql": ""}
KINDS = [
    Kind("generic template"),
    Kind("generic template", drivers={"postgresql": "psycopg2"}),
    Kind("async template", drivers={"postgresql": "asyncpg", "sqlite": "aiosqlite"}),
    Kind("async template", drivers={"postgresql": "psycopg"}),
    Kind("pyproject template"),
    Kind("overwritten_url"),
    Kind("own_engine"),
    Kind("exported_url", 'export = ["DATABASE_URL"]'),
    Kind("include_schemas"),
    Kind("version_table", table={"postgresql": "app.app_version", "sqlite": "app_version"}),
    Kind("transaction_per_migration"),
    Kind("transaction_per_migration_true"),
    Kind("search_path", drivers=POSTGRES, schema="tenant."),
    Kind("search_path", drivers={"postgresql": "psycopg2"}, schema="tenant."),
    Kind("search_path_committed", drivers=POSTGRES, schema="tenant."),
    Kind("engine_begin"),
    Kind("batch"),
    Kind("handed_connection", "connection = true"),
    Kind("autocommit"),
    Kind("autocommit", drivers={"postgresql": "psycopg2"}),
    Kind("autocommit_option"),
    Kind("callbacks"),
    Kind("prints"),
    Kind("swallows"),
]
CASES = [
    pytest.param(kind, backend, id=f"{kind.name}-{driver or backend}".replace(" ", "_"))
    for kind in KINDS
    for backend, driver in kind.drivers.items()
]


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path) -> Callable[[str], DatabaseUrl]:
    """Return the URL of an empty database of a backend."""

    def make(backend: str) -> DatabaseUrl:
        url: DatabaseUrl = request.getfixturevalue({"postgresql": "postgres_url", "sqlite": "sqlite_url"}[backend])
        return url

    return make


def build(folder: Path, kind: Kind, url: DatabaseUrl, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Make a project with an env.py of that kind, two revisions, and `dev` pointing at `url`."""
    if kind.name == "pyproject template":
        project = pyproject_layout(folder)
    elif kind.name.endswith(" template"):
        project = tiny(folder, kind.name.removesuffix(" template"))
    else:
        project = tiny(folder)
        shutil.copy(ENV_KINDS / f"{kind.name}.py", folder / "migrations" / "env.py")
    driver = kind.drivers.get(url.backend, "")
    project.settings(SETTINGS.replace(OPEN, f"{OPEN}{kind.settings}\n" + (f'driver = "{driver}"\n' if driver else ""), 1))
    monkeypatch.setenv("APP_DATABASE_URL", shown(url))
    return project.tables("first", "second").point("dev", url)


def pyproject_layout(folder: Path) -> Tiny:
    """`alembic init -t pyproject migrations`, by Alembic itself."""
    folder.mkdir(parents=True, exist_ok=True)
    config = Config(str(folder / "alembic.ini"), toml_file=str(folder / "pyproject.toml"))
    with as_found():
        command.init(config, str(folder / "migrations"), template="pyproject")
    return Tiny(folder)


@pytest.mark.parametrize("kind, backend", CASES)
def test_a_failing_revision_leaves_those_before_it_applied_and_no_trace_of_itself(
    kind: Kind, backend: str, make_url: Callable[[str], DatabaseUrl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One transaction per revision with its ledger row in it, whatever env.py asked for; then head, then nothing to do."""
    url = make_url(backend)
    database = Database(url)
    project = build(tmp_path / "project", kind, url, monkeypatch)
    project.revision("r3", "r2", f"{create_table('third')}\n{FAILING}")
    error = up_fails(project)
    assert error.exit_code == 1
    assert error.code == "revision-failed"
    assert error.changed == "applied `r1`, `r2`"
    assert "r3.py:" in error.where
    assert {"first", "second"} <= set(kind.tables(url)) and "third" not in kind.tables(url)
    assert kind.heads(url) == ["r2"]
    assert database.applied() == ["r1", "r2"]
    assert lock_is_free(url)

    project.revision("r3", "r2", create_table("third"))
    assert [done.step.revision for done in up(project).steps] == ["r3"]
    assert kind.heads(url) == ["r3"]
    assert {"first", "second", "third"} <= set(kind.tables(url))
    assert database.applied() == ["r1", "r2", "r3"]
    assert lock_is_free(url)
    if backend == "postgresql":
        assert database.query("select count(distinct xmin::text) from lockgate.ledger where outcome = 'applied'") == [(3,)]

    before = database.picture()
    again = up(project)
    assert again.steps == ()
    assert "nothing to do" in "".join(text.outcome(again))
    assert database.picture() == before


@pytest.mark.parametrize("kind, backend", CASES)
def test_a_database_of_another_environment_is_refused_and_untouched(
    kind: Kind, backend: str, make_url: Callable[[str], DatabaseUrl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """By the first look, and by the gate inside env.py, which plain `alembic` reaches without any look before it."""
    url = make_url(backend)
    project = build(tmp_path / "project", kind, url, monkeypatch)
    database = mark(project, "test", url)
    before = database.picture()
    error = up_fails(project)
    assert (error.code, error.exit_code, error.changed) == ("identity-mismatch", 3, "nothing")
    assert database.picture() == before
    if kind.name not in ("handed_connection", "swallows"):
        driver = kind.drivers.get(backend, "")
        config = config_for(project, url.with_driver(driver) if driver else url)
        if kind.name == "pyproject template":
            config.toml_file_name = str(project.folder / "pyproject.toml")
        assert refused(command.upgrade, config, "head", LOCKGATE_ENV="dev", DATABASE_URL=shown(url)).code == "identity-mismatch"
        assert database.picture() == before
    assert lock_is_free(url)


@pytest.mark.parametrize("kind", ["overwritten_url", "own_engine", "swallows_own_engine"])
def test_an_env_py_that_goes_to_another_database_is_refused_there(
    kind: str, make_postgres_database: Callable[[], DatabaseUrl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The settings name the right database, env.py opens another one: nothing is written to either."""
    right, wrong = make_postgres_database(), make_postgres_database()
    project = build(tmp_path / "project", Kind(kind.removeprefix("swallows_")), right, monkeypatch)
    if kind.startswith("swallows"):
        env_py = (ENV_KINDS / "swallows.py").read_text(encoding="utf-8")
        engine = 'create_engine(__import__("os").environ["APP_DATABASE_URL"])'
        head, _, rest = env_py.partition("connectable = ")
        project.env_py(f"{head}from sqlalchemy import create_engine\nconnectable = {engine}\n{rest.partition(chr(10))[2]}")
    mark(project, "test", wrong)
    mark(project, "dev", right)
    monkeypatch.setenv("APP_DATABASE_URL", shown(wrong))
    there, here, ledger = Database(wrong).picture(), Database(right).contents(), Database(right).ledger()
    error = up_fails(project)
    assert (error.code, error.changed) == ("identity-mismatch", "nothing")
    assert "says it is `test`" in error.what
    assert wrong.database in error.where
    assert Database(wrong).picture() == there
    assert [row[1] for row in Database(right).ledger()[len(ledger) :]] == ["refused"]
    assert Database(right).contents() == here


def test_an_env_py_that_calls_configure_twice_is_refused_before_the_first_revision(
    database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One run, one database: a second `configure` would come after the first database was changed."""
    project = build(tmp_path / "project", Kind("configure_twice"), database_url, monkeypatch)
    mark(project, "dev", database_url)
    before = Database(database_url).contents()
    error = up_fails(project)
    assert (error.code, error.exit_code, error.changed) == ("configure-twice", 3, "nothing")
    assert Database(database_url).contents() == before
    assert lock_is_free(database_url)


@pytest.mark.parametrize(
    ("kind", "before", "passes"),
    [("generic template", "", 1), ("async template", "", 1), ("swallows", "", 1), ("generic template", "@__import__('functools').cache\n", 2)],
)
def test_an_env_py_is_run_once_where_its_text_shows_that_it_works_on_one_database(
    kind: str, before: str, passes: int, postgres_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may fetch credentials or import an application; a second run, dry and before, is for those that do not show it."""
    project = build(tmp_path / "project", Kind(kind, drivers={"postgresql": "psycopg"}), postgres_url, monkeypatch)
    env = project.folder / "migrations" / "env.py"
    text = env.read_text().replace("def run_migrations_online", f"{before}def run_migrations_online")
    env.write_text(f"open({str(tmp_path / 'passes')!r}, 'a').write('.')\n{text}")
    up(project)
    assert (tmp_path / "passes").read_text() == "." * passes
    assert Database(postgres_url).heads() == ["r2"]


def test_a_revision_that_cannot_be_imported_is_found_before_the_database_is_marked(
    database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Nothing is half done: neither a registry nor a version table is left of a run that could not begin."""
    project = build(tmp_path / "project", Kind("generic template"), database_url, monkeypatch)
    path = project.revision("r3", "r2")
    path.write_text(f"import nothing_of_this_name\n{path.read_text()}")
    error = up_fails(project)
    assert (error.exit_code, error.changed) == (1, "nothing")
    assert "nothing_of_this_name" in error.what
    assert Database(database_url).tables() == []
    assert lock_is_free(database_url)


def test_a_second_configure_that_env_pys_text_does_not_show_is_refused_when_it_comes(
    make_postgres_database: Callable[[], DatabaseUrl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It hides in code that env.py imports: the second database stays as it is, and the error says what was done to the first."""
    one, two = make_postgres_database(), make_postgres_database()
    project = build(tmp_path / "project", Kind("generic template"), one, monkeypatch)
    (project.folder / "hidden_second.py").write_text(HIDDEN.format(shown(two)))
    importlib.invalidate_caches()  # Python has listed `.` in another project
    env = project.folder / "migrations" / "env.py"
    env.write_text(f"{env.read_text()}\nimport hidden_second\n")
    error = up_fails(project)
    assert (error.code, error.exit_code, error.changed) == ("configure-twice", 3, "applied `r1`, `r2`")
    assert one.database in error.where
    assert Database(one).heads() == ["r2"] and Database(two).tables() == []
    assert lock_is_free(one) and lock_is_free(two)


def test_the_multidb_template_is_refused_before_any_database_is_changed(
    make_postgres_database: Callable[[], DatabaseUrl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two databases under one history: neither the marker nor the lock of the first says anything about the second."""
    one, two = make_postgres_database(), make_postgres_database()
    project = build(tmp_path / "project", Kind("multidb template"), one, monkeypatch)
    ini = project.folder / "alembic.ini"
    sections = "".join(f"\n[engine{n}]\nsqlalchemy.url = {shown(url).replace('%', '%%')}\n" for n, url in ((1, one), (2, two)))
    ini.write_text(ini.read_text().replace("[alembic]", "[alembic]\ndatabases = engine1, engine2", 1) + sections)
    for path in (project.folder / "migrations" / "versions").glob("*.py"):
        path.write_text(path.read_text().replace("grade() -> None", "grade(engine_name: str) -> None"))
    error = up_fails(project)
    assert (error.code, error.exit_code, error.changed) == ("configure-twice", 3, "nothing")
    assert "configure" in error.what and error.hint
    assert Database(one).tables() == [] and Database(two).tables() == []
    assert lock_is_free(one) and lock_is_free(two)


def test_an_env_py_that_swallows_errors_cannot_make_a_failure_look_like_success(
    database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Exit 0 means head; the error that env.py kept for itself is the one that is told."""
    project = build(tmp_path / "project", Kind("swallows"), database_url, monkeypatch)
    project.revision("r2", "r1", f"{create_table('second')}\n{FAILING}")
    done = project.lockgate("upgrade", "dev", "--json", check=1)
    assert json.loads(done.stdout)["code"] == "revision-failed"
    assert Database(database_url).user_tables() == ["first"]
    assert lock_is_free(database_url)


@pytest.mark.parametrize("kind", ["never_configures", "never_runs"])
def test_an_env_py_that_does_nothing_is_a_failure(
    kind: str, database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Plain Alembic ends such a run with exit 0 and an empty database."""
    project = build(tmp_path / "project", Kind(kind), database_url, monkeypatch)
    error = up_fails(project)
    assert (error.code, error.exit_code, error.changed) == ("env-failed", 1, "nothing")
    assert error.hint
    assert Database(database_url).user_tables() == []
    assert lock_is_free(database_url)


def test_what_env_py_prints_does_not_reach_stdout(database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """`--json` is one document, also where env.py prints, writes to the stream, or starts a process that does."""
    project = build(tmp_path / "project", Kind("prints"), database_url, monkeypatch)
    done = project.lockgate("upgrade", "dev", "--json", check=0)
    assert json.loads(done.stdout)["to_heads"] == ["r2"]
    assert "about to migrate" in done.stderr


def test_callbacks_filter_and_names_of_the_project_stay_in_force(
    make_postgres_database: Callable[[], DatabaseUrl], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A migration means the same under the gate as under plain Alembic, down to the names of its constraints."""
    url, sibling = make_postgres_database(), make_postgres_database()
    project = build(tmp_path / "project", Kind("callbacks"), url, monkeypatch)
    lines = (
        'op.create_table("third", sa.Column("id", sa.Integer, primary_key=True), sa.Column("code", sa.String(9), unique=True),'
        ' sa.Column("first_id", sa.Integer, sa.ForeignKey("first.id")), sa.CheckConstraint("id > 0", name="positive"))'
    )
    project.revision("r3", "r2", lines)
    up(project)
    plain_up(alembic_twin(project, tmp_path / "twin"), sibling)
    sql = "select conname from pg_constraint where conrelid = 'third'::regclass and contype <> 'n' order by 1"
    names = ["ck_third_positive", "fk_third_first_id_first", "pk_third", "uq_third_code"]
    for database in (Database(url), Database(sibling)):
        assert [row[0] for row in database.query(sql)] == names
        assert database.query("select revision from applied") == [("r1",), ("r2",), ("r3",)]
        assert database.heads() == ["r3"]


def test_a_callback_that_raises_takes_its_revision_back(database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The project's callback runs inside the revision's transaction, before our own row."""
    project = build(tmp_path / "project", Kind("callbacks"), database_url, monkeypatch)
    env_py = (ENV_KINDS / "callbacks.py").read_text(encoding="utf-8")
    project.env_py(env_py.replace("    ctx.connection", '    assert step.up_revision_id != "r2", "no r2 today"\n    ctx.connection', 1))
    error = up_fails(project)
    assert (error.code, error.changed) == ("revision-failed", "applied `r1`")
    assert Database(database_url).user_tables() == ["applied", "first"]
    assert Database(database_url).applied() == ["r1"]


@pytest.mark.parametrize("template, driver", [("generic", "psycopg2"), ("generic", "psycopg"), ("async", "asyncpg"), ("async", "psycopg")])
def test_revisions_run_on_the_driver_that_the_settings_name(
    template: str, driver: str, postgres_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Another driver binds types, reads arrays and cuts statements in another way: that would be another migration."""
    project = build(tmp_path / "project", Kind(f"{template} template", drivers={"postgresql": driver}), postgres_url, monkeypatch)
    project.revision("r3", "r2", 'op.execute("create table driver_" + op.get_bind().dialect.driver + " (id integer)")')
    up(project)
    assert f"driver_{driver}" in Database(postgres_url).user_tables()


@pytest.mark.parametrize("name", ["include_schemas", "callbacks", "batch"])
def test_autogenerate_does_not_see_lockgates_tables(
    name: str, database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A proposal to drop them would one day be applied."""
    project = build(tmp_path / "project", Kind(name), database_url, monkeypatch)
    up(project)
    before = Database(database_url).picture()
    config = config_for(project, database_url)
    script = plain(lambda c: command.revision(c, "third", autogenerate=True, rev_id="r3"), config)
    written = Path(script.path).read_text(encoding="utf-8")
    assert "lockgate" not in written and "drop_table" not in written.partition("def downgrade")[0]
    assert "'third'" in written
    assert "not_ours" not in written
    assert Database(database_url).picture() == before
    up(project)
    assert "third" in Database(database_url).user_tables()
    assert name != "batch" or not plain(lambda c: command.revision(c, "empty", autogenerate=True, rev_id="r4"), config)


def test_an_applications_pool_gets_no_connection_with_our_limits_back(
    database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A program that upgrades at its start goes on with the same engine: a lock timeout or a missing BEGIN would be its own then."""
    application = ModuleType("application_of_this_test")
    application.engine = engine = create_engine(shown(database_url))  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, application.__name__, application)
    project = build(tmp_path / "project", Kind("own_engine"), database_url, monkeypatch)
    env_py = (ENV_KINDS / "own_engine.py").read_text(encoding="utf-8")
    project.env_py(re.sub(r"engine = .*", f"from {application.__name__} import engine", env_py).replace("engine.dispose()", ""))
    up(project)
    with engine.connect() as one, engine.connect() as two:
        for connection in (one, two):
            if database_url.backend == "sqlite":
                assert connection.connection.dbapi_connection.isolation_level == ""
            else:
                assert connection.exec_driver_sql("show lock_timeout").scalar() == "0"
    engine.dispose()


def test_batch_operations_work_behind_the_gate(database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """On SQLite they rebuild the table, rows included, in the revision's transaction."""
    project = build(tmp_path / "project", Kind("batch"), database_url, monkeypatch)
    lines = "with op.batch_alter_table('first') as batch:\n    batch.alter_column('name', new_column_name='title')\n    batch.add_column(sa.Column('price', sa.Integer))"
    up(project)
    Database(database_url).query("insert into first (id, name) values (1, 'kept')")
    project.revision("r3", "r2", f"{lines}\n{FAILING}")
    assert up_fails(project).code == "revision-failed"
    assert Database(database_url).query("select name from first") == [("kept",)]
    project.revision("r3", "r2", lines)
    up(project)
    assert Database(database_url).query("select title, price from first") == [("kept", None)]


def test_a_project_that_lives_in_pyproject_alone_needs_no_ini_file(
    database_url: DatabaseUrl, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`alembic_ini = "pyproject.toml"`: the script location comes from `[tool.alembic]`, the URL from the environment."""
    project = build(tmp_path / "project", Kind("pyproject template"), database_url, monkeypatch)
    (project.folder / "alembic.ini").unlink()
    project.settings(f'alembic_ini = "pyproject.toml"\n{SETTINGS}')
    up(project)
    assert Database(database_url).heads() == ["r2"]


def test_templates_are_still_what_they_were() -> None:
    """These tests take them from the Alembic that is installed: a new template is a new kind to try."""
    assert {path.name for path in TEMPLATES.iterdir() if (path / "env.py").exists()} == {
        "async",
        "generic",
        "multidb",
        "pyproject",
        "pyproject_async",
    }
