"""How an object is defined now, as a digest: what tells whether a statement of DDL that was begun did happen."""

from __future__ import annotations

import hashlib
import re

from lockgate.dialects.mysql.catalog import literal, quoted
from lockgate.journal.statement import Thing
from lockgate.permit import Session

_PLACES = {
    "trigger": ("triggers", "trigger_schema", "trigger_name"),
    "routine": ("routines", "routine_schema", "routine_name"),
    "event": ("events", "event_schema", "event_name"),
}
_RELATION = ("tables", "table_schema", "table_name")
# It moves with every row that is inserted.
_COUNTER = re.compile(r" AUTO_INCREMENT=\d+")


def definition(session: Session, thing: Thing) -> str:
    """Return a digest of an object's definition; empty where there is none of that kind and name."""
    table, schema, name = _PLACES.get(thing.kind, _RELATION)
    where = f"{schema} = {literal(thing.schema) if thing.schema else 'database()'} and {name} = {literal(thing.name)}"
    is_relation = thing.kind not in _PLACES
    rows = session.execute(f"select {'1' if is_relation else '*'} from information_schema.{table} where {where}")
    if not rows:
        return ""
    if is_relation:
        full = f"{quoted(thing.schema)}.{quoted(thing.name)}" if thing.schema else quoted(thing.name)
        rows = session.execute(f"show create table {full}")
    text = _COUNTER.sub("", repr(rows))
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()[:32]
