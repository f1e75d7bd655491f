"""A dataclass that is put together late is a dataclass all the same."""

from __future__ import annotations

import copy
import pickle
import subprocess
import sys
import threading
from dataclasses import FrozenInstanceError, asdict, field, fields, replace

import pytest

from lockgate.records import dataclass
from lockgate.words import Step, StepDone

MANY = """
from lockgate.records import dataclass
@dataclass(frozen=True)
class Many:
    a: int
    b: int = 2
"""


@dataclass(frozen=True)
class Point:
    """Two numbers and a list."""

    x: int
    y: int = 0
    more: list[int] = field(default_factory=list, compare=False)


@dataclass(frozen=True)
class Named(Point):
    """A base that nobody has made yet gives its fields."""

    name: str = ""


def test_it_behaves_as_any_dataclass() -> None:
    """Equality, hash, order of the fields, defaults, frozen: everything that the house relies on."""
    named = Named(1, name="a")
    assert [one.name for one in fields(named)] == ["x", "y", "more", "name"]
    assert (Point(1, 2), hash(Point(1, 2))) == (Point(1, 2), hash(Point(1, 2)))
    assert Point(1) != Point(2) and Point(1).more is not Point(1).more
    assert repr(replace(named, y=5)) == "Named(x=1, y=5, more=[], name='a')"
    assert asdict(named) == {"x": 1, "y": 0, "more": [], "name": "a"}
    assert copy.deepcopy(named) == named
    with pytest.raises(FrozenInstanceError):
        named.x = 2  # type: ignore[misc]
    with pytest.raises(TypeError, match="missing 1 required positional argument"):
        Point()  # type: ignore[call-arg]
    match named:
        case Named(x, y):
            assert (x, y) == (1, 0)


def test_one_that_comes_from_another_process_is_whole() -> None:
    """A worker unpickles what it has never made itself."""
    done = StepDone(Step("upgrade", "r1"), 5)
    code = "import pickle, sys; done = pickle.loads(sys.stdin.buffer.read()); print(repr(done), done == done.__class__(done.step, 5), end='')"
    told = subprocess.run([sys.executable, "-c", code], input=pickle.dumps(done), capture_output=True, check=True)
    assert told.stdout.decode() == f"{done!r} True"


def test_threads_that_make_the_first_ones_at_once_all_get_whole_ones() -> None:
    """`status` looks at its environments in threads."""
    for _ in range(200):
        room: dict[str, type] = {}
        exec(MANY, room)
        start, made = threading.Barrier(4), []

        def make(kind: type = room["Many"], start: threading.Barrier = start, made: list[object] = made) -> None:
            start.wait(120)
            made.append(kind(1))

        threads = [threading.Thread(target=make) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(120)
        assert [vars(one) for one in made] == [{"a": 1, "b": 2}] * 4
