"""Scratch databases: made empty and marked, brought to a revision by the project's own env.py, dropped; nothing else is touched."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from building import SETTINGS, Database, Tiny

from lockgate.dialects.clones import PREFIX, Clones
from lockgate.errors import Bug, LockgateError, Refused
from lockgate.files import load_project
from lockgate.runs.host import LocalHost
from lockgate.runs.scratch_database import ScratchDatabase, make, scratch_database
from lockgate.runs.scratch_server import ScratchServer, files_in, server_of
from lockgate.secret import DatabaseUrl

NAME = f"{PREFIX}trial_1"
ENV_KINDS = Path(__file__).parents[1] / "projects" / "env_kinds"


@pytest.fixture(params=["postgresql", "sqlite"])
def clones(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Clones]:
    """A server and a folder of files; what a test left there fails it."""
    here = files_in(tmp_path / "files")
    if request.param == "postgresql":
        server: Any = request.getfixturevalue("postgres_server")
        here = ScratchServer(server.url("postgres"), "the test's server")
    with here.entered() as opened:
        yield opened
        left = passing(opened)
        for name in left:
            opened.drop(name)
        assert left == []


def passing(opened: Clones) -> list[str]:
    """Our databases on a server, but for templates: those of other tests may stand there."""
    return [name for name in opened.names(PREFIX) if not name.startswith(f"{PREFIX}template_")]


def test_a_scratch_database_has_the_revisions_and_the_marker_and_is_gone_afterwards(project: Tiny, clones: Clones) -> None:
    """What drift and the tests build on; the variables of the shell belong to other databases."""
    settings = SETTINGS + '[environment_variable]\nname = "COMBINE_ENV"\nrequired_for = ["upgrade"]\n[bootstrap]\nfile = "base.sql"\nstamp = "r1"\n'
    settings += '[smoke]\ntables = ["not_there"]\n[[seeds]]\nname = "reference"\nfile = "orders.csv"\nenvironments = ["prod"]\n'
    project.settings(settings).tables("users", "orders")
    (project.folder / "base.sql").write_text("create table users (id integer primary key, name text, of_bootstrap integer);\n", encoding="utf-8")
    (project.folder / "orders.csv").write_text("id,name\n1,first\n", encoding="utf-8")
    with scratch_database(load_project(project.folder), clones, NAME) as made:
        assert made.look().identity is not None
        assert made.upgrade().to_heads == ("r2",)
        assert [done.counts.new for done in made.seed("reference").done if done.counts] == [1]
        seen, database = made.look(), Database(made.url)
        assert seen.identity is not None
        assert (seen.identity.environment, seen.identity.project) == ("scratch", "app")
        assert database.user_tables() == ["orders", "users"]
        assert database.query("select count(of_bootstrap) from users") == [(0,)]
        assert database.query("select name from orders") == [("first",)]
    assert clones.names(NAME) == []


def test_a_copy_is_as_good_as_the_scratch_database_it_was_made_of(project: Tiny, clones: Clones) -> None:
    """A template is built once; its copies can be downgraded without anybody's word, and a name of somebody else's is left alone."""
    project.tables("users", "orders")
    with scratch_database(load_project(project.folder), clones, NAME) as made:
        made.upgrade("r1")
        for strategy in clones.strategies:
            clones.clone(NAME, f"{NAME}2", strategy)
            copy = ScratchDatabase(made.project, clones.url(f"{NAME}2").with_driver(made.url.driver))
            assert copy.upgrade().to_heads == ("r2",)
            assert Database(made.url).heads() == ["r1"]
            clones.drop(f"{NAME}2")
        clones.clone(NAME, f"{NAME}2")
        clones.rename(f"{NAME}2", f"{NAME}3")
        assert list(clones.names(NAME)) == [NAME, f"{NAME}3"]
        clones.drop(f"{NAME}3")
    for refused in (lambda: clones.drop("app"), lambda: clones.rename("app", NAME), lambda: clones.clone("app", NAME)):
        with pytest.raises(Bug):
            refused()


@pytest.mark.parametrize("known", ["empty", "marked", "filled"])
def test_an_env_py_that_goes_elsewhere_is_refused(project: Tiny, clones: Clones, database_url: DatabaseUrl, known: str, monkeypatch: Any) -> None:
    """The classic accident: settings that overwrite the URL. Not even an empty database is taken for a scratch one."""
    project.tables("users").env_py((ENV_KINDS / "overwritten_url.py").read_text(encoding="utf-8"))
    elsewhere = Database(database_url)
    monkeypatch.setenv("APP_DATABASE_URL", database_url.with_driver("psycopg").render().reveal())
    if known == "marked":
        project.point("dev", database_url).here("upgrade", "dev", check=0)
        project.tables("users", "orders")
    if known == "filled":
        elsewhere.query("create table theirs (id integer)")
    before = elsewhere.contents()
    with scratch_database(load_project(project.folder), clones, NAME) as made, pytest.raises(LockgateError) as refused:
        made.upgrade()
    assert isinstance(refused.value, Refused)
    assert refused.value.code == ("identity-mismatch" if known == "marked" else "unmarked")
    assert elsewhere.contents() == before


def test_an_env_py_that_goes_to_another_scratch_database_is_found_out(project: Tiny, clones: Clones, monkeypatch: Any) -> None:
    """Every scratch database may be written, but "upgraded" must be true of the one that was asked about."""
    project.tables("users").env_py((ENV_KINDS / "overwritten_url.py").read_text(encoding="utf-8"))
    loaded = load_project(project.folder)
    other = make(loaded, clones, f"{NAME}2")
    monkeypatch.setenv("APP_DATABASE_URL", other.url.render().reveal())
    with scratch_database(loaded, clones, NAME) as made, pytest.raises(LockgateError) as failed:
        made.upgrade()
    assert failed.value.code == "env-failed"
    clones.drop(f"{NAME}2")


def test_a_server_of_an_environment_is_used_only_where_its_settings_say_so(project: Tiny, make_postgres_database: Any) -> None:
    """A database more beside production is not lockgate's to make; and a swapped URL leads to somebody else's server."""
    project.tables("users")
    url = make_postgres_database()
    environ = {"DEV_DATABASE_URL": url.render().reveal(), "TEST_DATABASE_URL": url.render().reveal()}
    with pytest.raises(Refused) as refused:
        server_of(load_project(project.folder), "dev", environ)
    assert refused.value.code == "scratch-not-allowed"
    project.settings(SETTINGS.replace('protection = "open"', 'protection = "open"\nscratch = true'))
    with server_of(load_project(project.folder), "dev", environ).entered() as opened:
        assert opened.product.startswith("PostgreSQL 1")
    project.point("test", url).here("upgrade", "test", check=0)
    with pytest.raises(Refused) as refused:
        server_of(load_project(project.folder), "dev", environ)
    assert refused.value.code == "identity-mismatch"


def test_sessions_that_share_a_server_leave_each_others_databases_alone(project: Tiny, make_postgres_database: Any) -> None:
    """Two projects, or a test session and `drift`: what is in use is no orphan, whichever database its owner entered the server by."""
    loaded = load_project(project.tables("users").folder)
    here, other = (ScratchServer(make_postgres_database(), "a server of many") for _ in range(2))
    living = LocalHost(here, loaded)
    with here.entered() as opened:
        names = [living.new_name(), f"{opened.family('drift')}1"]
        for name in names:
            make(loaded, opened, name)
        for server in (here, other):
            LocalHost(server, loaded).close()
            assert sorted(passing(opened)) == sorted(names)
        opened.drop(names[1])
    living.close()


def test_what_one_person_keeps_stays_when_anothers_tests_begin(project: Tiny, make_postgres_database: Any, tmp_path: Path) -> None:
    """Two checkouts on one server: the evidence of a failed test goes when its own owner runs tests again."""
    mine = load_project(project.tables("users").folder)
    theirs = load_project(shutil.copytree(project.folder, tmp_path / "theirs"))
    server = ScratchServer(make_postgres_database(), "a server of many")
    with server.entered() as opened:
        host = LocalHost(server, mine, keeps=True)
        name = host.new_name()
        make(mine, opened, name)
        host.keep(name)
        host.close()
        kept = passing(opened)
        assert len(kept) == 1
        LocalHost(server, theirs, keeps=True).close()
        assert passing(opened) == kept
        LocalHost(server, mine, keeps=True).close()
        assert passing(opened) == []


def test_an_orphan_that_cannot_be_entered_stops_nobody(project: Tiny, make_postgres_database: Any) -> None:
    """On a shared server it may be another role's; it stays, and those beside it go."""
    loaded = load_project(project.tables("users").folder)
    server = ScratchServer(make_postgres_database(), "a server of many")
    with server.entered() as opened:
        closed, left = f"{opened.family('scratch')}dead_1", f"{opened.family('scratch')}dead_2"
        opened.create(closed)
        opened.seal(closed)
        make(loaded, opened, left)
        LocalHost(server, loaded).close()
        assert passing(opened) == [closed]
        opened.drop(closed)
