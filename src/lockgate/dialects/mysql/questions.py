"""MariaDB's and MySQL's part of asking the target about a plan."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from lockgate.dialects.mysql.catalog import quoted
from lockgate.dialects.plain_questions import PlainQuestions
from lockgate.permit import Session

_TABLES = "select table_schema, table_name from information_schema.tables where table_schema = database()"
_TYPE = re.compile(r"(?P<base>[a-z]+)(?:\((?P<inside>.*)\))?(?P<rest>.*)", re.S)
# Bytes of whole numbers. MariaDB Knowledge Base, Numeric Data Type Overview.
_WHOLE = {"tinyint": 1, "smallint": 2, "mediumint": 3, "int": 4, "bigint": 8}
_NUMBERS = (*_WHOLE, "decimal", "float", "double")
# Bytes that texts without a length of their own hold. MariaDB Knowledge Base, String Data Types.
_TEXTS = {"tinytext": 2**8 - 1, "text": 2**16 - 1, "mediumtext": 2**24 - 1, "longtext": 2**32 - 1}
_MOMENTS = ("date", "datetime", "timestamp")


class MysqlQuestions(PlainQuestions):
    """See `Questions`."""

    def names(self, session: Session, tables: Collection[str]) -> Mapping[str, str]:
        found = {f"{schema}.{name}": quoted(str(name)) for schema, name in session.execute(_TABLES)}
        return {path: name for path, name in found.items() if path in tables}

    def quoted(self, name: str) -> str:
        return quoted(name)

    def misfits(self, key: str, was: str, now: str) -> str:
        """Values on which ALTER TABLE stops under a strict sql_mode; one that is only rounded does not stop it."""
        old, new = _TYPE.fullmatch(was), _TYPE.fullmatch(now)
        if not old or not new:
            raise LookupError(f"whether a value fits `{now}` is not asked")
        base = new["base"]
        if base in _WHOLE and (old["base"] in _NUMBERS or _is_text(old)):
            return _no_whole_number(key, new, text=_is_text(old))
        if base == "decimal" and old["base"] in _NUMBERS and new["inside"]:
            digits, _, scale = new["inside"].partition(",")
            return f"abs(round({key}, {int(scale or 0)})) >= {10 ** (int(digits) - int(scale or 0))}"
        if base in ("char", "varchar") and new["inside"]:
            return f"char_length({key}) > {int(new['inside'])}"
        if base in _TEXTS:
            return f"octet_length({key}) > {_TEXTS[base]}"
        if base == "enum":
            return f"cast({key} as char) not in ({new['inside']})"
        if base == old["base"] or (base in ("float", "double") and old["base"] in _NUMBERS) or {base, old["base"]} <= set(_MOMENTS):
            return ""
        raise LookupError(f"whether a value fits `{now}` is not asked")


def _is_text(type_: re.Match[str]) -> bool:
    return type_["base"] in (*_TEXTS, "char", "varchar")


def _no_whole_number(key: str, type_: re.Match[str], *, text: bool) -> str:
    bits = 8 * _WHOLE[type_["base"]]
    least, most = (0, 2**bits - 1) if "unsigned" in type_["rest"] else (-(2 ** (bits - 1)), 2 ** (bits - 1) - 1)
    outside = f"cast({key} as decimal(65, 0)) not between {least} and {most}"
    return f"{key} not regexp '^ *[-+]?[0-9]+(\\\\.[0-9]*)? *$' or {outside}" if text else outside
