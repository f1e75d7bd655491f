"""The way through the graph on which some revisions are looked at and others are only run."""

from __future__ import annotations

from collections.abc import Collection
from itertools import groupby

from lockgate.graph.revisions import Graph
from lockgate.records import dataclass


@dataclass(frozen=True)
class Course:
    """
    One way from base.

    Args:
        plans: ids to look at in the order in which they are run, those together that are deployed together.
        targets: after the last of them all were run.
        before: heads before the first of them, sorted; empty for base, and where there are several plans.
        back: where the downgrades of all of them lead; empty where that is no one place.
    """

    plans: tuple[tuple[str, ...], ...]
    targets: tuple[str, ...] = ()
    before: tuple[str, ...] = ()
    back: str = ""

    @property
    def asked(self) -> tuple[str, ...]:
        """All that are looked at."""
        return tuple(id_ for plan in self.plans for id_ in plan)


def course_of(graph: Graph, asked: Collection[str], *, together: bool) -> Course:
    """
    Find the way that runs some revisions and all that they need.

    Args:
        asked: ids of a complete graph.
        together: those that follow upon each other are deployed, and undone, together; otherwise each is by itself.
    """
    needed = frozenset[str]().union(*(graph.applied(graph.revisions[id_].parents) for id_ in asked))
    whole = graph.applied(asked)
    targets = tuple(id_ for id_ in graph.pending(()) if id_ in asked and id_ not in needed)
    runs = groupby((id_ for id_ in graph.pending(()) if id_ in whole), lambda id_: id_ in asked)
    plans = tuple(tuple(run) for wanted, run in runs if wanted)
    if not together:
        return Course(tuple((id_,) for plan in plans for id_ in plan), targets)
    if len(plans) != 1:
        return Course(plans, targets)
    before = _tips(graph, whole.difference(asked))
    return Course(plans, targets, before, (before or ("base",))[0] if len(before) < 2 else "")


def _tips(graph: Graph, applied: Collection[str]) -> tuple[str, ...]:
    """What the version table says where these are applied: those that none of them needs."""
    needed = {parent for id_ in applied for parent in graph.revisions[id_].parents}
    return tuple(sorted(id_ for id_ in applied if id_ not in needed))
