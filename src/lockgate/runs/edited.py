"""Revisions that were edited after they were applied: told in every environment, refused where changes need a confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from lockgate.errors import Refused
from lockgate.events import Notice, Notify
from lockgate.graph import Edited, Graph, edited
from lockgate.settings.project import Environment
from lockgate.words import Protection


def check_edited(graph: Graph, heads: Sequence[str], kept: Mapping[str, str], environment: Environment, where: str, notify: Notify) -> None:
    """
    Say which applied revisions' files do something else now than what was applied here.

    Args:
        kept: fingerprint by revision, as the ledger has it.
    Raises:
        Refused: `revision-edited`, in an environment that is not open.
    """
    found = edited(graph, heads, kept)
    if not found:
        return
    what = sentence(found)
    if environment.protection is Protection.OPEN:
        notify(Notice(f"{what}; what it says now was not run here (docs/errors/revision-edited.md)"))
        return
    ids = " ".join(one.revision for one in found)
    raise Refused(
        "revision-edited",
        what,
        f"{', '.join(one.file for one in found)}; {where}",
        f"bring the files back (git log -p -- {found[0].file}), or, if the schema is right: lockgate acknowledge {environment.name} {ids}",
    )


def sentence(found: Sequence[Edited]) -> str:
    """Name revisions and files for people."""
    names = ", ".join(f"`{one.revision}` ({one.file})" for one in found)
    return f"{'revisions' if len(found) > 1 else 'revision'} {names} {'were' if len(found) > 1 else 'was'} edited after being applied"
