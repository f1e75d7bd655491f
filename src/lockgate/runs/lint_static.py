"""Judging revisions by their SQL alone, where no scratch server can be had to run them."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping, Sequence

import msgspec

from lockgate.errors import Unreachable, UsageError
from lockgate.files import revision_text
from lockgate.hazards.effects import History
from lockgate.hazards.findings import Findings
from lockgate.hazards.judge import joined
from lockgate.hazards.static import judge_text
from lockgate.runs.plan_child import harmless
from lockgate.runs.unrun import Orders, Read
from lockgate.seeds.statements import parser
from lockgate.settings.project import Project


def lint_static(
    project: Project, plans: Sequence[Sequence[str]], environ: Mapping[str, str], history: History | None = None, *, style: bool = False
) -> Findings:
    """
    Judge revisions by what offline mode prints of them, and by the SQL in lines that it cannot reach; no database is contacted.

    Args:
        plans: ids, in the order in which they run. What a plan makes counts as new within it.
        environ: what the process that imports them may see, without its credentials.
        history, style: as of `judge_text`.
    Raises:
        UsageError: `extra-missing` where the parser is not installed.
        Unreachable: `no-plan` where the revisions cannot be imported.
    """
    grammar = parser()
    if grammar is None:
        what = "reading the SQL of revisions needs postgast, PostgreSQL's own grammar"
        raise UsageError("extra-missing", what, str(project.folder), "pip install 'lockgate[sql]'")
    done = subprocess.run(
        [sys.executable, "-P", "-m", "lockgate.runs.unrun"],
        input=msgspec.json.encode(Orders(str(project.folder), tuple(id_ for plan in plans for id_ in plan), "postgresql")),
        stdout=subprocess.PIPE,
        env=harmless(environ, project),
        check=False,
    )
    try:
        read = msgspec.json.decode(done.stdout, type=Read)
    except msgspec.DecodeError:
        read = Read(trouble=f"the process that read the revisions ended with status {done.returncode}")
    if read.trouble:
        hint = read.hint or "look at what it wrote to standard error"
        raise Unreachable("no-plan", f"the SQL of the revisions cannot be read: {read.trouble}", str(project.folder), hint)
    sources = {script.file: revision_text(project.folder / script.file) for script in read.scripts}
    scripts = {script.id: script for script in read.scripts}
    return joined([judge_text([scripts[id_] for id_ in plan], grammar, sources, history, style=style) for plan in plans])
