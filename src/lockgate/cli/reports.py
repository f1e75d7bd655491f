"""Formats of findings: which one goes to standard output, and which go to files of their own."""

from __future__ import annotations

import functools
import os
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lockgate.cli.call import Call
from lockgate.errors import UsageError

if TYPE_CHECKING:
    from lockgate.cli.output import Output
    from lockgate.hazards.findings import Findings
    from lockgate.hazards.plan import PlanOutcome

FORMATS = ("text", "json", "sarif", "github", "markdown", "html")
_ENDINGS = {".txt": "text", ".json": "json", ".sarif": "sarif", ".md": "markdown", ".html": "html"}
_FORMAT = "What standard output gets; text where not given. `json` is `--json`."
_REPORT = "Write a file as well; its ending tells the format (.txt, .json, .sarif, .md, .html), or FORMAT does. More than one may be given."
_FAIL_ON = "Exit 1 where there is a finding of this severity or a worse one, or of this hazard. More than one may be given."
_STATEMENTS = "Add a table of all statements with their locks to the text."
_STYLE = "Tell matters of taste as well (LG703)."


@dataclass(frozen=True)
class ReportFile:
    """A file that is to be written, in one of `FORMATS`."""

    format: str
    path: Path


@dataclass(frozen=True)
class Wish:
    """
    How a judgement is to be told.

    Args:
        shown: format of standard output.
        fail_on: severities and hazards that end in exit 1.
        statements: add a table of all statements to the text.
    """

    shown: str
    files: tuple[ReportFile, ...]
    fail_on: tuple[str, ...]
    statements: bool


def report_options(*fail_on: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    """Return the options of every verb that judges revisions, for `wish`; `fail_on` where none is given."""
    options = (
        click.option("--format", type=click.Choice(FORMATS), default=None, help=_FORMAT),
        click.option("--report", metavar="[FORMAT:]FILE", multiple=True, help=_REPORT),
        click.option("--fail-on", metavar="error|warning|note|HAZARD", multiple=True, default=fail_on, help=_FAIL_ON),
        click.option("--statements", is_flag=True, help=_STATEMENTS),
        click.option("--style", is_flag=True, help=_STYLE),
    )
    return lambda command: functools.reduce(lambda decorated, option: option(decorated), reversed(options), command)


def wish(call: Call, format: str | None, report: Sequence[str], fail_on: Sequence[str], statements: bool) -> Wish:
    """Read these options; UsageError `usage` for what says nothing, before anything is run."""
    from lockgate.hazards.fail_on import check_fail_on

    asked = Wish(chosen(call.output, format), report_files(report), tuple(fail_on), statements)
    check_fail_on(fail_on, "--fail-on")
    return asked


def tell(call: Call, done: PlanOutcome, asked: Wish, folder: Path) -> int:
    """
    Write and show how a judgement ended; returns the exit status.

    Args:
        done: as it came from the run.
        folder: the project's.
    """
    from lockgate.report import json, text
    from lockgate.report import plan as reports
    from lockgate.report.table import plain
    from lockgate.secret import redact

    done = done.strict(asked.fail_on)
    failure = reports.plan_error(done)

    def render(wanted: str) -> str:
        if wanted == "json":
            return json.planned(done, failure)
        if wanted == "text":
            return redact(plain(reports.plan(done, asked.statements)))
        return document(done.findings, wanted, folder_in_repository(call, folder))

    write(call, asked.files, render)
    if asked.shown == "text":
        call.output.show(reports.plan(done, asked.statements))
    else:
        call.output.document(render(asked.shown))
    if failure and asked.shown != "json":
        call.output.fail(text.error(failure))
    return failure.exit_code if failure else 0


def report_files(words: Sequence[str]) -> tuple[ReportFile, ...]:
    """Read `FILE`, whose ending tells the format, or `FORMAT:FILE`; UsageError `usage` where neither tells it, or a folder is there."""
    return tuple(map(_report_file, words))


def _report_file(word: str) -> ReportFile:
    first, colon, rest = word.partition(":")
    found = ReportFile(first, Path(rest)) if colon and first in FORMATS else ReportFile(_ENDINGS.get(Path(word).suffix, ""), Path(word))
    if not found.format or not found.path.name:
        what = f"`--report {word}` does not tell the format: the ending is none of {', '.join(_ENDINGS)}"
        raise UsageError("usage", what, "--report", f"put one of {', '.join(FORMATS)} before it: --report markdown:FILE")
    if str(found.path) == "-":
        what = f"`--report {word}` names no file: reports go into files, `--format` says what goes to standard output"
        raise UsageError("usage", what, "--report", f"--format {found.format}")
    if found.path.exists() and not found.path.is_file():
        raise UsageError("usage", f"`{found.path}` is there and is no file that can be replaced", "--report", "name a file")
    return found


def chosen(output: Output, format: str | None) -> str:
    """Return the format of standard output; from here on errors are JSON where that is. UsageError `usage` where two are asked for."""
    if output.json and format not in (None, "json"):
        raise UsageError("usage", f"`--json` and `--format {format}` exclude each other", "--format", "leave one of them out")
    output.json = output.json or format == "json"
    return "json" if output.json else format or "text"


def document(judged: Findings, format: str, folder: str) -> str:
    """
    Return findings in a format that knows nothing but findings.

    Args:
        format: one of `FORMATS`, but neither `text` nor `json`.
        folder: see `from_root`.
    """
    from lockgate.report.github import workflow_commands
    from lockgate.report.html import html
    from lockgate.report.markdown import markdown
    from lockgate.report.sarif import from_root, sarif

    if format in ("sarif", "github"):  # these are placed into the repository's files
        judged = from_root(judged, folder)
    writers = {"sarif": sarif, "github": workflow_commands, "markdown": markdown, "html": html}
    return writers[format](judged)


def folder_in_repository(call: Call, folder: Path) -> str:
    """Return a project's folder as code hosts name it: below the checkout, which is the working directory but in GitHub Actions."""
    root = call.face.environ.get("GITHUB_WORKSPACE") or "."
    below = os.path.relpath(os.path.realpath(folder), os.path.realpath(root))
    return "" if below == "." or below.startswith("..") else Path(below).as_posix() + "/"


def write(call: Call, reports: Sequence[ReportFile], render: Callable[[str], str]) -> None:
    """Write the files; the summary of a step in GitHub Actions is added to, because other commands write it as well."""
    from lockgate.files import append_text, replace_text

    summary = call.face.environ.get("GITHUB_STEP_SUMMARY", "")
    for report in reports:
        text = render(report.format)
        text += "" if text.endswith("\n") else "\n"
        (append_text if str(report.path) == summary else replace_text)(report.path, text)
        call.output.talk(f"wrote {report.path} ({report.format})")
