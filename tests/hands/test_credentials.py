"""URLs from variables, dotenv files, commands, functions and the settings themselves."""

from __future__ import annotations

import sys
import time
import traceback
from collections.abc import Mapping
from pathlib import Path
from textwrap import dedent

import pytest

from lockgate.credentials.resolve import resolve
from lockgate.credentials.source import quiet
from lockgate.errors import LockgateError, SettingsError, Unreachable, UsageError
from lockgate.secret import MASK
from lockgate.settings.project import Environment, UrlSource

PASSWORD = "s3cr3t%@/:é"
URL = f"postgresql://app:{PASSWORD}@db-3.internal:5433/app"
HANGING = "import threading; threading.Event().wait(20)"


def environment(kind: str, value: str = "", *argv: str, **options: str) -> Environment:
    """The environment `dev` with one kind of source."""
    return Environment("dev", UrlSource(kind, value, argv, options), where="lockgate.toml:14")


def shown(error: LockgateError) -> str:
    """All that a person, a log or a bug report could see of an error."""
    return "".join([repr(error), *map(str, error.args), *traceback.format_exception(error)])


def refusal(asked: Environment, folder: Path, environ: Mapping[str, str] | None = None) -> LockgateError:
    """The error of a source that cannot be resolved; what every one of them has to keep is checked here."""
    with pytest.raises(LockgateError) as caught:
        resolve(asked, folder, environ or {})
    assert "environment `dev` (lockgate.toml:14), " in caught.value.where
    assert caught.value.hint
    assert caught.value.changed == "nothing"
    assert "s3cr3t" not in shown(caught.value)
    return caught.value


def test_a_variable_is_read_from_what_is_handed_in(tmp_path: Path) -> None:
    """A request carries its environment, so that two requests of one process cannot get in each other's way."""
    url = resolve(environment("env", "APP_URL"), tmp_path, {"APP_URL": f" {URL}\n"})
    assert (url.username, url.host, url.port, url.database) == ("app", "db-3.internal", 5433, "app")
    assert url.password.reveal() == PASSWORD


@pytest.mark.parametrize(("environ", "state"), [({}, "not set"), ({"APP_URL": " "}, "empty")], ids=["unset", "empty"])
def test_a_missing_or_empty_variable_is_an_error_that_names_it(tmp_path: Path, environ: dict[str, str], state: str) -> None:
    """An empty URL would mean libpq's defaults, so somebody's own database."""
    error = refusal(environment("env", "APP_URL"), tmp_path, environ)
    assert isinstance(error, UsageError)
    assert (error.code, error.what) == ("variable-missing", f"the variable `APP_URL` is {state}")
    assert error.hint.startswith("export APP_URL=")


def test_a_variable_without_a_url_is_not_quoted(tmp_path: Path) -> None:
    """Someone will put the password there."""
    assert refusal(environment("env", "APP_URL"), tmp_path, {"APP_URL": "s3cr3t"}).code == "url-invalid"


def test_the_environments_driver_and_options_are_merged_in(tmp_path: Path) -> None:
    """The settings say more than a shared variable can; a driver in the URL is meant, too."""
    asked = Environment("dev", UrlSource("env", "APP_URL"), driver="asyncpg", query={"sslmode": "verify-full"})
    url = resolve(asked, tmp_path, {"APP_URL": "postgres://app@h/app?sslmode=disable&connect_timeout=3"})
    assert url.driver == "asyncpg"
    assert url.query == {"sslmode": "verify-full", "connect_timeout": "3"}
    assert resolve(asked, tmp_path, {"APP_URL": "postgresql+psycopg://app@h/app"}).driver == "psycopg"


def test_a_sqlite_file_is_found_from_the_projects_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A relative path must name the same file from every directory."""
    monkeypatch.chdir("/")
    assert resolve(environment("url", "sqlite:///var/app.db"), tmp_path, {}).database == str(tmp_path / "var" / "app.db")


def test_the_embedded_server_is_not_resolved_here(tmp_path: Path) -> None:
    """Starting a server is no credential; whoever forgets that is told at once."""
    with pytest.raises(LockgateError) as caught:
        resolve(environment("embedded", "postgres"), tmp_path, {})
    assert caught.value.code == "internal"


@pytest.mark.parametrize(
    ("line", "value"),
    [
        ("APP_URL=sqlite:///a.db", "a.db"),
        ("export APP_URL = sqlite:///a.db  # the test database", "a.db"),
        ("APP_URL='sqlite:///a b#c.db' # comment", "a b#c.db"),
        ('APP_URL="sqlite:///a\\"b.db"', 'a"b.db'),
        ('APP_URL="sqlite:///a\\d.db"', "a\\d.db"),
        ("APP_URL=sqlite:///${HOME}#1.db", "${HOME}#1.db"),
        ("APP_URL=sqlite:///old.db\r\nAPP_URL=sqlite:///a.db\r\n", "a.db"),
        ("# APP_URL=sqlite:///no.db\nthis is no assignment\nKEY='open\nAPP_URL=sqlite:///a.db", "a.db"),
        ("\ufeffAPP_URL=sqlite:///a.db", "a.db"),
        ("MY_APP_URL=sqlite:///no.db\nAPP_URL=sqlite:///a.db\nAPP_URL_OLD=sqlite:///no.db", "a.db"),
    ],
)
def test_a_dotenv_file_is_read_as_its_other_readers_read_it(tmp_path: Path, line: str, value: str) -> None:
    """The file belongs to the project's own tools; only interpolation is left out, because passwords hold `$`."""
    (tmp_path / ".env").write_bytes(line.encode())
    url = resolve(environment("dotenv", ".env", variable="APP_URL"), tmp_path, {"HOME": "no"})
    assert url.database == str(tmp_path / value)


