"""`lockgate init`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.report import text


@verb("init", "lockgate init", "lockgate init --name shop --database sqlite", database=False)
@click.option("--name", default="", help="Name of the project, written into its databases; the folder's name where not given.")
@click.option("--database", type=click.Choice(["postgresql", "mysql", "sqlite"]), default="postgresql", show_default=True, help="Kind of database.")
def command(call: Call, name: str, database: str) -> int:
    """Write lockgate.toml, and an Alembic environment where there is none. Existing files are never overwritten."""
    from lockgate.runs.init import init

    folder = call.folder.resolve()
    paths = init(folder, name, database)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.written(paths))
    else:
        call.output.show(text.written(paths, "check the environments in lockgate.toml, then run `lockgate env`"))
    return 0
