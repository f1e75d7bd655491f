"""`plan` of a SQLite file: the revisions run on a copy with all rows; the file itself, and whatever env.py names, are left alone."""

from __future__ import annotations

import os
import signal
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from building import SETTINGS, Database, Tiny, until
from planning import RUN, planned
from running import up

from lockgate.dialects.sqlite.locks import SideFileLock
from lockgate.hazards.effects import Effects
from lockgate.secret import DatabaseUrl

ORDERS = """op.create_table(
    "orders",
    sa.Column("id", sa.Integer, primary_key=True),
    sa.Column("name", sa.String(50)),
    sa.Column("age", sa.Integer),
    sa.CheckConstraint("age > 0"),
    sa.CheckConstraint("age < 9999", name="young"),
)
op.create_index("ix_name", "orders", ["name"])
op.execute("create index ix_lower on orders (lower(name))")
op.execute("create table log (what)")
op.execute("create trigger audit after insert on orders begin insert into log values (new.name); end")
op.execute("insert into orders (name, age) values ('a', 1), ('b', 2), ('b', 3), (null, 4)")"""
ENV = {
    "pysqlite": "from sqlalchemy import create_engine\nengine = create_engine('sqlite:///{live}')",
    "creator": "import sqlite3\nfrom sqlalchemy import create_engine\nengine = create_engine('sqlite://', creator=lambda: sqlite3.connect('{live}'))",
    "aiosqlite": "from sqlalchemy.ext.asyncio import create_async_engine\nengine = create_async_engine('sqlite+aiosqlite:///{live}')",
}
# Every way out that a revision has: the driver, a URI, the class behind the driver, and ATTACH.
BARE = """import sqlite3
for name in ("LIVE", "file:LIVE?mode=rw"):
    other = sqlite3.connect(name, uri=name.startswith("file:"))
    assert other.execute("select count(*) from orders").fetchone() == (4,), name
    other.close()
for escape in (lambda: sqlite3.Connection("LIVE"), lambda: op.execute("attach 'LIVE' as live"), lambda: sqlite3.connect(":memory:").execute("attach 'LIVE' as l")):
    try:
        escape()
    except Exception:
        continue
    raise AssertionError("a way out")
sqlite3.connect(":memory:").execute("create table mine (x)")"""


@pytest.fixture
def dev(project: Tiny, sqlite_url: DatabaseUrl) -> Database:
    """Environment `dev` at r1, which makes `orders` with four rows; later revisions are the test's."""
    project.point("dev", sqlite_url).revision("r1", None, ORDERS)
    up(project)
    return Database(sqlite_url)


def rows_of(effects: Effects) -> dict[str, int]:
    """Rows of the target's tables."""
    return {size.path: size.rows for size in effects.sizes}


def told(document: dict[str, Any]) -> list[tuple[str, str]]:
    """Id and table of each finding, worst first."""
    return [(finding["id"], finding.get("relation", "")) for finding in document["findings"]]


BATCH = """with op.batch_alter_table("orders") as batch:
    batch.alter_column("age", type_=sa.BigInteger)
    batch.alter_column("name", new_column_name="label")
    batch.add_column(sa.Column("note", sa.String))
op.execute("update orders set note = ''")
op.execute("alter table orders rename column note to remark")
op.rename_table("orders", "purchases")
op.add_column("purchases", sa.Column("passing", sa.Integer))
op.drop_column("purchases", "passing")"""


