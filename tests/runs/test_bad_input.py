"""Whatever is wrong with settings, revision files, database or command line: one clean error each, and nothing changed."""

from __future__ import annotations

import ctypes
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pytest
from building import Database, Tiny, create_table
from guarded import Guarded, closed_port

from lockgate.errors import CODES
from lockgate.secret import DatabaseUrl

CORE = "Sp4rrow"  # stands between the characters that must be encoded, so no form of the password is without it
PASSWORD = f"@/%{CORE}:ü"
ENCODED = quote(PASSWORD, safe="")
SHAPE = re.compile(
    r"(?P<talk>(?:(?!error: ).*\n)*)"
    r"error: (?P<what>[^A-Z\n].*\n(?: {7}.*\n)*)"
    r"(?:  where: (?P<where>.+\n(?: {9}.*\n)*))?"
    r"  changed: (?P<changed>.+)\n"
    r"\n"
    r"hint: (?P<hint>.+(?:\n {6}.*)*)\n"
    r"code: (?P<code>[a-z-]+), docs/errors/(?P=code)\.md\n"
)
_CAPABILITIES = (1, 2)  # CAP_DAC_OVERRIDE, CAP_DAC_READ_SEARCH: linux/capability.h
_PR_CAPBSET_DROP = 24  # linux/prctl.h


@dataclass(frozen=True)
class Said:
    """The four parts of an error, and what the process said before it."""

    talk: str
    what: str
    where: str
    hint: str


def parsed(done: subprocess.CompletedProcess[str], code: str) -> Said:
    """Read an error the way a person does; fails where it has another shape, code or exit status, or claims a change."""
    found = SHAPE.fullmatch(done.stderr)
    assert found, done.stderr
    assert (found["code"], done.returncode) == (code, CODES[code].exit_code)
    assert found["changed"] == "nothing"
    assert done.stdout == ""
    return Said(found["talk"], found["what"].strip(), (found["where"] or "").strip(), found["hint"])


def wrong(project: Tiny, code: str, *arguments: str, **variables: str) -> Said:
    """
    Call the command line twice, for people and with `--json --debug`, and return what was said.

    Holds every error to the promises: its own code, the same fields in JSON, no password in any form, no file made or changed.
    """
    words = arguments or ("upgrade", "dev")
    before = files(project)
    done = project.lockgate(*words, **variables)
    said = parsed(done, code)
    debugged = project.lockgate(*words, "--json", "--debug", **variables)
    document = json.loads(debugged.stdout)
    assert (document["ok"], document["code"], document["exit"], document["changed"]) == (False, code, done.returncode, [])
    assert debugged.returncode == done.returncode
    assert " ".join(document["what"].split()) == " ".join(said.what.split())
    assert " ".join(document["hint"].split()) == " ".join(said.hint.split())
    assert CORE not in done.stdout + done.stderr + debugged.stdout + debugged.stderr
    assert files(project) == before
    return said


