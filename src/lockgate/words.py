"""
The nouns several rooms share: frozen values without behaviour beyond reading themselves.

All are picklable and hold no secret, so they may cross process borders and be printed as they are.
"""

from __future__ import annotations

import enum
from collections.abc import Mapping
from dataclasses import field

from lockgate.records import dataclass

SCRATCH = "scratch"  # the reserved environment of throw-away databases

APPROVER_KEY = "~/.config/lockgate/approver.key"  # where a private key is looked for


class Verb(str, enum.Enum):
    """What the user asks for; the word typed at the command line."""

    ENV = "env"
    URL = "url"
    STATUS = "status"
    HISTORY = "history"
    SMOKE = "smoke"
    DRIFT = "drift"
    PLAN = "plan"
    LINT = "lint"
    ADOPT = "adopt"
    UPGRADE = "upgrade"
    DOWNGRADE = "downgrade"
    STAMP = "stamp"
    ACKNOWLEDGE = "acknowledge"
    RESET = "reset"
    SEED = "seed"
    SEED_EXPORT = "seed-export"
    RECORD = "record"  # lockgate's own row in the ledger of the right database: a refusal, the answers of a smoke query

    @property
    def acts(self) -> bool:
        """Whether the verb changes a database at a user's request."""
        return self in _ACTING

    @property
    def destroys(self) -> bool:
        """Whether the verb may lose data and therefore always needs a confirmation."""
        return self in (Verb.DOWNGRADE, Verb.RESET)


_ACTING = frozenset({Verb.ADOPT, Verb.UPGRADE, Verb.DOWNGRADE, Verb.STAMP, Verb.RESET, Verb.SEED, Verb.ACKNOWLEDGE})


class Protection(str, enum.Enum):
    """How much an environment asks for before it is changed; `locked` where the settings say nothing."""

    OPEN = "open"
    CONFIRM = "confirm"
    LOCKED = "locked"


@dataclass(frozen=True)
class Request:
    """
    One call of one verb. After the face has built it, nobody else reads the process's environment or arguments.

    Args:
        to: revision target in Alembic's notation (`head`, `heads`, `+2`, `-1`, `base`, an id or its beginning); empty where none.
        confirm: what the user confirmed: the value of `CONFIRM_ENV`, or the name typed at the prompt.
        copy: `adopt --copy`: the database is known to be a copy.
        database_url: another place to knock at; changes nothing about who must answer. A secret: never printed.
        environ: the process's environment, for URL sources and the guard's variables.
        operator: `user@host`.
        seeds: `upgrade --seed`: the seeds follow, so the guard asks what it asks of `seed`, too.
        create: `upgrade --create-database`: a database that the server does not have is made first.
        from_schema: `upgrade --from-snapshot`: the schema file to load into the empty database; empty for the project's own, None for none.
        asks: a missing confirmation will be asked for at a prompt, so its refusal is not the end.
        plan: `upgrade --plan`: file of the approved plan that the run must be; empty for none.
    """

    verb: Verb
    environment: str
    to: str = ""
    confirm: str | None = None
    copy: bool = False
    database_url: str = field(default="", repr=False)
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    operator: str = ""
    seeds: bool = False
    create: bool = False
    from_schema: str | None = None
    asks: bool = False
    plan: str = ""


@dataclass(frozen=True)
class PlanCheck:
    """
    The plan that came with a call, held against what is there now.

    Args:
        whole: everything was compared, the schema too, under the lock; otherwise what a look beforehand can tell.
        differences: what is not as it was planned, old and new, a sentence each.
        unapproved: why nobody's signature counts; empty where none is demanded, or one is good.
    """

    whole: bool = False
    differences: tuple[str, ...] = ()
    unapproved: str = ""


@dataclass(frozen=True)
class Cluster:
    """
    Which physical database this is, as the server tells it.

    PostgreSQL: `system` is the `system_identifier` (empty where the server does not tell an ordinary role), `database` the oid;
    both must agree. MariaDB and MySQL: the server's own id, and the name of the schema. SQLite: `system` is the inode, `database` the real path; one must agree: a moved file keeps its inode.
    """

    kind: str
    system: str
    database: str
    source: str = ""

    def same(self, other: Cluster) -> bool:
        """Whether both describe one database; False means that one is a copy of the other."""
        if self.kind != other.kind:
            return False
        if self.kind == "sqlite":
            return self.database == other.database or bool(self.system and self.system == other.system)
        return self.same_system(other) and self.database == other.database

    def same_system(self, other: Cluster) -> bool:
        """Whether both live in one server; True where one of the two does not say, and for files, which have none."""
        return self.kind == other.kind and (self.kind == "sqlite" or not self.system or not other.system or self.system == other.system)