def test_a_plan_tells_what_batch_mode_copies_and_loses(project: Tiny, dev: Database) -> None:
    """A trigger that batch mode drops is missed by nobody before the audit asks for its rows."""
    project.revision("r2", "r1", BATCH)
    project.revision("r3", "r2", 'with op.batch_alter_table("purchases") as batch:\n    batch.drop_column("age")\n    batch.drop_constraint("young", type_="check")')
    before = Path(dev.url.database).read_bytes(), sorted(Path(dev.url.database).parent.glob("app.db*"))
    found, document = planned(project)
    assert (found.source, rows_of(found)["main.orders"]) == ("copy", 4)
    lost = {(finding["severity"], finding["what"].split("`")[1]) for finding in document["findings"] if finding["id"] == "LG305"}
    assert lost == {("error", "audit"), ("error", "CHECK (age > 0)"), ("warning", "ix_lower")}
    batch = next(effect for effect in found.revisions[0].effects if effect.rewrites)
    assert [(rewrite.relation.path, rewrite.reason) for rewrite in batch.rewrites] == [("main.orders", "batch")]
    assert {(change.how, change.name) for change in batch.changes if change.kind == "column"} == {("altered", "age"), ("renamed", "label"), ("added", "note")}
    assert [(rows.relation.path, rows.updated) for effect in found.revisions[0].effects for rows in effect.written] == [("main.orders", 4)]
    renamed = [(change.kind, change.name, change.original) for effect in found.revisions[0].effects for change in effect.changes if change.how == "renamed"]
    assert renamed == [("column", "label", "main.orders"), ("column", "remark", "main.orders"), ("table", "purchases", "main.orders")]
    assert [name for id, name in told(document) if id == "LG301"] == ["main.purchases.age"]
    assert told(document).count(("LG211", "main.orders")) == 1
    assert [len({effect.transaction for effect in revision.effects}) for revision in found.revisions] == [1, 1]
    assert [[effect.locks[0].strongest for effect in revision.effects if effect.locks] for revision in found.revisions] == [["ExclusiveLock"]] * 2
    assert (Path(dev.url.database).read_bytes(), sorted(Path(dev.url.database).parent.glob("app.db*"))) == before
    said = project.here("plan", "dev", "--statements", check=0).stdout
    assert "copy of dev with its rows" in said
    assert "rewrites main.orders (batch)" in said


@pytest.mark.parametrize(
    ("revision", "id", "state"),
    [
        ('with op.batch_alter_table("orders") as batch:\n    batch.alter_column("name", nullable=False)', "LG401", "23502"),
        ('op.create_index("one", "orders", ["name"], unique=True)', "LG402", "23505"),
        ('op.execute("create view names as select name from orders")\nwith op.batch_alter_table("orders") as batch:\n    batch.alter_column("age", type_=sa.BigInteger)', "LG406", "2BP01"),
    ],
    ids=["nulls", "duplicates", "view"],
)
def test_what_fails_for_the_rows_or_a_view_fails_in_the_plan(project: Tiny, dev: Database, revision: str, id: str, state: str) -> None:
    """The copy has the rows, so a plan knows more here than on a server: what fails tonight fails now."""
    before = dev.picture()
    project.revision("r2", "r1", revision)
    found, document = planned(project, check=1)
    fault = found.revisions[0].fault
    assert document["code"] == "plan-fails"
    assert fault is not None
    assert [effect.fault.state for effect in found.revisions[0].effects if effect.fault] == [state]
    assert id in [finding["id"] for finding in document["findings"] if finding["severity"] == "error"]
    assert dev.picture() == before


def test_a_view_in_the_way_is_told_in_words_also_where_rows_are_in_the_way_first(project: Tiny, dev: Database) -> None:
    """Whoever mends the rows alone meets the view next: an error without a word helps nobody."""
    view = 'op.execute("create view names as select name from orders")\n'
    project.revision("r2", "r1", f'{view}with op.batch_alter_table("orders") as batch:\n    batch.alter_column("name", nullable=False)')
    _, document = planned(project, check=1)
    words = {finding["id"]: finding["what"] for finding in document["findings"] if finding["severity"] == "error"}
    assert "1 row without a value in `main.orders.name`" in words["LG401"]
    assert "error in view names" in words["LG406"]
    assert all(finding["what"] for finding in document["findings"])


