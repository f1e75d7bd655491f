"""What every verb has in common: its options, its help, and the way from flags to a Request."""

from __future__ import annotations

import contextlib
import functools
import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

if TYPE_CHECKING:
    from lockgate.cli.output import Output
    from lockgate.settings.project import Project
    from lockgate.words import Request, Verb

_RELATIVE = re.compile(r"-\d+")  # `-1` is a revision target, not an option


@dataclass(frozen=True)
class Face:
    """The process as its face sees it, read once in `main`."""

    environ: Mapping[str, str]
    output: Output


@dataclass(frozen=True)
class Call:
    """
    One call of one verb.

    Args:
        folder: where the settings are looked for.
        database_url: as given; empty where none was.
    """

    face: Face
    folder: Path
    database_url: str = ""

    @property
    def output(self) -> Output:
        """The streams of the process."""
        return self.face.output

    def project(self) -> Project:
        """Read the settings."""
        from lockgate.files import load_project

        return load_project(self.folder)

    def request(self, verb: Verb, environment: str, to: str = "", copy: bool = False) -> Request:
        """Return what the user asks for, with everything that runs need to know of the process."""
        from lockgate.words import Request

        environ = self.face.environ
        confirm = environ.get("CONFIRM_ENV") or None
        return Request(verb, environment, to, confirm, copy, self._knocked_at(), environ, _operator())

    def _knocked_at(self) -> str:
        """Return the other place to knock at, its password known to `redact()` from here on."""
        from lockgate.secret import parse_url

        given = self.output.read_secret("database URL: ") if self.database_url == "-" else self.database_url
        if given and parse_url(given, "--database-url").password and self.database_url != "-":
            self.output.warn(
                "the password in --database-url is visible in the process list; `--database-url -` reads it from standard input"
            )
        return given


class VerbCommand(click.Command):
    """A click command that reads `-1` as an argument, and shows its examples as they are written."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Move relative targets behind `--`, where click takes them for arguments."""
        relative = [argument for argument in args if _RELATIVE.fullmatch(argument)]
        if relative and "--" not in args:
            args = [argument for argument in args if argument not in relative] + ["--", *relative]
        return super().parse_args(ctx, args)


def verb(name: str, *examples: str, database: bool = True) -> Callable[[Callable[..., int]], click.Command]:
    """
    Make a command out of a function `(call, **its own flags) -> exit status`.

    Args:
        examples: complete command lines for `--help`.
        database: whether it contacts a database, and takes `--database-url`.
    """

    def decorate(function: Callable[..., int]) -> click.Command:
        @functools.wraps(function)
        @click.pass_obj
        def callback(face: Face, /, project: str, quiet: bool, database_url: str = "", **flags: Any) -> int:
            from lockgate.cli.signals import signals_end

            face.output.quiet = quiet
            # env.py and revisions may print: stdout belongs to the report, and to the one document of --json
            with signals_end(), contextlib.redirect_stdout(sys.stderr):
                return function(Call(face, Path(project), database_url), **flags)

        command: Callable[..., Any] = callback
        for option in reversed(_shared(database)):
            command = option(command)
        return click.command(name, cls=VerbCommand, epilog=example_lines(examples))(command)

    return decorate


def _shared(database: bool) -> list[Callable[[Callable[..., Any]], Callable[..., Any]]]:
    """Return the options of every verb; `--json` and `--debug` are read by `main`, before a usage error can happen."""
    knock = "Knock at this database instead; it must still answer to ENVIRONMENT. `-` reads it from standard input."
    url = click.option("--database-url", metavar="URL", default="", help=knock)
    return [
        *([url] if database else []),
        click.option("--project", metavar="DIR", default=".", help="Folder of the settings; the current one where not given."),
        click.option("--json", is_flag=True, expose_value=False, help="Write one JSON document to standard output."),
        click.option("-q", "--quiet", is_flag=True, help="Say nothing about the course of things."),
        click.option("--debug", is_flag=True, expose_value=False, help="Show the traceback of an error, redacted."),
    ]


def example_lines(examples: Sequence[str]) -> str:
    """Return the end of a help text: command lines to paste."""
    lines = "\n".join(f"  {example}" for example in examples)
    return f"\b\nExamples:\n{lines}"  # \b: click keeps the lines of this paragraph


def _operator() -> str:
    """Return `user@host` for the ledger; a container may have a user id without a name."""
    import getpass
    import os
    import socket

    try:
        user = getpass.getuser()
    except (KeyError, OSError, ImportError):
        user = f"uid-{os.getuid()}" if hasattr(os, "getuid") else "unknown"
    return f"{user}@{socket.gethostname() or 'unknown'}"
