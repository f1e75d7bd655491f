"""The revision graph as read from text, held against Alembic's own."""

from __future__ import annotations

from typing import Any

import pytest
from alembic.script.revision import Revision as TheirRevision
from alembic.script.revision import RevisionMap
from hypothesis import given, settings
from hypothesis import strategies as st

from lockgate.errors import UsageError
from lockgate.graph import Graph, check_single_head, check_syntax, check_target, describe_heads, read_graph
from lockgate.graph.course import Course, course_of

File = tuple[str, tuple[str, ...], tuple[str, ...], tuple[str, ...]]  # id, down_revision, depends_on, branch_labels


def text_of(id_: str, down: Any = None, depends_on: Any = None, labels: Any = None, message: str = "add users") -> str:
    return (
        f'"""{message}\n\nRevision ID: {id_}\n"""\nfrom alembic import op\n\nrevision: str = {id_!r}\ndown_revision = {down!r}\n'
        f"branch_labels = {labels!r}\ndepends_on = {depends_on!r}\n\n\ndef upgrade() -> None:\n    op.execute('select 1')\n"
    )


def graph_with(**downs: Any) -> Graph:
    return read_graph({f"versions/{id_}.py": text_of(id_, down) for id_, down in downs.items()})


@st.composite
def histories(draw: st.DrawFn) -> list[File]:
    """Graphs that Alembic accepts: every revision names earlier ones; branches, merges, several bases, labels and dependencies."""
    made: list[File] = []
    for number in range(draw(st.integers(1, 9))):
        earlier = [id_ for id_, *_ in made]
        down = tuple(draw(st.lists(st.sampled_from(earlier), unique=True, max_size=2))) if earlier else ()
        known = earlier + [label for *_, labels in made for label in labels]
        depends_on = tuple(draw(st.lists(st.sampled_from(known), unique=True, max_size=2))) if known else ()
        labels = (f"line{number}",) if not down and draw(st.booleans()) else ()
        made.append((f"r{number}", down, depends_on, labels))
    return draw(st.permutations(made))


def ours(history: list[File]) -> Graph:
    return read_graph({f"versions/{id_}.py": text_of(id_, down, depends_on, labels) for id_, down, depends_on, labels in history})


def theirs(history: list[File]) -> RevisionMap:
    return RevisionMap(lambda: [TheirRevision(id_, down, depends_on or None, labels or None) for id_, down, depends_on, labels in history])


@given(histories())
@settings(max_examples=60, deadline=None)
def test_heads_and_bases_are_alembics(history: list[File]) -> None:
    """The cheap look must not disagree with the run that follows it."""
    graph, alembic = ours(history), theirs(history)
    assert graph.complete
    assert graph.heads == alembic.heads
    assert graph.bases == alembic.bases
    assert set(graph.effective_heads) == set(alembic._real_heads)


@given(histories(), st.data())
@settings(max_examples=60, deadline=None)
def test_pending_is_what_alembic_would_run(history: list[File], data: st.DataObject) -> None:
    """Nothing is said to be up to date that is not, and no revision comes before one that it needs."""
    graph, alembic = ours(history), theirs(history)
    rows = tuple(data.draw(st.lists(st.sampled_from(sorted(graph.revisions)), unique=True, max_size=2)))
    done = {found.revision for found in alembic._get_ancestor_nodes(alembic.get_revisions(rows))}
    pending = graph.pending(rows)
    assert graph.applied(rows) == done
    assert set(pending) == set(graph.revisions) - done
    assert all(
        pending.index(parent) < pending.index(id_) for id_ in pending for parent in graph.revisions[id_].parents if parent in pending
    )


@given(histories())
@settings(max_examples=30, deadline=None)
def test_nothing_is_pending_at_the_effective_heads(history: list[File]) -> None:
    """They are the rows that a complete upgrade leaves."""
    graph = ours(history)
    assert graph.pending(graph.effective_heads) == ()
    assert graph.pending(graph.revisions) == ()


def test_pending_goes_through_branches_and_merges_in_alembics_order() -> None:
    """A dry listing that differs from the run would be read as a mistake."""
    history: list[File] = [
        ("a", (), (), ()), ("b1", ("a",), (), ()), ("b2", ("b1",), (), ()), ("c1", ("a",), (), ()), ("c2", ("c1",), (), ()),
        ("m", ("b2", "c2"), (), ()), ("z", ("m",), (), ()),
    ]  # fmt: skip
    walked = [found.revision for found in theirs(history).iterate_revisions("heads", "base")]
    assert list(ours(history).pending(())) == walked[::-1]


def test_a_long_history_is_walked_without_recursion() -> None:
    """Python's stack ends at a thousand frames, histories do not."""
    graph = graph_with(**{f"r{n}": f"r{n - 1}" if n else None for n in range(3000)})
    assert graph.pending(("r2997",)) == ("r2998", "r2999")


def test_rows_that_no_file_explains_are_unknown() -> None:
    """A database that is ahead of the code has to be told from one that is behind."""
    graph = graph_with(a=None, b="a")
    assert graph.unknown(("b", "zz", "x")) == ("x", "zz")
    assert graph.applied(("zz",)) == frozenset()


