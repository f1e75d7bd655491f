"""
The incident that this tool exists for.

A test suite's teardown called `alembic downgrade base` with the URL of its temporary database, env.py replaced that URL by the
one of the development database, and all its tables were gone. Here the same is tried by every road that leads to it.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from urllib.request import Request, urlopen

import boto3
import pytest
from alembic import command
from alembic.util import CommandError
from building import SETTINGS, Database, Tiny
from calling import ASK, COMMANDS, cli, config_for, filled, overwriting_env_py, plain, refused, shown
from moto.server import ThreadedMotoServer

from lockgate.errors import Refused
from lockgate.secret import DatabaseUrl

VERBS = {
    "downgrade": ("downgrade", "test", "base"),
    "reset": ("reset", "test"),
    "stamp": ("stamp", "test", "base"),
    "upgrade": ("upgrade", "test"),
}
SECRET = "app/test"


@dataclass
class World:
    """A project whose databases `dev` and `test` are at head, with a row each, and one more revision on disk."""

    project: Tiny
    dev: Database
    test: Database
    make: Callable[[], DatabaseUrl]

    def pictures(self) -> tuple[object, object]:
        """Everything that is in the two databases."""
        return self.dev.picture(), self.test.picture()


@pytest.fixture
def world(project: Tiny, make_database: Callable[[], DatabaseUrl]) -> World:
    """Two environments in use."""
    project.tables("users", "orders").env_py(overwriting_env_py())
    made = World(project, filled(project, "dev", make_database()), filled(project, "test", make_database()), make_database)
    project.tables("users", "orders", "invoices")
    return made


def test_a_teardown_whose_env_py_goes_to_dev_is_refused(world: World) -> None:
    """The incident itself: the configuration says temporary database, env.py says otherwise, and env.py wins."""
    before = world.pictures()
    teardown = config_for(world.project, world.make())
    for call, arguments in COMMANDS:
        error = refused(call, teardown, *arguments, LOCKGATE_ENV="test", **{ASK: shown(world.dev.url)})
        assert error.code == "identity-mismatch"
        assert f"refused to {call.__name__}:" in error.what
        assert "`dev`" in error.what
        assert "`test`" in error.what
        assert world.pictures() == before


def test_no_confirmation_opens_another_environments_database(world: World) -> None:
    """The marker is asked first; a confirmation that was exported once for all is worth nothing here."""
    before = world.pictures()
    for confirm in ("test", "dev", "*", "all", "dev,test", ""):
        variables = {"LOCKGATE_ENV": "test", "CONFIRM_ENV": confirm, ASK: shown(world.dev.url)}
        assert refused(command.downgrade, config_for(world.project), "base", **variables).code == "identity-mismatch", confirm
        assert world.pictures() == before


def test_a_teardown_that_says_nothing_asks_for_the_default_and_needs_its_confirmation(world: World) -> None:
    """Without the environment variable the call means `dev`, the database is `dev`, and still nobody confirmed the loss."""
    before = world.dev.contents(), world.test.picture()
    for confirm in (None, "", "test", "*", "all", "dev,test", "DEV"):
        variables = {ASK: shown(world.dev.url), **({} if confirm is None else {"CONFIRM_ENV": confirm})}
        assert refused(command.downgrade, config_for(world.project, world.make()), "base", **variables).code == "unconfirmed", confirm
        assert (world.dev.contents(), world.test.picture()) == before
        assert world.dev.ledger()[-1][:2] == ("downgrade", "refused")


def test_a_downgrade_that_names_the_environment_it_reaches_is_done(world: World) -> None:
    """The gate stops mistakes, not work."""
    before = world.test.picture()
    plain(command.downgrade, config_for(world.project), "base", LOCKGATE_ENV="dev", CONFIRM_ENV="dev", **{ASK: shown(world.dev.url)})
    assert world.dev.user_tables() == []
    assert world.dev.heads() == []
    assert world.test.picture() == before


def test_a_ci_job_needs_one_more_word(world: World) -> None:
    """CONFIRM_ENV in a pipeline's settings is there for every job, meant or not."""
    before = world.dev.contents(), world.test.picture()
    variables = {"CI": "true", "CONFIRM_ENV": "dev", ASK: shown(world.dev.url)}
    assert refused(command.downgrade, config_for(world.project), "base", **variables).code == "destructive-in-ci"
    assert (world.dev.contents(), world.test.picture()) == before
    plain(command.downgrade, config_for(world.project), "base", ALLOW_DESTRUCTIVE_IN_CI="1", **variables)
    assert world.dev.user_tables() == []


def test_a_database_nobody_marked_keeps_its_tables(world: World) -> None:
    """Tables without a marker are somebody's: a copy of production restored by hand has none either."""
    stray = Database(world.make())
    stray.query("create table users (id integer primary key, name varchar(50))")
    stray.query("insert into users (id, name) values (1, 'nobody knows')")
    stray.query("create table alembic_version (version_num varchar(32) not null)")
    stray.query("insert into alembic_version values ('r2')")
    before = stray.picture()
    variables = {"LOCKGATE_ENV": "test", "CONFIRM_ENV": "test", ASK: shown(stray.url)}
    for call, arguments in COMMANDS:
        assert refused(call, config_for(world.project), *arguments, **variables).code == "unmarked"
        assert stray.picture() == before


