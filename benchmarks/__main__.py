"""`make bench`: the measurements of this folder, on throw-away PostgreSQL servers."""

from __future__ import annotations

import argparse

from benchmarks import noop, test_databases


def main() -> None:
    """Run them and print ratios; times belong to one machine, ratios travel."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=f"{noop.__doc__}\n{test_databases.__doc__}")
    parser.add_argument("--rounds", type=int, default=15, help="how often each command is timed (default: %(default)s)")
    parser.add_argument("--revisions", type=int, default=100, help="length of the history (default: %(default)s)")
    parser.add_argument("--only", choices=("noop", "databases"), help="one of the measurements")
    arguments = parser.parse_args()
    if arguments.only != "databases":
        noop.main(arguments.rounds, arguments.revisions)
    if arguments.only != "noop":
        test_databases.main(arguments.rounds)


if __name__ == "__main__":
    main()