@pytest.mark.parametrize(
    "header",
    [
        "revision = 'b'\ndown_revision = 'a'",
        "revision: str = 'b'\ndown_revision: str | None = 'a'",
        "revision = ('b')\ndown_revision = ('a',)",
        "revision = 'b'; down_revision = ['a']",
        "import x\nrevision = 'old'\nrevision = 'b'\ndown_revision = 'a'",
        "def upgrade(): pass\nrevision = 'b'\ndown_revision = 'a'",
        '"""\ndef not_a_function:\n"""\nrevision = "b"\ndown_revision = "a"',
        "revision = 'b'\r\ndown_revision = 'a'\r\ndef upgrade():\r\n    revision = 'local'\r\n",
    ],
)
def test_every_way_to_write_a_literal_is_read(header: str) -> None:
    """Whatever Alembic takes, by hand or from any template."""
    graph = read_graph({"v/a.py": text_of("a"), "v/b.py": header})
    assert graph.complete
    assert graph.revisions["b"].down_revisions == ("a",)


@pytest.mark.parametrize(
    "header",
    [
        "revision = make()\ndown_revision = 'a'",
        "revision = 'b'\ndown_revision = BASE",
        "revision = 'b'\ndown_revision = f'{x}'",
        "revision, down_revision = 'b', 'a'",
        "if True:\n    revision = 'b'\ndown_revision = 'a'",
        "from base import revision\ndown_revision = 'a'",
        "from base import *",
        "revision = 'b'\ndown_revision = 'a'\ndepends_on = [other]",
        "revision = 'b'\ndown_revision = 'a'\ndef upgrade(): pass\nif x:\n    down_revision = None",
    ],
)
def test_a_computed_value_makes_the_graph_incomplete(header: str) -> None:
    """To guess would be worse than to ask Alembic."""
    graph = read_graph({"v/a.py": text_of("a"), "v/b.py": header, "v/c.py": text_of("c", "unheard_of")})
    assert not graph.complete
    assert "a" in graph.revisions
    check_single_head(graph)


def refused(sources: dict[str, str]) -> UsageError:
    with pytest.raises(UsageError) as caught:
        read_graph(sources)
    assert caught.value.hint
    return caught.value


@pytest.mark.parametrize(
    "text, place",
    [("revision = \n", "v/a.py:1"), ("revision = 'a'\ndown_revision = None\n<<<<<<< HEAD\n", "v/a.py:3"), ("revision = 'a'\x00", "v/a.py")],
)
def test_a_syntax_error_names_file_and_line(text: str, place: str) -> None:
    """A merge conflict that was committed is the usual one."""
    error = refused({"v/a.py": text})
    assert error.code == "revision-syntax"
    assert error.where.startswith(place)


def test_a_mistake_inside_a_function_is_found_before_the_revision_runs() -> None:
    """Found in the middle of a run it would leave the revisions before it applied."""
    graph = read_graph({"v/a.py": text_of("a"), "v/b.py": text_of("b", "a") + "    return return\n"})
    check_syntax(graph, ["a"])
    with pytest.raises(UsageError) as caught:
        check_syntax(graph, graph.pending(()))
    assert caught.value.code == "revision-syntax"
    assert caught.value.where == f"v/b.py:{(text_of('b', 'a') + 'x').count(chr(10)) + 1}"


def test_two_files_with_one_id_are_both_named() -> None:
    """Alembic takes the last one and only warns."""
    error = refused({"v/a.py": text_of("a"), "v/a (1).py": text_of("a")})
    assert error.code == "revision-duplicate"
    assert error.where == "v/a.py and v/a (1).py"


@pytest.mark.parametrize("labels", [("web",), ("a",)])
def test_a_branch_label_belongs_to_one_revision(labels: tuple[str, ...]) -> None:
    """`web@head` would mean two things; a label that is an id as well."""
    error = refused({"v/a.py": text_of("a", labels=("web",)), "v/b.py": text_of("b", labels=labels)})
    assert error.code == "revision-duplicate"
    assert error.where == "v/a.py and v/b.py"


@pytest.mark.filterwarnings("ignore:Revision .* is not present")
@pytest.mark.parametrize("reference", [{"down": "20260101_09"}, {"down": "web"}, {"depends_on": "20260101_0900x"}])
def test_a_reference_without_a_file_is_refused_with_the_nearest_id(reference: dict[str, str]) -> None:
    """Alembic wants whole ids in files: a beginning or a label in `down_revision` is a KeyError there."""
    sources = {"v/a.py": text_of("20260101_0900", labels="web"), "v/b.py": text_of("b", **reference)}
    error = refused(sources)
    assert (error.code, error.where) == ("revision-missing", "v/b.py")
    assert "20260101_0900" in error.hint or reference == {"down": "web"}
    parts = [TheirRevision("20260101_0900", None, None, "web"), TheirRevision("b", reference.get("down"), reference.get("depends_on"))]
    with pytest.raises(KeyError):
        _ = RevisionMap(lambda: parts).heads


