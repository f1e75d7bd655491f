"""Many rows, many runs at once, and a run that is killed."""

from __future__ import annotations

import signal
from collections.abc import Callable

import psycopg
import pytest
from building import SETTINGS, Tiny, until
from seeding import Seeding, seeding

from lockgate.secret import DatabaseUrl

T = 'name = "t"\nfile = "seeds/t.csv"'
MILLION = 1_000_000
LOADED = "select 1 from pg_stat_progress_copy where tuples_processed > 200000"
WRITING = "select 1 from pg_locks where relation = 't'::regclass and mode = 'RowExclusiveLock' and granted"
GONE = "select 1 from pg_stat_activity where application_name like 'lockgate%' and datname = current_database()"


@pytest.mark.parametrize(("there", "moment"), [(0, LOADED), (3, WRITING)], ids=["copying into an empty table", "writing new rows"])
def test_a_seed_of_a_million_rows_that_is_killed_leaves_the_table_as_it_was(
    project: Tiny, postgres_url: DatabaseUrl, there: int, moment: str
) -> None:
    """Not half a file: and the next run needs no repair."""
    bench = seeding(project, postgres_url, "create table t (id integer primary key, v text)").seeds(T)
    bench.database.query(f"insert into t select n, 'there before' from generate_series(1, {there}) n")
    bench.write("seeds/t.csv", "id,v\n" + "".join(f"{n},t\n" for n in range(1, MILLION + 1)))
    before = bench.database.query("select xmin::text, t.* from t order by id")
    process = project.start("seed", "dev", log="killed")
    until(lambda: bench.database.query(moment), "the rows are on their way", process)
    process.send_signal(signal.SIGKILL)
    assert process.wait() == -signal.SIGKILL
    until(lambda: not bench.database.query(GONE), "the server has noticed")
    assert bench.database.query("select xmin::text, t.* from t order by id") == before
    assert [row for row in bench.database.ledger() if row[0] == "seed"] == []
    assert bench.done()[0]["counts"] == {"new": MILLION - there, "changed": there, "equal": 0, "unknown": 0}
    assert bench.database.query("select count(*), sum(id), min(v), max(v) from t") == [(MILLION, MILLION * (MILLION + 1) // 2, "t", "t")]


def test_of_two_seeds_at_once_one_waits_and_says_for_whom(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Two pipelines start in the same minute; both must end well, one after the other."""
    bench = seeding(project, postgres_url, "create table t (id integer primary key, v text)").seeds(T)
    bench.write("seeds/t.csv", "id,v\n1,a\n")
    queued = "select 1 from pg_locks where relation = 't'::regclass and not granted"
    with psycopg.connect(postgres_url.render().reveal()) as holder:
        holder.execute("lock table t in exclusive mode")
        first = project.start("seed", "dev", log="first")
        until(lambda: bench.database.query(queued), "the first run is held up inside its lock", first)
        second = project.start("seed", "dev", log="second")
        until(lambda: "waiting" in project.said("second"), "the second run waits", first, second)
        said = project.said("second").partition("waiting for the lock, held by ")[2]
        assert first.poll() is None
    assert (first.wait(), second.wait()) == (0, 0)
    assert "seed dev" in said.splitlines()[0]
    assert bench.database.query("select * from t") == [(1, "a")]
    assert [row[1] for row in bench.database.ledger() if row[0] == "seed"] == ["seeded"]


@pytest.mark.parametrize("ending", ["csv", "sql"])
def test_a_table_that_somebody_holds_is_waited_for_no_longer_than_lock_wait(project: Tiny, postgres_url: DatabaseUrl, ending: str) -> None:
    """A forgotten session must not hang a pipeline; 4 says that it may be tried again."""
    bench = seeding(project, postgres_url, "create table t (id integer primary key, v text)")
    bench.seeds(T.replace("csv", ending), settings=SETTINGS.replace('"DEV_DATABASE_URL" }', '"DEV_DATABASE_URL" }\nlock_wait = 0.2'))
    script = "insert into t values (1, 'a') on conflict do nothing;"
    bench.write(f"seeds/t.{ending}", "id,v\n1,a\n" if ending == "csv" else script)
    with psycopg.connect(postgres_url.render().reveal()) as holder:
        holder.execute("lock table t in exclusive mode")
        said = bench.seed(check=4).stderr
    assert "code: lock-timeout" in said and "changed: nothing" in said and f"seeds/t.{ending}" in said
    assert bench.hows() == ["loaded"]


@pytest.fixture
def hundred_thousand(project: Tiny, database_url: DatabaseUrl) -> Seeding:
    """A seeded table of 100,000 rows."""
    bench = seeding(project, database_url, "create table t (id integer primary key, v text, n numeric, d date)").seeds(T)
    bench.write("seeds/t.csv", numbered(lambda n: f"{n},text {n},{n}.50,2026-01-{n % 28 + 1:02}"))
    bench.seed()
    return bench


def numbered(line: Callable[[int], str]) -> str:
    """A CSV of 100,000 lines."""
    return "id,v,n,d\n" + "\n".join(line(n) for n in range(1, 100_001)) + "\n"


def test_one_cell_of_a_hundred_thousand_rows(hundred_thousand: Seeding) -> None:
    """Exactly one row is written: the others keep their transaction and their place."""
    bench = hundred_thousand
    places = "xmin::text || ' ' || ctid::text" if bench.database.url.backend == "postgresql" else "rowid"
    before = bench.database.query(f"select id, {places}, v, n, d from t")
    text = (bench.project.folder / "seeds/t.csv").read_text(encoding="utf-8")
    bench.write("seeds/t.csv", text.replace("text 77777,77777.50", "text 77777,77777.51"))
    assert bench.done()[0]["counts"] == {"new": 0, "changed": 1, "equal": 99_999, "unknown": 0}
    after = set(bench.database.query(f"select id, {places}, v, n, d from t"))
    assert [row[0] for row in before if row not in after] == [77777]
    assert bench.hows() == ["nothing to do"]


def test_rows_of_others_that_come_while_a_seed_is_loaded_are_kept(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """The application goes on writing: its rows stay, and a key that both write is a clear error, not a lost row."""
    bench = seeding(project, postgres_url, "create table t (id integer primary key, v text)").seeds(T)
    bench.database.query("insert into t values (1, 'a')")
    bench.write("seeds/t.csv", "id,v\n1,b\n2,b\n")
    for key in (3, 2):
        with psycopg.connect(postgres_url.render().reveal()) as application:
            application.execute("insert into t values (%s, 'of the application')", [key])
            process = project.start("seed", "dev", log=f"beside-{key}")
            if key == 2:  # the same key: the seed has to wait for the application's decision
                until(lambda: bench.database.query("select 1 from pg_locks where not granted"), "the seed waits for the row", process)
            else:
                assert process.wait() == 0
            application.commit()
        if key == 3:
            assert bench.database.query("select * from t order by id") == [(1, "b"), (2, "b"), (3, "of the application")]
            bench.database.query("delete from t where id = 2")
            continue
        assert process.wait() == 1
        assert "code: seed-failed" in project.said("beside-2")
        assert bench.database.query("select v from t where id = 2") == [("of the application",)]
        assert bench.hows() == ["loaded"]
