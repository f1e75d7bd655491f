"""
Which statements of a plan only rows can make fail, while the copy that ran them has none of the target's; pure.

"Nothing found" would be a clean bill for them. What a question to the target has answered, and what a finding says already, is left out.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.hazards.answers import ESTIMATED
from lockgate.hazards.context import Plan, Statement
from lockgate.hazards.effects import DUMP, SCHEMA
from lockgate.hazards.findings import NotSeen
from lockgate.hazards.names import parts
from lockgate.hazards.raising import may_fail, may_raise
from lockgate.hazards.seen import MODES, Change, Relation

_TABLES = ("table", "partitioned table", "foreign table", "materialized view")
_FAILING = ("referenced", "taken", "computed")
_ON_ROWS = MODES[:3]  # what reading and writing rows locks; DDL takes more
_COMPUTED = "the expression of `{}` is computed for every row"
_VALUE = "a row may break a key, a constraint or a cast"
_DML = {"DELETE": "rows elsewhere may refer to what it deletes", "UPDATE": _VALUE, "MERGE": _VALUE, "WITH": _VALUE, "INSERT": _VALUE, "REPLACE": _VALUE}
_READING = {"SELECT": "what the revision does with the result", "DO": "what it does with the rows", "CALL": "what it does with the rows"}
_NAMED = re.compile(r"\b(?:from|join|into|update|using)\s+(?:only\s+)?(?!information_schema\.|pg_catalog\.)([`\"\w.]+)", re.I)
_TEXTS = re.compile(r"'(?:[^']|'')*'|--[^\n]*|/\*.*?\*/", re.S)
_WRITES = re.compile(r"\b(?:insert|update|delete|merge)\b", re.I)
_SELECTS = re.compile(r"\bselect\b", re.I)
_CALLED = re.compile(r"(\w+)\s*\(")
_KNOWN = re.compile(r"pg_|setval$|set_config$|nextval$|current_|version$|now$|exists$|in$|count$|max$|min$|coalesce$|and$|or$|not$|if$|values$", re.I)


def not_seen(plan: Plan) -> Iterator[NotSeen]:
    """Yield one per statement, in the order of the plan; none where the rows came along, and where there is no target."""
    if plan.effects.source not in (DUMP, SCHEMA):
        return
    looking = _Looking(plan)
    for statement in plan.statements:
        why = looking.at(statement)
        if why and not statement.effect.fault:
            revision = statement.revision
            yield NotSeen(revision=revision.id, file=revision.file, line=statement.effect.line, statement=statement.effect.text, why=why)


class _Looking:
    """Goes through a plan and remembers which of its own tables hold the target's rows."""

    def __init__(self, plan: Plan) -> None:
        self._filled: set[str] = set()  # names
        self._live = {size.path.rpartition(".")[2].lower() for size in plan.effects.sizes}
        met = (lock.relation for statement in plan.statements for lock in statement.effect.locks)
        self._live |= {relation.name.lower() for relation in met if relation.original and relation.kind in _TABLES}

    def at(self, statement: Statement) -> str:
        """Return what rows may make of a statement; empty for nothing that is not seen."""
        text = _TEXTS.sub(" ", statement.effect.text)
        command = "SELECT" if statement.effect.command == "WITH" and not _WRITES.search(text) else statement.effect.command
        touched = self._touched(statement, text)
        if _is_told(statement):
            return ""
        if command in _DML:
            return self._writing(statement, text, touched)
        if touched and _SELECTS.search(text) and any(_is_new_table(change) for change in statement.effect.changes):
            self._filled |= {change.name.lower() for change in statement.effect.changes if _is_new_table(change)}
        elif command in _READING:
            later = command == "SELECT" and any(line > statement.effect.line for line in statement.revision.not_run)
            return _READING[command] if touched and not later else ""  # of lines that did not run there is a finding
        overtaken = next((answer for answer in statement.answers if answer.is_overtaken), None)
        if overtaken:
            return f"{overtaken.written} writes rows of `{overtaken.table}` before it"
        return next(filter(None, (self._over_rows(change) for change in statement.effect.changes)), "")

    def _touched(self, statement: Statement, text: str) -> set[str]:
        """Tables with rows of the target that it reads or writes, by their names."""
        locked = {lock.relation.name.lower() for lock in statement.effect.locks if lock.strongest in _ON_ROWS and self._has_rows(lock.relation)}
        if statement.effect.command in _READING and any(not _KNOWN.match(name) for name in _CALLED.findall(text)):
            locked |= self._held(statement)  # by a statement before: a function of somebody's may read it again without a new lock
        named = {parts(name.replace("`", '"'))[-1].lower() for name in _NAMED.findall(text) if parts(name.replace("`", '"'))}
        return locked | (named & (self._live | self._filled))

    def _held(self, statement: Statement) -> set[str]:
        before = (other for other in statement.plan.transaction(statement) if other.place < statement.place)
        locks = (lock for other in before for lock in other.effect.locks)
        return {lock.relation.name.lower() for lock in locks if lock.strongest in _ON_ROWS and self._has_rows(lock.relation)}

    def _has_rows(self, relation: Relation) -> bool:
        return relation.kind in _TABLES and bool(relation.original or relation.name.lower() in self._filled)

    def _writing(self, statement: Statement, text: str, touched: set[str]) -> str:
        written = {lock.relation.name.lower() for lock in statement.effect.locks if lock.strongest == MODES[2]}
        into = _NAMED.search(text)
        written |= {parts(into[1].replace("`", '"'))[-1].lower()} if into else set()
        if statement.effect.command == "INSERT" and not _SELECTS.search(text):
            return "a key may be taken" if written & (self._live | self._filled) else ""
        if touched:
            self._filled |= written - self._live
        return _DML[statement.effect.command] if touched else ""

    def _over_rows(self, change: Change) -> str:
        """What is computed or proved for every row, and no question asks."""
        facts = change.after
        if change.original and change.kind == "column" and facts.get("generated") == "s":
            return _COMPUTED.format(change.name) if may_fail(change) else ""
        elif change.original and change.kind == "index" and change.how == "added" and not facts.get("unique"):
            computed = " ".join(map(str, (*(facts.get("columns") or ()), facts.get("predicate") or "")))
        else:
            proves = change.kind == "constraint" or (change.kind == "index" and facts.get("unique"))
            filled = proves and change.how == "added" and change.table.lower() in self._filled
            return f"the plan fills `{change.table}` with rows of other tables" if filled else ""
        return _COMPUTED.format(change.name) if may_raise(computed) else ""


def _is_told(statement: Statement) -> bool:
    """Whether what the target answered says all, or enough: that it fails."""
    exact = [answer for answer in statement.answers if answer.kind not in ESTIMATED]
    fails = any(answer.kind in _FAILING and answer.count > 0 for answer in exact)
    open_ = any(answer.count < 0 or (answer.count == 0 and answer.written) for answer in exact)
    says_all = "computed" if statement.effect.command == "ALTER TABLE" else "covered"
    return fails or (not open_ and any(answer.kind == says_all for answer in exact))


def _is_new_table(change: Change) -> bool:
    return change.how == "added" and change.kind in ("table", "materialized view")
