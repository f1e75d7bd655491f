"""`lockgate seed-export`."""

from __future__ import annotations

import csv
from pathlib import Path

import click

from lockgate.cli.call import Call, verb
from lockgate.words import Verb

_COLUMNS = "Write only these columns of the one TABLE; separate them by `,`. All that are not generated where not given."
_SENSITIVE = "Write this column although a seed says that it is sensitive; may be given again, or as a list separated by `,`."


@verb(
    "seed-export",
    "lockgate seed-export dev document_types --out seeds",
    "lockgate seed-export dev app.users app.roles --out seeds/demo --format jsonl --sensitive email",
    'lockgate seed-export dev \'"规模 明细"\' --out seeds --gzip --overwrite',
)
@click.argument("environment")
@click.argument("tables", nargs=-1, required=True, metavar="TABLE...")
@click.option("--out", required=True, metavar="DIR", type=click.Path(file_okay=False, path_type=Path), help="Folder of the files.")
@click.option("--format", type=click.Choice(["csv", "jsonl"]), default="csv", show_default=True, help="CSV, or JSON Lines.")
@click.option("--columns", metavar="COLUMN,...", default="", help=_COLUMNS)
@click.option("--sensitive", metavar="COLUMN,...", multiple=True, help=_SENSITIVE)
@click.option("--gzip", is_flag=True, help="Pack the files.")
@click.option("--overwrite", is_flag=True, help="Replace files that are there.")
def command(
    call: Call,
    environment: str,
    tables: tuple[str, ...],
    out: Path,
    format: str,
    columns: str,
    sensitive: tuple[str, ...],
    gzip: bool,
    overwrite: bool,
) -> int:
    """
    Write each TABLE of ENVIRONMENT into a file that is ready to be a seed, its rows in the order of the key.

    Only reads the database, all tables at one moment. A column that a seed calls sensitive is refused unless it is named.
    """
    from lockgate.report import json, seeds
    from lockgate.runs.seed_export import ExportOptions, seed_export

    project, output = call.project(), call.output
    options = ExportOptions(tables, out, format, _names(columns), tuple(name for text in sensitive for name in _names(text)), gzip, overwrite)
    with output.progress() as watch, output.live(environment, acting=False):
        done = seed_export(call.request(Verb.SEED_EXPORT, environment), project, options, watch)
    if output.json:
        output.document(json.exported(done))
    else:
        output.show(seeds.exported(done))
    return 0


def _names(text: str) -> tuple[str, ...]:
    """Return the names of a list; one that holds a comma stands in double quotes."""
    return tuple(name.strip() for row in csv.reader([text], skipinitialspace=True) for name in row if name.strip())
