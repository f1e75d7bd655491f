"""Walking over the messages that PostgreSQL's grammar makes of a statement (libpg_query's protobuf)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any


def inner(node: Any) -> Any:
    """Return what stands in a wrapping `Node`."""
    fields = node.ListFields() if message_name(node) == "Node" else ()
    return fields[0][1] if fields else node


def message_name(message: Any) -> str:
    """Return the grammar's name of a message, such as `InsertStmt`."""
    return str(message.DESCRIPTOR.name)


def messages(top: Any) -> Iterator[Any]:
    """Every message of the tree; a stack, since expressions nest more deeply than Python does."""
    stack = [top]
    while stack:
        message = stack.pop()
        yield message
        for descriptor, value in message.ListFields():
            if descriptor.message_type is not None:
                stack.extend([value] if hasattr(value, "ListFields") else value)


def constant(node: Any) -> str | None:
    """Return a literal as text; None for anything that is only known when it runs."""
    literal = inner(node)
    if message_name(literal) != "A_Const":
        return None
    value = next((value for descriptor, value in literal.ListFields() if descriptor.message_type is not None), None)
    fields = value.ListFields() if value is not None else ()
    return str(fields[0][1]).lower() if fields else ""


def enum_name(message: Any, field: str) -> str:
    """Return the grammar's name of a choice, such as `OBJECT_TABLE`."""
    kind = message.DESCRIPTOR.fields_by_name[field].enum_type
    return str(kind.values_by_number[getattr(message, field)].name)
