"""
The graph as it was read last time, kept where Python keeps its bytecode: in `__pycache__` of the Alembic environment.

Never stale: it is held to the SHA-256 of every file, which is read and hashed each time. What cannot be read, was cut off, or was
written by another lockgate or Python is no cache, and nothing depends on whether one can be written.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from typing import Any

from lockgate.graph import (
    Graph,
    Header,
    Later,
    Summary,
    build_graph,
    edited,
    header,
    known_trees,
    learn_trees,
    read,
    read_headers,
    revisions,
)
from lockgate.records import dataclass
from lockgate.version import __version__

_NAME = "lockgate.graph"
_UNEDITED = "lockgate.unedited"
_TREES = "lockgate.trees"
_REMEMBERED = 50  # databases
SourceOf = Callable[[str], tuple[str, str]]


def cached_graph(folder: Path, digests: Mapping[str, str], source_of: SourceOf) -> Graph:
    """
    Put the graph together out of what is known of the files, and parse those that are not.

    Args:
        folder: the Alembic environment's.
        digests: SHA-256 of every revision file by name, in Alembic's order.
        source_of: reads a file; its digest and its text.
    Raises:
        UsageError: as `read_graph`.
    """
    path = _place(folder)
    whole = sha256(json.dumps(list(digests.items())).encode()).hexdigest()
    kept = _read(path)
    if kept and kept.digest == whole:
        later = Later(lambda: _built(kept.headers, digests, source_of, whole).revisions)
        return Graph(later, kept.summary.complete, whole, kept.summary, str(path.parent))
    known = kept.headers if kept else {}
    new = {name: source_of(name) for name, digest in digests.items() if known.get(name, ("",))[0] != digest}
    found = {one.file: [new[one.file][0], *_words(one)] for one in read_headers({name: text for name, (_, text) in new.items()})}
    entries = {name: found.get(name) or known[name] for name in digests}
    graph = _built(entries, digests, source_of, whole)
    # Between hashing and reading a file may have become another one: this graph is right then, and the next call begins anew.
    if any(entries[name][0] != digest for name, digest in digests.items()):
        return replace(graph, digest="")
    _write(path, f"{json.dumps([whole, graph.heads, graph.effective_heads, graph.complete])}\n{json.dumps(entries)}")
    return replace(graph, kept_in=str(path.parent))


def is_unedited(graph: Graph, key: str) -> bool:
    """Whether `remember_unedited` was told the same about this very graph."""
    return bool(graph.kept_in) and key in (_sealed(Path(graph.kept_in, _UNEDITED)) or "").split()


def remember_unedited(graph: Graph, key: str) -> None:
    """
    Keep that a database's applied revisions are those of the files.

    Args:
        key: stands for the graph, and for the database with all that its ledger says.
    """
    if graph.kept_in:
        path = Path(graph.kept_in, _UNEDITED)
        _write(path, "\n".join([*(_sealed(path) or "").split(), key][-_REMEMBERED:]))


def recall_trees(graph: Graph) -> frozenset[str]:
    """
    Learn the syntax trees' hashes that `keep_trees` kept.

    Returns:
        SHA-256 of the texts that they are of.
    """
    trees: dict[str, str] = json.loads(_sealed(Path(graph.kept_in, _TREES)) or "{}") if graph.kept_in else {}
    learn_trees(trees)
    return frozenset(trees)


def keep_trees(graph: Graph, checked: Iterable[str]) -> None:
    """
    Keep what is known of the syntax trees of revisions.

    Args:
        checked: ids of revisions whose files were compiled, so that this need not be done again.
    """
    if graph.kept_in:
        trees, path = known_trees(), Path(graph.kept_in, _TREES)
        kept = recall_trees(graph)
        digests = {revision.digest for revision in graph.revisions.values()}
        compiled = kept.union(graph.revisions[id_].digest for id_ in checked)
        now = {digest: trees[digest] for digest in sorted(digests & compiled & trees.keys())}
        if now.keys() != kept:
            _write(path, json.dumps(now))


@dataclass(frozen=True)
class _Kept:
    """
    A cache that is whole.

    Args:
        digest: of the files that it is about.
        body: what each of them says, not yet parsed.
    """

    digest: str
    summary: Summary
    body: str

    @property
    def headers(self) -> dict[str, list[Any]]:
        """Digest and words by file."""
        found: dict[str, list[Any]] = json.loads(self.body)
        return found


def _built(entries: Mapping[str, list[Any]], digests: Mapping[str, str], source_of: SourceOf, whole: str) -> Graph:
    headers = [_header(name, entries[name]) for name in digests]
    return build_graph(headers, lambda name: lambda: source_of(name)[1], digests, whole)


def _words(one: Header) -> list[Any]:
    return [one.id, one.down_revisions, one.branch_labels, one.depends_on, one.message, one.known]


def _header(name: str, entry: list[Any]) -> Header:
    _, id_, down, labels, depends_on, message, known = entry
    return Header(name, id_, tuple(down), tuple(labels), tuple(depends_on), message, known)


def _place(folder: Path) -> Path:
    if sys.pycache_prefix:
        return Path(sys.pycache_prefix, *folder.absolute().parts[1:], _NAME)
    return folder / "__pycache__" / _NAME


def _read(path: Path) -> _Kept | None:
    head, _, body = (_sealed(path) or "").partition("\n")
    if not body:
        return None
    digest, heads, effective, complete = json.loads(head)
    return _Kept(digest, Summary(tuple(heads), tuple(effective), complete), body)


def _sealed(path: Path) -> str | None:
    """Return what a file holds, where it is whole and this lockgate's own."""
    try:
        seal, _, text = path.read_text(encoding="utf-8").partition("\n")
        return text if seal == _seal(path.name, text) else None
    except (OSError, ValueError):
        return None


def _write(path: Path, text: str) -> None:
    if sys.dont_write_bytecode:
        return
    beside = path.with_name(f"{path.name}.{os.getpid()}")
    with suppress(OSError, ValueError):
        sealed = f"{_seal(path.name, text)}\n{text}"
        path.parent.mkdir(exist_ok=True, parents=bool(sys.pycache_prefix))
        beside.write_text(sealed, encoding="utf-8")
        os.replace(beside, path)
        return
    with suppress(OSError):
        beside.unlink()


def _seal(name: str, text: str) -> str:
    """Hash what a cache says together with the code that found it out, so that no other code's is taken; OSError for code in an archive."""
    total = sha256(f"{name} {__version__} {sys.version_info[:2]}".encode())
    for module in (sys.modules[edited.__module__], header, read, revisions):
        total.update(Path(module.__file__ or "").read_bytes())
    total.update(text.encode("utf-8", "surrogatepass"))
    return total.hexdigest()
