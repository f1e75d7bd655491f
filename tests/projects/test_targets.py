"""Targets in Alembic's notation: what plain Alembic does with them is what happens, or the reason why not is told."""

from __future__ import annotations

from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.util import CommandError
from building import Database, Tiny, create_table
from calling import config_for, plain
from running import alembic_twin, lock_is_free, plain_up, up, up_fails

import lockgate
from lockgate.errors import LockgateError
from lockgate.secret import DatabaseUrl

MakeUrl = Callable[[], DatabaseUrl]


@pytest.fixture
def make_url(request: pytest.FixtureRequest, tmp_path: Path, backend: str) -> MakeUrl:
    """Each call gives one more empty database of a backend."""
    if backend == "postgresql":
        made: MakeUrl = request.getfixturevalue("make_postgres_database")
        return made
    numbers = count(1)
    return lambda: DatabaseUrl("sqlite", database=str(tmp_path / f"app_{next(numbers)}.db"))


def table(name: str) -> tuple[str, str]:
    """Upgrade and downgrade of a revision that makes one table."""
    return create_table(name), f'op.drop_table("{name}")'


def line(project: Tiny) -> Tiny:
    """Three revisions with ids that share their first letters."""
    for name, down in (("aaa1", None), ("aab2", "aaa1"), ("ccc3", "aab2")):
        project.revision(name, down, *table(f"t_{name}"))
    return project


def branches(project: Tiny) -> Tiny:
    """Root, then two labelled lines, of which one depends on the first revision of the other."""
    project.revision("root", None, *table("t_root"))
    project.revision("shop1", "root", *table("t_shop1"), labels="shop")
    project.revision("shop2", "shop1", *table("t_shop2"))
    project.revision("mail1", "root", *table("t_mail1"), labels="mail", depends="shop1")
    project.revision("mail2", "mail1", *table("t_mail2"))
    return project


def merged(project: Tiny) -> Tiny:
    """The two lines, joined, and one revision after that."""
    branches(project).revision("join", ("shop2", "mail2"))
    project.revision("after", "join", *table("t_after"))
    return project


def bases(project: Tiny) -> Tiny:
    """Two lines that have nothing in common but the second's dependency."""
    project.revision("one1", None, *table("t_one1"), labels="one")
    project.revision("one2", "one1", *table("t_one2"))
    project.revision("two1", None, *table("t_two1"), labels="two")
    project.revision("two2", "two1", *table("t_two2"), depends="one2")
    return project


GRAPHS = {graph.__name__: graph for graph in (line, branches, merged, bases)}
# graph, what came before, target
UPGRADES = [
    ("line", (), "head"),
    ("line", (), "heads"),
    ("line", (), "+2"),
    ("line", ("+1",), "+1"),
    ("line", (), "cc"),
    ("line", (), "aab"),
    ("line", (), "aa"),
    ("line", (), "aaa1+1"),
    ("line", (), "ccc3-1"),
    ("line", ("head",), "+1"),
    ("line", ("head",), "aaa1"),
    ("line", (), "nothing_like_it"),
    ("line", (), "aaa1:ccc3"),
    ("line", (), "+9"),
    ("branches", (), "head"),
    ("branches", (), "heads"),
    ("branches", (), "shop@head"),
    ("branches", (), "mail@head"),
    ("branches", (), "mail@heads"),
    ("branches", ("root",), "shop@+1"),
    ("branches", ("shop@head",), "heads"),
    ("branches", (), "shop"),
    ("branches", ("root",), "+1"),
    ("merged", (), "head"),
    ("merged", (), "join"),
    ("merged", (), "mail@head"),
    ("merged", ("shop2",), "head"),
    ("bases", (), "heads"),
    ("bases", (), "two@head"),
    ("bases", (), "one@head"),
    ("bases", ("one@head",), "two@+1"),
    ("bases", (), "head"),
]
DOWNGRADES = [
    ("line", "head", "-1"),
    ("line", "head", "-2"),
    ("line", "head", "base"),
    ("line", "head", "aaa"),
    ("line", "head", "-9"),
    ("line", "aab2", "ccc3"),
    ("line", "head", "ccc3:aaa1"),
    ("branches", "heads", "shop@-1"),
    ("branches", "heads", "mail@root"),
    ("branches", "heads", "base"),
    ("branches", "shop@head", "-1"),
    ("branches", "heads", "-1"),
    ("merged", "head", "join"),
    ("merged", "head", "root"),
    ("merged", "head", "shop@base"),
    ("bases", "heads", "two@base"),
    ("bases", "heads", "one@base"),
]