def test_depends_on_may_name_a_branch_label() -> None:
    """That is how lines of several applications need each other."""
    graph = read_graph({"v/a.py": text_of("a", labels="web"), "v/b.py": text_of("b", depends_on="web")})
    assert graph.revisions["b"].depends_on == ("a",)


@pytest.mark.parametrize("down", [{"a": "b", "b": "a", "c": None}, {"a": "a"}, {"a": None, "b": ("a", "d"), "c": "b", "d": "c"}])
def test_a_ring_is_named_with_its_files(down: dict[str, Any]) -> None:
    """Alembic names every revision that is not reachable, which may be all."""
    error = refused({f"v/{id_}.py": text_of(id_, parents) for id_, parents in down.items()})
    assert error.code == "revision-cycle"
    ring = {"a", "b"} if len(down) == 3 else {"a"} if len(down) == 1 else {"b", "c", "d"}
    assert {name.removeprefix("v/").removesuffix(".py") for name in error.where.split(", ")} == ring


def test_a_ring_through_depends_on_is_one_too() -> None:
    """Neither could run first."""
    assert refused({"v/a.py": text_of("a", depends_on="b"), "v/b.py": text_of("b", "a")}).code == "revision-cycle"


@pytest.mark.parametrize(
    "text",
    ["", "down_revision = None", "revision = 'a'", "revision = 5\ndown_revision = None", "revision = 'a-b'\ndown_revision = None",
     "revision = None\ndown_revision = None", "revision = 'x'\ndown_revision = ('a', None)", "revision = 'x'\ndown_revision = 3"],
)  # fmt: skip
def test_a_file_without_a_readable_id_is_refused(text: str) -> None:
    """Alembic raises as well, or stumbles later."""
    error = refused({"versions/init_db.py": text})
    assert (error.code, error.where) == ("revision-unreadable", "versions/init_db.py")


def test_the_oldest_files_are_named_by_their_id() -> None:
    """Alembic 0.1 wrote no `revision`; it still reads such files."""
    assert read_graph({"versions/1f2e3d.py": "down_revision = None"}).heads == ("1f2e3d",)


def test_files_that_alembic_ignores_are_ignored() -> None:
    """An editor's lock file and `__init__.py` are no revisions."""
    assert read_graph({"v/__init__.py": "x = (", "v/.#a.py": "", "v/readme.txt": "", "v/a.py": text_of("a")}).heads == ("a",)


def test_several_heads_are_named_with_their_files() -> None:
    """Which of two colleagues' files to look at."""
    graph = graph_with(a=None, b="a", c="a")
    with pytest.raises(UsageError) as caught:
        check_single_head(graph)
    assert caught.value.code == "multiple-heads"
    assert caught.value.where == describe_heads(graph) == "`b` (versions/b.py), `c` (versions/c.py)"
    check_single_head(graph_with(a=None, b="a"))


def test_the_message_is_the_docstrings_first_line() -> None:
    """It stands beside the id in every report."""
    assert read_graph({"v/a.py": text_of("a", message="create users")}).revisions["a"].message == "create users"


@pytest.mark.parametrize("target", ["head", "heads", "base", "r2", "r", "old", "+2", "-1", "r1+1", "old@head", "r1 r2", ""])
def test_a_target_that_may_mean_something_is_left_to_alembic(target: str) -> None:
    """Its notation is rich, and only it knows where the database stands."""
    graph = read_graph({"v/r1.py": text_of("r1", labels=("old",)), "v/r2.py": text_of("r2", "r1")})
    check_target(graph, target)


def test_a_misspelt_target_is_found_with_the_nearest_id() -> None:
    """Before a database is touched: for SQLite the file would come into being."""
    graph = graph_with(r20260105=None, newer="r20260105")
    with pytest.raises(UsageError) as caught:
        check_target(graph, "newer r20260501")
    assert (caught.value.code, caught.value.what) == ("revision-not-found", "there is no revision `r20260501`")
    assert caught.value.where == "versions"
    assert caught.value.hint == "did you mean `r20260105`?"
    check_target(Graph({}, complete=False), "whatever")


@pytest.mark.parametrize(
    ("asked", "together", "course"),
    [
        ("c d", True, Course((("c", "d"),), ("d",), ("b",), "b")),
        ("a b", True, Course((("a", "b"),), ("b",), (), "base")),
        ("a c", True, Course((("a",), ("c",)), ("c",))),
        ("m", True, Course((("m",),), ("m",), ("d", "x"))),
        ("c d", False, Course((("c",), ("d",)), ("d",))),
        ("", True, Course((), ())),
    ],
)
def test_what_is_looked_at_on_a_way_is_one_plan_where_nothing_else_runs_in_between(asked: str, together: bool, course: Course) -> None:
    """What a plan makes is nobody's yet, and is undone as a whole; what lies behind a revision that nobody asked about is in use."""
    graph = graph_with(a=None, b="a", c="b", d="c", x="a", m=("d", "x"))
    assert course_of(graph, asked.split(), together=together) == course
    assert course_of(graph, ["d", "x"], together=True).targets == tuple(id_ for id_ in graph.pending(()) if id_ in ("d", "x"))
