"""
The judgement of a plan as workflow commands: GitHub shows them as annotations at the line.

Source: GitHub Actions, "Workflow commands": `%`, line ends, and in properties `:` and `,` are escaped.
"""

from __future__ import annotations

from lockgate.hazards.findings import Finding, Findings, Severity
from lockgate.report.finding_words import message
from lockgate.report.table import cell

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def workflow_commands(judged: Findings) -> str:
    """Return one line per finding, the worst first: GitHub shows ten of each kind and step."""
    return "\n".join(_line(finding) for finding in judged.findings)


def _line(finding: Finding) -> str:
    title = f"{finding.id} {finding.name}"
    properties = {"file": finding.file, "line": str(max(finding.line, 1)), "title": title}
    told = ",".join(f"{name}={_property(cell(value))}" for name, value in properties.items())
    return f"::{_COMMANDS[finding.severity]} {told}::{_data(message(finding))}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