def test_rows_that_a_statement_deletes_or_writes_are_counted_on_the_copy(project: Tiny, dev: Database) -> None:
    """A DELETE without a condition is the worst that a revision can do to a file, and no lock or scan tells of it."""
    dev.query("with recursive n(x) as (select 5 union all select x + 1 from n where x < 2500) insert into orders select x, 'n', 7 from n")
    lines = ["update orders set age = 8 where id > 100", "delete from orders where id between 101 and 110", "delete from orders"]
    project.revision("r2", "r1", "\n".join(f'op.execute("{line}")' for line in lines) + '\nop.create_table("new", sa.Column("id", sa.Integer))\nop.execute("insert into new values (1)")\nop.execute("delete from new")')
    found, document = planned(project)
    words = [(finding["id"], finding["severity"], finding["what"].split(":")[0].split(" are ")[0]) for finding in document["findings"] if finding["id"] in ("LG212", "LG303")]
    assert words == [
        ("LG303", "error", "2,490 of 2,500 rows of `main.orders`"),
        ("LG212", "note", "2,400 of 2,500 rows of `main.orders`"),
        ("LG303", "note", "10 of 2,500 rows of `main.orders`"),
    ]
    assert [(answer.kind, answer.count) for answer in found.answers] == [("written", 2400), ("deleted", 10), ("deleted", 2490)]


def test_the_way_back_is_tried_as_far_as_a_revision_that_was_passed_over(project: Tiny, dev: Database) -> None:
    """One revision that misses something on the copy does not hide that the next one cannot be undone."""
    project.revision("r2", "r1", '# lockgate: allow LG406 the service runs in production\nraise LookupError("no service")')
    project.revision("r3", "r2", 'op.add_column("orders", sa.Column("x", sa.Integer))', 'op.drop_column("orders", "y")')
    found, document = planned(project)
    assert [revision.id for revision in found.back] == ["r3"]
    assert [(finding["revision"], finding["what"][:18]) for finding in document["findings"] if finding["id"] == "LG604"] == [("r3", "downgrade() fails:")]
    project.revision("r4", "r3", '# lockgate: allow LG406 the service runs in production\nraise LookupError("no service")')
    assert planned(project)[0].back == ()


def test_a_file_that_another_process_keeps_is_no_broken_file(project: Tiny, dev: Database) -> None:
    """Whoever is told to look at permissions looks in the wrong place."""
    project.settings(SETTINGS.replace("[environments.dev]", "[environments.dev]\nconnect_timeout = 0.5"))
    with closing(sqlite3.connect(dev.url.database, isolation_level=None)) as other:
        other.execute("begin exclusive")
        said = project.here("plan", "dev", check=5).stderr
    assert "database is locked" in said
    assert "another process is writing to it; try again when that has ended" in said


@pytest.mark.parametrize("way", ENV)
def test_no_file_but_the_copy_is_opened(project: Tiny, dev: Database, tmp_path: Path, way: str) -> None:
    """Whatever env.py resolves, and whatever a revision opens by itself: the file that it names stays as it is, to the byte."""
    live = tmp_path / "live.db"
    with closing(sqlite3.connect(live)) as other:
        other.execute("create table orders (id)")
    project.revision("r2", "r1", f'op.add_column("orders", sa.Column("x", sa.Integer))\n{BARE.replace("LIVE", str(live))}')
    project.env_py(ENV[way].format(live=live) + RUN)
    before = live.read_bytes(), Path(dev.url.database).read_bytes()
    found, _ = planned(project)
    assert [change.name for effect in found.revisions[0].effects for change in effect.changes] == ["x"]
    assert (live.read_bytes(), Path(dev.url.database).read_bytes()) == before


