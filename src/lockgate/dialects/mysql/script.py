"""Running a SQL script, such as mysqldump's output, statement by statement on the connection that is journaled."""

from __future__ import annotations

from typing import Any

from lockgate.errors import Failed
from lockgate.secret import redact
from lockgate.seeds.grammar import Grammar
from lockgate.seeds.script import parts

# In every dump around a table's rows. lockgate's own lock is held, and under LOCK TABLES no other table can be written.
_LOCKS = (["lock", "tables"], ["unlock", "tables"])


def run_script(connection: Any, text: str) -> int:
    """
    Run every statement of `text`.

    Returns:
        The number of statements.
    Raises:
        Failed: `bootstrap-failed`, with the line.
    """
    from sqlalchemy.exc import DBAPIError  # not above: a look imports this package too, and is quick because it needs no SQLAlchemy

    count = 0
    for part in parts(text, Grammar.MYSQL, "the script"):
        if [token.text for token in part.tokens[:2]] in _LOCKS:
            continue
        try:
            connection.exec_driver_sql(part.text, execution_options={"no_parameters": True})  # else the driver reads a `%` in it
        except DBAPIError as error:
            first = (redact(str(error.orig)).strip().splitlines() or [""])[0]
            hint = "mend the script; the database is as it was before"
            raise Failed("bootstrap-failed", f"line {part.line}: {first}", hint=hint) from error
        count += 1
    return count
