"""`make bench`: every measurement of this folder, on a throw-away PostgreSQL server."""

from __future__ import annotations

import argparse

from benchmarks import noop


def main() -> None:
    """Run them and print ratios; times belong to one machine, ratios travel."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks", description=noop.__doc__)
    parser.add_argument("--rounds", type=int, default=15, help="how often each command is timed (default: %(default)s)")
    parser.add_argument("--revisions", type=int, default=100, help="length of the history (default: %(default)s)")
    arguments = parser.parse_args()
    noop.main(arguments.rounds, arguments.revisions)


if __name__ == "__main__":
    main()
