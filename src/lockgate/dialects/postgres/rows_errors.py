"""What COPY says of a value that does not fit."""

from __future__ import annotations

import re

# The server has no field for the line: it stands only in the error's context, "COPY t, line 3, column qty: "abc"", whose words
# are translated (lc_messages, which only a superuser may change), but not their order.
_PLACE = re.compile(r"^COPY .*?, [^\W\d]+ (\d+)(?:, [^\W\d]+ (.+?)(?:: [\"„«“『](.*)|: .*)?)?(?:: .*)?$", re.M | re.S)
_DATA = "22"  # class "data exception"; PostgreSQL manual, appendix A
_CONSTRAINTS = ("23502", "23514")  # NOT NULL and CHECK are about one row's own values
_NULL = "23502"
_MISSING = "NULL does not fit: the column is NOT NULL or part of the key"
_LONGEST = 200  # characters of a message: it quotes the value, which may be a document


class Unsendable(ValueError):
    """A value that was refused before it reached the server: row (from 1), column, reason."""

    def __init__(self, row: int, column: str, message: str) -> None:
        super().__init__(row, column, message)
        self.row, self.column, self.message = row, column, message


def bad_value(error: BaseException) -> tuple[int, str, str] | None:
    """
    Read row, column and message of a value that does not fit its column.

    Returns:
        Row from 1 (for a CSV: the line of its body, because the server counts lines); column, empty where the whole row is
        meant, such as one with too many fields; the server's sentence, which quotes the value's beginning. None for
        any other error, a key that stands twice and a missing parent among them.
    """
    if isinstance(error, Unsendable):
        return error.row, error.column, error.message
    state = getattr(error, "sqlstate", None) or ""
    context = getattr(getattr(error, "diag", None), "context", None) or ""
    place = _PLACE.search(context)
    if not place or not (state.startswith(_DATA) or state in _CONSTRAINTS):
        return None
    diag = error.diag  # type: ignore[attr-defined]  # it has a context, so it is psycopg's
    # The server's sentence would name the temporary table.
    sentence = _MISSING if state == _NULL else _message(diag.message_primary or "", place[3])
    return int(place[1]), diag.column_name or place[2] or "", sentence


def _message(sentence: str, value: str | None) -> str:
    beginning = (value or "").splitlines()[0][:40] if value else ""
    said = sentence if len(sentence) <= _LONGEST else sentence[:_LONGEST] + "…"
    return said if not beginning or beginning.rstrip('"')[:20] in sentence else f'{said}: "{beginning}'
