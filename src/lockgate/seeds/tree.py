"""A PostgreSQL statement, read by PostgreSQL's own grammar: every statement, table and function anywhere inside it."""

from __future__ import annotations

from importlib import import_module
from typing import Any

from lockgate.errors import UsageError
from lockgate.seeds.bans import UNTRUSTED, banned_function, banned_in_body, banned_setting, banned_table, registry_table
from lockgate.seeds.facts import Facts, Statement
from lockgate.seeds.script import Part
from lockgate.seeds.spec import TableName
from lockgate.seeds.tree_nodes import constant, enum_name, inner, message_name, messages
from lockgate.seeds.tree_rules import judge_statement

_KINDS = {
    "InsertStmt": "insert",
    "UpdateStmt": "update",
    "DeleteStmt": "delete",
    "MergeStmt": "merge",
    "TruncateStmt": "truncate",
    "SelectStmt": "select",
    "VariableSetStmt": "set",
    "CopyStmt": "copy",
    "DoStmt": "do",
    "RenameStmt": "alter",
    "IndexStmt": "create",
    "ViewStmt": "create",
    "CompositeTypeStmt": "create",
    "DefineStmt": "create",
    "RuleStmt": "create",
}
_FAMILIES = {"Alter": "alter", "Drop": "drop", "Create": "create"}
# Statements that only read what they do not name as their target.
_READERS = frozenset({"SelectStmt", "InsertStmt", "UpdateStmt", "DeleteStmt", "MergeStmt", "ExplainStmt", "CopyStmt", "VariableSetStmt"})
_DROPPED_TABLES = frozenset({"OBJECT_TABLE", "OBJECT_VIEW", "OBJECT_MATVIEW", "OBJECT_SEQUENCE", "OBJECT_INDEX", "OBJECT_FOREIGN_TABLE"})
_INTO = {"CreateTableAsStmt": "into", "SelectStmt": "into_clause"}


def by_tree(part: Part, parser: Any, where: str = "", version_table: str = "alembic_version") -> Statement | None:
    """
    Classify a statement.

    Args:
        parser: the module postgast.
    Returns:
        None for a statement that is nested too deeply for its tree to be handed over.
    Raises:
        UsageError: `seed-file`, with the line of what is no SQL.
    """
    facts = Facts()
    tops = _parsed(part, parser, where)
    if tops is None:
        return None
    for top in tops:
        _judge(top, facts, version_table)
    if len(tops) != 1:  # where the two lexers disagree, nothing is sure
        facts.forbid("it cannot be told apart from the next statement")
    copies = tops[0] if tops and message_name(tops[0]) == "CopyStmt" else None
    if part.data is not None and (copies is None or not copies.is_from):
        facts.forbid("it cannot be told apart from the data that follow it")
    return facts.statement(part)


def _parsed(part: Part, parser: Any, where: str) -> list[Any] | None:
    try:
        return [inner(raw.stmt) for raw in parser.parse(part.text).stmts]
    except parser.PgQueryError as error:
        line = part.line + part.text.count("\n", 0, max(error.cursorpos - 1, 0))
        raise UsageError("seed-file", f"this is no SQL: {error.message}", f"{where}:{line}", "try it in psql") from error
    except import_module("google.protobuf.message").DecodeError:
        return None  # the grammar knew it, but protobuf stops at a hundred levels: some thirty `||` in a row


def _judge(top: Any, facts: Facts, version_table: str) -> None:
    facts.kind = _kind(top)
    common = set()
    for message in messages(top):
        name = message_name(message)
        if name == "RangeVar":
            facts.reads.append(TableName(message.relname, message.schemaname))
        elif name == "CommonTableExpr":
            common.add(TableName(message.ctename))
        elif name == "FuncCall":
            _judge_call(message, facts)
        elif name.endswith("Stmt"):
            judge_statement(message, name, facts)
            facts.writes += _targets(message, name)
            _judge_bodies(message, name, facts, version_table)
    facts.reads = [table for table in reversed(facts.reads) if table not in common]
    for table in facts.writes:
        facts.forbid(banned_table(table.name, table.schema, version_table))
    if message_name(top) not in _READERS:
        _judge_names(top, facts, version_table)


def _kind(top: Any) -> str:
    name = message_name(top)
    if name == "SelectStmt" and top.HasField("into_clause"):
        return "create"
    return _KINDS.get(name) or next((kind for family, kind in _FAMILIES.items() if name.startswith(family)), "other")


def _judge_call(call: Any, facts: Facts) -> None:
    parts = [part.string.sval for part in call.funcname]
    name, schema = parts[-1], parts[0] if len(parts) > 1 else ""
    facts.forbid(banned_function(name, schema))
    if name == "set_config":
        setting, value = ([*map(constant, call.args), None, None])[:2]
        facts.forbid("`set_config()` of a setting that cannot be read" if setting is None else banned_setting(setting, value))


def _targets(message: Any, name: str) -> list[TableName]:
    """Return the tables that a statement writes to, by the grammar's own fields."""
    if name == "DropStmt":
        kind = enum_name(message, "remove_type")
        return [table for node in message.objects if kind in _DROPPED_TABLES and (table := _dotted(inner(node)))]
    if name == "TruncateStmt":
        return [_table(inner(node)) for node in message.relations]
    if name in _INTO:
        return [_table(getattr(message, _INTO[name]).rel)] if message.HasField(_INTO[name]) else []
    field = "view" if name == "ViewStmt" else "relation"
    is_target = field in message.DESCRIPTOR.fields_by_name and message.HasField(field) and (name != "CopyStmt" or message.is_from)
    return [_table(getattr(message, field))] if is_target else []


def _table(relation: Any) -> TableName:
    return TableName(relation.relname, relation.schemaname)


def _dotted(node: Any) -> TableName | None:
    names = [inner(item).sval for item in node.items if message_name(inner(item)) == "String"] if message_name(node) == "List" else []
    return TableName(names[-1], names[-2] if len(names) > 1 else "") if names else None


def _judge_bodies(message: Any, name: str, facts: Facts, version_table: str) -> None:
    options = {"DoStmt": "args", "CreateFunctionStmt": "options"}.get(name)
    for node in getattr(message, options) if options else ():
        option = inner(node)
        texts = [part.sval for part in messages(option) if message_name(part) == "String"]
        if option.defname == "as":
            facts.forbid(next(filter(None, (banned_in_body(text, version_table) for text in texts)), ""))
        elif option.defname == "language" and any(UNTRUSTED.fullmatch(text) for text in texts):
            facts.forbid(f"code in `{texts[0]}` can do what the server's operating system user can")


def _judge_names(top: Any, facts: Facts, version_table: str) -> None:
    """Hold every name of a statement that is not plain reading and writing of rows against the registry and the banned functions."""
    for message in messages(top):
        if message_name(message) == "A_Const":
            continue
        for descriptor, value in message.ListFields():
            if descriptor.message_type is None and isinstance(value, str) and message_name(message) != "A_Const":
                facts.forbid(registry_table(value, "", version_table))
                if message_name(message) == "String":
                    facts.forbid(banned_function(value))
