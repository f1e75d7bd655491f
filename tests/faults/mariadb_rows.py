"""Faults of MariaDB, where DDL commits by itself and the journal of statements has to make up for it."""

from __future__ import annotations

import signal
from contextlib import suppress
from pathlib import Path

import pymysql
from building import Database
from faults.children import Child
from faults.common_rows import a_crowd, at_every_statement, cut_at_every_statement, ended_at_every_statement, signalled, the_wrong_target
from faults.rows import CUT_OFF, INTERRUPTED, KILLED, MARIADB, TERMINATED, Play, Row
from faults.stage import Stage
from faults.trial import Result, Trial
from maria import MISSING, is_installed

_STOCK = "25 of 28 torn, rerun never heals"
_OTHERS = "select id from information_schema.processlist where db = database() and id <> connection_id()"


def why_not(folder: Path) -> str:
    """Why MariaDB is not run; empty where it is."""
    return "" if is_installed() else MISSING.removeprefix("MariaDB: not run, ")


def kill_sessions(database: Database) -> None:
    """An administrator, or a failover, ends every session."""
    for (number,) in database.query(_OTHERS):
        with suppress(pymysql.err.OperationalError):  # it has ended by itself
            database.query(f"kill {number}")


def cut(stage: Stage, trial: Trial) -> Result:
    """KILL at a random moment."""
    trial.judge(trial.strike(lambda child: kill_sessions(trial.database)), exits=CUT_OFF)
    return trial.finish()


def server_killed(stage: Stage, trial: Trial) -> Result:
    """The server is killed at a random moment, and started again when the run has ended."""

    def kill(child: Child) -> None:
        stage.maria.kill()
        child.wait()
        stage.maria.start()

    trial.judge(trial.strike(kill), exits=CUT_OFF)
    return trial.finish()


def _row(name: str, fault: str, play: Play, stock: str = "", arena: str = "maria") -> Row:
    return Row(f"mariadb-{name}", MARIADB, fault, (arena,), play, stock, journaled=True, why_not=why_not, every=name.startswith("every"))


ROWS = (
    _row("kill", "kill -9", signalled(signal.SIGKILL, KILLED), _STOCK),
    _row("term", "SIGTERM", signalled(signal.SIGTERM, TERMINATED)),
    _row("int", "SIGINT (Ctrl-C)", signalled(signal.SIGINT, INTERRUPTED)),
    _row("cut", "connection ended (`KILL`)", cut),
    _row("server", "server killed, started again", server_killed),
    _row("every-kill", "kill -9 at every statement", at_every_statement, arena="maria-short"),
    _row("every-term", "SIGTERM at every statement", ended_at_every_statement(signal.SIGTERM, TERMINATED), arena="maria-short"),
    _row("every-cut", "connection lost at every statement", cut_at_every_statement(kill_sessions, CUT_OFF), arena="maria-short"),
    _row("crowd", "8 copies at once", a_crowd, arena="maria-short"),
    _row("wrong-target", "wrong target", the_wrong_target, arena="maria-short"),
)
