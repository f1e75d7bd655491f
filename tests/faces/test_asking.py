"""The prompt, and runs that are cut off: fake runs at our own interface, real processes for signals and pipes."""

from __future__ import annotations

import io
import json
import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

import lockgate.cli.answer as answer
from lockgate.cli.call import Call, Face
from lockgate.cli.output import Output
from lockgate.errors import Refused
from lockgate.events import Applied, Notice, Notify, Started
from lockgate.outcome import Outcome
from lockgate.settings.project import Project
from lockgate.words import Cluster, Request, Sight, Step, StepDone, Verb

UNCONFIRMED = Refused("unconfirmed", "this needs a confirmation")
USERS = Step("upgrade", "r1", "create users")


class Terminal(io.StringIO):
    """A stream that says it is a terminal."""

    def isatty(self) -> bool:
        """Always."""
        return True


def guarded(request: Request, project: Project, notify: Notify) -> Outcome:
    """A run that wants its environment confirmed."""
    if request.confirm != request.environment:
        raise UNCONFIRMED
    notify(Notice("bound again"))
    return Outcome(request.verb, request.environment, "db:5432/app", changed=("reset it",), notices=("bound again", "old server"))


def seen(request: Request, project: Project) -> Sight:
    """What the prompt shows."""
    return Sight("db:5432/app", Cluster("postgresql", "1", "2"), tables=("users",), rows=7)


@pytest.fixture(autouse=True)
def no_project(monkeypatch: pytest.MonkeyPatch) -> None:
    """The runs are fakes; so is what they would need."""
    monkeypatch.setattr(Call, "project", lambda self: Project(Path("/"), "lockgate.toml", {}))
    monkeypatch.setattr(answer, "look_for_prompt", seen)


def reset(typed: str, environ: dict[str, str] | None = None, asked: bool = True) -> tuple[int, str, str]:
    """Return exit status, stdout and stderr of a reset at a terminal where `typed` is typed."""
    out, err = io.StringIO(), Terminal() if asked else io.StringIO()
    given = {"TERM": "dumb", **(environ or {})}
    call = Call(Face(given, Output(out, err, Terminal(typed), given)), Path())
    return answer.act(call, guarded, call.request(Verb.RESET, "dev", "head")), out.getvalue(), err.getvalue()


def test_typing_the_name_confirms() -> None:
    """The prompt shows what is at stake; a notice that was told live is not told again."""
    status, out, err = reset("dev\n")
    assert status == 0
    assert "1 table, about 7 rows" in err
    assert out == "reset `dev` (db:5432/app) at base\n  reset it\n  note: old server\n"


@pytest.mark.parametrize(
    ("typed", "environ", "asked"),
    [
        ("\n", {}, True),
        ("", {}, True),
        ("prod\n", {}, True),
        ("y\n", {}, True),
        ("dev\n", {"CI": "true"}, True),
        ("dev\n", {"CONFIRM_ENV": "prod"}, True),
        ("dev\n", {}, False),
    ],
)
def test_anything_else_is_the_refusal(typed: str, environ: dict[str, str], asked: bool) -> None:
    """No other word, no CI job, no wrong CONFIRM_ENV and no pipe gets past the guard."""
    with pytest.raises(Refused) as refusal:
        reset(typed, environ, asked)
    assert refusal.value.code == "unconfirmed"


CUT_OFF = """
import os, signal, sys
import lockgate.cli.answer as answer
from lockgate.cli import call, main
from lockgate.events import *
from lockgate.outcome import *
from lockgate.words import *

def run(request, project, notify):
    notify(Started(Step("upgrade", "r1", "create users")))
    notify(Applied(StepDone(Step("upgrade", "r1", "create users"), 3)))
    notify(Started(Step("upgrade", "r2", "create orders")))
    print("noise of a revision")
    try:
        {deed}
    finally:
        print("closed", file=sys.stderr)
    return Outcome(Verb.UPGRADE, "dev", "place", steps=(), changed=("did it",))

import types
sys.modules["lockgate.runs.upgrade"] = types.SimpleNamespace(upgrade=run)
call.Call.project = lambda self: None
main.main({arguments!r})
"""