def test_the_refusal_is_an_alembic_error_too(world: World) -> None:
    """Suites that catch CommandError around their teardown go on, and see the reason."""
    with pytest.raises(CommandError) as caught:
        plain(command.downgrade, config_for(world.project), "base", LOCKGATE_ENV="test", **{ASK: shown(world.dev.url)})
    assert isinstance(caught.value, Refused)
    assert "code: identity-mismatch" in str(caught.value)
    assert "hint: " in str(caught.value)


def test_a_variable_swapped_for_devs_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """The variable of `test` holds the URL of `dev`, and the person is sure that it is `test`."""
    before = world.pictures()
    world.project.point("test", world.dev.url)
    for arguments in VERBS.values():
        status = cli(world.project, *arguments, CONFIRM_ENV="test", **{ASK: shown(world.dev.url)})
        assert_refused(status, capsys.readouterr().err)
        assert world.pictures() == before


def test_a_database_url_given_by_hand_does_not_change_who_must_answer(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """`--database-url` says where to knock; behind the door it is `dev` all the same."""
    before = world.pictures()
    url = shown(world.dev.url)
    for arguments in VERBS.values():
        status = cli(world.project, *arguments, "--database-url", url, CONFIRM_ENV="test", **{ASK: url})
        assert_refused(status, capsys.readouterr().err)
        assert world.pictures() == before


def test_an_env_py_that_leaves_the_resolved_database_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Settings and first look are right, then env.py connects elsewhere: judged is the connection that would do the work."""
    before = world.dev.picture()
    for verb in ("downgrade", "stamp", "upgrade"):
        status = cli(world.project, *VERBS[verb], CONFIRM_ENV="test", **{ASK: shown(world.dev.url)})
        assert_refused(status, capsys.readouterr().err)
        assert world.dev.picture() == before
        assert world.test.user_tables() == ["orders", "users"]
        assert world.test.ledger()[-1][:2] == (verb, "refused")


def test_reset_whose_env_py_goes_to_dev_drops_nothing_anywhere(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """What it could not build again in the same database it must not drop."""
    before = world.dev.picture()
    status = cli(world.project, *VERBS["reset"], CONFIRM_ENV="test", **{ASK: shown(world.dev.url)})
    assert_refused(status, capsys.readouterr().err)
    assert world.dev.picture() == before
    assert world.test.user_tables() == ["orders", "users"]


def test_an_env_py_that_swallows_errors_does_not_swallow_the_refusal(world: World) -> None:
    """A teardown that must never fail is written like this, and would go on as if the database were clean."""
    before = world.pictures()
    run = "        with context.begin_transaction():\n            context.run_migrations()\n"
    connect = "    with connectable.connect() as connection:\n"
    text = overwriting_env_py()
    assert run in text and connect in text
    body = text.partition(connect)[2].partition("\n\n\nif context")[0]
    quiet = "    try:\n" + "\n".join(f"    {line}" for line in (connect + body).splitlines()) + "\n    except Exception:\n        pass"
    world.project.env_py(text.replace(connect + body, quiet))
    for call, arguments in COMMANDS:
        error = refused(call, config_for(world.project), *arguments, LOCKGATE_ENV="test", **{ASK: shown(world.dev.url)})
        assert error.code == "identity-mismatch"
        assert world.pictures() == before
    kept = world.dev.contents()
    assert refused(command.downgrade, config_for(world.project), "base", **{ASK: shown(world.dev.url)}).code == "unconfirmed"
    assert (world.dev.contents(), world.test.picture()) == (kept, before[1])


@pytest.fixture(scope="module")
def moto_server() -> Iterator[str]:
    """An AWS on a loopback port."""
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


@pytest.fixture
def aws(moto_server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No secret yet, and the variables by which boto3 finds this AWS."""
    urlopen(Request(f"{moto_server}/moto-api/reset", method="POST")).close()
    monkeypatch.setenv("AWS_ENDPOINT_URL", moto_server)
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "AKIAIOSFODNN7EXAMPLE")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", "fake-access-key")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "eu-central-1")


@pytest.mark.usefixtures("aws")
def test_an_aws_secret_swapped_for_devs_is_refused(world: World, capsys: pytest.CaptureFixture[str]) -> None:
    """Whoever rotated the secret pasted the wrong URL; no variable and no command line shows it."""
    url = shown(world.dev.url)
    boto3.client("secretsmanager").create_secret(Name=SECRET, SecretString=json.dumps({"DATABASE_URL": url}))
    world.project.settings(SETTINGS.replace('{ env = "TEST_DATABASE_URL" }', f'{{ aws_secret = "{SECRET}", region = "eu-central-1" }}'))
    before = world.pictures()
    for arguments in VERBS.values():
        status = cli(world.project, *arguments, CONFIRM_ENV="test", **{ASK: url})
        assert_refused(status, capsys.readouterr().err)
        assert world.pictures() == before


def assert_refused(status: int, said: str, changed: str = "nothing") -> None:
    """The four things that a person at a terminal needs."""
    assert status == 3
    assert "this database says it is `dev`, you asked for `test`" in said
    assert f"  changed: {changed}\n" in said
    assert "hint: " in said
    assert "code: identity-mismatch" in said
