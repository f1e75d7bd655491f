"""`lockgate seed`."""

from __future__ import annotations

from pathlib import Path

import click

from lockgate.cli.answer import asked_once
from lockgate.cli.call import Call, verb
from lockgate.seeds.outcome import SeedOutcome
from lockgate.words import Request, Verb


@verb("seed", "lockgate seed dev", "lockgate seed dev reference --dry-run", "lockgate seed dev reference --file new.csv", "LOCKGATE_ENV=test lockgate seed test")
@click.argument("environment")
@click.argument("names", nargs=-1, metavar="[NAME]...")
@click.option("--dry-run", is_flag=True, help="Compare and show what would be written; write nothing.")
@click.option("--if-changed", is_flag=True, help="Trust the file: where it is the one of last time, do not look at the table.")
@click.option(
    "--samples", type=click.IntRange(min=0), default=5, show_default=True, metavar="N", help="Rows of each kind that --dry-run shows."
)
@click.option("--file", type=click.Path(path_type=Path), metavar="FILE", help="Load FILE in place of the one that the settings name for NAME.")
def command(
    call: Call, environment: str, names: tuple[str, ...], dry_run: bool, if_changed: bool, samples: int, file: Path | None
) -> int:
    """
    Load the seeds NAME, or all that belong into ENVIRONMENT.

    File and table are compared by key, and only what differs is written, each file in a transaction of its own. A seed of another
    environment refuses the whole call before anything is written.
    """
    from lockgate.report import json, seeds
    from lockgate.runs.seed import SeedOptions, seed

    project, output = call.project(), call.output
    options = SeedOptions(names, dry_run, if_changed, samples, file)

    def go(request: Request) -> SeedOutcome:
        with output.progress() as watch, output.live(environment, acting=True) as notify:
            return seed(request, project, notify, options, watch)

    done = asked_once(call, call.request(Verb.SEED, environment), project, go)
    if output.json:
        output.document(json.seeded(done))
    else:
        output.show(seeds.seeded(done))
    return 0