def cut_off(deed: str, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run an upgrade in a process of its own, whose second revision does `deed`."""
    code = CUT_OFF.format(deed=deed, arguments=["upgrade", "dev", *arguments])
    return subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)


@pytest.mark.parametrize(
    ("deed", "status", "code"),
    [
        ("os.kill(os.getpid(), signal.SIGTERM)", 143, "terminated"),
        ("os.kill(os.getpid(), signal.SIGINT)", 130, "interrupted"),
        ("raise RuntimeError('password=hunter22')", 70, "internal"),
        ("sys.exit(0)", 70, "internal"),
    ],
)
def test_a_cut_off_run_says_what_was_committed(deed: str, status: int, code: str) -> None:
    """Connections close on the way up, and the message tells the truth about `changed`."""
    done = cut_off(deed)
    assert done.returncode == status
    assert "closed\n" in done.stderr
    assert "  where: environment `dev`, in revision r2 create orders\n  changed: upgrade r1 committed\n" in done.stderr
    assert done.stderr.endswith(f"code: {code}, docs/errors/{code}.md\n")
    assert "hunter22" not in done.stderr
    assert done.stdout == ""
    assert ("Traceback" in done.stderr) == (status == 70)


def test_json_of_a_cut_off_run() -> None:
    """The same facts for a program, and the noise of a revision kept off stdout."""
    done = cut_off("os.kill(os.getpid(), signal.SIGTERM)", "--json")
    document = json.loads(done.stdout)
    assert (document["code"], document["exit"], document["changed"]) == ("terminated", 143, ["upgrade r1 committed"])
    assert "noise of a revision" in done.stderr


@pytest.mark.parametrize("closed", ["stdout", "stderr"])
def test_a_closed_pipe_does_not_stop_a_run(closed: str) -> None:
    """`| head` ends early; the upgrade does not, and its exit status is its own."""
    reader, writer = os.pipe()
    os.close(reader)
    code = CUT_OFF.format(deed="pass", arguments=["upgrade", "dev"])
    streams = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, closed: writer}
    done = subprocess.run([sys.executable, "-c", code], text=True, check=False, **streams)  # type: ignore[call-overload]
    os.close(writer)
    assert done.returncode == 0
    if closed == "stderr":
        assert "did it" in done.stdout


@pytest.mark.parametrize("no_colour", [True, False])
def test_a_terminal_gets_a_live_line_and_colour_only_where_wanted(no_colour: bool) -> None:
    """NO_COLOR takes the colours away; the finished line stays on the screen either way."""
    err = Terminal()
    environ = {"TERM": "xterm-256color", **({"NO_COLOR": "1"} if no_colour else {})}
    output = Output(Terminal(), err, Terminal(), environ)
    with output.live("dev", acting=True) as notify:
        notify(Started(USERS))
        notify(Notice("bound again"))
        notify(Applied(StepDone(USERS, 12)))
    output.fail("error: no\nhint: yes")
    said = err.getvalue()
    assert "applied r1 create users (12 ms)\n" in said
    assert "bound again" in said
    assert ("\x1b[1;31merror:\x1b[0m no" in said) is not no_colour
    assert "\x1b[?25h" in said, "the cursor is back"


def test_sigterm_handler_is_gone_after_a_call() -> None:
    """A library user's process keeps its own handler."""
    before = signal.getsignal(signal.SIGTERM)
    from lockgate.cli.command import run

    run(["nonsense"], Face({}, Output(io.StringIO(), io.StringIO(), io.StringIO(), {})))
    assert signal.getsignal(signal.SIGTERM) is before


@pytest.mark.parametrize(
    ("given", "stdin", "warned"),
    [("postgresql://a:hunter22@h/d", "", True), ("postgresql://a@h/d", "", False), ("-", "postgresql://a:hunter22@h/d\n", False)],
)
def test_a_password_on_the_command_line_is_warned_about(given: str, stdin: str, warned: bool) -> None:
    """`ps` shows it to everybody; standard input does not. Neither is shown by us."""
    err = io.StringIO()
    call = Call(Face({}, Output(io.StringIO(), err, io.StringIO(stdin), {})), Path(), given)
    request = call.request(Verb.UPGRADE, "dev")
    assert request.database_url == (stdin.strip() or given)
    assert ("process list" in err.getvalue()) is warned
    assert "hunter22" not in err.getvalue() + repr(request)
