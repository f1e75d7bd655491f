"""What the ledger remembers of a seed's last load."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field

from lockgate.dialects.base import Dialect
from lockgate.permit import Session
from lockgate.runs.seed_files import Load
from lockgate.seeds.rows import Counts
from lockgate.seeds.spec import Seed, TableName, table_name

_ENOUGH = 50  # rows of the ledger: the files of one glob stand beside each other
_LOADS = """
select details, {moment}, exists (select 1 from {prefix}ledger d where d.id > l.id and d.verb = 'downgrade' and d.outcome = 'applied')
  from {prefix}ledger l
 where outcome = 'seeded' and revision = :label
   and id > coalesce((select max(id) from {prefix}ledger where outcome = 'reset'), 0)
 order by id desc limit {enough}
"""


@dataclass(frozen=True)
class Past:
    """
    One load of one file.

    Args:
        file: SHA-256 of the file; empty where the ledger knows none.
        tables: fingerprint by table, as the load left it.
        counts: the file's rows, all of them equal to the table's then.
        policy: what the seed's settings said; another policy makes another promise of the same file.
        at: the moment, ISO 8601 in UTC; empty where the ledger knows none.
        doubted: a downgrade came after it, and may have taken the rows with their table.
    """

    file: str = ""
    tables: Mapping[str, str] = field(default_factory=dict)
    counts: Counts | None = None
    policy: str = ""
    at: str = ""
    doubted: bool = False

    @property
    def names(self) -> tuple[TableName, ...]:
        """The tables' names."""
        return tuple(table_name(name) for name in self.tables)

    def document(self, file: str) -> dict[str, object]:
        """The form in which the ledger keeps it."""
        rows = asdict(self.counts) if self.counts else None
        return {"file": file, "sha256": self.file, "tables": dict(self.tables), "rows": rows, "policy": self.policy}


def past_of(session: Session, dialect: Dialect, load: Load) -> Past:
    """Read what the ledger says of the last load of a file since the last reset; an empty `Past` where there was none."""
    prefix, moment = dialect.features.registry_prefix, dialect.features.moment_text.format("at")
    query = _LOADS.format(prefix=prefix, moment=moment, enough=_ENOUGH)
    with dialect.own_names(session):
        found = session.execute(query, {"label": f"seed {load.seed.name}"})
    for details, at, doubted in found:
        document = json.loads(str(details))
        if document.get("file") == load.file.name:
            counts = Counts(**document["rows"]) if document.get("rows") else None
            policy = str(document.get("policy", ""))
            return Past(str(document["sha256"]), dict(document["tables"]), counts, policy, str(at), bool(doubted))
    return Past()


def same_promise(past: Past, load: Load, digest: str) -> bool:
    """Whether file and settings are those of the last load; what a script does is decided by its text alone."""
    return past.file == digest and (load.format == "sql" or past.policy == policy_of(load.seed))


def policy_of(seed: Seed) -> str:
    """Return what the settings say of a seed, as far as it decides what is written."""
    said = (seed.table, seed.encoding, seed.unknown_rows.value, seed.on_change.value, seed.null, *seed.key, "/", *seed.columns)
    return " ".join(str(word) for word in said)
