"""
The judgement of a plan as workflow commands: GitHub shows them as annotations at the line.

Source: GitHub Actions, "Workflow commands": `%`, line ends, and in properties `:` and `,` are escaped.
"""

from __future__ import annotations

from lockgate.hazards.findings import Finding, Findings, NotSeen, Severity
from lockgate.report.finding_words import message
from lockgate.report.table import cell

_COMMANDS = {Severity.ERROR: "error", Severity.WARNING: "warning", Severity.NOTE: "notice"}


def workflow_commands(judged: Findings) -> str:
    """Return one line per finding, the worst first, and per statement that was not seen: GitHub shows ten of each kind and step."""
    return "\n".join((*map(_line, judged.findings), *map(_unseen, judged.not_seen)))


def _line(finding: Finding) -> str:
    return _command(_COMMANDS[finding.severity], finding.file, finding.line, f"{finding.id} {finding.name}", message(finding))


def _unseen(one: NotSeen) -> str:
    return _command("notice", one.file, one.line, "not seen", f"{cell(one.why)}: the copy has no rows on which this could fail")


def _command(command: str, file: str, line: int, title: str, text: str) -> str:
    properties = {"file": file, "line": str(max(line, 1)), "title": title}
    told = ",".join(f"{name}={_property(cell(value))}" for name, value in properties.items())
    return f"::{command} {told}::{_data(text)}"


def _data(text: str) -> str:
    return text.replace("%", "%25").replace("\r", "%0D").replace("\n", "%0A")


def _property(text: str) -> str:
    return _data(text).replace(":", "%3A").replace(",", "%2C")
