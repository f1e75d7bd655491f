"""What the revision files say about the order of a plan: heads, edited files, revisions beside what is applied."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from lockgate.graph import Edited, Graph, edited, fingerprint
from lockgate.hazards.effects import Beside, EditedFile, History
from lockgate.runs.checkout import text_before


def history_of(graph: Graph, applied: Sequence[str], found: Sequence[Edited], *, refuses: bool = False) -> History | None:
    """
    Return the facts; None for a graph that is not complete.

    Args:
        applied: heads of the target; empty where there is none.
        found: applied revisions whose files were edited.
        refuses: the environment is not upgraded as long as there are any.
    """
    if not graph.complete:
        return None
    edits = tuple(EditedFile(revision=one.revision, file=one.file) for one in found)
    if _is_meant(graph):
        return History(edited=edits, refuses_edited=refuses and bool(edits))
    return History(
        heads=graph.heads if len(graph.heads) > 1 else (),
        edited=edits,
        refuses_edited=refuses and bool(edits),
        beside=tuple(_beside(graph, applied)),
    )


def edited_since(graph: Graph, folder: Path, reference: str, environ: Mapping[str, str]) -> tuple[Edited, ...]:
    """Return the revisions that were there where `reference` and HEAD parted and whose files do something else now."""
    before = text_before(folder, reference, [revision.file for revision in graph.revisions.values()], environ)
    kept = {id_: fingerprint(before[revision.file]) for id_, revision in graph.revisions.items() if revision.file in before}
    return edited(graph, graph.heads, kept)


def _is_meant(graph: Graph) -> bool:
    """Whether each head has a branch label that no other one has: lines that are never joined."""
    labels = [{label for id_ in graph.applied([head]) for label in graph.revisions[id_].branch_labels} for head in graph.heads]
    others = [set().union(*(other for other in labels if other is not own)) for own in labels]
    return len(labels) > 1 and all(own - other for own, other in zip(labels, others, strict=True))


def _beside(graph: Graph, applied: Sequence[str]) -> list[Beside]:
    """The first revision of each line alone: what follows it comes beside the same heads."""
    found: dict[str, Beside] = {}
    for id_ in graph.pending(applied) if applied else ():
        missed = tuple(sorted(set(applied) - graph.applied([id_])))
        if missed and not any(parent in found for parent in graph.revisions[id_].parents):
            found[id_] = Beside(revision=id_, heads=missed)
        elif missed:
            found[id_] = found[next(parent for parent in graph.revisions[id_].parents if parent in found)]
    return [beside for id_, beside in found.items() if beside.revision == id_]
