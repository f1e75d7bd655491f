"""The text of statements that read and write rows, and of code that is sent as one."""

from __future__ import annotations

import re
from typing import Any

from lockgate.hazards.findings import Severity
from lockgate.hazards.seen import Fault
from lockgate.hazards.static_column import is_known_function
from lockgate.hazards.static_scene import WRITING, Doubt, Draft, Scene
from lockgate.seeds.tree_nodes import inner, message_name, messages

_INSIDE = re.compile(r"\b(?:alter|create|drop|truncate|update|delete|reindex|cluster|refresh|lock|vacuum)\s[^;]*", re.I)
_EXECUTE = re.compile(r"\bexecute\s+(?!function\b|procedure\b)", re.I)


def use_labels(tree: Any, draft: Draft, scene: Scene, transaction: int) -> None:
    """Note the use of an enum's label in the transaction that adds it."""
    added = scene.labels.get(transaction, set())
    used = {value for message in messages(tree) if message_name(message) == "A_Const" and (value := message.sval.sval)} & added
    if used:
        draft.fault = Fault(message=f"unsafe use of the new enum value {', '.join(sorted(used))}", state="55P04")
        draft.doubts["LG405"] = Doubt(Severity.WARNING, "; unless the text belongs to a column of another type")


def write(tree: Any, draft: Draft, scene: Scene) -> None:
    """UPDATE and DELETE: without WHERE all rows are meant; which rows an index leads to, the text cannot tell."""
    table = scene.relation(tree.relation)
    draft.lock(table, WRITING)
    if tree.HasField("where_clause") and _narrows(tree.where_clause):
        return
    draft.scan(table)
    if tree.HasField("where_clause"):
        text = "; whether an index leads to the rows that WHERE means is not in the text"
        draft.doubts |= {rule: Doubt(Severity.NOTE, text) for rule in ("LG210", "LG303")}


def _narrows(where: Any) -> bool:
    """Whether a column is held against one value: most such conditions are about a key."""
    tests = [
        message
        for message in messages(inner(where))
        if message_name(message) == "A_Expr" and [inner(part).sval for part in message.name] == ["="]
    ]
    return any(
        "ColumnRef" in ends and ends & {"A_Const", "ParamRef"}
        for test in tests
        if (ends := {message_name(inner(test.lexpr)), message_name(inner(test.rexpr))})
    )


def inside(tree: Any) -> tuple[tuple[str, ...], bool]:
    """Return the texts in a DO block that may be statements, and whether it puts others together when it runs."""
    bodies = [option.arg.string.sval for item in tree.args if (option := inner(item)).defname == "as"]
    texts = tuple(match[0].strip() for body in bodies for match in _INSIDE.finditer(body))
    return texts, any(_EXECUTE.search(body) for body in bodies)


def calls_of_others(tree: Any) -> bool:
    """Whether a SELECT does nothing but call a function that is not the server's own: it may do anything."""
    if message_name(tree) != "SelectStmt" or tree.from_clause or tree.values_lists:
        return False
    names = [inner(call.funcname[-1]).sval for call in messages(tree) if message_name(call) == "FuncCall"]
    return any(not is_known_function(name) for name in names)
