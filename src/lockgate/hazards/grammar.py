"""A statement that writes rows, read by PostgreSQL's own grammar: what of it may be asked of a target as it stands."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

from lockgate.seeds.tree_nodes import inner, message_name, messages

# Nothing in here writes, or gives another answer each time; tables are looked at one by one.
_NODES = frozenset(
    "Node ColumnRef String A_Const Integer Float Boolean A_Expr BoolExpr NullTest BooleanTest TypeCast TypeName SubLink SelectStmt RangeVar Alias"
    " ResTarget List JoinExpr FuncCall CoalesceExpr SQLValueFunction CaseExpr CaseWhen A_ArrayExpr A_Star MinMaxExpr".split()
)
_FUNCTIONS = frozenset("now lower upper length btrim ltrim rtrim trim abs round date_trunc extract concat count min max replace substring".split())
_OPERATORS = frozenset("= <> < > <= >= + - * / % || ~~ !~~ ~~* !~~* ~ !~ ~* !~* -> ->> @> <@".split())


class Grammar:
    """
    Reads and prints.

    Args:
        parser: the module postgast.
    """

    def __init__(self, parser: Any) -> None:
        self._parser = parser
        # The second: the grammar knew it, but protobuf stops at a hundred levels.
        self.errors = (parser.PgQueryError, import_module("google.protobuf.message").DecodeError, UnicodeEncodeError)

    def statement(self, text: str) -> Any:
        """Return the only statement of a text; None where there is none, or it cannot be read, as with parameters in it."""
        try:
            found = self._parser.parse(text).stmts
        except self.errors:
            return None
        return inner(found[0].stmt) if len(found) == 1 else None

    def condition(self, node: Any) -> str:
        """Return an expression as text; raises any of `errors`."""
        select = self._parser.parse("select 1 from x where true")
        start = len(self._parser.deparse(select)) - len("true")
        select.stmts[0].stmt.select_stmt.where_clause.CopyFrom(node)
        return str(self._parser.deparse(select))[start:]


def askable(node: Any, qualify: Callable[[Any], str]) -> bool:
    """
    Return whether an expression may be asked of a target; names of tables in it get their schemas.

    Args:
        qualify: the schema of a table of the target; empty for one that is not to be read there.
    """
    for message in messages(node):
        name = message_name(message)
        if name not in _NODES or (name in _JUDGED and not _JUDGED[name](message)):
            return False
        if name == "RangeVar":
            schema = qualify(message)
            if not schema:
                return False
            message.schemaname = schema
    return True


def literal(node: Any) -> bool:
    """Whether a value is written down, NULL as well, and not computed."""
    found = inner(node)
    while message_name(found) == "TypeCast":
        found = inner(found.arg)
    return message_name(found) == "A_Const"


def is_null(node: Any) -> bool:
    """Whether a literal is NULL."""
    found = inner(node)
    while message_name(found) == "TypeCast":
        found = inner(found.arg)
    return bool(found.isnull)


def _last(names: Any) -> str:
    return str(inner(names[-1]).sval)


_JUDGED: dict[str, Callable[[Any], bool]] = {
    "FuncCall": lambda call: _last(call.funcname) in _FUNCTIONS and (len(call.funcname) == 1 or inner(call.funcname[0]).sval == "pg_catalog"),
    "A_Expr": lambda expression: len(expression.name) == 1 and _last(expression.name) in {*_OPERATORS, "BETWEEN", "NOT BETWEEN"},
    "TypeCast": lambda cast: len(cast.type_name.names) == 1 or inner(cast.type_name.names[0]).sval == "pg_catalog",
    "ColumnRef": lambda column: len(column.fields) <= 2,
    "SelectStmt": lambda select: not (select.HasField("with_clause") or select.HasField("into_clause") or select.locking_clause),
}