def files(project: Tiny) -> dict[str, bytes]:
    """Every file of the test's folder with its content; what Python compiles is left out."""
    found = [path for path in project.folder.parent.rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    return {str(path): path.read_bytes() for path in found}


def unrecorded(database: Database) -> dict[str, object]:
    """Everything in a database but the ledger: a refusal on the right database is written down there."""
    return {name: rows for name, rows in database.picture().items() if not name.endswith("ledger")}


@pytest.fixture(autouse=True)
def nobody_at_home(project: Tiny) -> Iterator[None]:
    """`dev` has a URL with a password, of a server that refuses connections: whatever goes wrong before that is found first."""
    with closed_port() as port:
        project.environ["DEV_DATABASE_URL"] = f"postgresql://leo:{ENCODED}@127.0.0.1:{port}/app"
        yield


@pytest.fixture
def marked(project: Tiny, guarded: Guarded) -> Database:
    """`dev` at r1 of two revisions, on a server that asks for passwords; seen with the superuser's eyes."""
    url = guarded.database(PASSWORD)
    project.tables("users", "orders").point("dev", url)
    project.here("upgrade", "dev", "r1", check=0)
    return Database(guarded.admin(url.database))


# settings


def test_a_folder_without_settings_says_how_to_make_them(project: Tiny) -> None:
    """The first thing that a newcomer sees."""
    (project.folder / "lockgate.toml").unlink()
    said = wrong(project, "settings-missing")
    assert str(project.folder) in said.where
    assert "lockgate init" in said.hint


def test_settings_in_two_places_are_refused(project: Tiny) -> None:
    """One of them would be edited without effect."""
    (project.folder / "pyproject.toml").write_text(f"[tool.lockgate.environments.dev]\nurl = 'postgresql://leo:{ENCODED}@db/app'\n")
    said = wrong(project, "settings-both")
    assert "`lockgate.toml`" in said.what and "pyproject.toml" in said.what
    assert "delete `[tool.lockgate]`" in said.hint


def test_a_mistake_in_toml_is_named_with_line_and_column(project: Tiny) -> None:
    """And without the line itself: it may be the one with the password."""
    project.settings(f"project = 'app'\n[environments.dev]\nurl = postgresql://leo:{ENCODED}@db/app\n")
    assert wrong(project, "settings-syntax").where.startswith("lockgate.toml:3, column ")


def test_an_unknown_environment_offers_the_nearest_name(project: Tiny) -> None:
    """A typo in a name of an environment must never end in another one."""
    said = wrong(project, "unknown-environment", "upgrade", "stagign")
    assert "`stagign`" in said.what
    assert said.where == "lockgate.toml"
    assert "`staging`" in said.hint


def test_an_unknown_key_is_named_with_its_line_and_the_nearest_key(project: Tiny) -> None:
    """A misspelt `protection` that was passed over would leave a database open."""
    project.settings(f'[environments.dev]\nurl = {{ env = "DEV_DATABASE_URL" }}\nprotectoin = "{CORE}"\n')
    said = wrong(project, "settings-invalid")
    assert "lockgate.toml:3" in said.what
    assert "`protectoin`" in said.what and "`protection`" in said.what


def test_all_mistakes_of_the_settings_come_at_once(project: Tiny) -> None:
    """Whoever has to mend four of them wants to do it in one go."""
    lines = ('projct = "app"', 'default_environment = "deb"', "[environments.dev]", 'url = { env = "DEV_DATABASE_URL" }')
    project.settings("\n".join([*lines, 'protection = "opne"', "lock_wait = -1"]))
    said = wrong(project, "settings-invalid")
    assert said.what.startswith("the settings have 4 mistakes")
    assert re.findall(r"lockgate\.toml:(\d+)", said.what) == ["1", "2", "5", "6"]
    assert "`project`" in said.what and "`dev`" in said.what and "`open`" in said.what


@pytest.mark.parametrize("form", [ENCODED, PASSWORD], ids=["encoded", "raw"])
@pytest.mark.parametrize("line", ["url = '{}'", "url = {{ url = '{}' }}", "url = {{ env = '{}' }}", "url = '{}?password={}'"])
def test_a_password_in_the_settings_is_refused_and_not_repeated(project: Tiny, line: str, form: str) -> None:
    """Settings are committed; a CI log that quotes them makes it two leaks."""
    text = line.format(f"postgresql://leo:{form}@db.internal/app", form)
    project.settings(f"[environments.dev]\n{text}\n")
    said = wrong(project, "settings-invalid")
    assert "lockgate.toml:2" in said.what
    assert "env = " in said.what or "must look like" in said.what


# the URL and the server behind it


@pytest.mark.parametrize("value", [None, "", "  "], ids=["unset", "empty", "blank"])
def test_a_missing_variable_is_named_with_the_command_that_sets_it(project: Tiny, value: str | None) -> None:
    """An empty URL would mean libpq's defaults: somebody's own database."""
    project.tables("users").environ.pop("DEV_DATABASE_URL")
    said = wrong(project, "variable-missing", **({} if value is None else {"DEV_DATABASE_URL": value}))
    assert "`DEV_DATABASE_URL`" in said.what
    assert "lockgate.toml:" in said.where
    assert said.hint.startswith("export DEV_DATABASE_URL=")


def test_a_server_that_does_not_answer_is_named_by_host_and_port(project: Tiny) -> None:
    """Exit 5: trying again may help."""
    said = wrong(project.tables("users"), "unreachable")
    assert re.search(r"127\.0\.0\.1:\d+/app", said.where)
    assert "network" in said.hint


def test_a_wrong_password_is_no_network_problem(project: Tiny, marked: Database) -> None:
    """Its own code: a rotated secret is repaired by somebody else than a broken network."""
    before = marked.picture()
    url = project.environ["DEV_DATABASE_URL"].replace(CORE, CORE[::-1])
    said = wrong(project, "authentication-failed", DEV_DATABASE_URL=url)
    assert "password" in said.what and CORE[::-1] not in said.what
    assert marked.url.database in said.where
    assert "password" in said.hint
    assert marked.picture() == before


def test_a_database_that_is_not_there_comes_with_the_command_that_makes_it(project: Tiny, guarded: Guarded) -> None:
    """lockgate creates no database that nobody asked for: a typo would get one."""
    project.tables("users").point("dev", guarded.url(guarded.role(PASSWORD), PASSWORD, "nowhere"))
    said = wrong(project, "database-missing")
    assert "nowhere" in said.where
    assert "`lockgate upgrade --create-database` or createdb nowhere" in said.hint
    assert Database(guarded.admin()).query("select 1 from pg_database where datname = 'nowhere'") == []


@pytest.mark.parametrize("form", [ENCODED, PASSWORD], ids=["encoded", "raw"])
def test_a_database_of_another_kind_is_not_guessed_at(project: Tiny, form: str) -> None:
    """What cannot be guarded is not touched."""
    said = wrong(project.tables("users"), "database-unsupported", DEV_DATABASE_URL=f"oracle://leo:{form}@db.internal/app")
    assert "`oracle`" in said.what
    assert "lockgate.toml:" in said.where
    assert "postgresql, mysql, mariadb and sqlite" in said.hint


@pytest.mark.parametrize("url", [f"leo:{PASSWORD}", f"postgresql://leo:{PASSWORD}@db:port/app", f"postgresql://leo:{PASSWORD}@[::1/app"])
def test_a_url_that_cannot_be_read_is_not_shown(project: Tiny, url: str) -> None:
    """The part that cannot be read may be the password."""
    said = wrong(project.tables("users"), "url-invalid", DEV_DATABASE_URL=url)
    assert "DEV_DATABASE_URL" in said.where or "lockgate.toml:" in said.where
    assert "postgresql://user@host:5432/database" in said.hint


def test_a_url_that_names_no_database_is_refused(project: Tiny) -> None:
    """libpq would take the database that is called like the user."""
    said = wrong(project.tables("users"), "url-invalid", DEV_DATABASE_URL="postgresql://leo@127.0.0.1:1/")
    assert "names no database" in said.what


def test_a_url_on_the_command_line_is_not_repeated(project: Tiny) -> None:
    """It was typed there for once; the log keeps what is printed."""
    with closed_port() as port:
        said = wrong(
            project.tables("users"), "unreachable", "upgrade", "dev", "--database-url", f"postgres://leo:{ENCODED}@127.0.0.1:{port}/app"
        )
    assert said.talk.startswith("warning: the password in --database-url is visible in the process list")


# the Alembic project


def test_a_project_without_alembic_says_where_it_was_looked_for(project: Tiny) -> None:
    """`alembic_ini` may simply point to the wrong folder."""
    (project.folder / "alembic.ini").unlink()
    said = wrong(project, "alembic-missing")
    assert said.where == str(project.folder / "alembic.ini")
    assert "lockgate init" in said.hint and "alembic_ini" in said.hint


def test_a_project_without_revisions_says_how_to_make_one(project: Tiny) -> None:
    """An empty folder is more often a wrong one than a wish."""
    said = wrong(project, "no-revisions")
    assert said.where.endswith("versions")
    assert said.hint.startswith("lockgate revision -m ")


@pytest.mark.parametrize("line", ["def upgrade(:", "    return = 1"], ids=["in the head", "in a function"])
def test_a_syntax_error_in_a_revision_is_found_before_any_revision_runs(project: Tiny, sqlite_url: DatabaseUrl, line: str) -> None:
    """Half of a deployment later it would be found as well."""
    project.point("dev", sqlite_url)
    project.revision("r0", None, create_table("users"))
    path = project.revision("r1", "r0")
    text = path.read_text().replace("def upgrade() -> None:", line if line.startswith("def") else f"def upgrade() -> None:\n{line}")
    path.write_text(text)
    number = text.split("\n").index(line) + 1
    said = wrong(project, "revision-syntax")
    assert said.where == f"migrations/versions/r1.py:{number}"
    assert said.hint == "python -m py_compile migrations/versions/r1.py"


def test_reset_drops_nothing_that_a_broken_revision_could_not_make_again(project: Tiny, marked: Database) -> None:
    """An emptied database and a revision that does not compile: the worst moment to learn of it."""
    path = project.revision("r2", "r1", create_table("orders"))
    path.write_text(path.read_text().replace("op.create_table", "return ="))
    before = unrecorded(marked)
    wrong(project, "revision-syntax", "reset", "dev", CONFIRM_ENV="dev")
    assert unrecorded(marked) == before


def test_two_heads_are_named_with_their_files(project: Tiny) -> None:
    """Two branches were merged, and nobody merged the revisions."""
    project.tables("users")
    project.revision("left", "r1")
    project.revision("right", "r1")
    said = wrong(project, "multiple-heads")
    assert "migrations/versions/left.py" in said.where and "migrations/versions/right.py" in said.where
    assert "alembic merge" in said.hint


def test_a_missing_down_revision_is_named_with_its_file_and_the_nearest_id(project: Tiny) -> None:
    """Usually one letter was lost."""
    project.revision("20260105_0930", None)
    project.revision("20260106_1100", "20260105_0903")
    said = wrong(project, "revision-missing")
    assert "`20260105_0903`" in said.what
    assert said.where == "migrations/versions/20260106_1100.py"
    assert "`20260105_0930`" in said.hint


def test_two_files_with_one_id_are_both_named(project: Tiny) -> None:
    """Alembic takes one of them and warns."""
    path = project.revision("r1", None)
    path.with_name("copy_of_r1.py").write_text(path.read_text())
    said = wrong(project, "revision-duplicate")
    assert "`r1`" in said.what
    assert "versions/copy_of_r1.py" in said.where and "versions/r1.py" in said.where


def test_a_ring_of_revisions_is_shown_as_one(project: Tiny) -> None:
    """With the files, because one of them is to be corrected."""
    project.revision("a", "c")
    project.revision("b", "a")
    project.revision("c", "b")
    said = wrong(project, "revision-cycle")
    assert all(f"`{name}`" in said.what and f"{name}.py" in said.where for name in "abc")


def test_a_revision_that_is_not_utf_8_is_named_with_line_and_byte(project: Tiny) -> None:
    """Saved by an editor of another time."""
    path = project.revision("r1", None, message="créer")
    path.write_bytes(path.read_text().encode("latin-1"))
    said = wrong(project, "revision-encoding")
    assert said.where == "migrations/versions/r1.py:1, byte 5"
    assert said.hint == "save it as UTF-8"


def test_an_unknown_target_is_found_before_the_database_is_touched(project: Tiny, database_url: DatabaseUrl) -> None:
    """A SQLite file must not come into being for a typo, a fresh database must not be marked."""
    project.revision("20260105_0930", None, create_table("users"))
    project.point("dev", database_url)
    said = wrong(project, "revision-not-found", "upgrade", "dev", "20260105_0903")
    assert said.what == "there is no revision `20260105_0903`"
    assert said.where == "migrations/versions"
    assert said.hint == "did you mean `20260105_0930`?"
    assert Database(database_url).tables() == []


def test_a_database_that_is_ahead_of_the_files_is_left_alone(project: Tiny, marked: Database) -> None:
    """An older deployment came late, or this is another project's database."""
    project.here("upgrade", "dev", check=0)
    (project.folder / "migrations" / "versions" / "r2.py").unlink()
    before = unrecorded(marked)
    said = wrong(project, "unknown-revision")
    assert "`r2`" in said.what
    assert marked.url.database in said.where
    assert "deploy the code" in said.hint
    assert unrecorded(marked) == before


# rights


def reader(guarded: Guarded, database: str, *, registry: bool = True) -> DatabaseUrl:
    """The URL of a role that may look at a database and no more."""
    role = guarded.role(PASSWORD)
    for schema in ("public", *(["lockgate"] if registry else [])):
        guarded.run(f"grant usage on schema {schema} to {role}", database)
        guarded.run(f"grant select on all tables in schema {schema} to {role}", database)
    return guarded.url(role, PASSWORD, database)


@pytest.mark.parametrize("registry", [True, False], ids=["reads the registry", "does not even read the registry"])
def test_a_role_that_may_only_read_changes_nothing(project: Tiny, guarded: Guarded, marked: Database, registry: bool) -> None:
    """The first statement that needs more is refused by the server, and what came before it is undone."""
    project.point("dev", reader(guarded, marked.url.database, registry=registry))
    before = marked.picture()
    said = wrong(project, "permission-denied")
    assert "permission denied" in said.what
    assert "role" in said.hint
    assert marked.picture() == before


def test_a_role_that_may_not_create_leaves_an_empty_database_unmarked(project: Tiny, guarded: Guarded) -> None:
    """The marker is the first thing written; without it there is nothing at all."""
    name = guarded.database(PASSWORD).database
    project.tables("users").point("dev", guarded.url(guarded.role(PASSWORD), PASSWORD, name))
    assert "permission denied" in wrong(project, "permission-denied").what
    assert Database(guarded.admin(name)).tables() == []


@pytest.mark.parametrize("verb", ["upgrade", "adopt"])
def test_a_role_that_is_set_to_read_only_is_taken_at_its_word(project: Tiny, guarded: Guarded, verb: str) -> None:
    """Whoever set `default_transaction_read_only` meant lockgate, too: it must not open a writing transaction all the same."""
    url = guarded.database(PASSWORD)
    project.tables("users").point("dev", url)
    guarded.run(f"alter role {url.username} set default_transaction_read_only = on")
    said = wrong(project, "read-only", verb, "dev", CONFIRM_ENV="dev")
    assert "read" in said.what
    assert "may write" in said.hint
    assert Database(guarded.admin(url.database)).tables() == []


def test_a_marked_database_that_became_read_only_gets_no_row_in_its_ledger(project: Tiny, guarded: Guarded, marked: Database) -> None:
    """A failover, a full disk or an administrator made it so; the message is enough."""
    guarded.run(f"alter database {marked.url.database} set default_transaction_read_only = on")
    before = marked.picture()
    wrong(project, "read-only")
    assert marked.picture() == before


# SQLite


def bound_by_modes() -> None:
    """Give up root's power over file modes, in a child process before it starts: then modes count as they do for anybody."""
    if os.geteuid() == 0:
        prctl = ctypes.CDLL(None, use_errno=True).prctl
        for capability in _CAPABILITIES:
            assert prctl(_PR_CAPBSET_DROP, capability, 0, 0, 0) == 0


def as_anybody(project: Tiny, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command line as a user for whom file modes count."""
    command = [sys.executable, "-m", "lockgate", *arguments]
    environ = {**os.environ, **project.environ, "PYTHONDONTWRITEBYTECODE": "1"}
    return subprocess.run(command, cwd=project.folder, env=environ, capture_output=True, text=True, check=False, preexec_fn=bound_by_modes)


@pytest.fixture
def file_at_r1(project: Tiny, tmp_path: Path) -> Path:
    """A SQLite database at the first of two revisions, alone in a folder."""
    path = tmp_path / "data" / "app.db"
    path.parent.mkdir()
    project.tables("users", "orders").point("dev", DatabaseUrl("sqlite", database=str(path)))
    project.here("upgrade", "dev", "r1", check=0)
    path.with_name("app.db.lockgate-lock").unlink()
    return path


@pytest.fixture
def modes(file_at_r1: Path) -> Iterator[Callable[[int, int], None]]:
    """Set the modes of file and folder; they are given back at the end, or pytest could not clean up."""

    def change(file: int, folder: int) -> None:
        file_at_r1.chmod(file)
        file_at_r1.parent.chmod(folder)

    yield change
    change(0o644, 0o755)


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="prctl is Linux's")
@pytest.mark.parametrize(
    "file, folder, code",
    [(0o444, 0o755, "read-only"), (0o644, 0o555, "read-only"), (0o000, 0o755, "unreachable"), (0o644, 0o000, "unreachable")],
    ids=["file read-only", "folder read-only", "file closed", "folder closed"],
)
def test_a_sqlite_file_without_the_right_modes_is_left_as_it_is(
    project: Tiny, file_at_r1: Path, modes: Callable[[int, int], None], file: int, folder: int, code: str
) -> None:
    """SQLite needs the folder as well, for its journal; found out before env.py runs."""
    before = file_at_r1.read_bytes()
    modes(file, folder)
    done = as_anybody(project, "upgrade", "dev")
    said = parsed(done, code)
    assert str(file_at_r1) in said.where
    assert said.hint
    modes(0o644, 0o755)
    assert [path.name for path in file_at_r1.parent.iterdir()] == ["app.db"]
    assert file_at_r1.read_bytes() == before


def test_a_missing_folder_is_not_made(project: Tiny, tmp_path: Path) -> None:
    """It is a typo more often than a wish."""
    folder = tmp_path / "not here"
    project.tables("users").point("dev", DatabaseUrl("sqlite", database=str(folder / "app.db")))
    said = wrong(project, "unreachable")
    assert "folder" in said.what
    assert str(folder / "app.db") in said.where and "lockgate.toml:" in said.where
    assert said.hint == f"mkdir -p '{folder}'"
    assert not folder.exists()


@pytest.mark.parametrize("content", [b"name,price\n" * 200, b"SQLite format 3\0" + b"\0" * 4080], ids=["text", "a broken head"])
def test_a_file_that_is_no_database_is_left_as_it_is(project: Tiny, tmp_path: Path, content: bytes) -> None:
    """A path that was meant for something else; its content is kept."""
    path = tmp_path / "app.db"
    path.write_bytes(content)
    project.tables("users").point("dev", DatabaseUrl("sqlite", database=str(path)))
    said = wrong(project, "unreachable")
    assert str(path) in said.where
    assert "SQLite database" in said.hint


def test_a_folder_in_the_place_of_a_file_is_said_to_be_one(project: Tiny, tmp_path: Path) -> None:
    """`sqlite:///data` where `data` is a folder."""
    project.tables("users").point("dev", DatabaseUrl("sqlite", database=str(tmp_path)))
    assert wrong(project, "unreachable").where.endswith(str(tmp_path))


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:"])
def test_a_database_in_memory_is_refused(project: Tiny, url: str) -> None:
    """Each connection would see an empty one of its own: the gate would judge another database than env.py works on."""
    said = wrong(project.tables("users"), "database-unsupported", DEV_DATABASE_URL=url)
    assert "memory" in said.what
    assert "lockgate.toml:" in said.where
    assert "use a file" in said.hint


# what somebody did to lockgate's own tables

DAMAGE = {
    "no number": "update lockgate_setting set value = 'abc' where name = 'registry_version'",
    "an impossible number": "update lockgate_setting set value = '-1' where name = 'registry_version'",
    "no settings": "delete from lockgate_setting",
    "half a document": "update lockgate_setting set value = '{' where name = 'version_table'",
    "another document": "update lockgate_setting set value = '[1, 2, 3]' where name = 'version_table'",
    "no list": "update lockgate_setting set value = '3' where name = 'tables'",
    "no head": "delete from lockgate_head_of_ledger",
}


@pytest.mark.parametrize("statement", DAMAGE.values(), ids=DAMAGE)
def test_a_damaged_registry_is_said_to_be_one(project: Tiny, sqlite_url: DatabaseUrl, statement: str) -> None:
    """A script that tidied up; without its bookkeeping lockgate changes nothing, and does not call it its own bug."""
    project.tables("users", "orders").point("dev", sqlite_url).here("upgrade", "dev", "r1", check=0)
    database = Database(sqlite_url)
    database.query(statement)
    before = database.picture()
    done = project.here("upgrade", "dev", check=1)
    assert "code: registry-damaged" in done.stderr and "changed: nothing" in done.stderr and "backup" in done.stderr
    assert database.picture() == before
    for words in (("status",), ("history", "dev"), ("history", "dev", "--verify"), ("smoke", "dev"), ("url", "dev", "--check")):
        assert project.here(*words).returncode in (0, 1), words


def test_a_ledger_row_that_cannot_be_read_is_shown_as_far_as_it_can(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The ledger is read when something went wrong: the worst moment for an error about the ledger."""
    project.tables("users").point("dev", sqlite_url).here("upgrade", "dev", check=0)
    Database(sqlite_url).query("update lockgate_ledger set details = '{', outcome = 'seeded'")
    assert "seeded" in project.here("history", "dev", check=0).stdout


@pytest.mark.parametrize("text", ["def (", "", "\0", "# \udcff"], ids=["no Python", "empty", "a null byte", "no UTF-8"])
def test_an_env_py_that_cannot_run_is_named(project: Tiny, sqlite_url: DatabaseUrl, text: str) -> None:
    """A merge that went wrong; nothing has happened yet."""
    project.tables("users").point("dev", sqlite_url)
    (project.folder / "migrations" / "env.py").write_bytes(text.encode("utf-8", "surrogateescape"))
    done = project.here("upgrade", "dev", check=1)
    assert "code: env-failed" in done.stderr and "changed: nothing" in done.stderr and "Traceback" not in done.stderr
    assert Database(sqlite_url).tables() == []


# the command line

HOSTILE = (
    *("dev;id", "$(id)", "`id`", "../prod", "dev\nerror: x\ncode: y", "dev\r\x1b[2Jdev", "d\u202eev", "dev\udcff"),
    *("pr\u043ed", "", " dev", "DEV", "--", "d" * 5000),
)


@pytest.mark.parametrize("name", HOSTILE, ids=lambda name: ascii(name)[:20])
def test_a_hostile_name_of_an_environment_is_an_unknown_one(project: Tiny, name: str) -> None:
    """It reaches no shell, no path and no terminal; lines of its own making cannot be taken for lockgate's."""
    before = files(project)
    said = parsed(called(project, "upgrade", "--", name), "unknown-environment")
    assert "`dev`" in said.hint or "`prod`" in said.hint
    assert files(project) == before


@pytest.mark.parametrize("verb", ["status", "url", "history", "smoke", "adopt", "reset"])
def test_every_verb_refuses_a_hostile_name(project: Tiny, verb: str) -> None:
    """`url` prints to stdout, `status` takes several: each has a way of its own to the settings."""
    parsed(called(project.tables("users"), verb, "../dev\n$(id)"), "unknown-environment")


def called(project: Tiny, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Call the command line with arguments that may be no text at all; nothing hostile may come back from it."""
    command = [sys.executable, "-m", "lockgate", *map(os.fsencode, arguments)]
    environ = {**os.environ, **project.environ}
    done = subprocess.run(command, cwd=project.folder, env=environ, capture_output=True, text=True, check=False)
    assert not re.search(r"[\x00-\x09\x0b-\x1f\x7f-\x9f\u202a-\u202e]", done.stdout + done.stderr)
    assert CORE not in done.stdout + done.stderr and "uid=" not in done.stdout + done.stderr
    return done
