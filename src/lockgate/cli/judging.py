"""What verbs that judge revisions have in common: the finding from which on they fail."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import click

_HELP = "Exit 1 where there is a finding of this severity or a worse one (error, warning, note), or of this id or name."


def fails_on(default: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the option `--fail-on`, which reaches the command as `fail_on`."""
    return click.option("--fail-on", metavar="SEVERITY|ID", default=default, callback=_known, help=_HELP)


def _known(context: click.Context, option: click.Parameter, given: str) -> str:
    """A misspelt hazard would never be found, and the pipeline would be green for ever."""
    from lockgate.errors import UsageError
    from lockgate.hazards.findings import Severity
    from lockgate.hazards.rules.every import RULES
    from lockgate.nearest import nearest

    known = [*(severity.value for severity in Severity), *(word for rule in RULES for word in (rule.id, rule.name))]
    if given in known:
        return given
    near = nearest(given, known)
    hint = f"did you mean `{near}`?" if near else "it is error, warning, note, or an id of docs/hazards/README.md"
    raise UsageError("usage", f"`{given}` is no severity and no hazard", "--fail-on", hint)
