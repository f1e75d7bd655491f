"""Faults of SQLite, whose tables are copied, dropped and renamed to be changed."""

from __future__ import annotations

import signal

from faults.common_rows import a_crowd, a_full_disk, at_every_statement, ended_at_every_statement, signalled, the_wrong_target
from faults.rows import INTERRUPTED, KILLED, SQLITE, TERMINATED, Row
from faults.servers import why_no_disk

_STOCK = "20 of 29 torn, rerun never heals"
_ALL = ("sqlite-batch", "sqlite-triggers", "sqlite-wal")

ROWS = (
    Row("sqlite-kill-batch", SQLITE, "kill -9, batch operations", ("sqlite-batch",), signalled(signal.SIGKILL, KILLED), _STOCK),
    Row("sqlite-kill-triggers", SQLITE, "kill -9, triggers and views", ("sqlite-triggers",), signalled(signal.SIGKILL, KILLED), _STOCK),
    Row("sqlite-kill-wal", SQLITE, "kill -9, WAL mode", ("sqlite-wal",), signalled(signal.SIGKILL, KILLED), _STOCK),
    Row("sqlite-term", SQLITE, "SIGTERM", _ALL, signalled(signal.SIGTERM, TERMINATED)),
    Row("sqlite-int", SQLITE, "SIGINT (Ctrl-C)", _ALL, signalled(signal.SIGINT, INTERRUPTED)),
    Row("sqlite-every-kill", SQLITE, "kill -9 at every statement", ("sqlite-short",), at_every_statement, every=True),
    Row("sqlite-every-term", SQLITE, "SIGTERM at every statement", ("sqlite-short",), ended_at_every_statement(signal.SIGTERM, TERMINATED), every=True),
    Row("sqlite-disk", SQLITE, "full disk", ("sqlite-disk",), a_full_disk(lambda stage: stage.sqlite_disk), why_not=why_no_disk),
    Row("sqlite-backfill", SQLITE, "backfill in an autocommit block: kill -9", ("sqlite-backfill",), signalled(signal.SIGKILL, KILLED), journaled=True),
    Row("sqlite-crowd", SQLITE, "8 copies at once", ("sqlite-short", "sqlite-backfill"), a_crowd, journaled=True),
    Row("sqlite-wrong-target", SQLITE, "wrong target", ("sqlite-short",), the_wrong_target),
)
