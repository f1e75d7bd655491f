"""`init`: settings for a project, and an Alembic environment where there is none."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lockgate.alembic_seam.scaffold import new_environment
from lockgate.errors import UsageError
from lockgate.files import SETTINGS, append_line, name_in_pyproject, read_pyproject, tool_table, write_new

_SCRIPTS = "migrations"
_IGNORED = ".lockgate/"
_HEAD = """\
# Settings of lockgate; run `lockgate env` to see what they mean.
project = {name} # written into every database that is adopted; do not change it afterwards
alembic_ini = "{alembic_ini}"
default_environment = "dev"     # what plain `alembic` asks for when the environment variable is unset

[environment_variable]
name = "LOCKGATE_ENV"           # set and different from the environment asked for: every write is refused

# protection: open | confirm | locked; left out means locked.
# driver: SQLAlchemy's name of the driver for env.py, where the URL names none.
"""
_ENVIRONMENT = """
[environments.{name}]
url = {url}
protection = "{protection}"
"""
_REVISIONS = """
[revisions]
ids = "timestamp"               # plain `alembic revision` names revisions as `lockgate revision` does
"""
_TAIL = """
[smoke]                         # asked after every upgrade
tables = []                     # these must exist
# queries = [ { sql = "select count(*) from users", at_least = 1 } ]
"""
_PROTECTIONS = {"dev": "open", "test": "open", "prod": "locked"}
_VARIABLES = {name: f'{{ env = "{name.upper()}_DATABASE_URL" }}' for name in _PROTECTIONS}
# Kind of database -> URL source by environment, and the driver that a new Alembic environment needs named.
_KINDS = {
    "postgresql": (_VARIABLES, "psycopg"),
    "mysql": (_VARIABLES, "pymysql"),
    "sqlite": ({"dev": '"sqlite:///dev.db"', "test": '"sqlite:///test.db"', "prod": '{ env = "PROD_DATABASE_URL" }'}, ""),
}


def init(folder: Path, name: str = "", database: str = "postgresql") -> tuple[str, ...]:
    """
    Write `lockgate.toml`, and an Alembic environment where the folder has none; nothing that exists is overwritten.

    Args:
        folder: absolute, existing.
        name: of the project; empty for the one in pyproject.toml, else the folder's.
        database: `postgresql`, `mysql` (MariaDB too) or `sqlite`.
    Returns:
        The files written or added to, relative to the folder.
    Raises:
        UsageError: `file-exists` where there are settings already; `usage`. Nothing was written then.
    """
    pyproject = _checked(folder, database)
    in_pyproject = tool_table(pyproject, "alembic") is not None
    has_ini = (folder / "alembic.ini").is_file()
    fresh = not has_ini and not in_pyproject
    written = list(new_environment(folder, _SCRIPTS)) if fresh else []
    alembic_ini = "alembic.ini" if has_ini or fresh else "pyproject.toml"
    settings = folder / SETTINGS
    write_new(settings, _settings(name or name_in_pyproject(pyproject) or folder.name, alembic_ini, database, fresh))
    ignoring = folder / ".gitignore"
    if (ignoring.is_file() or _in_git(folder)) and append_line(ignoring, _IGNORED):
        written.append(ignoring)
    return tuple(path.relative_to(folder).as_posix() for path in (settings, *written))


def _checked(folder: Path, database: str) -> dict[str, Any]:
    """Return pyproject.toml as parsed, if the folder is one that can be initialised."""
    if database not in _KINDS:
        raise UsageError("usage", f"`{database}` databases are not supported", "--database", f"write one of {', '.join(_KINDS)}")
    if not folder.is_dir():
        raise UsageError("usage", "the project's folder is not there", str(folder), f"mkdir -p {folder}")
    if (folder / SETTINGS).exists():
        raise UsageError("file-exists", f"`{SETTINGS}` is already there", str(folder / SETTINGS), "edit it, then run `lockgate env`")
    pyproject = read_pyproject(folder)
    if tool_table(pyproject, "lockgate") is not None:
        hint = "edit it, then run `lockgate env`"
        raise UsageError("file-exists", "the settings are already there: `[tool.lockgate]`", str(folder / "pyproject.toml"), hint)
    return pyproject


def _settings(name: str, alembic_ini: str, database: str, fresh: bool) -> str:
    urls, driver = _KINDS[database]
    # JSON's quoting of a text is TOML's as well.
    text = _HEAD.format(name=json.dumps(name, ensure_ascii=False), alembic_ini=alembic_ini)
    for environment, protection in _PROTECTIONS.items():
        text += _ENVIRONMENT.format(name=environment, url=urls[environment], protection=protection)
        if driver:
            # An environment that was there before has a driver of its own.
            text += f'{"" if fresh else "# "}driver = "{driver}"\n'
    # Somebody who had a history before has ids of their own.
    return text + (_REVISIONS if fresh else "") + _TAIL


def _in_git(folder: Path) -> bool:
    return any((above / ".git").exists() for above in (folder, *folder.parents))
