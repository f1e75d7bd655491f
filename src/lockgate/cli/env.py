"""`lockgate env`."""

from __future__ import annotations

from lockgate.cli.call import Call, verb
from lockgate.report import environments as tables
from lockgate.words import Verb


@verb("env", "lockgate env", "lockgate env --json", database=False)
def command(call: Call) -> int:
    """
    List the environments: protection, where the URL comes from, and who the database says it is.

    No URL and no secret is shown. An environment that cannot be seen is listed with the reason; that is no error here.
    """
    from lockgate.runs.status import status

    rows = status(call.request(Verb.ENV, ""), call.project(), ())
    if call.output.json:
        from lockgate.report import json

        call.output.document(json.environments(rows))
    else:
        call.output.show(tables.environments(rows))
    return 0
