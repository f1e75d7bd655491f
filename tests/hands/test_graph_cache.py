"""What is kept of the graph between calls: never stale, never trusted where it is not whole, never missed where it cannot be."""

from __future__ import annotations

import os
import random
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from building import Tiny

from lockgate.files import graph_of, is_unedited, load_project, remember_unedited
from lockgate.graph import Graph


@pytest.fixture(autouse=True)
def bytecode(monkeypatch: pytest.MonkeyPatch) -> None:
    """Python may write its own caches, and so may we."""
    monkeypatch.setattr(sys, "dont_write_bytecode", False)
    monkeypatch.setattr(sys, "pycache_prefix", None)


def graph(project: Tiny) -> Graph:
    """Read the project's graph, as every verb does."""
    return graph_of(load_project(project.folder))


def uncached(project: Tiny) -> Graph:
    """The graph as somebody reads it who has no cache."""
    shutil.rmtree(project.folder / "migrations" / "__pycache__", ignore_errors=True)
    return graph(project)


def kept(project: Tiny) -> Path:
    """The file of the cache."""
    return project.folder / "migrations" / "__pycache__" / "lockgate.graph"


def test_a_history_that_did_not_change_is_not_parsed_again(project: Tiny) -> None:
    """Parsing three thousand files takes ten times as long as reading and hashing them."""
    project.tables("users", "orders")
    first, second = graph(project), graph(project)
    assert first.summary is None and second.summary is not None
    assert second.heads == first.heads == ("r2",)
    assert dict(second.revisions) == dict(first.revisions)
    assert second.revisions["r2"].text == first.revisions["r2"].text != ""


def test_a_file_of_the_same_size_and_time_is_told_apart(project: Tiny) -> None:
    """A checkout may set any time, and an id has the length of another: only the content says what a file is."""
    file = project.tables("users", "orders").revision("r3", "r2", "pass")
    before = graph(project)
    stat = file.stat()
    file.write_text(file.read_text().replace('"r3"', '"r4"').replace("'r3'", "'r4'"))
    os.utime(file, ns=(stat.st_atime_ns, stat.st_mtime_ns))
    assert file.stat().st_size == stat.st_size
    assert before.heads == ("r3",)
    assert graph(project).heads == ("r4",)


def test_any_change_of_the_files_gives_what_is_read_without_a_cache(project: Tiny) -> None:
    """Added, removed, renamed, edited: whatever was kept, the answer is that of the files."""
    choose = random.Random(7)
    versions = project.folder / "migrations" / "versions"
    project.tables("a", "b", "c")

    def grow() -> None:
        number = len(list(versions.glob("*.py"))) + 1
        project.revision(f"n{number}", f"{choose.choice(sorted(graph(project).revisions))}", "pass")

    def edit() -> None:
        file = choose.choice(sorted(versions.glob("*.py")))
        file.write_text(f"{file.read_text()}\n# {choose.random()}\n")

    def rename() -> None:
        file = choose.choice(sorted(versions.glob("*.py")))
        file.rename(file.with_name(f"z{choose.randrange(10**6)}.py"))

    changes: list[Callable[[], None]] = [grow, edit, rename]
    for _ in range(25):
        choose.choice(changes)()
        with_cache, again = graph(project), graph(project)
        assert again.heads == with_cache.heads
        fresh = uncached(project)
        for one in (with_cache, again):
            assert dict(one.revisions) == dict(fresh.revisions)
            assert (one.heads, one.effective_heads, one.complete, one.digest) == (fresh.heads, fresh.effective_heads, fresh.complete, fresh.digest)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda text: "",
        lambda text: text[: len(text) // 2],
        lambda text: text.replace("r2", "r7"),
        lambda text: f"{text} ",
        lambda text: "{}\n" + text.partition("\n")[2],
        lambda text: "\x00\x01 not a cache",
    ],
    ids=["empty", "cut off", "another id", "one byte more", "another seal", "something else"],
)
def test_a_cache_that_is_not_whole_is_not_believed(project: Tiny, spoil: Callable[[str], str]) -> None:
    """A full disk, a killed process or another program may leave anything behind."""
    project.tables("users", "orders")
    right = graph(project)
    kept(project).write_text(spoil(kept(project).read_text()))
    found = graph(project)
    assert found.summary is None
    assert dict(found.revisions) == dict(right.revisions)
    assert graph(project).summary is not None, "and a good one is written in its place"


def test_a_cache_of_another_history_is_not_believed(project: Tiny, tmp_path: Path) -> None:
    """Somebody copies a folder with all that is in it."""
    project.tables("users", "orders")
    graph(project)
    foreign = kept(project).read_bytes()
    project.revision("r3", "r2", "pass")
    uncached(project)
    kept(project).write_bytes(foreign)
    assert graph(project).heads == ("r3",)


def test_nothing_depends_on_a_place_to_write(project: Tiny, capfd: pytest.CaptureFixture[str]) -> None:
    """Images are often read-only, and nobody wants to hear of it."""
    project.tables("users", "orders")
    kept(project).parent.write_text("a file where the folder would be")
    assert graph(project).heads == ("r2",)
    assert graph(project).summary is None
    remember_unedited(graph(project), "anything")
    assert not is_unedited(graph(project), "anything")
    assert capfd.readouterr() == ("", "")


def test_whoever_forbids_bytecode_gets_no_cache(project: Tiny, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONDONTWRITEBYTECODE means: leave my folders as they are."""
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    project.tables("users")
    graph(project)
    assert not kept(project).parent.exists()


def test_bytecode_kept_elsewhere_keeps_the_cache_there(project: Tiny, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """PYTHONPYCACHEPREFIX keeps source folders clean."""
    monkeypatch.setattr(sys, "pycache_prefix", str(tmp_path / "elsewhere"))
    project.tables("users")
    graph(project)
    assert graph(project).summary is not None
    assert not kept(project).parent.exists()


def test_only_the_revisions_that_run_are_imported(project: Tiny) -> None:
    """With one pending revision of three thousand the others' modules cost more than the work; and an old one may not import any more."""
    trace = project.folder / "imported"
    url = project.folder / "app.db"
    for number in range(1, 4):
        file = project.revision(f"r{number}", f"r{number - 1}" if number > 1 else None, "pass")
        file.write_text(f"{file.read_text()}\nwith open({str(trace)!r}, 'a') as file:\n    file.write({f'r{number} '!r})\n")
    environ = {**project.environ, "DEV_DATABASE_URL": f"sqlite:///{url}"}

    def upgrade(to: str) -> str:
        trace.write_text("")
        command = [sys.executable, "-m", "lockgate", "upgrade", "dev", to]
        done = subprocess.run(command, cwd=project.folder, env=environ, capture_output=True, text=True, check=False)
        assert done.returncode == 0, done.stderr
        return trace.read_text().strip()

    assert upgrade("r2") == "r1 r2"
    assert upgrade("head") == "r3"
    assert upgrade("head") == ""