def test_the_real_variable_wins_over_the_dotenv_file(tmp_path: Path) -> None:
    """A variable set for one call is meant; an empty one is a mistake and not a wish for the file."""
    (tmp_path / ".env").write_text("DATABASE_URL=sqlite:///file.db")
    asked = environment("dotenv", ".env")
    assert resolve(asked, tmp_path, {"DATABASE_URL": "sqlite:///variable.db"}).database.endswith("/variable.db")
    assert refusal(asked, tmp_path, {"DATABASE_URL": ""}).code == "variable-missing"


def test_a_dotenv_file_of_a_parent_folder_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Searching upward finds the file of another project, and with it another database."""
    project = tmp_path / "project"
    project.mkdir()
    (tmp_path / ".env").write_text(f"DATABASE_URL={URL}")
    monkeypatch.chdir(tmp_path)
    error = refusal(environment("dotenv", ".env"), project)
    assert error.code == "variable-missing"
    assert str(project / ".env") in error.what


@pytest.mark.parametrize("text", ["DATABASE_URL=", "OTHER=s3cr3t"])
def test_a_dotenv_file_without_the_variable_is_an_error(tmp_path: Path, text: str) -> None:
    """Nothing else is guessed from the file."""
    (tmp_path / ".env").write_text(text)
    assert refusal(environment("dotenv", ".env"), tmp_path).code == "variable-missing"


def test_an_unreadable_line_of_a_dotenv_file_is_named_and_not_shown(tmp_path: Path) -> None:
    """A quote that never ends would give half a password."""
    (tmp_path / ".env").write_text(f"A=1\nDATABASE_URL='{URL}\n")
    error = refusal(environment("dotenv", ".env"), tmp_path)
    assert isinstance(error, SettingsError)
    assert error.where.startswith(".env:2, ")


def script(folder: Path, body: str) -> list[str]:
    """The words of a command that runs `body` as Python."""
    (folder / "tell.py").write_text(dedent(body))
    return [sys.executable, "tell.py"]


def test_a_command_runs_in_the_projects_folder_with_the_given_variables(tmp_path: Path) -> None:
    """What `lockgate` is told must be what the command is told; the first line counts, as for password managers."""
    words = script(tmp_path, "import os; print(os.environ['TOLD']); print('more')")
    url = resolve(environment("command", "", *words), tmp_path, {"TOLD": URL})
    assert url.password.reveal() == PASSWORD


def test_a_command_may_print_a_json_object(tmp_path: Path) -> None:
    """`aws secretsmanager get-secret-value --query SecretString` prints what the secret holds."""
    words = script(tmp_path, "import json, os; print(json.dumps({'url': os.environ['TOLD'], 'a': 1}, indent=2))")
    assert resolve(environment("command", "", *words, key="url"), tmp_path, {"TOLD": URL}).host == "db-3.internal"


def test_a_command_is_not_given_to_a_shell(tmp_path: Path) -> None:
    """Settings are read by people who do not expect `;` to do anything."""
    words = [sys.executable, "-c", "import sys; print('sqlite:///' + sys.argv[1])", "$(touch hit);x.db"]
    assert resolve(environment("command", "", *words), tmp_path, {}).database == str(tmp_path / "$(touch hit);x.db")
    assert not (tmp_path / "hit").exists()


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (
            "import sys; sys.exit('login: no vault `s3cr3t`, try password=s3cr3t ' + 'postgresql://a:s3cr3t@h/d')",
            "ended with status 1: login: no vault",
        ),
        ("raise KeyError('APP_VAULT')", "ended with status 1: KeyError: 'APP_VAULT'"),
        ("import sys; print('s3cr3t'); sys.exit(7)", "ended with status 7"),
        ("import sys; print(file=sys.stderr)", "printed nothing"),
        ("import os; os.kill(os.getpid(), 15)", "ended with status -15"),
    ],
    ids=["message", "traceback", "stdout", "nothing", "signal"],
)
def test_a_failed_command_shows_its_status_and_no_value(tmp_path: Path, body: str, reason: str) -> None:
    """Of stderr only the last line is shown, without what could be a value: it may hold anything."""
    error = refusal(environment("command", "", *script(tmp_path, body)), tmp_path, {})
    assert error.code == "credentials-failed"
    assert error.what.startswith(f"the command `{sys.executable}` {reason}")
    assert error.hint == f"cd {tmp_path} && {sys.executable} tell.py"


def test_a_command_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The usual cause is a password manager that is not installed on this machine."""
    error = refusal(environment("command", "", "no-such-program"), tmp_path)
    assert error.what == "the command `no-such-program` could not be started: No such file or directory"


