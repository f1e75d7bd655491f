"""Secrets are never shown, and a URL survives the way through every reader."""

from __future__ import annotations

import json
import pickle
from pathlib import Path

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sqlalchemy.engine import make_url

from lockgate.errors import UsageError
from lockgate.secret import DatabaseUrl, Secret, parse_url, redact, without_secrets

FEW = settings(max_examples=50, deadline=None)
NASTY = st.text(st.sampled_from("%@/:?#&=+ []\\'\"$äß€𝄞aB0"), max_size=12)
NAMES = st.text(st.sampled_from("abc-_. /ä%?#@:+0"), min_size=1, max_size=8).filter(lambda name: name == name.strip())
OPTIONS = st.dictionaries(st.sampled_from(["sslmode", "options", "user", "application_name"]), st.text("ab c=@&%+/?ä", min_size=1), max_size=2)
HOSTS = st.sampled_from(["db", "db-3.internal", "10.0.0.1", "::1", "fe80::1%eth0", "a,b"])


@FEW
@given(NASTY.filter(bool), NASTY, HOSTS, st.none() | st.integers(1, 65535), NAMES, OPTIONS)
@example("u", "p%40", "db", 5432, "100%25", {"options": "-c search_path=x"})
def test_a_rendered_url_is_read_alike_by_us_and_by_sqlalchemy(
    user: str, password: str, host: str, port: int | None, database: str, query: dict[str, str]
) -> None:
    """env.py reads the URL with SQLAlchemy: a difference would be another database or a failed login."""
    url = DatabaseUrl("postgresql", "psycopg", user, Secret(password), host, port, database, query)
    text = url.render().reveal()
    assert parse_url(text) == url
    theirs = make_url(text)
    assert (theirs.username, theirs.password or "", theirs.host, theirs.port) == (user, password, host, port)
    assert (theirs.database, dict(theirs.query)) == (database, query)


@FEW
@given(st.text("ab:/@?%ä c", min_size=1, max_size=10), st.sampled_from(["db", "[::1]", "10.0.0.1:5432"]))
def test_a_raw_password_is_taken_whole(password: str, host: str) -> None:
    """People paste what a password generator gave them."""
    found = parse_url(f"postgresql://u:{password}@{host}/app?sslmode=require")
    raw = parse_url(f"postgresql://u:x@{host}/app?sslmode=require")
    if "%" not in password:
        assert found.password.reveal() == password
    assert (found.host, found.port, found.database, found.query) == (raw.host, raw.port, "app", {"sslmode": "require"})


@pytest.mark.parametrize(
    "text, username, host, database",
    [
        ("postgresql://u:p@h/db?user=me@server", "u", "h", "db"),
        ("postgresql://h:5432/db?user=me@server", "", "h", "db"),
        ("postgresql://h/db?user=me@server", "", "h", "db"),
        ("postgres://u@h:/db", "u", "h", "db"),
        ("postgresql:///db", "", "", "db"),
        ("  postgresql+asyncpg://u@h\n", "u", "h", ""),
    ],
)
def test_an_at_sign_among_the_options_ends_no_password(text: str, username: str, host: str, database: str) -> None:
    """Azure's user names hold one; the database behind it would be another one."""
    found = parse_url(text)
    assert (found.username, found.host, found.database) == (username, host, database)


def test_a_unix_socket_is_rendered_where_everybody_looks_for_it() -> None:
    """SQLAlchemy does not decode a host, libpq does; both know the option."""
    url = parse_url("postgresql://u@%2Fvar%2Frun/db")
    assert url.place == "/var/run/db"
    theirs = make_url(url.render().reveal())
    assert (theirs.host, theirs.query["host"], theirs.database) == (None, "/var/run", "db")


@pytest.mark.parametrize(
    "text, backend, driver, place",
    [
        ("mysql://u:p@h/db", "mysql", "", "h:3306/db"),
        ("mariadb+pymysql://u:p@h:3307/db?charset=utf8mb4", "mariadb", "pymysql", "h:3307/db"),
        ("mysql+aiomysql://u@/db?unix_socket=%2Frun%2Fmysqld.sock", "mysql", "aiomysql", "/run/mysqld.sock/db"),
        ("mysql+asyncmy://u:p%40@[::1]/db", "mysql", "asyncmy", "::1:3306/db"),
    ],
)
def test_urls_of_mariadb_and_mysql_are_read_as_sqlalchemy_reads_them(text: str, backend: str, driver: str, place: str) -> None:
    """With its own port, its own name of a socket, and the product that the project has chosen."""
    url = parse_url(text)
    assert (url.backend, url.driver, url.place) == (backend, driver, place)
    ours, theirs = make_url(url.render().reveal()), make_url(text)
    assert (ours.drivername, ours.username, ours.password, ours.host, ours.port, ours.database, ours.query) == (
        theirs.drivername, theirs.username, theirs.password, theirs.host, theirs.port, theirs.database, theirs.query,
    )
    assert url.with_driver("asyncpg").driver == driver


