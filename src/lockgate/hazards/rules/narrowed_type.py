"""A column gets a type that holds less."""

from __future__ import annotations

import re
from collections.abc import Iterator

from lockgate.hazards.answers import Answer
from lockgate.hazards.context import Plan, Rule, Statement
from lockgate.hazards.counted import answer_about, many, severity, stops, then
from lockgate.hazards.findings import Finding, Severity
from lockgate.hazards.seen import Change
from lockgate.hazards.snippets import execute, identifier

_INTEGERS = ("smallint", "integer", "bigint")
_TYPE = re.compile(r"(?P<base>[a-z ]+?)(?:\((?P<first>\d+)(?:,(?P<second>\d+))?\))?(?P<rest>$| with.*)")


def find(plan: Plan) -> Iterator[Finding]:
    """Yield one finding per column: an error where values do not fit, a note where the target says that all of them do."""
    for statement in plan.statements:
        for change in statement.live_changes:
            if _narrows(change):
                answer = answer_about(statement.answers, change.name, "unfit")
                told = Severity.WARNING if answer is None else severity(answer) or Severity.NOTE
                table = change.owner
                what = _what(statement, change, answer)
                fails = answer is not None and stops(answer) and what.endswith(then(answer))
                yield statement.finding(RULE, told, what=what, safer=_safer(change), name=table, fails=fails)


def narrowing(statement: Statement, answer: Answer) -> bool:
    """Whether an answer is about a column that gets a narrower type of its family: it is told here then."""
    return answer.kind == "unfit" and any(change.name == answer.subject and _narrows(change) for change in statement.live_changes)


def _narrows(change: Change) -> bool:
    was, now = str(change.before.get("type", "")), str(change.after.get("type", ""))
    return change.kind == "column" and change.how == "altered" and is_narrower(was, now)


def _what(statement: Statement, change: Change, answer: Answer | None) -> str:
    column = f"`{change.owner}.{change.name}`"
    types = f"fits {change.before['type']} and not {change.after['type']}"
    if answer and answer.count > 0:
        cut = ", or they are cut, as USING casts them" if " using " in statement.effect.text.lower() else ""
        rounded = ", or they are rounded" if str(change.after["type"]).startswith("numeric") else cut
        return f"{many(answer.count, 'value')} of {column} {'does' if answer.count == 1 else 'do'} not fit {change.after['type']} {then(answer)}{rounded}"
    if answer and answer.count == 0:
        return f"all values of {column} fit {change.after['type']} today; one that {types} and comes before the upgrade stops it"
    known = f"; how many there are is not known ({answer.unknown})" if answer else ""
    return f"a value of {column} that {types} is rounded, or stops the statement half way{known}"


def is_narrower(was: str, now: str) -> bool:
    """Whether one type, as PostgreSQL prints it, holds less than another of its family."""
    if was in _INTEGERS and now in _INTEGERS:
        return _INTEGERS.index(now) < _INTEGERS.index(was)
    old, new = _TYPE.fullmatch(was), _TYPE.fullmatch(now)
    if not old or not new:
        return False
    if new["base"] == "character varying" and old["base"] in ("text", "character varying"):
        return new["first"] is not None and (old["first"] is None or int(new["first"]) < int(old["first"]))
    if new["base"] == old["base"] == "numeric" and new["first"]:
        return _less(old, new)
    return False


def _less(old: re.Match[str], new: re.Match[str]) -> bool:
    """Digits before the point, or behind it."""
    if not old["first"]:
        return True
    (wide, scale), (wide_now, scale_now) = ((int(match["first"]), int(match["second"] or 0)) for match in (old, new))
    return scale_now < scale or wide_now - scale_now < wide - scale


def _safer(change: Change) -> str:
    table, column = identifier(change.schema, change.table), identifier("", change.name)
    check = f"ALTER TABLE {table} ADD CONSTRAINT {identifier('', change.name + '_fits')} CHECK ({column} = {column}::{change.after['type']}) NOT VALID"
    return f"# first keep new values out, then mend the old ones, VALIDATE, and change the type last\n{execute(check)}"


RULE = Rule("LG304", "narrowed-type", "a column gets a type that holds less", find)
