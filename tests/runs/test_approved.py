"""Approved plans: an upgrade that is what was planned, byte by byte, on the database that it was planned for, or is refused."""

from __future__ import annotations

import json
import os
import py_compile
import stat
from collections.abc import Callable
from contextlib import nullcontext
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from building import SETTINGS, Database, Tiny, create_table
from running import lock_is_free, mark

import lockgate
from lockgate.dialects.connect import dialect_named
from lockgate.errors import Refused
from lockgate.events import Event, Waiting
from lockgate.hazards.approved import digest_of, read_plan
from lockgate.secret import DatabaseUrl

LATER = "lockgate.runs.approved.datetime"


@pytest.fixture
def near(monkeypatch: pytest.MonkeyPatch, postgres_server: Any) -> None:
    """Copies are made on the tests' own server: starting another one takes longer than a plan."""
    monkeypatch.setattr("lockgate.scratch.temporary_server", lambda: nullcontext(postgres_server))


@pytest.fixture
def prod(project: Tiny, postgres_url: DatabaseUrl, near: None) -> Database:
    """A locked environment at r1, with r2 and r3 pending."""
    project.point("prod", postgres_url).revision("r1", None, create_table("orders"))
    project.settings(SETTINGS.replace('"locked"', '"confirm"'))
    mark(project, "prod", postgres_url)
    project.here("upgrade", "prod", check=0, CONFIRM_ENV="prod")
    project.settings(SETTINGS)
    project.revision("r2", "r1", 'op.add_column("orders", sa.Column("region", sa.String(20)))')
    project.revision("r3", "r2", 'op.create_index("ix_region", "orders", ["region"])')
    return Database(postgres_url)


class Clock:
    """A clock that stands."""

    def __init__(self, at: datetime) -> None:
        self.at = at

    def now(self, tz: Any) -> datetime:
        """Return the moment at which it stands."""
        return self.at


def plan(project: Tiny, *more: str) -> Path:
    """Plan the locked environment and keep the plan."""
    file = project.folder.parent / "plan.json"
    project.here("plan", "prod", *more, "--out", str(file), check=0)
    return file


def upgrade(project: Tiny, file: Path, check: int = 0, **variables: str) -> dict[str, Any]:
    """Run a plan; the document."""
    arguments = ("upgrade", "prod", "--plan", str(file), "--json")
    done = project.here(*arguments, check=check, **{"CONFIRM_ENV": "prod", **variables})
    document: dict[str, Any] = json.loads(done.stdout)
    return document


def edited(file: Path, change: Callable[[Any], None], *, hashed: bool) -> Path:
    """Write a plan that was changed by hand; `hashed` by somebody who knows how its hash is made."""
    document = json.loads(file.read_text())
    change(document)
    if hashed:
        found = read_plan(json.dumps(document))
        document["digest"] = digest_of(found.plan)
    other = file.with_name("edited.json")
    other.write_text(json.dumps(document))
    return other


