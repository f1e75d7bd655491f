"""What each kind of PostgreSQL statement may destroy, and which are never part of a seed."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lockgate.seeds.bans import banned_setting
from lockgate.seeds.facts import CONSTANT_WHERE, CONTROL, NO_WHERE, OUTSIDE, UNKNOWN, UNREADABLE, Facts
from lockgate.seeds.tree_nodes import constant, enum_name, inner, message_name, messages

# Reads, or writes only rows that the caller names; everything that is in no list here counts as destructive.
_HARMLESS = frozenset(
    "InsertStmt SelectStmt VariableShowStmt CreateStmt CreateTableAsStmt CreateSeqStmt CreateSchemaStmt CreateEnumStmt CreateDomainStmt "
    "CreateRangeStmt CreateStatsStmt CompositeTypeStmt CommentStmt PrepareStmt ExecuteStmt DeallocateStmt DeclareCursorStmt FetchStmt "
    "ClosePortalStmt ExplainStmt LockStmt NotifyStmt ListenStmt UnlistenStmt ConstraintsSetStmt RefreshMatViewStmt RawStmt ReturnStmt "
    "PLAssignStmt".split()
)
_FORBIDDEN = {
    "CREATE EXTENSION": ("CreateExtensionStmt", "AlterExtensionStmt", "AlterExtensionContentsStmt"),
    "LOAD": ("LoadStmt",),
    "DISCARD, which drops lockgate's lock,": ("DiscardStmt",),
    "ALTER SYSTEM": ("AlterSystemStmt",),
    "what is done to roles": (
        *("CreateRoleStmt", "AlterRoleStmt", "AlterRoleSetStmt", "DropRoleStmt"),
        *("GrantRoleStmt", "ReassignOwnedStmt", "DropOwnedStmt"),
    ),
    "what is done to other databases": ("AlterDatabaseStmt", "AlterDatabaseSetStmt", "AlterDatabaseRefreshCollStmt"),
    "what is done to tablespaces": ("CreateTableSpaceStmt", "DropTableSpaceStmt", "AlterTableSpaceOptionsStmt"),
    "what reaches other servers": (
        *("CreateFdwStmt", "AlterFdwStmt", "CreateForeignServerStmt", "AlterForeignServerStmt", "CreateForeignTableStmt"),
        *("CreateUserMappingStmt", "AlterUserMappingStmt", "DropUserMappingStmt", "ImportForeignSchemaStmt"),
        *("CreateSubscriptionStmt", "AlterSubscriptionStmt", "DropSubscriptionStmt"),
    ),
    "CREATE LANGUAGE": ("CreatePLangStmt",),
    "CREATE EVENT TRIGGER": ("CreateEventTrigStmt", "AlterEventTrigStmt"),
}
_WHY_FORBIDDEN = {name: f"{what} is never part of a seed" for what, names in _FORBIDDEN.items() for name in names}


def judge_statement(message: Any, name: str, facts: Facts) -> None:
    """Note what one statement, wherever it stands, may destroy and why no seed may say it."""
    if name in _WHY_FORBIDDEN:
        facts.forbid(_WHY_FORBIDDEN[name])
    if judge := _JUDGES.get(name):
        judge(message, facts)
    elif name.startswith("Drop"):
        facts.destroys("DROP")
    elif name.startswith("Alter") or name == "RenameStmt":
        facts.destroys("ALTER")
    elif name not in _HARMLESS:
        facts.destroys(UNKNOWN.format(_spelled(name)))


def _spelled(name: str) -> str:
    """Return `CREATE TRIG` for `CreateTrigStmt`: near enough to be found in the script."""
    return "".join(f" {letter}" if letter.isupper() else letter for letter in name.removesuffix("Stmt")).strip().upper()


def _changes_rows(word: str) -> Callable[[Any, Facts], None]:
    def judge(message: Any, facts: Facts) -> None:
        if not message.HasField("where_clause"):
            facts.destroys(NO_WHERE.format(word))
        elif not any(message_name(part) in ("ColumnRef", "CurrentOfExpr") for part in messages(message.where_clause)):
            facts.destroys(CONSTANT_WHERE.format(word))

    return judge


def _merge(message: Any, facts: Facts) -> None:
    if any(enum_name(inner(clause), "command_type") == "CMD_DELETE" for clause in message.merge_when_clauses):
        facts.destroys("MERGE that deletes")


def _copy(message: Any, facts: Facts) -> None:
    if message.is_program:
        facts.forbid("COPY … PROGRAM runs a program on the server")
    elif message.filename:
        facts.forbid("COPY reads and writes files of the server")
    elif not message.is_from:
        facts.forbid("COPY … TO sends rows out")


def _set(message: Any, facts: Facts) -> None:
    name = message.name.lower()
    values = [constant(node) for node in message.args]
    if name in ("transaction", "session characteristics"):
        facts.leaves(CONTROL)
    elif name == "session_replication_role":
        facts.destroys("it switches triggers and foreign keys off")
    elif not name:
        facts.destroys("RESET ALL drops the limits that lockgate set")
    facts.forbid(banned_setting(name, None if None in values else ",".join(map(str, values))))


def _vacuum(message: Any, facts: Facts) -> None:
    if message.is_vacuumcmd:
        facts.leaves(f"VACUUM: {OUTSIDE}")


def _index(message: Any, facts: Facts) -> None:
    if message.concurrent:
        facts.leaves(f"CREATE INDEX CONCURRENTLY: {OUTSIDE}")


def _view(message: Any, facts: Facts) -> None:
    if message.replace:
        facts.destroys("CREATE OR REPLACE VIEW")


def _leaves(why: str) -> Callable[[Any, Facts], None]:
    return lambda message, facts: facts.leaves(why)


def _destroys(why: str) -> Callable[[Any, Facts], None]:
    return lambda message, facts: facts.destroys(why)


_JUDGES: dict[str, Callable[[Any, Facts], None]] = {
    "DeleteStmt": _changes_rows("DELETE"),
    "UpdateStmt": _changes_rows("UPDATE"),
    "MergeStmt": _merge,
    "TruncateStmt": _destroys("TRUNCATE"),
    "CopyStmt": _copy,
    "VariableSetStmt": _set,
    "VacuumStmt": _vacuum,
    "IndexStmt": _index,
    "ViewStmt": _view,
    "TransactionStmt": _leaves(CONTROL),
    "CreatedbStmt": _leaves(f"CREATE DATABASE: {OUTSIDE}"),
    "DropdbStmt": _leaves(f"DROP DATABASE: {OUTSIDE}"),
    "DoStmt": _destroys(f"DO: {UNREADABLE}"),
    "CreateFunctionStmt": _destroys(f"CREATE FUNCTION: {UNREADABLE}"),
    "CallStmt": _destroys(f"CALL: {UNREADABLE}"),
}
