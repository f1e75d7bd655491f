"""When two values are the same, in SQL, and a hash of all rows that follows the same rule."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.dialects.mysql.catalog import quoted
from lockgate.dialects.mysql.rows_shape import sql_name
from lockgate.permit import Session
from lockgate.seeds.rows import Column, TableShape

_MASK = (1 << 64) - 1


def differs(session: Session, column: Column) -> str:
    """
    Return SQL, `{0}` and `{1}` standing for two values, that is true where they are not the same value.

    Texts are compared letter by letter, whatever the column's collation ignores: a seed that corrects a capital letter must arrive.
    """
    if column.kind == "json":
        return f"not ({_json(session, '{0}')} <=> {_json(session, '{1}')})"
    return "not (binary {0} <=> binary {1})" if column.kind == "text" else "not ({0} <=> {1})"


def fingerprint(session: Session, shape: TableShape, columns: Sequence[str]) -> str:
    """
    Return number of rows and a 64-bit sum of one hash per row, over `columns`: a sum has no order.

    Each value goes into the hash in hexadecimal digits, so that no two rows have the same text.
    """
    cells = [f"coalesce(hex({_hashed(session, column)}), '-')" for name in columns if (column := shape.column(name))]
    row = f"cast(conv(left(md5(concat_ws(',', {', '.join(cells)})), 16), 16, 10) as unsigned)"
    count, total = session.execute(f"select count(*), cast(coalesce(sum({row}), 0) as char) from {sql_name(shape.table)}")[0]
    return f"{count}-{int(str(total).partition('.')[0]) & _MASK:016x}"


def _hashed(session: Session, column: Column) -> str:
    name = quoted(column.name)
    if column.kind == "json":
        return f"cast({_json(session, name)} as char)"
    if column.type.startswith("float"):  # its text has six digits only
        return f"cast(cast({name} as double) as char)"
    return name if column.kind in ("text", "bytes") else f"cast({name} as char)"


def _json(session: Session, value: str) -> str:
    return f"json_normalize({value})" if _has_json_normalize(session) else value


def _has_json_normalize(session: Session) -> bool:
    # MariaDB 10.7 and later; MySQL compares JSON as a value by itself.
    version = str(session.execute("select version()")[0][0])
    if "mariadb" not in version.lower():
        return False
    major, minor = (int(part) for part in version.split("-")[0].split(".")[:2])
    return (major, minor) >= (10, 7)
