"""How many rows a statement will write, as PostgreSQL's planner estimates it: EXPLAIN without ANALYZE runs nothing."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any, cast

from lockgate.dialects.base import BareSession
from lockgate.dialects.postgres.session import PostgresSession
from lockgate.hazards.questions import Check
from lockgate.secret import redact

GENERIC_PLAN = 16  # major version; PostgreSQL 16 release notes
_PARAMETER = re.compile(r"%\(\w+\)s|(?<!%)%s")
_NUMBERED = re.compile(r"(?<!\w)\$\d")
_OPERATIONS = {"written": ("Insert", "Update", "Merge"), "deleted": ("Delete",)}


def estimated(session: BareSession, check: Check, major: int) -> int:
    """
    See `Questions.estimated`.

    The session is READ ONLY. A text that holds more than one statement, and so might leave that, is refused by the extended protocol;
    EXPLAIN itself cannot be sent by it, which would ask for the parameters' values.
    """
    text = _numbered(check.statement.strip().rstrip("; \n"))
    parameters = bool(_NUMBERED.search(text))
    if parameters and major < GENERIC_PLAN:
        raise LookupError(f"a statement with parameters is planned by PostgreSQL {GENERIC_PLAN} and later")
    refused = cast("PostgresSession", session).connection.pgconn.prepare(b"", text.encode()).error_field(ord("M"))
    if refused:
        raise LookupError(f"the database refused: {redact(refused.decode(errors='replace'))}")
    ((plan,),) = session.execute(f"explain ({'generic_plan, ' if parameters else ''}verbose, format json) {text}")
    nodes = [node for node in _writing(cast("Any", plan)[0]["Plan"]) if f"{node.get('Schema')}.{node.get('Relation Name')}" == check.source.table]
    if not nodes and check.locked:
        raise LookupError("a trigger, rule or function writes them")
    counted = [node for node in nodes if node["Operation"] in _OPERATIONS[check.answer.kind]]
    return sum(int(inner["Plan Rows"]) for node in counted for inner in node.get("Plans", ()) if inner["Parent Relationship"] == "Outer")


def _writing(node: dict[str, Any]) -> Iterator[dict[str, Any]]:
    if node["Node Type"] == "ModifyTable":
        yield node
    for inner in node.get("Plans", ()):
        yield from _writing(inner)


def _numbered(text: str) -> str:
    """Parameters as the server writes them; drivers have other ways."""
    names: list[str] = []

    def number(found: re.Match[str]) -> str:
        if found[0] == "%s" or found[0] not in names:
            names.append(found[0])
        return f"${len(names) if found[0] == '%s' else names.index(found[0]) + 1}"

    return _PARAMETER.sub(number, text)
