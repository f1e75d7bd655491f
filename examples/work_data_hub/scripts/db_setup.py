"""
Set a database up: make it where it is missing, run the migrations, load test data.

    python scripts/db_setup.py --database-url postgresql://me@localhost/work_data_hub --seed
    CONFIRM_ENV=dev python scripts/db_setup.py --database-url sqlite:///hub.db --downgrade base
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parents[1] / "src"))

from work_data_hub.io.schema import migration_runner

import lockgate


def main(arguments: Sequence[str] | None = None) -> int:
    """Do what the arguments ask for; the exit status is lockgate's: 0 done, 3 refused, 4 busy, 5 unreachable."""
    asked = parser().parse_args(arguments)
    try:
        return run(asked)
    except lockgate.LockgateError as error:
        for name in ("what", "where", "changed", "hint", "code"):
            say(f"{'error' if name == 'what' else name}: {getattr(error, name)}", sys.stderr)
        return error.exit_code


def parser() -> argparse.ArgumentParser:
    """Return the command line."""
    made = argparse.ArgumentParser(description="Make a database where it is missing, run the migrations, load test data.")
    made.add_argument("--database-url", metavar="URL", help="where to knock; DATABASE_URL or WDH_DATABASE__URI where it is left out")
    made.add_argument("--seed", action="store_true", help="load io/schema/fixtures/test_data.sql afterwards")
    made.add_argument("--seed-file", type=Path, metavar="FILE", help="load FILE afterwards, in place of it")
    made.add_argument("--downgrade", nargs="?", const="-1", metavar="REVISION", help="go back to REVISION, one revision where it is left out")
    return made


def run(asked: argparse.Namespace) -> int:
    """Upgrade and seed, or downgrade."""
    if asked.downgrade is not None and (asked.seed or asked.seed_file):
        parser().error("--downgrade goes without --seed and --seed-file")
    if asked.seed_file is not None and not asked.seed_file.is_file():
        parser().error(f"there is no file {asked.seed_file}")
    if asked.downgrade is not None:
        return told(migration_runner.downgrade(asked.database_url, asked.downgrade))
    status = told(migration_runner.upgrade(asked.database_url, create_database=True))
    if status == 0 and (asked.seed or asked.seed_file):
        for line in migration_runner.seed(asked.database_url, asked.seed_file):
            say(line)
    return status


def told(outcome: lockgate.Outcome) -> int:
    """Say what was done; 1 where a check found something wrong afterwards."""
    for line in (*outcome.notices, *outcome.changed):
        say(line)
    say(f"`{outcome.environment}` ({outcome.place}) is at {', '.join(outcome.to_heads) or 'base'}")
    for answer in outcome.smoke:
        if not answer.good:
            say(f"error: {answer.question}: expected {answer.expected}, found {answer.found}", sys.stderr)
    return 1 if outcome.code else 0


def say(line: str, stream: object = None) -> None:
    """Write one line."""
    print(line, file=stream or sys.stdout)


if __name__ == "__main__":
    sys.exit(main())