# The graph is walked alike on both; PostgreSQL takes those of which the version table is written in a way of its own.
ON_POSTGRES = {("line", "+2"), ("branches", "heads"), ("merged", "head"), ("bases", "two@head"), ("merged", "join"), ("branches", "base")}


def on_backends(cases: list[tuple[str, Any, str]]) -> Any:
    """All cases on SQLite, those of `ON_POSTGRES` on PostgreSQL too."""
    both = [("sqlite", *case) for case in cases] + [("postgresql", *case) for case in cases if (case[0], case[2]) in ON_POSTGRES]
    ids = ["-".join([backend, graph, "".join(before) or "base", to]) for backend, graph, before, to in both]
    return pytest.mark.parametrize("backend, graph, before, to", both, ids=ids)


def state(url: DatabaseUrl) -> tuple[list[str], list[str]]:
    """What counts in the end: version table and tables."""
    return Database(url).heads(), Database(url).user_tables()


def down(project: Tiny, to: str) -> None:
    """Downgrade environment `dev`."""
    lockgate.downgrade(lockgate.load_project(project.folder), "dev", to, confirm="dev", environ=project.environ)


def check_refusal(error: LockgateError) -> None:
    """A target that makes no sense is wrong usage, and says why."""
    assert (error.exit_code, error.changed) == (2, "nothing"), (error.code, error.what)
    assert error.what and error.hint


@on_backends(UPGRADES)
def test_upgrade_reaches_what_plain_alembic_reaches(
    graph: str, before: tuple[str, ...], to: str, project: Tiny, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Same rows in the version table, same tables; where Alembic refuses, lockgate does, and changes nothing."""
    ours, theirs = make_url(), make_url()
    GRAPHS[graph](project).point("dev", ours)
    twin = alembic_twin(project, tmp_path / "twin")
    for target in before:
        up(project, target)
        plain_up(twin, theirs, target)
    try:
        plain_up(twin, theirs, to)
    except CommandError:
        here = state(ours)
        check_refusal(up_fails(project, to))
        assert state(ours) == here
    else:
        outcome = up(project, to)
        assert sorted(outcome.to_heads) == Database(theirs).heads()
        assert state(ours) == state(theirs)
    assert lock_is_free(ours)


@pytest.mark.filterwarnings("ignore:downgrade -1 from multiple heads is ambiguous")
@on_backends(DOWNGRADES)
def test_downgrade_reaches_what_plain_alembic_reaches(
    graph: str, before: str, to: str, project: Tiny, make_url: MakeUrl, tmp_path: Path
) -> None:
    """Relative, by branch, partial, down to base: as Alembic reads them."""
    ours, theirs = make_url(), make_url()
    GRAPHS[graph](project).point("dev", ours)
    twin = alembic_twin(project, tmp_path / "twin")
    up(project, before)
    plain_up(twin, theirs, before)
    try:
        plain(command.downgrade, config_for(twin, theirs), to)
    except CommandError:
        here = state(ours)
        with pytest.raises(LockgateError) as caught:
            down(project, to)
        check_refusal(caught.value)
        assert state(ours) == here
    else:
        down(project, to)
        assert state(ours) == state(theirs)
    assert lock_is_free(ours)


@pytest.mark.parametrize(
    "graph, to, code, reason",
    [
        ("line", "aaa1:ccc3", "revision-not-found", "range"),
        ("line", "nothing_like_it", "revision-not-found", "nothing_like_it"),
        ("line", "aa", "revision-not-found", "aa"),
        ("branches", "head", "multiple-heads", "heads"),
    ],
)
def test_a_target_that_makes_no_sense_is_refused_with_the_reason(
    graph: str, to: str, code: str, reason: str, project: Tiny, sqlite_url: DatabaseUrl
) -> None:
    """Exit 2, in words that name the target."""
    GRAPHS[graph](project).point("dev", sqlite_url)
    error = up_fails(project, to)
    check_refusal(error)
    assert error.code == code, error.what
    assert reason in error.what.lower()
    assert Database(sqlite_url).user_tables() == []