def test_a_command_that_hangs_is_given_up_although_a_child_of_it_holds_the_pipe(tmp_path: Path) -> None:
    """A prompt that nobody sees must not keep a deployment waiting, and neither must a child of it that lives on."""
    body = f"import subprocess, sys; print('s3cr3t', flush=True); subprocess.run([sys.executable, '-c', {HANGING!r}])"
    before = time.monotonic()
    error = refusal(environment("command", "", *script(tmp_path, body), timeout="0.5"), tmp_path)
    assert error.what.endswith("did not end within 0.5 s")
    assert time.monotonic() - before < 10


def test_a_commands_output_without_a_url_is_not_shown(tmp_path: Path) -> None:
    """It is a password more often than not."""
    assert refusal(environment("command", "", *script(tmp_path, "print('s3cr3t')")), tmp_path).code == "secret-incomplete"


def module(folder: Path, name: str, body: str) -> None:
    """Write an importable module."""
    folder.mkdir(exist_ok=True)
    (folder / f"{name}.py").write_text(dedent(body))


@pytest.mark.parametrize("place", ["", "src"])
def test_a_function_is_found_in_the_folder_and_in_src(tmp_path: Path, place: str) -> None:
    """Both layouts are common; the path is as it was afterwards, so that nothing else is found there by accident."""
    name = f"told_{place or 'flat'}"
    module(tmp_path / place, name, f"def url():\n    return {URL!r}")
    before = list(sys.path)
    assert resolve(environment("python", f"{name}:url"), tmp_path, {}).password.reveal() == PASSWORD
    assert sys.path == before


def test_objects_that_mask_themselves_are_asked_for_the_password(tmp_path: Path) -> None:
    """SQLAlchemy's URL and pydantic's SecretStr print `***`, which would then be tried as the password."""
    module(
        tmp_path,
        "told_masked",
        f"""
        from pydantic import PostgresDsn, SecretStr
        from sqlalchemy import make_url

        def alchemy():
            return make_url("postgresql://app@h/app").set(password={PASSWORD!r})

        def secret():
            return SecretStr({URL!r})

        def dsn():
            return PostgresDsn("postgresql://app:s3cr3t%25%40%2F%3A%C3%A9@h/app")
        """,
    )
    for function in ("alchemy", "secret", "dsn"):
        assert resolve(environment("python", f"told_masked:{function}"), tmp_path, {}).password.reveal() == PASSWORD


def test_a_function_is_called_each_time(tmp_path: Path) -> None:
    """A rotated secret is fetched once more after a failed login; a remembered answer would fail again."""
    module(tmp_path, "told_twice", "import itertools\nn = itertools.count()\ndef url():\n    return f'sqlite:///{next(n)}.db'")
    asked = environment("python", "told_twice:url")
    assert resolve(asked, tmp_path, {}) != resolve(asked, tmp_path, {})


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ("def url(): raise KeyError('APP_URL')", "KeyError: 'APP_URL'"),
        ("def url(): raise ValueError(\"Port could not be cast to integer value as 's3cr3t'\")", "ValueError: Port could not be cast"),
        ("def url(): raise RuntimeError('first\\nvalue=s3cr3t')", "RuntimeError: first"),
        ("raise SystemExit(3)", "SystemExit: 3"),
        ("other = 1", "AttributeError: module "),
        ("import not_installed_here", "ModuleNotFoundError: No module named "),
    ],
    ids=["key", "quoted", "lines", "exit", "attribute", "import"],
)
def test_a_failed_function_shows_the_kind_of_error_and_no_value(
    tmp_path: Path, body: str, reason: str, request: pytest.FixtureRequest
) -> None:
    """Parsers quote what they could not read, and settings objects list the values that they refused."""
    name = f"failing_{request.node.callspec.id}"
    module(tmp_path, name, body)
    error = refusal(environment("python", f"{name}:url"), tmp_path)
    assert isinstance(error, Unreachable)
    assert error.code == "credentials-failed"
    assert error.what.startswith(f"the function `{name}:url` failed: {reason}")
    assert error.__context__ is None


def test_quoted_text_goes_and_names_of_variables_stay() -> None:
    """`'APP_URL'` is what the reader needs, `'hunter2'` what nobody may see."""
    assert quiet("no 'APP_URL' in \"hunter2\" or `hunter2`") == f"no 'APP_URL' in {MASK} or {MASK}"
