"""
The judgement of a plan as SARIF, which code hosts and editors show at the line.

Source: OASIS SARIF 2.1.0.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from typing import TypeVar
from urllib.parse import quote

import msgspec

from lockgate.hazards.findings import Allowed, Finding, Findings, NotSeen
from lockgate.report.finding_words import hazard_page, message, snippet, unseen
from lockgate.report.table import cell
from lockgate.version import __version__

_SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/os/schemas/sarif-schema-2.1.0.json"
_Told = TypeVar("_Told", Finding, NotSeen)


def sarif(judged: Findings) -> str:
    """Return the document; what is allowed is in it as suppressed in the source."""
    found = [*judged.findings, *(allowed.finding for allowed in judged.allowed)]
    rules = sorted({(finding.id, finding.name, finding.title) for finding in found})
    places = {id_: place for place, (id_, _, _) in enumerate(rules)}
    results = [_result(finding, places[finding.id]) for finding in judged.findings]
    results += [_result(allowed.finding, places[allowed.finding.id]) | _suppressed(allowed) for allowed in judged.allowed]
    driver = {"name": "lockgate", "version": __version__, "semanticVersion": __version__, "rules": [_rule(*rule) for rule in rules]}
    run = {"tool": {"driver": driver}, "columnKind": "unicodeCodePoints", "results": results, **_unseen(judged)}
    document = {"$schema": _SCHEMA, "version": "2.1.0", "runs": [run]}
    return msgspec.json.format(msgspec.json.encode(document), indent=2).decode()


def _unseen(judged: Findings) -> dict[str, object]:
    """What no rule could look at is no result, but a notification of the run."""
    notes = [{"level": "note", "message": {"text": _printable(unseen(one))}, "locations": [{"physicalLocation": _location(one)}]} for one in judged.not_seen]
    return {"invocations": [{"executionSuccessful": True, "toolExecutionNotifications": notes}]} if notes else {}


def from_root(judged: Findings, folder: str) -> Findings:
    """
    Return findings whose files are named from the root of the repository, as code hosts know them.

    Args:
        folder: of the project below that root, with a slash behind it; empty where the root itself is the project.
    """
    if not folder:
        return judged
    found = tuple(_moved(finding, folder) for finding in judged.findings)
    allowed = tuple(msgspec.structs.replace(one, finding=_moved(one.finding, folder)) for one in judged.allowed)
    not_seen = tuple(_moved(one, folder) for one in judged.not_seen)
    return msgspec.structs.replace(judged, findings=found, allowed=allowed, not_seen=not_seen)


def _moved(told: _Told, folder: str) -> _Told:
    return msgspec.structs.replace(told, file=folder + told.file)


def _rule(id_: str, name: str, title: str) -> dict[str, object]:
    return {"id": id_, "name": name, "shortDescription": {"text": title}, "help": {"text": hazard_page(id_)}}


def _result(finding: Finding, rule: int) -> dict[str, object]:
    safer = snippet(finding)
    text = message(finding) + (f"\n\nSafer:\n{safer}" if safer else "")
    return {
        "ruleId": finding.id,
        "ruleIndex": rule,
        "level": finding.severity.value,
        "message": {"text": _printable(text)},
        "locations": [{"physicalLocation": _location(finding)}],
        "partialFingerprints": {"lockgate/v1": _fingerprint((finding.id, finding.revision, finding.relation, finding.statement))},
    }


def _location(finding: Finding | NotSeen) -> dict[str, object]:
    where = {"artifactLocation": {"uri": quote(_printable(finding.file)), "uriBaseId": "%SRCROOT%"}}
    return {**where, "region": {"startLine": max(finding.line, 1)}}


def _suppressed(allowed: Allowed) -> dict[str, object]:
    reason = {"justification": _printable(cell(allowed.reason))} if allowed.reason else {}
    return {"suppressions": [{"kind": "inSource", **reason}]}


def _fingerprint(parts: Sequence[str]) -> str:
    """The same finding is known again when lines above it come or go."""
    return hashlib.sha256("\0".join(parts).encode(errors="replace")).hexdigest()[:32]


def _printable(text: str) -> str:
    return text.encode(errors="replace").decode()
