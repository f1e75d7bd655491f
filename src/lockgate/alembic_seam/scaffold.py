"""New files of an Alembic project, made by Alembic itself: an environment, a revision."""

from __future__ import annotations

import contextlib
import io
import re
import traceback
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import Script, ScriptDirectory
from alembic.util import CommandError

from lockgate.alembic_seam.config import alembic_config
from lockgate.alembic_seam.errors import Scene, translate
from lockgate.alembic_seam.world import project_world
from lockgate.errors import UsageError
from lockgate.secret import redact
from lockgate.settings.project import Project

# For rooms that hand it on and must not import Alembic.
AlembicScripts = ScriptDirectory

_SLUG_LENGTH = 40  # Alembic's default of truncate_slug_length


def new_environment(folder: Path, script_location: str) -> tuple[Path, ...]:
    """
    Make an Alembic environment with `alembic init`: `alembic.ini` and a folder of Alembic's generic template.

    Args:
        folder: the project's; absolute.
        script_location: relative to it; the folder is missing or empty.
    Returns:
        The files that were written, absolute, sorted.
    Raises:
        UsageError: `file-exists` where the script folder has files; nothing was written then.
    """
    target = folder / script_location
    if target.exists() and (not target.is_dir() or any(target.iterdir())):
        what = f"`{script_location}` is already there, but no `alembic.ini` that leads to it"
        hint = 'move it, or write `alembic_ini = "path/to/alembic.ini"` in a `lockgate.toml` of your own'
        raise UsageError("file-exists", what, str(target), hint)
    with _alembic(folder, folder):
        # A relative folder, so that the ini file says %(here)s and not the path of this machine.
        command.init(Config("alembic.ini"), script_location, template="generic")
    return (folder / "alembic.ini", *sorted(path for path in target.rglob("*") if path.is_file()))


def new_revision(project: Project, message: str, now: datetime, head: str = "head") -> Path:
    """
    Make an empty revision file, `YYYYMMDD_HHMM_slug.py`, whose id is the same timestamp.

    Where the id is taken, `_2`, `_3` and so on is added to it. env.py is not run, so no database is contacted.

    Args:
        message: becomes the docstring and the slug; may be empty.
        now: the clock, in whichever time zone ids of this project are.
        head: the revision to build on, in Alembic's notation.
    Returns:
        The new file, absolute.
    Raises:
        UsageError: `multiple-heads`, `revision-not-found`, `revision-unreadable`, `alembic-settings`.
    """
    ini = (project.folder / project.alembic_ini).resolve()
    slug = _slug(message)
    with _alembic(ini.parent, project.folder):
        config = alembic_config(ini)
        id_ = timestamp_id(ScriptDirectory.from_config(config), message, now)
        config.set_main_option("file_template", f"%%(rev)s{slug and '_'}{slug}")
        # With `true` Alembic runs env.py here, which connects.
        config.set_main_option("revision_environment", "false")
        made = command.revision(config, _docstring(message), rev_id=id_, head=head)
    found = made if isinstance(made, Script) else None
    if found is None:
        raise UsageError("alembic-settings", "Alembic wrote no single revision file", str(ini), "run `alembic revision` to see why")
    return Path(found.path)


@contextlib.contextmanager
def _alembic(workdir: Path, folder: Path) -> Iterator[None]:
    """Call Alembic in `workdir`, without its talk, and map what it raises."""
    try:
        with project_world(workdir, {}), contextlib.redirect_stdout(io.StringIO()):
            yield
    except CommandError as error:
        raise translate(error, Scene(folder, str(folder))) from error
    except OSError as error:
        where = str(error.filename or folder)
        raise UsageError("usage", f"a file cannot be written: {error.strerror}", where, f"ls -ld {where}") from error
    except Exception as error:
        frame = traceback.extract_tb(error.__traceback__)[-1]
        first = (redact(str(error)).strip().splitlines() or [""])[0]
        what = f"a revision file cannot be imported: {type(error).__name__}: {first}"
        hint = "run `alembic history` in the project's folder to see it without a database"
        raise UsageError("revision-unreadable", what, f"{frame.filename}:{frame.lineno}", hint) from error


def timestamp_id(script: ScriptDirectory, message: str, now: datetime) -> str:
    """
    Return `YYYYMMDD_HHMM` of `now`, or the first `..._2`, `..._3`, ... that neither an id nor a file has.

    Args:
        message: of the revision; its words become the rest of the file's name.
    """
    stamp, slug = f"{now:%Y%m%d_%H%M}", _slug(message)
    revisions = list(script.walk_revisions())
    taken = {found.revision for found in revisions}
    files = {Path(found.path).stem for found in revisions}
    number, id_ = 1, stamp
    while id_ in taken or f"{id_}_{slug}".rstrip("_") in files:
        number += 1
        id_ = f"{stamp}_{number}"
    return id_


def _slug(message: str) -> str:
    """Return the words of a message, joined by `_`, cut between words; the first word is kept whatever its length."""
    slug = ""
    for word in re.findall(r"\w+", message.lower()):
        if slug and len(slug) + 1 + len(word) > _SLUG_LENGTH:
            break
        slug = f"{slug}_{word}".strip("_")
    return slug[:_SLUG_LENGTH]


def _docstring(message: str) -> str:
    """Return a message that can stand in a docstring: one line, and nothing that ends the literal or begins an escape."""
    return " ".join(message.split()).replace("\\", "\\\\").replace('"""', "'''") or "empty message"
