"""All revision files together: names resolved, and everything refused that Alembic would stumble over."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial

from lockgate.errors import UsageError
from lockgate.graph.header import Header, is_revision_file, read_header, syntax_error
from lockgate.graph.revisions import Graph, Revision
from lockgate.nearest import nearest


def read_graph(sources: Mapping[str, str]) -> Graph:
    """
    Read the revision graph out of texts.

    Bodies of functions are not checked here; see `check_syntax`.

    Args:
        sources: text by file name, in the order of the folder; files that Alembic would not take for revisions are skipped.
    Raises:
        UsageError: as `read_headers` and `build_graph`.
    """
    headers = read_headers({file: text for file, text in sources.items() if is_revision_file(file.rpartition("/")[2])})
    return build_graph(headers, lambda file: partial(sources.__getitem__, file))


def read_headers(sources: Mapping[str, str]) -> list[Header]:
    """Read each file for itself; UsageError `revision-syntax` or `revision-unreadable`."""
    with warnings.catch_warnings():
        # Python warns of an odd escape in a string while it parses; that is no news of a run.
        warnings.simplefilter("ignore")
        return [read_header(file, text) for file, text in sources.items()]


def build_graph(
    headers: Sequence[Header], source_of: Callable[[str], Callable[[], str]], digests: Mapping[str, str] | None = None, digest: str = ""
) -> Graph:
    """
    Put what the files say together.

    Args:
        headers: in the order of the files.
        source_of: gives for a file what gives its text.
        digests: of the files, by name.
        digest: of all of them.
    Returns:
        The graph; not `complete` where a file's values are no literals. Then only what needs no other file is checked.
    Raises:
        UsageError: `revision-duplicate`, `revision-missing` or `revision-cycle`.
    """
    complete = all(header.known for header in headers)
    by_id = _by_id(headers)
    labels = _labels(by_id)
    if complete:
        _check_references(by_id, labels)
    revisions = {id_: _revision(header, labels, source_of, digests or {}) for id_, header in by_id.items()}
    if complete:
        _check_cycles(revisions)
    return Graph(revisions, complete, digest)


def check_syntax(graph: Graph, ids: Iterable[str]) -> None:
    """
    Compile revisions that are about to run, so that a mistake in a function is found before anything was contacted.

    Args:
        ids: known to the graph.
    Raises:
        UsageError: `revision-syntax` with file and line.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for id_ in ids:
            revision = graph.revisions[id_]
            try:
                compile(revision.text, revision.file, "exec", dont_inherit=True)
            except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
                raise syntax_error(revision.file, error) from error


def _by_id(headers: Iterable[Header]) -> dict[str, Header]:
    found: dict[str, Header] = {}
    for header in headers:
        if not header.id:
            continue
        other = found.setdefault(header.id, header)
        if other is not header:
            hint = f"delete the one that is a copy, or give the newer one another id: {header.file}"
            raise UsageError("revision-duplicate", f"two files have the revision id `{header.id}`", f"{other.file} and {header.file}", hint)
    return found


def _labels(by_id: Mapping[str, Header]) -> dict[str, str]:
    found: dict[str, str] = {}
    for header in by_id.values():
        for label in header.branch_labels:
            other = by_id.get(label) or by_id.get(found.get(label, ""))
            if other:
                where, hint = f"{other.file} and {header.file}", f"give the branch another name in {header.file}"
                raise UsageError("revision-duplicate", f"the branch label `{label}` is already taken", where, hint)
            found[label] = header.id
    return found


def _check_references(by_id: Mapping[str, Header], labels: Mapping[str, str]) -> None:
    for header in by_id.values():
        for id_ in header.down_revisions:
            if id_ not in by_id:
                raise _missing(header, "down_revision", id_, by_id)
        for id_ in header.depends_on:
            if id_ not in by_id and id_ not in labels:
                raise _missing(header, "depends_on", id_, {**by_id, **labels})


def _missing(header: Header, name: str, id_: str, known: Mapping[str, object]) -> UsageError:
    whole = [other for other in known if id_ and other.startswith(id_)]
    near = whole[0] if whole else nearest(id_, [other for other in known if other != header.id])
    hint = f"did you mean `{near}`? Alembic wants whole ids here" if near else "git log --all --diff-filter=D --name-only"
    return UsageError("revision-missing", f"`{name}` of revision `{header.id}` names `{id_}`, which no file has", header.file, hint)


def _revision(
    header: Header, labels: Mapping[str, str], source_of: Callable[[str], Callable[[], str]], digests: Mapping[str, str]
) -> Revision:
    depends_on = tuple(dict.fromkeys(labels.get(name, name) for name in header.depends_on))
    source, digest = source_of(header.file), digests.get(header.file, "")
    return Revision(header.id, header.file, header.down_revisions, depends_on, header.branch_labels, header.message, source, digest)


def _check_cycles(revisions: Mapping[str, Revision]) -> None:
    waits_for = {id_: len(revision.parents) for id_, revision in revisions.items()}
    children: dict[str, list[str]] = {id_: [] for id_ in revisions}
    for id_, revision in revisions.items():
        for parent in revision.parents:
            children[parent].append(id_)
    free = [id_ for id_, count in waits_for.items() if not count]
    while free:
        id_ = free.pop()
        del waits_for[id_]
        for child in children[id_]:
            waits_for[child] -= 1
            if not waits_for[child]:
                free.append(child)
    if waits_for:
        raise _cycle(_one_cycle(waits_for, revisions), revisions)


def _one_cycle(stuck: Mapping[str, int], revisions: Mapping[str, Revision]) -> list[str]:
    """Walk back from any stuck revision through stuck parents until one comes again."""
    walked: list[str] = []
    id_ = next(iter(stuck))
    while id_ not in walked:
        walked.append(id_)
        id_ = next(parent for parent in revisions[id_].parents if parent in stuck)
    return walked[walked.index(id_) :]


def _cycle(ids: list[str], revisions: Mapping[str, Revision]) -> UsageError:
    ring = " -> ".join(f"`{id_}`" for id_ in [*ids, ids[0]])
    files = ", ".join(revisions[id_].file for id_ in ids)
    hint = "correct `down_revision` or `depends_on` in one of them"
    return UsageError("revision-cycle", f"revisions need each other in a ring: {ring}", files, hint)
