"""Effects + what an environment bears + the revisions' texts -> findings, worst first."""

from __future__ import annotations

import math
from collections.abc import Iterable, Iterator, Mapping, Sequence

import msgspec

from lockgate.hazards.allow import apply
from lockgate.hazards.blocking import blocks, spelled, strongest
from lockgate.hazards.context import Plan, Statement, key
from lockgate.hazards.effects import COPY, REPLAY, Effects
from lockgate.hazards.estimate import total
from lockgate.hazards.findings import Blocked, Estimate, Finding, Findings, Limits, Severity
from lockgate.hazards.rules.every import RULES
from lockgate.hazards.seen import Relation
from lockgate.hazards.unseen import not_seen

_ECHOES = ("LG101", "LG106")  # a note about a lock says nothing beside what happens under it
_TASTE = frozenset(rule.id for rule in RULES if rule.asked)


def judge(effects: Effects, limits: Limits | None = None, sources: Mapping[str, str] | None = None, *, style: bool = False) -> Findings:
    """
    Judge a traced plan.

    Args:
        limits: of the environment; the built-in ones where it has none.
        sources: text of the revisions' files by `RevisionEffects.file`, for comments that allow a finding.
        style: tell matters of taste as well.
    """
    plan = Plan(effects, limits or Limits())
    found = [finding for rule in RULES for finding in rule.find(plan)]
    names = {revision.file: revision.id for revision in effects.revisions}
    kept, allowed = apply(found, {file: text for file, text in (sources or {}).items() if file in names}, names)
    # Behind the comments: one that allows an echo, or what nobody asked for this time, is of use.
    kept = _without_echoes(_asked(kept, style), found)
    order = {revision.id: number for number, revision in enumerate(effects.revisions)}
    return Findings(
        environment=effects.environment,
        basis=_basis(effects),
        revisions=tuple(order),
        findings=tuple(sorted(kept, key=lambda finding: _badness(finding, order))),
        allowed=tuple(one for one in allowed if style or one.finding.id not in _TASTE),
        timeline=tuple(_timeline(plan)),
        not_run=tuple(f"{revision.file}:{line}" for revision in effects.revisions for line in revision.not_run),
        not_seen=tuple(not_seen(plan)),
    )


def joined(parts: Sequence[Findings]) -> Findings:
    """
    Join the judgements of plans that have nothing to do with each other; each begins anew, so there is no common timeline.

    Args:
        parts: at least one.
    """
    if len(parts) == 1:
        return parts[0]
    order = {revision: number for number, revision in enumerate(revision for part in parts for revision in part.revisions)}
    every = (finding for part in parts for finding in part.findings)
    return msgspec.structs.replace(
        parts[0],
        revisions=tuple(order),
        findings=tuple(sorted(every, key=lambda finding: _badness(finding, order))),
        allowed=tuple(allowed for part in parts for allowed in part.allowed),
        timeline=(),
        not_run=tuple(place for part in parts for place in part.not_run),
        not_seen=tuple(one for part in parts for one in part.not_seen),
    )


_WITHOUT_SECONDS = {Severity.ERROR: math.inf, Severity.WARNING: 1.0, Severity.NOTE: 0.0}


def _badness(finding: Finding, order: Mapping[str, int]) -> tuple[object, ...]:
    """Severity, then seconds, then the plan's own order; what fails or loses data comes before what takes long."""
    seconds = finding.estimate.high_s if finding.estimate else _WITHOUT_SECONDS[finding.severity]
    return finding.severity.rank, -seconds, order.get(finding.revision, 0), finding.line, finding.id


def _without_echoes(kept: Iterable[Finding], found: Iterable[Finding]) -> tuple[Finding, ...]:
    told = {_place(finding) for finding in found if finding.id not in _ECHOES and finding.lock}
    return tuple(one for one in kept if not (one.id in _ECHOES and one.severity is Severity.NOTE and _place(one) in told))


def _asked(kept: Iterable[Finding], style: bool) -> tuple[Finding, ...]:
    return tuple(one for one in kept if style or one.id not in _TASTE)


def _place(finding: Finding) -> tuple[str, int, str]:
    return finding.revision, finding.line, finding.statement


def _basis(effects: Effects) -> str:
    of = f"copy of {effects.environment} with its rows" if effects.source == COPY else f"schema of {effects.environment}"
    source = "replayed from base" if effects.source == REPLAY else of if effects.environment else ""
    server = f"traced on {effects.scratch}" if effects.scratch else ""
    target = f"for {effects.server}" if effects.server else ""
    stubs = f"imitated extensions: {', '.join(effects.stubs)}" if effects.stubs else ""
    sizes = "sizes of tables unknown" if effects.source == REPLAY else ""
    return ", ".join(part for part in (source, " ".join(part for part in (server, target) if part), sizes, stubs) if part)


def _timeline(plan: Plan) -> Iterator[Blocked]:
    before: Estimate | None = Estimate()
    for transaction in plan.transactions:
        seen: dict[str, Relation] = {}
        for statement in transaction:
            for lock in statement.effect.released:
                seen.pop(key(lock.relation), None)
            for lock in statement.strong_locks:
                if key(lock.relation) not in seen:
                    seen[key(lock.relation)] = lock.relation
                    begins = total([before, *(other.takes for other in transaction if other.place < statement.place)])
                    yield _blocked(statement, lock.relation, begins)
        before = total([before, *(other.takes for other in transaction)])


def _blocked(statement: Statement, relation: Relation, begins: Estimate | None) -> Blocked:
    blocked = (statement, *statement.later_under(relation))
    mode = strongest(blocked[-1].held.get(key(relation), ()))
    took = total(other.takes for other in blocked)
    known = begins is not None and took is not None
    return Blocked(
        relation=relation.path,
        lock=spelled(mode),
        blocks=blocks(mode),
        revision=statement.revision.id,
        line=statement.effect.line,
        first=statement.place,
        last=blocked[-1].place,
        begins_s=begins.high_s if begins and known else None,
        ends_s=begins.high_s + took.high_s if begins and took else None,
        low_s=took.low_s if took and known else None,
        wait_s=statement.wait.seconds if statement.wait else 0.0,
    )
