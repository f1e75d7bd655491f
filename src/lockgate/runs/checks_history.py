"""What the ready-made tests ask of a history itself; no database is needed."""

from __future__ import annotations

import ast

from lockgate.errors import LockgateError
from lockgate.files import graph_of, read_alembic_layout
from lockgate.graph import Graph, Revision, check_single_head
from lockgate.graph.names import misnamed
from lockgate.nearest import nearest
from lockgate.outcome import Fault
from lockgate.settings.project import Project, RevisionIds


def history(project: Project) -> Graph:
    """
    Read the project's history.

    Raises:
        LockgateError: as `files.graph_of`.
    """
    return graph_of(project)


def walked(project: Project, graph: Graph) -> tuple[str, ...]:
    """Return the revisions that run on an empty database, parents first; those that the bootstrap stands for are not among them."""
    stamped = graph.applied([project.bootstrap.stamp]) if project.bootstrap else frozenset()
    return tuple(id_ for id_ in graph.pending(()) if id_ not in stamped)


def seeded_environments(project: Project) -> tuple[str, ...]:
    """Return the environments that seeds belong into, as the settings order them."""
    return tuple(name for name in project.environments if any(name in seed.environments for seed in project.seeds))


def head_fault(project: Project) -> Fault | None:
    """Whether the history has one head."""
    try:
        check_single_head(history(project))
    except LockgateError as error:
        return fault_of(error)
    return None


def names_fault(project: Project) -> Fault | None:
    """Whether files and ids are named as `[revisions] ids`, or else Alembic's `file_template`, says."""
    timestamps = project.revision_ids is RevisionIds.TIMESTAMP
    template = read_alembic_layout(project).file_template
    wrong = misnamed(history(project), template, timestamps)
    if not wrong:
        return None
    rule = f'ids = "timestamp" in [revisions] of {project.settings_file}' if timestamps else f"Alembic's file_template, `{template}`"
    number = "1 revision is" if len(wrong) == 1 else f"{len(wrong)} revisions are"
    hint = "rename the file; an id that a database has applied must stay, so let the rule fit the names there are"
    return Fault(f"{number} not named by the project's pattern", rule, wrong, hint)


def exceptions_fault(project: Project) -> Fault | None:
    """Whether every id among the exceptions is a revision that is tested."""
    graph = history(project)
    known = walked(project, graph)
    wrong = []
    for key, ids in (("irreversible", project.tests.irreversible), ("loses_rows", project.tests.loses_rows)):
        for id_ in ids if graph.complete else ():
            if id_ in graph.revisions and id_ not in known:
                wrong.append(f"{key}: revision `{id_}` is never run, the bootstrap stands for it")
            elif id_ not in known:
                near = nearest(id_, known)
                wrong.append(f"{key}: there is no revision `{id_}`" + (f"; did you mean `{near}`?" if near else ""))
    if not wrong:
        return None
    return Fault("exceptions of the checks name no revision that is tested", f"{project.settings_file}, [tests]", tuple(wrong), "take them out")


def place_of(revision: Revision, function: str) -> str:
    """Return `migrations/versions/r1.py:12 (downgrade)`: where a function of a revision begins."""
    found = (node.lineno for node in ast.parse(revision.text).body if isinstance(node, ast.FunctionDef) and node.name == function)
    return f"{revision.file}:{next(found, 1)} ({function})"


def fault_of(error: LockgateError) -> Fault:
    """Put an error into a fault."""
    return Fault(error.what, error.where, (), error.hint, error.code)
