"""The judgement of a plan as members of a JSON document; the shape is written down in `docs/json.md`."""

from __future__ import annotations

from typing import Any

import msgspec

from lockgate.hazards.findings import Finding, Findings, Severity
from lockgate.report.finding_words import hazard_page


def findings_fields(judged: Findings) -> dict[str, Any]:
    """Return `summary`, `basis`, `findings`, `allowed`, `timeline`, `not_run` and `not_seen`; the texts are redacted with the whole document."""
    return {
        "summary": {f"{severity.value}s": judged.count(severity) for severity in Severity},
        "basis": judged.basis,
        "findings": [_fields(finding) for finding in judged.findings],
        "allowed": [{"finding": _fields(allowed.finding), "reason": allowed.reason} for allowed in judged.allowed],
        "timeline": msgspec.to_builtins(judged.timeline),
        "not_run": list(judged.not_run),
        "not_seen": msgspec.to_builtins(judged.not_seen),
    }


def _fields(finding: Finding) -> dict[str, Any]:
    """What is not known is null."""
    fields: dict[str, Any] = msgspec.to_builtins(finding)
    fields |= {name: None for name in ("bytes", "rows") if fields[name] < 0}
    if finding.estimate is not None:
        fields["estimate"]["class"] = finding.estimate.duration_class
    return {**fields, "docs": hazard_page(finding.id)}
