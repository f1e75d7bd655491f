"""Faults of PostgreSQL: lost connections, servers that stop, cut wires, long statements, indexes that are built CONCURRENTLY."""

from __future__ import annotations

import re
import signal
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import psycopg
from building import Database, until
from faults.children import PATIENCE_S, Child
from faults.common_rows import (
    a_crowd,
    a_full_disk,
    at_every_statement,
    cut_at_every_statement,
    ended_at_every_statement,
    signalled,
    the_wrong_target,
)
from faults.rows import CUT_OFF, FAILED, INTERRUPTED, KILLED, POSTGRES, TERMINATED, Play, Row
from faults.servers import Wire, why_no_disk, why_no_partition
from faults.stage import IMPATIENT_STATEMENTS, Stage
from faults.trial import Result, Trial
from running import lock_is_free

from lockgate.dialects.postgres import locks, session, working
from lockgate.secret import DatabaseUrl

_TERMINATE = "select count(pg_terminate_backend(pid)) from pg_stat_activity where datname = current_database() and pid <> pg_backend_pid()"
_SLEEPING = "select 1 from pg_stat_activity where datname = current_database() and state = 'active' and query like 'select pg_sleep%'"
_BUILDING = "select 1 from pg_stat_activity where datname = current_database() and wait_event_type = 'Lock' and query like 'create index concurrently%'"
_NOTICED_S = 1  # in place of half a minute: seconds of silence, and between two keep-alives
_PROBES = 2
_UNANSWERED_MS = 2000
_PARTITION_S = 30.0  # both ends have noticed, and every further attempt to connect has been given up
_NOTICED = "until the run has ended and the lock is free"
_STOCK_50 = "0 torn, but all progress lost, 115 lines of traceback (50 revisions)"
_LOCK_FREE_S = 1.0  # docs/how-it-works.md
_WITHIN_A_BUILD_S = 0.03


def terminate(database: Database) -> None:
    """An administrator, or a failover, ends every session."""
    database.query(_TERMINATE)


def terminated(stage: Stage, trial: Trial) -> Result:
    """pg_terminate_backend at a random moment."""
    trial.judge(trial.strike(lambda child: terminate(trial.database)), exits=CUT_OFF)
    return trial.finish()


def stopped(how: signal.Signals) -> Play:
    """The server stops at a random moment, and is started again when the run has ended."""

    def play(stage: Stage, trial: Trial) -> Result:
        def stop(child: Child) -> None:
            stage.postgres.stop(how)
            child.wait()
            stage.postgres.start()

        trial.judge(trial.strike(stop), exits=CUT_OFF)
        return trial.finish()

    return play


def too_slow(stage: Stage, trial: Trial) -> Result:
    """A statement takes longer than `statement_timeout` allows."""
    project = trial.arena.project
    before = (project.folder / "lockgate.toml").read_text(encoding="utf-8")
    project.settings(IMPATIENT_STATEMENTS)
    child = trial.start(SLOW=trial.chance.choice(trial.arena.revisions))
    child.wait()
    project.settings(before)
    trial.judge(child, exits=FAILED)
    return trial.finish()


def killed_while_a_statement_runs(stage: Stage, trial: Trial) -> Result:
    """How long the server keeps the lock of a client that is gone."""
    child = trial.start(SLOW=trial.chance.choice(trial.arena.revisions))
    until(lambda: trial.database.query(_SLEEPING), "a statement that runs", seconds=PATIENCE_S)
    child.signal(signal.SIGKILL)
    child.wait()
    trial.result.seconds = _until_free(trial.url)
    trial.judge(child, exits=KILLED)
    return trial.finish()


def _until_free(url: DatabaseUrl) -> float:
    began = time.monotonic()
    until(lambda: lock_is_free(url), "a free lock", seconds=PATIENCE_S)
    return time.monotonic() - began


def _notice_sooner() -> None:
    """Let both ends give up after seconds, not after a minute; how they notice is the same."""
    working.IDLE = working.INTERVAL = _NOTICED_S  # type: ignore[misc]
    working.PROBES, working.UNANSWERED = _PROBES, _UNANSWERED_MS  # type: ignore[misc]
    ours = {"keepalives_idle": _NOTICED_S, "keepalives_interval": _NOTICED_S, "keepalives_count": _PROBES}
    session.CLIENT.update({**ours, "tcp_user_timeout": _UNANSWERED_MS})
    for name, value in {**{f"tcp_{name}": value for name, value in ours.items()}, "tcp_user_timeout": _UNANSWERED_MS}.items():
        locks.WATCH_CLIENT = re.sub(rf"'{name}', '\d+'", f"'{name}', '{value}'", locks.WATCH_CLIENT)


def partitioned(stage: Stage, trial: Trial) -> Result:
    """The wire is cut at a random moment: nothing comes through, and nobody is told."""
    wires: list[Wire] = []

    def through_a_wire() -> None:
        wires.append(Wire(stage.postgres.port))
        trial.point(stage.postgres.url(trial.url.database, wires[-1].port))

    def cut(child: Child) -> None:
        wires[-1].cut()
        began = time.monotonic()
        child.wait()
        _until_free(trial.url)
        trial.result.seconds = time.monotonic() - began

    try:
        child = trial.strike(cut, through_a_wire, _notice_sooner)
    finally:
        for wire in wires:
            wire.close()
    trial.point()
    trial.judge(child, exits=CUT_OFF)
    return trial.finish()


# CREATE INDEX CONCURRENTLY


