"""What a ready-made test found, as text."""

from __future__ import annotations

from lockgate.outcome import Fault
from lockgate.report.text import docs_page


def fault(found: Fault) -> str:
    """Return what is wrong, where, the differences, and what to do next."""
    lines = [f"error: {found.what}"]
    lines += [f"  where: {found.where}"] if found.where else []
    lines += ["  " + line.replace("\n", "\n  ") for line in found.details]
    lines += ["", f"hint: {found.hint}"] if found.hint else []
    lines += [f"code: {found.code}, {docs_page(found.code)}"] if found.code else []
    return "\n".join(lines)
