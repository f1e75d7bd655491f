"""
SQL of revisions that nobody ran -> findings, by the same rules as for what was traced.

A fallback for where no scratch server can be had: it knows only what the text says. How large tables are, and so how long anything takes, is
never among that; what depends on the database is said to depend on it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from typing import Any

import msgspec

from lockgate.hazards.command import command_of, is_concurrent
from lockgate.hazards.effects import Effect, Effects, History, RevisionEffects
from lockgate.hazards.findings import Allowed, Finding, Findings, Severity
from lockgate.hazards.judge import judge
from lockgate.hazards.rules import lock_kept, not_run
from lockgate.hazards.seen import Fault, Value
from lockgate.hazards.static_rows import calls_of_others, inside
from lockgate.hazards.static_scene import Doubt, Draft, Scene
from lockgate.hazards.static_statement import read
from lockgate.seeds.tree_nodes import inner, message_name

BASIS = "static: read from the SQL, not run; sizes and times, old types, functions, indexes, valid checks and what depends on what are not known"
_EACH = " [static: read, not run]"  # an annotation stands alone, without the line that says where all of it comes from
_PARAMETER = re.compile(r"%\(\w+\)s|%s|(?<![:\w]):[A-Za-z_]\w*")


class Said(Value, frozen=True):
    """
    SQL of a revision.

    Args:
        line: of the call in the revision's file.
        text: one statement or several.
        transaction: statements that share one keep each other's locks; counted from 1 through all revisions.
        outside: it runs outside of the revision's transaction.
    """

    line: int
    text: str
    transaction: int
    outside: bool = False


class Script(Value, frozen=True):
    """
    What a revision says.

    Args:
        file: below the project's folder.
        unread: lines whose SQL cannot be told without running them.
    """

    id: str
    file: str
    message: str = ""
    said: tuple[Said, ...] = ()
    unread: tuple[int, ...] = ()


def judge_text(
    scripts: Sequence[Script], parser: Any, sources: Mapping[str, str] | None = None, history: History | None = None, *, style: bool = False
) -> Findings:
    """
    Judge revisions by their SQL.

    Args:
        scripts: in the order in which they run; what they make is nobody's yet.
        parser: the module postgast.
        sources: text by `Script.file`, for comments that allow a finding.
        history: order of the revisions, as their files have it.
        style: tell matters of taste as well.
    """
    reading = _Reading(parser)
    effects = Effects(revisions=tuple(reading.revision(script) for script in scripts), history=history)
    judged = judge(effects, sources=sources, style=style)
    findings = sorted((reading.honest(finding) for finding in judged.findings), key=lambda finding: finding.severity.rank)
    allowed = tuple(Allowed(finding=reading.honest(one.finding), reason=one.reason) for one in judged.allowed)
    return msgspec.structs.replace(judged, basis=BASIS, findings=tuple(findings), allowed=allowed, timeline=())


class _Reading:
    def __init__(self, parser: Any) -> None:
        self._parser = parser
        self._scene = Scene()
        self._doubts: dict[tuple[str, int, str, str], Doubt] = {}
        self._count = 0
        self._places: dict[tuple[str, int, str], tuple[int, int]] = {}
        # Transaction and place of statements that work on what is there already, by all that the text says.
        self._working: list[tuple[int, int]] = []

    def revision(self, script: Script) -> RevisionEffects:
        effects: list[Effect] = []
        unread = set(script.unread)
        for said in script.said:
            for effect, told in self._effects(script, said, len(effects)):
                effects.append(effect)
                unread |= set() if told else {said.line}
        return RevisionEffects(
            id=script.id,
            file=script.file,
            direction="upgrade",
            message=script.message,
            effects=tuple(effects),
            not_run=tuple(sorted(unread)),
        )

    def _effects(self, script: Script, said: Said, number: int) -> Iterator[tuple[Effect, bool]]:
        """Yield what each statement does, and whether its text tells all of it."""
        for text, tree in self._parsed(said.text):
            number += 1
            if isinstance(tree, Fault):
                yield _effect(said, text, number, Draft(fault=tree)), True
                continue
            told = tree is not None and not calls_of_others(tree)
            if tree is not None and message_name(tree) == "DoStmt":
                texts, builds = inside(tree)
                told = not builds
                yield from (
                    (self._read(script, said, part, found, number), True)
                    for body in texts
                    for part, found in self._parsed(body)
                    if found is not None and not isinstance(found, Fault)
                )
            yield self._read(script, said, text, tree, number), told

    def _read(self, script: Script, said: Said, text: str, tree: Any, number: int) -> Effect:
        draft = Draft() if tree is None else read(tree, self._scene, said.transaction, said.outside)
        for rule, doubt in draft.doubts.items():
            self._doubts[(script.id, said.line, text, rule)] = doubt
        self._count += 1
        place = (said.transaction, self._count)
        self._places[(script.id, said.line, text)] = place
        self._working += [place] if draft.works else []
        return _effect(said, text, number, draft)

    def _parsed(self, text: str) -> Iterator[tuple[str, Any]]:
        """Yield each statement with its tree; None for one that nests too deeply, a fault for what the grammar does not know."""
        try:
            try:
                found = self._parser.parse(text).stmts
            except self._parser.PgQueryError:
                text = _PARAMETER.sub("$1", text)
                found = self._parser.parse(text).stmts
        except self._parser.PgQueryError as error:
            yield text, Fault(message=f"this is no SQL: {error.message}", state="42601")
        except import_module("google.protobuf.message").DecodeError:
            yield text, None
        else:
            whole = text.encode()
            for raw in found:
                end = raw.stmt_location + raw.stmt_len if raw.stmt_len else len(whole)
                yield whole[raw.stmt_location : end].decode().strip(), inner(raw.stmt)

    def honest(self, finding: Finding) -> Finding:
        """Take out what only a trace knows: seconds, and certainty."""
        severity = Severity.NOTE if finding.severity is Severity.NOTE else Severity.WARNING
        what, safer = finding.what, finding.safer
        doubt = self._doubts.get((finding.revision, finding.line, finding.statement, finding.id))
        if doubt:
            severity = max(severity, doubt.severity, key=lambda one: one.rank)
            what, safer = (doubt.what, doubt.safer or safer) if doubt.instead else (what + doubt.what, safer)
        elif finding.id == lock_kept.RULE.id and not self._is_kept(finding):
            severity, what = Severity.NOTE, f"{what}; whether it works for longer than a moment is not in the text"
        if finding.id == not_run.RULE.id:
            what = (
                f"{what.partition(' did not run')[0]} cannot be told without running: SQL that is put together there, code that asks the "
                "database, or a function of its own"
            )
        return msgspec.structs.replace(finding, severity=severity, what=what + _EACH, safer=safer, estimate=None)

    def _is_kept(self, finding: Finding) -> bool:
        transaction, place = self._places[(finding.revision, finding.line, finding.statement)]
        return any(other == transaction and later > place for other, later in self._working)


def _effect(said: Said, text: str, number: int, draft: Draft) -> Effect:
    return Effect(
        number=number,
        line=said.line,
        text=text,
        command=command_of(text),
        transaction=said.transaction,
        autocommit=said.outside,
        concurrently=is_concurrent(text),
        locks=draft.locks(),
        rewrites=tuple(draft.rewrites),
        scans=tuple(draft.scans),
        builds=tuple(draft.builds),
        changes=tuple(draft.changes),
        drops=tuple(draft.drops),
        fault=draft.fault,
    )