@contextmanager
def _writer(trial: Trial) -> Iterator[psycopg.Connection[tuple[object, ...]]]:
    """The table is there, and somebody has written to it and not committed: a build waits."""
    first = trial.start("upgrade", "dev", "r0")
    assert first.wait() == 0, first.said
    trial.from_heads = ("r0",)
    with psycopg.connect(trial.url.render().reveal()) as writer:
        writer.execute("insert into first (id, name) values (-1, 'x')")
        yield writer
        writer.rollback()


def _in_the_build(trial: Trial) -> Child:
    child = trial.start()
    until(lambda: trial.database.query(_BUILDING), "a build that waits", seconds=PATIENCE_S)
    time.sleep(trial.chance.random() * _WITHIN_A_BUILD_S)
    return child


def index_broken_off(strike: Callable[[Trial, Child], object], exits: frozenset[str]) -> Play:
    """Every second time in the middle of the build, otherwise at a random moment of the run."""

    def play(stage: Stage, trial: Trial) -> Result:
        if trial.number % 2:
            child = trial.strike(lambda child: strike(trial, child))
            trial.judge(child, exits=exits)
        else:
            with _writer(trial):
                child = _in_the_build(trial)
                strike(trial, child)
                child.wait()
                trial.judge(child, exits=exits)
        return trial.finish()

    return play


def _kill(trial: Trial, child: Child) -> None:
    child.signal(signal.SIGKILL)


def _cut(trial: Trial, child: Child) -> None:
    database = trial.database
    database.query(_TERMINATE.replace("where", "where application_name like 'lockgate%' and"))


def index_of_an_orphan(stage: Stage, trial: Trial) -> Result:
    """The run is dead, the server builds on, and the next run is there already."""
    with _writer(trial) as writer:
        child = _in_the_build(trial)
        child.signal(signal.SIGKILL)
        child.wait()
        second = trial.start()
        until(lambda: "waiting for the lock" in second.said or second.ended(), "a run that waits for the orphan", seconds=PATIENCE_S)
        if second.ended():
            trial.result.problems.append("the rerun did not wait for the orphan")
        writer.rollback()
        second.wait()
    trial.judge(child, exits=KILLED)
    return trial.finish(by=second)


ROWS = (
    Row("pg-kill", POSTGRES, "kill -9", ("pg",), signalled(signal.SIGKILL, KILLED), _STOCK_50),
    Row("pg-term", POSTGRES, "SIGTERM", ("pg",), signalled(signal.SIGTERM, TERMINATED), _STOCK_50),
    Row("pg-int", POSTGRES, "SIGINT (Ctrl-C)", ("pg",), signalled(signal.SIGINT, INTERRUPTED), _STOCK_50),
    Row("pg-terminate", POSTGRES, "`pg_terminate_backend`", ("pg",), terminated, _STOCK_50),
    Row("pg-stop-fast", POSTGRES, "server stopped (fast), started again", ("pg",), stopped(signal.SIGINT), _STOCK_50),
    Row("pg-stop-immediate", POSTGRES, "server stopped (immediate), started again", ("pg",), stopped(signal.SIGQUIT), _STOCK_50),
    Row("pg-disk", POSTGRES, "full disk", ("pg-disk",), a_full_disk(lambda stage: stage.postgres_disk), why_not=why_no_disk),
    Row("pg-slow", POSTGRES, "`statement_timeout`", ("pg",), too_slow),
    Row("pg-partition", POSTGRES, "network partition", ("pg-wire",), partitioned, limit_s=_PARTITION_S, measured=_NOTICED, why_not=why_no_partition),
    Row("pg-holder", POSTGRES, "kill -9 while a statement runs", ("pg",), killed_while_a_statement_runs, "lock held until the statement ends", limit_s=_LOCK_FREE_S, measured="until the lock is free"),
    Row("pg-every-kill", POSTGRES, "kill -9 at every statement", ("pg-short",), at_every_statement, every=True),
    Row("pg-every-term", POSTGRES, "SIGTERM at every statement", ("pg-short",), ended_at_every_statement(signal.SIGTERM, TERMINATED), every=True),
    Row("pg-every-cut", POSTGRES, "connection lost at every statement", ("pg-short",), cut_at_every_statement(terminate, CUT_OFF), every=True),
    Row("pg-index-kill", POSTGRES, "CREATE INDEX CONCURRENTLY: kill -9", ("pg-index",), index_broken_off(_kill, KILLED), "18 of 30 torn, never heals", journaled=True),
    Row("pg-index-cut", POSTGRES, "CREATE INDEX CONCURRENTLY: connection lost", ("pg-index",), index_broken_off(_cut, CUT_OFF), "15 of 15 torn, never heals", journaled=True),
    Row("pg-index-cautious", POSTGRES, "CREATE INDEX CONCURRENTLY IF NOT EXISTS: kill -9", ("pg-index-cautious",), index_broken_off(_kill, KILLED), "25 of 25 exit 0 with an INVALID index", journaled=True),
    Row("pg-index-orphan", POSTGRES, "CREATE INDEX CONCURRENTLY: kill -9, and the server builds on", ("pg-index-deaf",), index_of_an_orphan, journaled=True),
    Row("pg-backfill", POSTGRES, "backfill in an autocommit block: kill -9", ("pg-backfill",), signalled(signal.SIGKILL, KILLED), journaled=True),
    Row("pg-crowd", POSTGRES, "8 copies at once", ("pg-short", "pg-backfill"), a_crowd, "134 of 160 exit 1; a backfill in an autocommit block doubled rows in 7 of 20", journaled=True),
    Row("pg-wrong-target", POSTGRES, "wrong target", ("pg-short",), the_wrong_target, "15 of 15 destroyed, exit 0"),
)
