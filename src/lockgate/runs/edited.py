"""Revisions that were edited after they were applied: told in every environment, refused where changes need a confirmation."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256

from lockgate.dialects.base import BareSession
from lockgate.errors import Refused
from lockgate.events import Notice, Notify
from lockgate.files import is_unedited, remember_unedited
from lockgate.graph import Edited, Graph, edited
from lockgate.registry import chain, ledger
from lockgate.runs.target import Target
from lockgate.settings.project import Environment
from lockgate.words import Protection, Sight


class Kept:
    """
    What the ledger says of the applied revisions' files, read while a look has the database open.

    A ledger of thousands of rows is not read again for a database that was found unedited: the seal of its newest row stands for all.

    Args:
        graph: one that is not complete cannot be compared, and nothing is read for it.
    """

    def __init__(self, graph: Graph) -> None:
        self.fingerprints: Mapping[str, str] = {}
        self._graph = graph
        self._key = ""

    def __call__(self, session: BareSession, target: Target, seen: Sight) -> None:
        """Read; see `lockgate.runs.gate.Also`."""
        if seen.registry_version < chain.SINCE or not self._graph.complete:
            return
        if seen.identity and seen.ledger_head and self._graph.digest:
            facts = (self._graph.digest, seen.identity.marker_id, seen.ledger_head, seen.heads)
            self._key = sha256(repr(facts).encode()).hexdigest()
        if not is_unedited(self._graph, self._key):
            self.fingerprints = ledger.fingerprints(session, target.dialect.features.registry_prefix)

    def edited(self, heads: Sequence[str]) -> tuple[Edited, ...]:
        """Return the applied revisions whose files do something else now."""
        if not self.fingerprints:
            return ()
        found = edited(self._graph, heads, self.fingerprints)
        if not found and self._key:
            remember_unedited(self._graph, self._key)
        return found


def check_edited(found: Sequence[Edited], environment: Environment, where: str, notify: Notify) -> None:
    """
    Say which applied revisions' files do something else now than what was applied here.

    Raises:
        Refused: `revision-edited`, in an environment that is not open.
    """
    if not found:
        return
    if environment.protection is Protection.OPEN:
        tell_edited(found, notify)
        return
    ids = " ".join(one.revision for one in found)
    # A locked environment refuses `acknowledge` as well: only a change of the settings opens it.
    opened = 'with `protection = "confirm"` in its settings: ' if environment.protection is Protection.LOCKED else ""
    raise Refused(
        "revision-edited",
        sentence(found),
        f"{', '.join(one.file for one in found)}; {where}",
        f"bring the files back (git log -p -- {found[0].file}), or, if the schema is right: {opened}lockgate acknowledge {environment.name} {ids}",
    )


def tell_edited(found: Sequence[Edited], notify: Notify) -> None:
    """Say which applied revisions' files do something else now, and go on."""
    if found:
        notify(Notice(f"{sentence(found)}; what it says now was not run here (docs/errors/revision-edited.md)"))


def sentence(found: Sequence[Edited]) -> str:
    """Name revisions and files for people."""
    names = ", ".join(f"`{one.revision}` ({one.file})" for one in found)
    return f"{'revisions' if len(found) > 1 else 'revision'} {names} {'were' if len(found) > 1 else 'was'} edited after being applied"
