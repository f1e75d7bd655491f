"""
The process that has revisions say their SQL in offline mode: `python -m lockgate.runs.unrun`, orders on standard input.

A process of its own, because it runs foreign code, which must not have the environment's credentials.
"""

from __future__ import annotations

import os
import sys
import traceback
from pathlib import Path

import msgspec

from lockgate.alembic_seam.config import alembic_config
from lockgate.alembic_seam.offline import Offline
from lockgate.alembic_seam.scripts import script_directory
from lockgate.alembic_seam.world import project_world
from lockgate.errors import LockgateError
from lockgate.files import graph_of, load_project, revision_text
from lockgate.hazards.static import Said, Script
from lockgate.hazards.static_code import pieces
from lockgate.trace.coverage import Coverage


class Orders(msgspec.Struct, frozen=True):
    """
    What to read.

    Args:
        folder: of the project.
        revisions: ids, in the order in which they run.
        backend: whose SQL they say.
    """

    folder: str
    revisions: tuple[str, ...]
    backend: str


class Read(msgspec.Struct, frozen=True):
    """What was said; `trouble` where nothing could be read, with the hint that goes with it."""

    scripts: tuple[Script, ...] = ()
    trouble: str = ""
    hint: str = ""


def main() -> None:
    """Do what standard input orders; anything that is printed meanwhile goes to standard error."""
    answer = os.dup(1)
    os.dup2(2, 1)
    sys.stdout = sys.stderr
    told = msgspec.json.encode(_answer(msgspec.json.decode(sys.stdin.buffer.read(), type=Orders)))
    while told:
        told = told[os.write(answer, told) :]


def _answer(orders: Orders) -> Read:
    try:
        return Read(_read(orders))
    except LockgateError as error:
        return Read(trouble=error.what, hint=error.hint)
    except Exception as error:  # the other process must hear of it, whatever it is
        return Read(trouble=f"{type(error).__name__}: {error}")


def _read(orders: Orders) -> tuple[Script, ...]:
    project = load_project(Path(orders.folder))
    config = alembic_config((project.folder / project.alembic_ini).resolve())
    with project_world(project.folder, {}):
        offline = Offline(config, script_directory(config, graph_of(project), project.folder), orders.backend)
        with offline.ready():
            return tuple(_script(offline, revision, project.folder.resolve()) for revision in orders.revisions)


def _script(offline: Offline, revision: str, folder: Path) -> Script:
    path, message, module = offline.place(revision)
    coverage = Coverage(str(path), "upgrade")
    stopped: set[int] = set()
    coverage.start()
    try:
        offline.say(path, module.upgrade)
    except (Exception, SystemExit) as error:  # nobody answers: what an answer was needed for is read from the file
        stopped = {frame.lineno or 0 for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)}
    finally:
        coverage.stop()
    unread: list[int] = []
    for piece in pieces(revision_text(path), {*coverage.not_run(), *stopped}, vars(module).keys()):
        try:
            if piece.code is None:
                raise LookupError
            offline.run_alone(piece.code, module, piece.outside)
        except (Exception, SystemExit):
            for line, text in piece.sql:
                offline.add(text, line, piece.outside)
            unread += [] if piece.told else [piece.line]
    said = tuple(Said(line=one.line, text=one.text, transaction=one.transaction, outside=one.outside) for one in offline.said())
    file = str(path.relative_to(folder)) if folder in path.parents else str(path)
    return Script(id=revision, file=file, message=message, said=said, unread=tuple(unread))


if __name__ == "__main__":
    main()
