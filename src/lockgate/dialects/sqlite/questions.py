"""SQLite's part of asking the target about a plan."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from lockgate.dialects.plain_questions import PlainQuestions
from lockgate.dialects.sqlite.catalog import quoted, user_tables
from lockgate.permit import Session

# What a declared type makes of a value: the first of these words that is in it; numeric for all others. sqlite.org/datatype3.html, 3.1.
_AFFINITIES = (("int", "integer"), ("char", ""), ("clob", ""), ("text", ""), ("blob", ""), ("real", "real"), ("floa", "real"), ("doub", "real"))


class SqliteQuestions(PlainQuestions):
    """See `Questions`."""

    def names(self, session: Session, tables: Collection[str]) -> Mapping[str, str]:
        found = {f"main.{name}": quoted(name) for name in user_tables(session)}
        return {path: name for path, name in found.items() if path in tables}

    def quoted(self, name: str) -> str:
        return quoted(name)

    def misfits(self, key: str, was: str, now: str) -> str:
        """
        Values that batch mode's CAST makes others of: nothing fails, a text that is no number is 0 afterwards.

        Compared with a number, a text counts as one only where it is one as a whole (4.2); lengths are not kept at all.
        """
        affinity = _affinity(now)
        return f"{key} <> cast({key} as {affinity})" if affinity and affinity != _affinity(was) else ""


def _affinity(type_: str) -> str:
    return next((affinity for word, affinity in _AFFINITIES if word in type_), "numeric") if type_ else ""
