"""A table is written anew while nobody else may write: Alembic's batch mode, or an ALTER that MariaDB or MySQL cannot do in place."""

from __future__ import annotations

from collections.abc import Iterator

from lockgate.hazards.context import Plan, Rule
from lockgate.hazards.findings import Finding
from lockgate.hazards.snippets import comment

_WHAT = {
    "batch": "batch mode writes all rows of `{0}` into a new table, builds its indexes again and drops the old one; nobody else can write to the "
    "file until COMMIT, and the file grows by as much",
    "copy": "the server can do this only with ALGORITHM=COPY: nobody can write to `{0}` until all its rows are in a new table, and replicas fall "
    "behind by as long",
    "in place, writers wait": "the server can do this only with LOCK=SHARED: nobody can write to `{0}` until it is done",
}
_SAFER = {
    "batch": comment("one `op.batch_alter_table` for all changes of the table: each one copies it. ADD COLUMN that may be NULL, RENAME COLUMN")
    + "\n"
    + comment("and DROP COLUMN need no copy: call op.add_column, op.drop_column, or op.execute, outside of batch mode"),
    "copy": comment("outside of revisions: pt-online-schema-change or gh-ost copy the table while it is written to;")
    + "\n"
    + comment("or add a new column (ALGORITHM=INSTANT), let the application write both, fill it in batches, and drop the old one"),
    "in place, writers wait": comment("when nobody has to write; a second index of this kind on the table is built in the same way"),
}


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per statement and live table."""
    for statement in plan.statements:
        for rewrite in statement.effect.rewrites:
            if rewrite.reason in _WHAT and statement.is_live(rewrite.relation):
                what, safer = _WHAT[rewrite.reason].format(rewrite.relation.path), _SAFER[rewrite.reason]
                yield statement.timed(RULE, rewrite.relation, what=what, safer=safer, estimate=statement.blocked)


RULE = Rule("LG211", "copies-table", "the whole table is copied", find)
