"""A revision's file -> the SQL in lines that did not run where nothing answers: calls that can be made by themselves, and literals."""

from __future__ import annotations

import ast
import builtins
import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass

_SQL = frozenset("execute exec_driver_sql text DDL scalar scalars".split())
_WRITES = _SQL | frozenset(
    "executemany update delete insert bulk_insert bulk_save_objects add add_all create drop create_all drop_all".split()
)
_ASKS = frozenset("get_bind inspect".split())
_BEGINS = re.compile(
    r"\s*(?:alter|analyze|call|cluster|comment|copy|create|delete|do|drop|grant|insert|lock|merge|refresh|reindex|revoke|select|set|truncate|update|vacuum|with)\b",
    re.I,
)
_OPERATIONS = "op"
_AUTOCOMMIT = "autocommit_block"


@dataclass(frozen=True)
class Piece:
    """
    A statement of Python that did not run.

    Args:
        code: what can be run by itself, since it needs no name that the function made; None for others.
        sql: literals in it, with their lines.
        outside: it stands in an `autocommit_block`.
        told: whether `sql` is all of its SQL.
    """

    line: int
    last: int
    code: ast.stmt | None
    sql: tuple[tuple[int, str], ...]
    outside: bool
    told: bool


def pieces(source: str, lines: Collection[int], names: Collection[str]) -> tuple[Piece, ...]:
    """
    Return the statements of `upgrade()` and its like on these lines that say SQL.

    Args:
        lines: that did not run, or not to their end.
        names: of the module.
    """
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        return ()
    known = {*names, *dir(builtins)}
    return tuple(piece for node in tree.body if isinstance(node, ast.FunctionDef) for piece in _walk(node.body, set(lines), known, False))


def _walk(body: list[ast.stmt], lines: set[int], names: set[str], outside: bool) -> Iterator[Piece]:
    for node in body:
        missed = node.lineno in lines
        if missed and _stands_alone(node, names):
            yield Piece(node.lineno, node.end_lineno or node.lineno, node, _literals(node), outside, _told(node))
            continue
        inner = [branch for field in ("body", "orelse", "finalbody") if isinstance(branch := getattr(node, field, None), list)]
        inner += [handler.body for handler in getattr(node, "handlers", ())]
        alone = outside or (isinstance(node, ast.With) and any(_AUTOCOMMIT in ast.unparse(item) for item in node.items))
        for branch in inner:
            yield from _walk(branch, lines, names, alone)
        if missed and not inner and _calls(node) & _WRITES | _operations(node):
            yield Piece(node.lineno, node.end_lineno or node.lineno, None, _literals(node), outside, _told(node))


def _stands_alone(node: ast.stmt, names: set[str]) -> bool:
    """Whether a statement is an operation whose names the module has: nothing in it hangs on an answer."""
    if not isinstance(node, ast.Expr | ast.With) or not _operations(node) or _calls(node) & _ASKS:
        return False
    used = [inner for inner in ast.walk(node) if isinstance(inner, ast.Name)]
    made = {inner.id for inner in used if isinstance(inner.ctx, ast.Store)} | {
        inner.arg for inner in ast.walk(node) if isinstance(inner, ast.arg)
    }
    return all(inner.id in names or inner.id in made for inner in used)


def _operations(node: ast.AST) -> set[str]:
    """Names of the operations that it calls on `op` or on a batch."""
    return {
        inner.func.attr
        for inner in ast.walk(node)
        if isinstance(inner, ast.Call)
        and isinstance(inner.func, ast.Attribute)
        and isinstance(inner.func.value, ast.Name)
        and inner.func.value.id == _OPERATIONS
        and inner.func.attr not in (*_ASKS, "get_context", "f")
    } | ({_AUTOCOMMIT} if isinstance(node, ast.With) and _AUTOCOMMIT in ast.unparse(node) else set())


def _calls(node: ast.AST) -> set[str]:
    return {_name(inner) for inner in ast.walk(node) if isinstance(inner, ast.Call)}


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id if isinstance(call.func, ast.Name) else ""


def _literals(node: ast.AST) -> tuple[tuple[int, str], ...]:
    calls = [inner for inner in ast.walk(node) if isinstance(inner, ast.Call) and inner.args and _name(inner) in _SQL]
    firsts = [(call.lineno, call.args[0]) for call in calls]
    texts = ((line, first.value) for line, first in firsts if isinstance(first, ast.Constant) and isinstance(first.value, str))
    return tuple((line, text) for line, text in texts if _BEGINS.match(text))


def _told(node: ast.AST) -> bool:
    return bool(_literals(node)) and not any(isinstance(inner, ast.JoinedStr) for inner in ast.walk(node))