@FEW
@given(st.text("ab/%?# ä.", min_size=1, max_size=12).map(str.strip).filter(lambda path: path and not path.startswith("file:")))
def test_a_sqlite_path_is_read_alike_by_us_and_by_sqlalchemy(path: str) -> None:
    """Another reading is another file, which SQLite would make, empty."""
    text = DatabaseUrl("sqlite", database=path).render().reveal()
    assert parse_url(text).database == make_url(text).database == path


def test_a_sqlite_path_is_the_same_from_every_directory() -> None:
    """Relative paths start at the project, not where the command was typed."""
    assert parse_url("sqlite:///db/app.db").anchored(Path("/srv/app")).database == "/srv/app/db/app.db"
    assert parse_url("sqlite:////db/app.db").anchored(Path("/srv/app")).database == "/db/app.db"
    assert parse_url("sqlite://").anchored(Path("/srv/app")).is_memory


@pytest.mark.parametrize("text", ["", "nonsense:geheim", "oracle://u:geheim@h/db", "postgresql://u:geheim@h:port/db", "sqlite://geheim/x.db"])
def test_an_unreadable_url_is_refused_without_quoting_it(text: str) -> None:
    """Whatever is wrong with it, there may be a password in it."""
    with pytest.raises(UsageError) as caught:
        parse_url(text, "lockgate.toml:3")
    error = caught.value
    assert error.code in ("url-invalid", "database-unsupported")
    assert "geheim" not in error.what + error.where + error.hint


@FEW
@given(st.text(min_size=4, max_size=20).filter(lambda text: "*" not in text and text.strip() == text))
def test_a_secret_shows_itself_to_nobody(value: str) -> None:
    """Logs, f-strings, debuggers and tracebacks format what they are given."""
    secret = Secret(value)
    url = DatabaseUrl("postgresql", "", "u", secret, "db.internal", 5432, "app")
    shown = [str(secret), repr(secret), f"{secret}", f"{secret:>12}", "%s %r" % (secret, secret), str([secret]), str(url), repr(url), f"{url}"]  # noqa: UP031
    masks = {"***", "Secret('***')", "         ***", "*** Secret('***')", "[Secret('***')]", "DatabaseUrl(postgresql, db.internal:5432/app)"}
    assert set(shown) <= masks
    assert pickle.loads(pickle.dumps(secret)) == secret


@FEW
@given(st.text("abc%@/:?# äß+'\\", min_size=4, max_size=12).filter(lambda text: text.strip() == text))
def test_redact_finds_raw_and_encoded_forms(value: str) -> None:
    """Libraries quote what they were given in their own way."""
    url = DatabaseUrl("postgresql", "", "u", Secret(value), "h", None, "db")
    theirs = make_url(url.render().reveal())
    for text in (value, repr(value), url.render().reveal(), theirs.render_as_string(hide_password=False)):
        assert value not in redact(f"could not log in with {text} today")


def test_redact_finds_the_forms_that_json_makes() -> None:
    """A revision that dumps its settings object into an error writes `\\"` and `\\u00e4`, and the middle stays readable."""
    value = 'q"\\hunter2 ä'
    Secret(value)
    for text in (json.dumps({"p": value}), json.dumps({"p": value}, ensure_ascii=False)):
        assert "hunter2" not in redact(text)


@pytest.mark.parametrize(
    "text",
    [
        "postgresql://u:hunter2@h/db",
        "postgresql://u:hunter2@more@h/db",
        "connection failed: host=h password=hunter2 user=u",
        '{"username": "u", "password": "hunter2"}',
        "PASSWORD='hunter2'",
    ],
)
def test_redact_finds_passwords_that_nobody_announced(text: str) -> None:
    """A driver may read one from a place of its own."""
    assert "hunter2" not in redact(text)


def test_redact_keeps_ordinary_words_and_takes_control_characters() -> None:
    """A short password must not eat the message; an escape sequence must not reach the terminal."""
    Secret("a")
    assert redact("a table\n\tof data") == "a table\n\tof data"
    assert "\x1b" not in redact("\x1b[31mred")


def test_a_long_literal_is_no_work() -> None:
    """A revision may hold a picture in hexadecimal digits; a search that goes back at every one of them takes hours."""
    text = "insert into pictures values ('" + "c0ffee" * 200_000 + "')"
    assert redact(text) == text


def test_a_variable_that_says_it_is_a_secret_goes_however_it_is_spelled() -> None:
    """Other people's settings are not written in capitals, nor in whole words."""
    secrets = {"DB_PASS": "a", "db_password": "b", "GOOGLE_APPLICATION_CREDENTIALS": "c", "Api_Token": "d"}
    secrets |= {"GH_PAT": "e", "API_KEY": "f", "SENTRY_DSN": "g", "SSH_AUTH_SOCK": "/s", "KUBECONFIG": "/k", "MINE": "host=x password='h'"}
    secrets |= {"JDBC": "jdbc:postgresql://h/db?user=u&password=i", "CONFIG": '{"password": "j"}', "WHERE": "https://key@host/1"}
    kept = {"PATH": "/bin", "PWD": "/srv", "PASSENGER": "e", "COMPASS_URL": "f", "KEYBOARD": "de", "PYTHONPATH": "/x", "AUTHOR": "leo"}
    assert without_secrets(secrets | kept) == kept
