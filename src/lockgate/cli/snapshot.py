"""`lockgate snapshot`."""

from __future__ import annotations

import click

from lockgate.cli.call import Call, verb
from lockgate.report import text


@verb("snapshot", "lockgate snapshot --sql", "lockgate snapshot --sql --check", database=False)
@click.option("--sql", is_flag=True, required=True, help="As SQL: schema.postgresql.sql or schema.sqlite.sql beside env.py.")
@click.option("--check", is_flag=True, help="Write nothing; exit 1 where the file is stale or makes something else than the revisions.")
@click.option(
    "--product", type=click.Choice(["postgresql", "sqlite"]), help="Kind of database; that of the databases of tests where not given."
)
def command(call: Call, sql: bool, check: bool, product: str | None) -> int:
    """
    Keep the schema of the head, and the rows that revisions leave, as a file from which empty databases are made at once.

    The revisions are run on a scratch database, the file is loaded into a second one, and both must be equal.
    """
    from lockgate.runs.schema_file import check_schema_file, make_schema_file
    from lockgate.runs.scratch_server import product_of

    project = call.project()
    with call.output.live("", acting=False) as notify:
        path = (check_schema_file if check else make_schema_file)(project, product or product_of(project), notify)
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.written((str(path),) if not check else ()))
    elif check:
        call.output.show((f"{path.name} is what the revisions make",))
    else:
        call.output.show(text.written((str(path),), "add it to git; `lockgate snapshot --sql --check` tells when it is stale"))
    return 0
