"""UPDATE or DELETE of rows that no index narrows."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding
from lockgate.hazards.snippets import autocommit, literal


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per table."""
    for statement in plan.statements:
        for table in statement.mass_written:
            what = (
                f"no index leads to the rows of `{table.path}`: all are read, and each row that is written stays locked until COMMIT, "
                "is stored a second time and goes to every replica"
            )
            text = " ".join(statement.effect.text.split()).rstrip(";")
            narrowed = f"{text} {'AND' if ' where ' in text.lower() else 'WHERE'} id BETWEEN :first AND :last"
            safer = autocommit(
                [
                    "# repeat for the next range of the table's key until no row is left",
                    f'op.get_bind().execute(sa.text({literal(narrowed)}), {{"first": first, "last": last}})',
                ]
            )
            plain = statement.effect.command in ("UPDATE", "DELETE")  # behind anything else a condition would be about something else
            yield statement.timed(RULE, table, what=what, safer=safer if plain else "", estimate=statement.blocked)


RULE = Rule("LG210", "mass-write", "rows are written that no index narrows", find)