@dataclass(frozen=True)
class Identity:
    """The identity marker as read from a database."""

    environment: str
    project: str
    marker_id: str
    cluster: Cluster
    adopted_at: str = ""
    adopted_by: str = ""


@dataclass(frozen=True)
class VersionTable:
    """Alembic's version table as the project's env.py names it; `schema` is empty for the default one."""

    name: str = "alembic_version"
    schema: str = ""


@dataclass(frozen=True)
class VersionChange:
    """
    A row of the version table that a step changes.

    Args:
        table: as SQL names it, quoted where it must be.
        old: the revision that it names before.
        new: the revision that it names afterwards.
    """

    table: str
    old: str
    new: str


@dataclass(frozen=True)
class HalfApplied:
    """
    A revision of which a broken run did only some statements, on a database that cannot undo them.

    Args:
        direction: `upgrade`, `downgrade`, or `bootstrap` for the base tables.
        done: how many of its statements are known to be done.
    """

    direction: str
    revision: str
    done: int = 0

    def __str__(self) -> str:
        return f"{self.direction} of `{self.revision}`, {self.done} statement{'s' if self.done != 1 else ''} done"


@dataclass(frozen=True)
class Sight:
    """
    What one read-only look at a database saw.

    Args:
        place: host:port/database, or the SQLite file.
        exists: False for a SQLite file that is not there yet.
        identity: the marker; None where the database has none.
        cluster: what the server says of itself now.
        objects: number of user objects (tables, views, sequences, types, functions), or of some kinds of them where there are any;
            extension members, the registry and a version table without a row do not count.
        tables: qualified names of user tables, sorted; lockgate's and Alembic's own are not among them.
        rows: estimated number of rows in them.
        version_table: Alembic's table as it was found and read; None where there is none.
        kept_version_table: its name as an earlier run stored it; None where no run did.
        heads: the version table's rows, sorted.
        registry_version: 0 where there is no registry.
        invalid_indexes: qualified names of indexes that the server marks as invalid.
        kept_tables: the tables that the last run left, for the smoke query.
        ledger_head: seal of the ledger's newest row, which stands for all of them; empty where there is none.
        writable: False for a standby, a role or a file that can only be read.
        half_applied: the revision that a broken run left unfinished; None where there is none.
        direct: whether the session is known to be the server's own, with no pooler in between.
    """

    place: str
    cluster: Cluster
    exists: bool = True
    server: str = ""
    identity: Identity | None = None
    objects: int = 0
    tables: tuple[str, ...] = ()
    rows: int = 0
    version_table: VersionTable | None = None
    heads: tuple[str, ...] = ()
    registry_version: int = 0
    invalid_indexes: tuple[str, ...] = ()
    kept_version_table: VersionTable | None = None
    kept_tables: tuple[str, ...] | None = None
    writable: bool = True
    ledger_head: str = field(default="", compare=False)
    direct: bool = field(default=False, compare=False)
    half_applied: HalfApplied | None = None

    @property
    def empty(self) -> bool:
        """Whether there is no user object and no applied revision."""
        return self.objects == 0 and not self.heads


@dataclass(frozen=True)
class Verdict:
    """The guard's answer; `code` is an error code where it is a refusal, `notices` are for the user where it is a yes."""

    allowed: bool
    code: str = ""
    reason: str = ""
    hint: str = ""
    adopt: bool = False
    notices: tuple[str, ...] = ()


@dataclass(frozen=True)
class Step:
    """
    One revision in one direction: `upgrade`, `downgrade` or `stamp`.

    Args:
        message: first line of the revision's docstring.
        file: path of the revision file; empty for a stamp.
    """

    direction: str
    revision: str
    message: str = ""
    file: str = ""


@dataclass(frozen=True)
class StepDone:
    """A step that was committed."""

    step: Step
    duration_ms: int
