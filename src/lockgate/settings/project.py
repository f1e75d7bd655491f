"""The settings of one project as values: what `lockgate.toml` says, with every default filled in."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field
from pathlib import Path
from typing import TYPE_CHECKING

from lockgate.records import dataclass
from lockgate.words import Protection

if TYPE_CHECKING:
    from lockgate.seeds.spec import Seed


@dataclass(frozen=True)
class UrlSource:
    """
    Where an environment's URL comes from.

    Args:
        kind: `env`, `dotenv`, `aws_secret`, `aws_parameter`, `rds_iam`, `command`, `python`, `embedded` or `url`.
        value: the text behind that key; for `command` see `argv`, for the table-valued ones see `options`.
        argv: the words of `command`.
        options: the remaining keys (`region`, `profile`, `timeout`, `variable`, `host`, `port`, `username`, `database`, ...).
    """

    kind: str
    value: str = ""
    argv: tuple[str, ...] = ()
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def label(self) -> str:
        """For people: `variable TEST_DATABASE_URL`; a URL written into the settings is only called that."""
        return _LABELS[self.kind] if self.kind == "url" else f"{_LABELS[self.kind]} {' '.join(self.argv[:1]) or self.value}"


_LABELS = {
    "env": "variable",
    "dotenv": "dotenv file",
    "aws_secret": "AWS secret",
    "aws_parameter": "AWS parameter",
    "rds_iam": "RDS IAM token for",
    "command": "command",
    "python": "Python function",
    "embedded": "embedded server",
    "url": "settings",
}


@dataclass(frozen=True)
class Environment:
    """
    One named profile.

    Args:
        where: `lockgate.toml:14`, the line of its table, for messages.
        export: variables that carry the URL while env.py runs.
        driver: SQLAlchemy driver for env.py where the URL names none (`asyncpg`).
        query: driver options added to the URL, such as `sslmode` and `sslrootcert`.
        connection: hand env.py a connection in `config.attributes["connection"]`.
        lock_timeout: seconds one statement may queue for a table's lock; None where the settings say nothing (then 1.0,
            unless the session has a limit of its own).
        lock_wait: seconds to wait for lockgate's lock, and to go on trying for a table's lock.
        statement_timeout: seconds one statement may run; None for no limit.
        scratch: whether lockgate may make databases of its own next to this one, on the same server.
        scratch_url: a server for the scratch databases of plans, by a database on it; None for the project's, or the embedded server.
        approvers: one of these must have signed a plan before it may be run; empty where no signature is demanded.
        blocked_warning: seconds for which a plan may block a table before that is a warning; blocked_error: before it is an error.
    """

    name: str
    url: UrlSource
    protection: Protection = Protection.LOCKED
    where: str = ""
    export: tuple[str, ...] = ()
    driver: str = ""
    query: Mapping[str, str] = field(default_factory=dict)
    connection: bool = False
    lock_timeout: float | None = None
    lock_wait: float = 300.0
    statement_timeout: float | None = None
    connect_timeout: float = 10.0
    scratch: bool = False
    scratch_url: UrlSource | None = None
    approvers: tuple[str, ...] = ()
    blocked_warning: float = 1.0
    blocked_error: float = 60.0


@dataclass(frozen=True)
class EnvironmentVariable:
    """The variable that names the environment a shell is set up for, and the verbs that insist on it."""

    name: str = "LOCKGATE_ENV"
    required_for: tuple[str, ...] = ()


@dataclass(frozen=True)
class Bootstrap:
    """Base tables that the history does not make: a SQL file or a Python function, and the revision to stamp after it."""

    stamp: str
    file: str = ""
    python: str = ""
    where: str = ""


@dataclass(frozen=True)
class SmokeQuery:
    """A query of one value, and what it must be; None means that this bound is not asked."""

    sql: str
    at_least: float | None = None
    at_most: float | None = None
    equals: str | float | bool | None = None
    where: str = ""


@dataclass(frozen=True)
class Smoke:
    """The questions asked after an upgrade."""

    tables: tuple[str, ...] = ()
    queries: tuple[SmokeQuery, ...] = ()
    timeout: float = 30.0


class RevisionIds(str, enum.Enum):
    """How plain `alembic` names a new revision: as it always did, or as `lockgate revision` does."""

    ALEMBIC = "alembic"
    TIMESTAMP = "timestamp"


@dataclass(frozen=True)
class Drift:
    """
    What `drift` compares.

    Args:
        ignore: patterns of objects whose differences are left out; see `drift.ignore`.
        grants: whether to compare who may do what.
        snapshot: file below the project's folder that holds the schema of a head; the smoke check after an upgrade asks for
            its objects. Empty for none.
    """

    ignore: tuple[str, ...] = ()
    grants: bool = False
    snapshot: str = ""


@dataclass(frozen=True)
class PlaceForTests:
    """
    Where the pytest plugin makes its databases, and what its ready-made checks let pass.

    Args:
        environment: whose server it is, which its `scratch` must allow; empty for none.
        server: `embedded` or `sqlite`; empty for the first that can be had.
        irreversible: ids of revisions whose downgrade fails or does not restore the schema.
        loses_rows: ids of revisions that lose rows of a table, or cannot be run where there are rows.
    """

    environment: str = ""
    server: str = ""
    irreversible: tuple[str, ...] = ()
    loses_rows: tuple[str, ...] = ()


@dataclass(frozen=True)
class Project:
    """
    A project: its folder and its settings.

    Args:
        folder: absolute; relative paths in the settings start here.
        settings_file: name of the file that the settings came from, for messages.
        name: written into every marker; empty where the project does not name itself.
        alembic_ini: path of the ini file (or of `pyproject.toml` with `[tool.alembic]`) below the folder.
        seeds: in the order they are written; no two of one name.
        scratch_url: see `Environment`; for all that have none of their own, and for `lint`.
        revision_ids: what `alembic revision` and `alembic merge` do without `--rev-id`.
        approvers: public keys (`ed25519:` and base64) of those who may approve plans, by name.
    """

    folder: Path
    settings_file: str
    environments: Mapping[str, Environment]
    name: str = ""
    alembic_ini: str = "alembic.ini"
    default_environment: str = ""
    variable: EnvironmentVariable = EnvironmentVariable()
    bootstrap: Bootstrap | None = None
    smoke: Smoke = Smoke()
    drift: Drift = Drift()
    seeds: tuple[Seed, ...] = ()
    tests: PlaceForTests = PlaceForTests()
    revision_ids: RevisionIds = RevisionIds.ALEMBIC
    scratch_url: UrlSource | None = None
    approvers: Mapping[str, str] = field(default_factory=dict)
