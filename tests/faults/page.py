"""The matrix as a page: numbers that were measured, and a paragraph for each row that is not as it should be."""

from __future__ import annotations

import sqlite3
import subprocess
from collections import Counter
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from statistics import median

from faults.rows import MARIADB, POSTGRES, SQLITE, Row
from faults.servers import Postgres
from faults.trial import Result
from maria import is_installed

_STOCK = "1.20.1"  # of Alembic, in the comparison
_INTRODUCTION = """# What happens to a database when a run is broken off

Made by `make faults` from its own results; do not edit. Each trial breaks `lockgate upgrade` off and looks at what is left:

- **torn**: the schema (as `lockgate drift` reads it) or the rows are not those of the revision that the version table names. A revision that
  leaves its transaction, and any revision on MariaDB, may be half applied where the journal says so; that is counted in brackets;
- **progress kept**: every revision that the run had called applied is applied;
- **reached head**: the same command again ends with exit 0, and its schema is that of a run that nobody disturbed, with no INVALID index;
- **rows wrong**: trials in which a row was lost or doubled at the end;
- **exit**: what the disturbed processes answered with ([the statuses](exit-codes.md)); `killed` cannot answer.

After each trial the ledger must name every revision once, and `lockgate history --verify` must find it whole. No exit status and no
`changed:` may claim anything that is not so. A moment is a random one of the run's whole time, or, where the row says "at every statement",
before or after each single statement of a short history (COMMIT counts, and so do lockgate's own looks).

Stock Alembic's column was measured with Alembic {stock} and the same kind of faults, and is empty where nobody measured.
"""
_AGAIN = """## Make it anew

```sh
make faults                                       # everything; about {minutes} minutes on this machine
make faults ROWS="pg-kill sqlite" TRIALS=10       # some rows, by the beginning of their names, and few trials; the page stays as it is
```

PostgreSQL is the embedded one, MariaDB is Debian's (`make mariadb`). The full disk needs root and a system that lets it mount one.
Every result is in `build/fault-matrix.json` afterwards. One trial of most rows is part of `make test`.
"""


def page(rows: Sequence[Row], results: Sequence[Result], missing: Mapping[str, str], seconds: float) -> str:
    """
    Write the page.

    Args:
        missing: rows that were not run, with the reason.
        seconds: that everything took.
    """
    parts = [_INTRODUCTION.format(stock=_STOCK), _versions(len(results))]
    for backend in (POSTGRES, SQLITE, MARIADB):
        mine = [row for row in rows if row.backend == backend]
        lines = [_line(row, [result for result in results if result.row == row.name]) for row in mine if row.name not in missing]
        head = "| fault | trials | torn | progress kept | reached head | rows wrong | exit | stock Alembic |\n|---|---|---|---|---|---|---|---|"
        parts.append(f"## {backend}\n\n" + ("\n".join([head, *lines]) if lines else "Not run.") + "\n")
        parts += _paragraphs(mine, results, missing)
    parts.append(_AGAIN.format(minutes=max(1, round(seconds / 60))))
    return "\n".join(parts)


def _line(row: Row, results: Sequence[Result]) -> str:
    trials, half = len(results), sum(result.half for result in results)
    times = [result.seconds for result in results if result.seconds is not None]
    fault = row.fault + (f"; {row.measured}: median {median(times):.2f} s, at most {max(times):.2f} s" if times else "")
    exits = Counter(status for result in results for status in result.exits)
    cells = (
        fault,
        str(trials),
        f"{sum(result.torn for result in results)}{f' ({half} half applied, and said so)' if half else ''}",
        f"{sum(result.kept for result in results)} of {trials}",
        f"{sum(result.reached for result in results)} of {trials}",
        str(sum(not result.rows_right for result in results)),
        ", ".join(f"{status}: {count}" for status, count in exits.most_common()),
        row.stock,
    )
    return f"| {' | '.join(cells)} |"


def _paragraphs(rows: Sequence[Row], results: Sequence[Result], missing: Mapping[str, str]) -> list[str]:
    """Reasons that several rows share are told once."""
    told: dict[str, list[str]] = {}
    for row in rows:
        if row.name in missing:
            told.setdefault(f"not run: {missing[row.name]}", []).append(row.fault)
    paragraphs = [f"**{', '.join(faults)}**: {reason}.\n" for reason, faults in told.items()]
    for row in rows:
        wrong = [result for result in results if result.row == row.name and result.problems]
        if wrong:
            kinds = Counter(problem.splitlines()[0][:200] for result in wrong for problem in result.problems if not problem.startswith("said: "))
            listed = "; ".join(f"{problem} ({count}x)" for problem, count in kinds.most_common(5))
            paragraphs.append(f"**{row.fault}** is not at its target in {len(wrong)} trials: {listed}.\n")
    return paragraphs


def _versions(trials: int) -> str:
    servers = [_first_line(Postgres.program("postgres"), "--version"), f"SQLite {sqlite3.sqlite_version}"]
    if is_installed():
        servers.append(_first_line("mariadbd", "--version"))
    packages = ", ".join(f"{name} {version(name)}" for name in ("lockgate", "alembic", "sqlalchemy", "psycopg", "pymysql"))
    return f"Measured {datetime.now(UTC):%Y-%m-%d}, {trials} trials: {packages}; {'; '.join(servers)}.\n"


def _first_line(*command: str) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60)
    return done.stdout.splitlines()[0].rsplit("/", 1)[-1].strip()