def test_a_large_file_is_copied_without_its_rows(project: Tiny, dev: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """Minutes of copying would keep writers waiting; what the plan then cannot see, it says."""
    monkeypatch.setattr("lockgate.dialects.sqlite.trace_copy.WITH_ROWS_UP_TO", 0)
    dev.query("create view names as select name from orders")
    project.revision("r2", "r1", 'op.create_index("one", "orders", ["name"], unique=True)', 'op.drop_index("one", "orders")')
    found, _ = planned(project, check=1)  # a name is there twice
    assert (found.source, rows_of(found)["main.orders"], found.unrestored) == ("schema", 4, ())
    assert "the copy is without rows" in project.here("plan", "dev", check=1).stderr


def test_rows_of_the_live_file_are_not_counted(project: Tiny, dev: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    """To count is to read all of it, and whoever commits waits meanwhile: the copy is counted, and where it has no rows, a few pages tell."""
    dev.query("insert into orders (id, name, age) values (100, 'c', 5)")
    dev.query("create table plain (a text primary key) without rowid")
    dev.query("insert into plain values ('x')")
    project.revision("r2", "r1", "pass")
    assert rows_of(planned(project)[0]).items() >= {"main.orders": 5, "main.plain": 1}.items()
    monkeypatch.setattr("lockgate.dialects.sqlite.trace_copy.WITH_ROWS_UP_TO", 0)
    assert rows_of(planned(project)[0]).items() >= {"main.orders": 100, "main.plain": -1}.items()
    dev.query("analyze")
    assert rows_of(planned(project)[0]).items() >= {"main.orders": 5, "main.plain": 1}.items()


def test_somebody_who_writes_is_waited_for_and_not_for_ever(project: Tiny, dev: Database) -> None:
    """A plan that hangs is asked nothing twice."""
    project.revision("r2", "r1", "pass")
    with closing(sqlite3.connect(dev.url.database, isolation_level=None)) as writer:
        writer.execute("begin exclusive")
        refused = project.here("plan", "dev", "--json", check=None)
        assert refused.returncode in (4, 5)
        writer.execute("rollback")
    assert planned(project)[0].revisions[0].id == "r2"


def test_copies_that_a_stopped_machine_left_go_with_the_next_plan(project: Tiny, dev: Database, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """They hold the rows of a live database; those of a plan that is under way, and what is just being made, are let alone."""
    left, used, new, link = (tmp_path / "temporary" / f"lockgate-copy-{name}" for name in ("left", "used", "new", "link"))
    for folder in (left, used, new):
        folder.mkdir(parents=True)
        (folder / "in-use.lockgate-lock").write_text("" if folder is new else "plan (pid 1, since 2026-01-01T00:00:00Z)", encoding="utf-8")
    link.symlink_to(used)
    (left / "copy.db").write_bytes(b"rows")
    lock = SideFileLock(str(used / "in-use"), "plan")
    assert lock.take()
    project.revision("r2", "r1", "pass")
    monkeypatch.setattr("tempfile.tempdir", str(left.parent))
    project.here("plan", "dev", check=0)
    assert sorted(left.parent.iterdir()) == sorted([used, new, link])
    lock.release()


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGINT])
def test_a_plan_that_is_ended_leaves_neither_rows_nor_processes(project: Tiny, dev: Database, tmp_path: Path, number: signal.Signals) -> None:
    """The copy holds what a live database holds, and a program that a revision started may work on for hours."""
    temporary, heir = tmp_path / "temporary", tmp_path / "heir"
    temporary.mkdir()
    os.mkfifo(heir)
    starts = f"import subprocess\nsubprocess.run(['sh', '-c', 'exec 3> {heir}; echo here >&3; read -r forever < {tmp_path / 'never'}'])"
    os.mkfifo(tmp_path / "never")
    project.revision("r2", "r1", starts)
    process = project.start("plan", "dev", TMPDIR=str(temporary))
    with os.fdopen(os.open(heir, os.O_RDONLY | os.O_NONBLOCK), "rb", buffering=0) as theirs:
        until(lambda: theirs.read(), "the program that the revision starts is there", process)
        (folder,) = temporary.iterdir()
        (copy,) = folder.glob("*.db")
        assert (folder.stat().st_mode & 0o777, copy.stat().st_mode & 0o777) == (0o700, 0o600)
        process.send_signal(number)
        process.wait(120)
        until(lambda: theirs.read() == b"", "nobody holds the other end of the pipe any more")
    until(lambda: not list(temporary.iterdir()), "the copy is gone")
