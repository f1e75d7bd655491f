"""When two values are the same, in SQL; and a hash of all rows that follows the same rule."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from typing import cast

from lockgate.dialects.postgres.empty import quoted
from lockgate.dialects.postgres.own_names import own_names
from lockgate.dialects.postgres.rows_shape import sql_name
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.permit import Session
from lockgate.seeds.rows import TableShape

# What a value is compared as. A type with a default hash operator class has an equality that the server can hash as well; an
# array has it when its elements have. Everything else (json[], point, xml, money, bit) is compared by its text.
_TYPES = """
with recursive base (name, oid, "collation") as (
    select attname, atttypid, attcollation from pg_catalog.pg_attribute
     where attrelid = pg_catalog.to_regclass(:name) and attnum > 0 and not attisdropped
    union all
    select b.name, t.typbasetype, b."collation" from base b join pg_catalog.pg_type t on t.oid = b.oid where t.typtype = 'd'
)
select b.name, t.typname, coalesce(not c.collisdeterministic, false),
       exists (select 1 from pg_catalog.pg_opclass o join pg_catalog.pg_am m on m.oid = o.opcmethod
                where m.amname = 'hash' and o.opcdefault
                  and (o.opcintype = e.oid
                       or o.opcintype = (select p.oid from pg_catalog.pg_type p
                                          where p.typnamespace = 'pg_catalog'::pg_catalog.regnamespace
                                            and p.typname = case e.typtype when 'e' then 'anyenum' when 'r' then 'anyrange'
                                                                           when 'm' then 'anymultirange' end)
                       or exists (select 1 from pg_catalog.pg_cast k where k.castsource = e.oid and k.casttarget = o.opcintype
                                   and k.castmethod = 'b' and k.castcontext = 'i')))
  from base b
  join pg_catalog.pg_type t on t.oid = b.oid and t.typtype <> 'd'
  join pg_catalog.pg_type e on e.oid = case t.typcategory when 'A' then t.typelem else t.oid end
  left join pg_catalog.pg_collation c on c.oid = b."collation"
"""
_TEXT = "{}::pg_catalog.text"
_LETTERS = '{}::pg_catalog.text collate pg_catalog."C"'
# The server folds these types' 64 bits into 32 before it hashes them (hashint8extended): 1 and 4294967296 would be one.
_UNFOLDED = {
    "int8": "{}::pg_catalog.numeric",
    **dict.fromkeys(("timestamp", "timestamptz", "time"), "extract(epoch from {})"),
}
_HASH = "pg_catalog.hash_record_extended(row({}), {})"
_HASH_SINCE = 140000  # server_version_num
_TEXT_SETTINGS = {"datestyle": "ISO, YMD", "timezone": "UTC", "intervalstyle": "postgres", "bytea_output": "hex", "extra_float_digits": "1"}
_MASK = (1 << 64) - 1


def comparable(session: Session, shape: TableShape) -> dict[str, str]:
    """
    Return for each column an SQL expression, `{}` standing for it, whose equality means "the same value".

    JSON is compared as JSONB. `citext` and collations that ignore something are compared letter by letter: a seed that
    corrects a capital letter must arrive.
    """
    return {name: expression for name, expression, _ in _expressions(session, shape)}


def _expressions(session: Session, shape: TableShape) -> list[tuple[str, str, str]]:
    """For each column: name, what is compared, what is hashed."""
    with own_names(session):
        found = session.execute(_TYPES, {"name": sql_name(shape.table)})
    plain = [(str(name), str(base), _compared(str(base), bool(vague), bool(hashable))) for name, base, vague, hashable in found]
    return [(name, expression, _UNFOLDED.get(base, expression)) for name, base, expression in plain]


def _compared(base: str, vague: bool, hashable: bool) -> str:
    if base == "json":
        return "{}::pg_catalog.jsonb"
    if base == "citext" or vague:
        return _LETTERS
    return "{}" if hashable else _TEXT


def fingerprint(session: Session, shape: TableShape, columns: Sequence[str]) -> str:
    """
    Return number of rows and a 64-bit sum of one hash per row, over `columns`.

    A sum has no order, so the server may scan in parallel. The hash of a record is a linear combination of its columns'
    hashes, and a sum of those would not notice two rows that exchange a value: so each row's hashes are seeded with its key's.
    Two tables with the same fingerprint hold the same rows, but for a chance of about 2^-64 (2^-32 for one changed interval).
    Another server version or platform may give another fingerprint for the same rows: that costs a comparison, no more.

    Source: PostgreSQL 18, hash_record_extended in src/backend/utils/adt/rowtypes.c. Before 14 there is no such function, and
    the row's text is hashed.
    """
    session.execute("set local jit = off")  # compiling takes longer than most tables
    hashed = {name: expression.format(quoted(name)) for name, _, expression in _expressions(session, shape)}
    old = cast(PostgresSession, session).connection.info.server_version < _HASH_SINCE
    row = _text_hash(hashed, columns) if old else _row_hash(hashed, shape, columns)
    with plain_text(session) if old else nullcontext():
        count, total = session.execute(f"select count(*), coalesce(sum({row}), 0)::pg_catalog.text from {sql_name(shape.table)}")[0]
    return f"{count}-{int(str(total)) & _MASK:016x}"


def _row_hash(hashed: dict[str, str], shape: TableShape, columns: Sequence[str]) -> str:
    key = next((key for key in (shape.primary, *shape.unique) if key and set(key) <= set(columns)), columns)
    seed = _HASH.format(", ".join(hashed[name] for name in key), 0)
    return _HASH.format(", ".join(hashed[name] for name in columns), seed)


def _text_hash(hashed: dict[str, str], columns: Sequence[str]) -> str:
    return f"pg_catalog.hashtextextended(row({', '.join(hashed[name] for name in columns)})::pg_catalog.text, 0)"


@contextmanager
def plain_text(session: Session, settings: Mapping[str, str] = _TEXT_SETTINGS) -> Iterator[None]:
    """Print values the same way whatever the session's settings are, and put these back."""
    before = {name: str(session.execute(f"show {name}")[0][0]) for name in settings}
    _set(session, settings)
    yield
    _set(session, before)


def _set(session: Session, settings: Mapping[str, str]) -> None:
    for name, value in settings.items():
        session.execute("select pg_catalog.set_config(:name, :value, true)", {"name": name, "value": value})
