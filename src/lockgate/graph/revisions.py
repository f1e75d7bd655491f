"""The revision graph as a value, and what can be asked of it."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import field
from functools import cached_property

from lockgate.errors import UsageError
from lockgate.nearest import nearest
from lockgate.records import dataclass

_NAME = re.compile(r"[\w.]+")  # no `+`, `-`, `@` or `:`, which make a target relative to something
_SYMBOLS = ("head", "heads", "base")


@dataclass(frozen=True)
class Revision:
    """
    One revision file.

    Args:
        file: path below the project's folder.
        depends_on: ids; branch labels are resolved.
        message: first line of the docstring.
        source: gives the file's text when it is asked for.
        digest: SHA-256 of the file as it was read, in hexadecimal digits; empty where nobody knows.
    """

    id: str
    file: str
    down_revisions: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    message: str = ""
    source: Callable[[], str] = field(default=str, repr=False, compare=False)
    digest: str = field(default="", repr=False, compare=False)

    @cached_property
    def text(self) -> str:
        """The file's own text; most revisions are never asked for theirs."""
        return self.source()

    @cached_property
    def parents(self) -> tuple[str, ...]:
        """Everything that must be applied before this revision: `down_revisions`, then `depends_on`."""
        return tuple(dict.fromkeys((*self.down_revisions, *self.depends_on)))


@dataclass(frozen=True)
class Summary:
    """
    What most questions about a graph need, known without its revisions.

    Args:
        heads: see `Graph.heads`.
        effective_heads: see there.
        complete: see there.
    """

    heads: tuple[str, ...]
    effective_heads: tuple[str, ...]
    complete: bool


class Later(Mapping[str, Revision]):
    """Revisions that are made when somebody asks for one of them."""

    def __init__(self, make: Callable[[], Mapping[str, Revision]]) -> None:
        self._make = make

    @cached_property
    def _made(self) -> Mapping[str, Revision]:
        return self._make()

    def __getitem__(self, id_: str) -> Revision:
        return self._made[id_]

    def __iter__(self) -> Iterator[str]:
        return iter(self._made)

    def __len__(self) -> int:
        return len(self._made)


@dataclass(frozen=True)
class Graph:
    """
    All revisions of a project.

    Args:
        revisions: by id, in the order of their files.
        complete: False where a file says something only running it would tell, or where not all files can be found; then this
            graph is a part of the real one, and Alembic has to be asked.
        digest: stands for the names and contents of all files; empty where nobody knows.
        summary: where it is known before the revisions are.
        kept_in: folder where what was found out about this very graph may be kept; empty for none.
    """

    revisions: Mapping[str, Revision]
    complete: bool = True
    digest: str = ""
    summary: Summary | None = None
    kept_in: str = ""

    @cached_property
    def heads(self) -> tuple[str, ...]:
        """The revisions that no other one names as `down_revision`, in the order of their files."""
        if self.summary:
            return self.summary.heads
        named = {down for revision in self.revisions.values() for down in revision.down_revisions}
        return tuple(id_ for id_ in self.revisions if id_ not in named)

    @cached_property
    def effective_heads(self) -> tuple[str, ...]:
        """The heads that no other revision depends on: the rows of the version table when everything is applied."""
        if self.summary:
            return self.summary.effective_heads
        needed = {parent for revision in self.revisions.values() for parent in revision.parents}
        return tuple(id_ for id_ in self.heads if id_ not in needed)

    @cached_property
    def bases(self) -> tuple[str, ...]:
        """The revisions without a `down_revision`."""
        return tuple(id_ for id_, revision in self.revisions.items() if not revision.down_revisions)

    def applied(self, heads: Iterable[str]) -> frozenset[str]:
        """
        Return what is applied where the version table has these rows: they and all their ancestors.

        Args:
            heads: rows of the version table; ids that the graph does not know are left out.
        """
        asked = frozenset(heads)
        if asked not in self._applied:
            found: set[str] = set()
            todo = [id_ for id_ in asked if id_ in self._by_id]
            while todo:
                id_ = todo.pop()
                if id_ not in found:
                    found.add(id_)
                    todo.extend(parent for parent in self._by_id[id_].parents if parent in self._by_id)
            self._applied[asked] = frozenset(found)
        return self._applied[asked]

    @cached_property
    def _applied(self) -> dict[frozenset[str], frozenset[str]]:
        return {}  # a run asks for the same heads several times

    @cached_property
    def _by_id(self) -> dict[str, Revision]:
        return dict(self.revisions)  # whatever kind of mapping it is, this one is quick

    def pending(self, heads: Iterable[str]) -> tuple[str, ...]:
        """Return what is not applied yet, every revision behind all that it needs."""
        if set(heads) == set(self.effective_heads):
            return ()
        applied = self.applied(heads)
        return tuple(id_ for id_ in self._in_order if id_ not in applied)

    def unknown(self, heads: Iterable[str]) -> tuple[str, ...]:
        """Return the rows of a version table that no file explains, sorted."""
        return tuple(sorted(id_ for id_ in set(heads).difference(self.effective_heads) if id_ not in self.revisions))

    @cached_property
    def _in_order(self) -> tuple[str, ...]:
        """All revisions, parents first, line by line, the line of the last head first, which is how Alembic walks."""
        order: dict[str, None] = {}
        opened: set[str] = set()
        todo = list(self.heads)
        while todo:
            id_ = todo[-1]
            if id_ in opened:
                order.setdefault(todo.pop())
                continue
            opened.add(id_)
            todo.extend(parent for parent in self._by_id[id_].parents if parent in self._by_id and parent not in opened)
        return tuple(order)


def check_single_head(graph: Graph) -> None:
    """
    Insist on one head, as `upgrade head` does; a graph that is not complete is left to Alembic.

    Raises:
        UsageError: `multiple-heads`, naming each with its file.
    """
    if graph.complete and len(graph.heads) > 1:
        hint = 'join them: `alembic merge -m "merge the lines" heads`, or ask for all of them: `lockgate upgrade ENV heads`'
        raise UsageError("multiple-heads", f"the revision graph has {len(graph.heads)} heads", describe_heads(graph), hint)


def check_target(graph: Graph, target: str) -> None:
    """
    Find a misspelt id before a database is touched; every target that is more than ids is left to Alembic.

    Args:
        target: in Alembic's notation; several, separated by blanks, for a stamp.
    Raises:
        UsageError: `revision-not-found`, with the nearest id.
    """
    names = [name for name in target.split() if _NAME.fullmatch(name) and name not in _SYMBOLS]
    labels = {label for revision in graph.revisions.values() for label in revision.branch_labels} if names else set()
    for name in names if graph.complete else ():
        if name in labels or any(id_.startswith(name) for id_ in graph.revisions):
            continue
        near = nearest(name, [*graph.revisions, *labels])
        hint = f"did you mean `{near}`?" if near else f"the newest is {describe_heads(graph)}"
        folders = dict.fromkeys(revision.file.rpartition("/")[0] for revision in graph.revisions.values())
        raise UsageError("revision-not-found", f"there is no revision `{name}`", ", ".join(folders), hint)


def describe_heads(graph: Graph) -> str:
    """Return the heads for people: `b2 (migrations/versions/b2.py), c3 (migrations/versions/c3.py)`."""
    return ", ".join(f"`{id_}` ({graph.revisions[id_].file})" for id_ in graph.heads)
