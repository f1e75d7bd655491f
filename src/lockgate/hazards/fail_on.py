"""What may be named as not to be found."""

from __future__ import annotations

from collections.abc import Sequence

from lockgate.errors import UsageError
from lockgate.hazards.findings import Severity
from lockgate.hazards.rules.every import RULES
from lockgate.nearest import nearest


def check_fail_on(words: Sequence[str], where: str) -> None:
    """
    Insist on severities, and ids or names of hazards: a misspelt one would let everything pass.

    Raises:
        UsageError: `usage`.
    """
    known = (*(severity.value for severity in Severity), *(word for rule in RULES for word in (rule.id, rule.name)))
    for word in words:
        if word not in known:
            near = nearest(word, known)
            hint = f"did you mean `{near}`? " if near else ""
            raise UsageError("usage", f"there is no hazard `{word}`", where, f"{hint}the ids are listed in docs/hazards/README.md")
