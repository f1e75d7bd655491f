"""The project's Alembic configuration, with the environment's URL in it."""

from __future__ import annotations

from pathlib import Path

from alembic.config import Config

from lockgate.secret import DatabaseUrl

# For rooms that hand it on and must not import Alembic.
AlembicConfig = Config


def alembic_config(ini: Path, url: DatabaseUrl | None = None) -> Config:
    """
    Read the project's configuration as `alembic` does when it is called in the folder of its ini file.

    Args:
        ini: `alembic.ini`, or `pyproject.toml` with `[tool.alembic]`.
        url: put where the generic env.py looks for it; percent signs are doubled for the ini file's interpolation.
    """
    pyproject = ini.parent / "pyproject.toml"
    toml = pyproject if pyproject.exists() else None
    config = Config(None if ini == pyproject else ini, toml_file=toml)
    if url is not None:
        config.set_main_option("sqlalchemy.url", url.render().reveal().replace("%", "%%"))
    return config