def test_a_locked_environment_is_upgraded_by_its_plan_and_by_nothing_else(
    project: Tiny, prod: Database, make_postgres_database: Callable[[], DatabaseUrl], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The promise as a whole: one plan, held against every difference that there can be, changes nothing; then it runs, once."""
    before = prod.contents()
    shared = project.folder.parent / "shared"
    shared.mkdir()
    (shared / "helpers.py").write_text("LENGTH = 20\n")
    (project.folder / "migrations" / "linked").symlink_to(shared)
    assert "only an approved plan" in project.here("upgrade", "prod", check=3, CONFIRM_ENV="prod").stderr
    file = plan(project)
    document = json.loads(file.read_text())["plan"]
    assert document["revisions"] == ["r2", "r3"]
    assert {"alembic.ini", "lockgate.toml", "migrations/env.py", "migrations/versions/r1.py"} <= set(document["facts"]["files"])

    def refused(code: str, word: str, file: Path = file, **variables: str) -> None:
        said = upgrade(project, file, 3, **variables)
        assert said["code"] == code
        assert word in said["what"]
        assert prod.contents() == before

    # without a confirmation, or with another one
    refused("unconfirmed", "needs a confirmation", CONFIRM_ENV="")
    refused("unconfirmed", "names `all`", CONFIRM_ENV="all")
    # one byte of a revision, of an applied one, of env.py, of the settings, of what lies in a linked folder
    for name in (*(f"migrations/{name}" for name in ("versions/r2.py", "versions/r1.py", "env.py", "linked/helpers.py")), "alembic.ini", "lockgate.toml"):
        path = project.folder / name
        text = path.read_bytes()
        path.write_bytes(text + b"\n")
        refused("plan-differs", f"file {name}: sha256")
        path.write_bytes(text)
    # a new revision, also one beside the way
    added = project.revision("r4", "r3")
    refused("plan-differs", "file migrations/versions/r4.py: new since then")
    added.unlink()
    # a schema that somebody changed by hand, and changed back
    prod.query("alter table orders add column by_hand int")
    assert upgrade(project, file, 3)["what"].splitlines()[1].startswith("schema: sha256")
    assert "region" not in str(prod.query("select column_name from information_schema.columns where table_name = 'orders'"))
    prod.query("alter table orders drop column by_hand")
    # another database of the same environment
    here = project.environ["PROD_DATABASE_URL"]
    other = make_postgres_database()
    mark(project, "prod", other)
    project.point("prod", other)
    refused("plan-differs", "database: planned for")
    project.environ["PROD_DATABASE_URL"] = here
    # another tool, another time
    with monkeypatch.context() as patched:
        patched.setattr("lockgate.runs.approved.__version__", "9.9")
        refused("plan-differs", "lockgate: ")
    at = datetime.now(UTC)
    for days, valid in ((6, True), (8, False)):
        with monkeypatch.context() as patched:
            patched.setattr(LATER, Clock(at + timedelta(days=days)))
            if not valid:
                refused("plan-differs", "time: the plan was valid until")
    # edited by hand: with its old hash, and with a new one
    longer = edited(file, lambda told: told["plan"].update(expires_at="2999-01-01T00:00:00+00:00"), hashed=False)
    refused("plan-differs", "the plan itself", longer)
    refused("plan-differs", "steps: planned", edited(file, lambda told: told["plan"].update(revisions=["r2"]), hashed=True))
    refused("plan-differs", "environment: planned for", edited(file, lambda told: told["plan"]["facts"].update(environment="test"), hashed=True))
    # what no plan holds
    assert project.here("upgrade", "prod", "--plan", str(file), "--seed", check=2, CONFIRM_ENV="prod")
    assert project.here("stamp", "prod", "r3", check=3, CONFIRM_ENV="prod")
    assert prod.contents() == before
    # and as it was planned
    done = upgrade(project, file)
    assert [step["step"]["revision"] for step in done["steps"]] == ["r2", "r3"]
    details = prod.query("select revision, details from lockgate.ledger where outcome = 'applied' and details <> '' order by id")
    digest = read_plan(file.read_text()).digest
    assert [(revision, json.loads(text)["plan"]) for revision, text in details] == [("r2", digest), ("r3", digest)]
    assert "revision: planned from `r1`" in upgrade(project, file, 3)["what"]
    # a deployment that runs it every time: nothing is pending, and nothing is written
    after = prod.contents()
    assert "nothing to do" in project.here("upgrade", "prod", check=0).stdout
    assert project.here("upgrade", "prod", "--seed", check=3)
    project.revision("r4", "r3")
    assert project.here("upgrade", "prod", check=3)
    assert {name: rows for name, rows in prod.contents().items() if "ledger" not in name} == {
        name: rows for name, rows in after.items() if "ledger" not in name
    }
    refusals = [row for row in prod.ledger() if row[1] == "refused"]
    assert any("plan-differs" in row[3] for row in refusals)


def test_where_approvers_are_named_one_of_them_must_have_signed_this_very_plan(project: Tiny, prod: Database) -> None:
    """A second person's yes: by a key in the settings, over this plan and no other, and shown before it is given."""
    keys = {name: project.folder.parent / f"{name}.key" for name in ("ann", "bob", "eve")}
    made = {name: json.loads(project.here("approve", "--new-key", str(key), "--json", check=0).stdout) for name, key in keys.items()}
    assert stat.S_IMODE(keys["ann"].stat().st_mode) == 0o600
    assert "file-exists" in project.here("approve", "--new-key", str(keys["ann"]), check=2).stderr
    known = "".join(f'{name} = "{made[name]["public_key"]}"\n' for name in ("ann", "bob"))
    project.settings(SETTINGS.replace('protection = "locked"', 'protection = "locked"\napprovers = ["ann"]') + f"[approvers]\n{known}")
    file, before = plan(project), prod.contents()
    assert upgrade(project, file, 3)["code"] == "unapproved"
    # keys that may not
    assert "approver-unknown" in project.here("approve", str(file), "--key", str(keys["eve"]), check=2).stderr
    assert "`bob` is none of the approvers" in project.here("approve", str(file), "--key", str(keys["bob"]), check=2).stderr
    keys["ann"].chmod(0o644)
    assert "chmod 600" in project.here("approve", str(file), "--key", str(keys["ann"]), check=2).stderr
    keys["ann"].chmod(0o600)
    # signed, with what is signed before one's eyes
    said = project.here("approve", str(file), "--key", str(keys["ann"]), check=0).stdout
    assert "revisions:   r2, r3" in said
    assert "LG" in said.partition("found:")[2]
    assert f"approved by ann: plan {read_plan(file.read_text()).digest}" in said
    # that signature under another plan, another one's under ann's name, and none of hers
    signatures = json.loads(file.read_text())["signatures"]
    longer = edited(file, lambda told: told["plan"].update(expires_at="2999-01-01T00:00:00+00:00"), hashed=True)
    assert upgrade(project, longer, 3)["code"] == "unapproved"
    later = edited(file, lambda told: told["signatures"][0].update(at="2999-01-01T00:00:00+00:00"), hashed=True)
    assert "does not count" in upgrade(project, later, 3)["what"]
    renamed = edited(file, lambda told: told["signatures"][0].update(approver="bob"), hashed=True)
    assert upgrade(project, renamed, 3)["code"] == "unapproved"
    broken = edited(file, lambda told: told["signatures"][0].update(signature="no base64"), hashed=True)
    assert upgrade(project, broken, 3)["code"] == "unapproved"
    assert prod.contents() == before
    assert upgrade(project, file)["ok"]
    details = prod.query("select details from lockgate.ledger where revision = 'r3' and outcome = 'applied'")
    assert json.loads(details[0][0])["approved_by"] == [signatures[0]["approver"]] == ["ann"]


def test_what_cannot_be_run_any_more_is_not_signed(project: Tiny, prod: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever approves must not be shown something else than what was planned, nor give a yes that nobody can use."""
    key = project.folder.parent / "ann.key"
    project.here("approve", "--new-key", str(key), check=0)
    file = plan(project, "r2", "--valid-for", "30m")
    longer = edited(file, lambda told: told["plan"].update(expires_at="2999-01-01T00:00:00+00:00"), hashed=False)
    assert "it was changed after it was written" in project.here("approve", str(longer), "--key", str(key), check=3).stderr
    with monkeypatch.context() as patched:
        patched.setattr("lockgate.runs.approve.datetime", Clock(datetime.now(UTC) + timedelta(minutes=31)))
        assert "time: the plan was valid until" in project.here("approve", str(file), "--key", str(key), check=3).stderr
    file.with_name("other.json").write_text("{}")
    assert "plan-invalid" in project.here("approve", str(file.with_name("other.json")), "--key", str(key), check=2).stderr
    missing = project.here("approve", str(file), "--key", str(project.folder / "none.key"), check=2).stderr
    assert "key-invalid" in missing and "lockgate approve --new-key" in missing
    # a plan up to a revision leads there, and not to the head
    assert "target: planned up to `r2`, asked for `head`" in project.here("upgrade", "prod", "head", "--plan", str(file), check=3, CONFIRM_ENV="prod").stderr
    assert upgrade(project, file)["to_heads"] == ["r2"]


def test_a_plan_that_fails_or_is_for_nobody_is_not_kept(project: Tiny, prod: Database, make_postgres_database: Callable[[], DatabaseUrl]) -> None:
    """Nobody can approve what is known to fail, nor for a database that does not say who it is."""
    project.revision("r4", "r3", 'op.drop_table("nothing")')
    file = project.folder.parent / "plan.json"
    assert "no plan was written" in project.here("plan", "prod", "--out", str(file), check=1).stderr
    assert "usage" in project.here("plan", "prod", "--out", str(file), "--valid-for", "1y", check=2).stderr
    assert "name its file" in project.here("plan", "prod", "--valid-for", "3d", check=2).stderr
    assert "`-` is no file" in project.here("plan", "prod", "--out", "-", check=2).stderr
    assert "names no file" in project.here("plan", "prod", "--report", "json:-", check=2).stderr
    assert "leads beyond the newest revision: 3 revisions are pending" in project.here("plan", "prod", "+9", check=2).stderr
    assert "leads down" in project.here("plan", "prod", "-1", check=2).stderr
    assert "among the files" in project.here("plan", "prod", "--out", str(project.folder / "migrations" / "plan.json"), check=2).stderr
    project.point("prod", make_postgres_database())
    assert "code: unmarked" in project.here("plan", "prod", "--out", str(file), check=3).stderr
    assert not file.exists()


def test_a_plan_over_an_edited_revision_is_told_of_and_not_kept(project: Tiny, prod: Database) -> None:
    """The run would be refused: nobody should have approved it before that is found out."""
    path = project.folder / "migrations" / "versions" / "r1.py"
    path.write_text(path.read_text().replace("sa.String(50)", "sa.String(60)"))
    before, file = prod.picture(), project.folder.parent / "plan.json"
    told = project.here("plan", "prod", check=0).stdout
    assert "LG606" in told and "the file was edited after the revision" in told and "migrations/versions/r1.py" in told
    said = project.here("plan", "prod", "--out", str(file), check=3).stderr
    assert "code: revision-edited" in said and "lockgate acknowledge prod r1" in said
    assert not file.exists()
    assert prod.picture() == before


def test_rows_that_came_into_the_way_since_are_found_before_the_first_revision(project: Tiny, prod: Database) -> None:
    """The approver was told that no row is in the way; a run that finds out in its second revision leaves a database half way."""
    prod.query("insert into orders values (1, 'a'), (2, 'b')")
    prod.query("create table wholes (id int primary key)")
    prod.query("create table parts (id int primary key, whole_id int references wholes)")
    prod.query("insert into wholes values (1), (2)")
    writes = 'op.execute("delete from wholes where id = 2")\nop.execute("insert into parts values (7, null)")\n'
    project.revision("r3", "r2", writes + 'op.alter_column("orders", "name", nullable=False)\nop.create_unique_constraint("uq_name", "orders", ["name"])')
    file = plan(project)
    prod.query("insert into orders values (3, null), (4, null), (5, 'b')")
    prod.query("insert into parts values (7, 2)")
    before = prod.contents()
    said = upgrade(project, file, 3)
    assert said["code"] == "plan-differs" and said["changed"] == []
    assert said["what"].splitlines()[1:] == [
        "rows: references of `public.parts` (parts_whole_id_fkey) stand in the way of `r3`: none when planned, 1 now",
        "rows: taken keys of `public.parts` (parts_pkey) stand in the way of `r3`: none when planned, 1 now",
        "rows: NULLs of `public.orders` (name) stand in the way of `r3`: none when planned, 2 now",
        "rows: duplicate keys of `public.orders` (uq_name) stand in the way of `r3`: none when planned, 1 now",
    ]
    assert prod.contents() == before
    assert lock_is_free(prod.url)
    prod.query("delete from orders where id > 2")
    prod.query("delete from parts")
    assert upgrade(project, file)["to_heads"] == ["r3"]


def test_what_lies_compiled_beside_a_revision_is_not_run(project: Tiny, prod: Database) -> None:
    """Python trusts a compiled file by time and size alone: it must not run in the place of the text that was planned."""
    file = plan(project)
    path = project.folder / "migrations" / "versions" / "r2.py"
    text, times = path.read_text(), path.stat()
    path.write_text(text.replace("region", "Xegion"))
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    py_compile.compile(str(path), invalidation_mode=py_compile.PycInvalidationMode.TIMESTAMP)
    path.write_text(text)
    os.utime(path, ns=(times.st_atime_ns, times.st_mtime_ns))
    upgrade(project, file)
    columns = prod.query("select column_name from information_schema.columns where table_name = 'orders'")
    assert "region" in {name for (name,) in columns}


def test_the_plan_is_compared_after_the_wait_for_the_lock(project: Tiny, prod: Database) -> None:
    """Whoever held the lock may have changed what the first look saw: only what is seen under the lock counts."""
    file = plan(project)
    dialect = dialect_named(prod.url.backend)
    with dialect.open(prod.url, 5.0, write=True) as rival:
        held = dialect.lock(rival, "a rival")
        assert held.take()

        def meanwhile(event: Event) -> None:
            if isinstance(event, Waiting):
                prod.query("alter table orders add column by_hand int")
                held.release()

        with pytest.raises(Refused) as caught:
            lockgate.upgrade(
                lockgate.load_project(project.folder), "prod", plan=file, confirm="prod", environ=project.environ, notify=meanwhile
            )
    assert caught.value.code == "plan-differs"
    assert "schema: sha256" in caught.value.what
    assert prod.applied() == ["r1"]


BEFORE = """    with connectable.connect() as connection:
"""
OWN_COMMIT = """    with connectable.begin() as own:
        own.exec_driver_sql("insert into audit values ('own')")
"""


@pytest.mark.parametrize("writes", ["insert into audit values ('open')", "create table if not exists by_env (id int)"])
def test_nothing_that_env_py_writes_is_committed_for_a_plan(project: Tiny, prod: Database, writes: str) -> None:
    """Approved were revisions: what env.py does to the database by itself was shown to nobody, and would be there before all is compared."""
    prod.query("create table audit (what text)")
    env = (project.folder / "migrations" / "env.py").read_text()
    statements = [f'        connection.exec_driver_sql("{sql}")\n' for sql in ("set search_path to public, pg_temp", "create table if not exists audit (what text)", writes)]
    project.env_py(env.replace(BEFORE, BEFORE + "".join(statements)))
    before = prod.contents()
    said = upgrade(project, plan(project), 3)
    assert said["code"] == "plan-differs" and "env.py: it wrote to the database" in said["what"]
    assert prod.contents() == before
    # where the first look sees a difference, env.py is not even run
    project.env_py(env.replace(BEFORE, OWN_COMMIT + BEFORE))
    file = plan(project)
    prod.query("alter table orders add column by_hand int")
    drifted = prod.contents()
    assert "schema: sha256" in upgrade(project, file, 3)["what"]
    assert prod.contents() == drifted
    assert [row[3].partition(":")[0] for row in prod.ledger() if row[1] == "refused"] == ["plan-differs"] * 2
    # settings, and what is there already, are no writing
    project.env_py(env.replace(BEFORE, BEFORE + "".join(statements[:2])))
    assert upgrade(project, plan(project))["to_heads"] == ["r3"]


def held_to_its_plan(project: Tiny, url: DatabaseUrl, other: DatabaseUrl) -> None:
    """Plan, approve and run a locked environment, and hold the plan against what is not as it was planned."""
    key, locked = project.folder.parent / "ann.key", SETTINGS.replace('"locked"', '"locked"\nscratch = true\napprovers = ["ann"]')
    public = json.loads(project.here("approve", "--new-key", str(key), "--json", check=0).stdout)["public_key"]
    project.point("prod", url).revision("r1", None, create_table("orders")).parent.joinpath("data.sql").write_text("select 1")
    project.settings(SETTINGS.replace('"locked"', '"confirm"'))
    database = mark(project, "prod", url)
    project.here("upgrade", "prod", check=0, CONFIRM_ENV="prod")
    project.settings(locked + f'[approvers]\nann = "{public}"\n')
    r2 = project.revision("r2", "r1", 'op.add_column("orders", sa.Column("region", sa.String(20)))')
    project.revision("r3", "r2", 'op.create_index("ix_region", "orders", ["region"])')
    database.query("create table audit (what varchar(20))")
    file, before = plan(project), database.contents()

    def refused(word: str, code: str = "plan-differs") -> None:
        said = upgrade(project, file, 3)
        assert said["code"] == code and word in said["what"]
        assert database.contents() == before

    def approved() -> None:
        project.here("approve", str(plan(project)), "--key", str(key), check=0)

    refused("nobody has approved this plan", "unapproved")
    approved()
    # one byte, beside a revision as well
    for path in (r2, r2.with_name("data.sql")):
        text = path.read_bytes()
        path.write_bytes(text + b"\n")
        refused(f"file migrations/versions/{path.name}: sha256")
        path.write_bytes(text)
    # a changed schema
    database.query("create index by_hand on orders (name)")
    refused("schema: sha256")
    database.query("drop index by_hand" if url.backend == "sqlite" else "drop index by_hand on orders")
    # another database that says it is the same environment
    mark(project, "prod", other)
    project.point("prod", other)
    refused("database: planned for")
    project.point("prod", url)
    # rows that env.py writes
    env_py = (project.folder / "migrations" / "env.py").read_text()
    project.env_py(env_py.replace(BEFORE, BEFORE + "        connection.exec_driver_sql(\"insert into audit values ('open')\")\n"))
    approved()
    refused("env.py: it wrote to the database")
    project.env_py(env_py)
    # and as it was planned
    approved()
    done = upgrade(project, file)
    assert [step["step"]["revision"] for step in done["steps"]] == ["r2", "r3"]
    assert database.heads() == ["r3"]
    before = database.contents()
    refused("revision: planned from `r1`")


def test_a_sqlite_file_is_held_to_its_plan(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """The same promise where the driver commits by itself and a lock is a file."""
    held_to_its_plan(project, sqlite_url, DatabaseUrl("sqlite", database=sqlite_url.database.replace("app.db", "other.db")))


def test_a_mariadb_database_is_held_to_its_plan(project: Tiny, make_mariadb_database: Callable[[], DatabaseUrl]) -> None:
    """The same promise where DDL commits by itself and statements are journaled."""
    held_to_its_plan(project, make_mariadb_database(), make_mariadb_database())


DEADLOCK = """op.execute(\"\"\"do $$ begin
  if current_database() not like 'lockgate_plan_%' and nextval('tries') {when} then raise exception using errcode = '40P01'; end if;
end $$\"\"\")"""


def test_a_deadlock_is_tried_again_only_before_the_first_commit(project: Tiny, prod: Database) -> None:
    """Before it the plan still fits; after it the run says what stopped it, and not that its own work differs from the plan."""
    prod.query("create sequence tries")
    project.revision("r2", "r1", DEADLOCK.format(when="= 1"))
    project.revision("r3", "r2", DEADLOCK.format(when="> 1"))
    failed = upgrade(project, plan(project), 1)
    assert failed["code"] == "revision-failed"
    assert "r2" in str(failed["changed"])
    assert prod.heads() == ["r2"]
    assert prod.query("select last_value from tries") == [(3,)]
