"""One list of changes, written as the project of every tool. Of ten: four tables of six columns, three columns, three indexes."""

from __future__ import annotations

import compileall
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

_KINDS = ("table", "table", "column", "index", "table", "column", "index", "table", "column", "index")
LOCKGATE_TOML = """\
[environments.dev]
url = { env = "DATABASE_URL" }
protection = "open"
export = ["DATABASE_URL"]

[smoke]
tables = ["t1"]
"""
_ALEMBIC_INI = """\
[alembic]
script_location = %(here)s/migrations
"""
_ENV_PY = """\
import os

from alembic import context
from sqlalchemy import create_engine, pool

engine = create_engine(os.environ["DATABASE_URL"], poolclass=pool.NullPool)
with engine.connect() as connection:
    context.configure(connection=connection, transaction_per_migration="EACH" in os.environ)
    with context.begin_transaction():
        context.run_migrations()
"""
_REVISION = '''\
"""{title}."""

import sqlalchemy as sa
from alembic import op

revision = "{revision}"
down_revision = {down!r}


def upgrade():
    {up}


def downgrade():
    {undo}
'''
_DJANGO_SETTINGS = """\
import json
import os

DATABASES = {"default": json.loads(os.environ["DJANGO_DATABASE"])}
INSTALLED_APPS = ["app"]
SECRET_KEY = "bench"
DEFAULT_AUTO_FIELD = "django.db.models.AutoField"
USE_TZ = False
"""
_DJANGO_MIGRATION = """\
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = {dependencies!r}
    operations = [{operation}]
"""


@dataclass(frozen=True)
class Change:
    """
    What one revision does.

    Args:
        number: from 1.
        kind: `table`, `column` or `index`.
        table: that is made, or that gets it.
    """

    number: int
    kind: str
    table: str

    @property
    def revision(self) -> str:
        """Sorts like the number."""
        return f"r{self.number:05d}"

    @property
    def name(self) -> str:
        """Of the column or the index."""
        return f"{self.kind[0]}{self.number}"

    @property
    def sql(self) -> str:
        """For tools that run SQL."""
        columns = (
            "id integer primary key, name varchar(80) not null, code varchar(20), amount numeric(12, 2), made timestamp, active boolean"
        )
        return {
            "table": f"CREATE TABLE {self.table} ({columns})",
            "column": f"ALTER TABLE {self.table} ADD COLUMN {self.name} varchar(50)",
            "index": f"CREATE INDEX {self.name} ON {self.table} (name, code)",
        }[self.kind]

    @property
    def undo(self) -> str:
        """The SQL of the way back."""
        return {
            "table": f"DROP TABLE {self.table}",
            "column": f"ALTER TABLE {self.table} DROP COLUMN {self.name}",
            "index": f"DROP INDEX {self.name}",
        }[self.kind]

    @property
    def operations(self) -> tuple[str, str]:
        """Alembic's, up and down."""
        columns = (
            'sa.Column("id", sa.Integer, primary_key=True, autoincrement=False), sa.Column("name", sa.String(80), nullable=False), '
            'sa.Column("code", sa.String(20)), sa.Column("amount", sa.Numeric(12, 2)), sa.Column("made", sa.DateTime), '
            'sa.Column("active", sa.Boolean)'
        )
        return {
            "table": (f'op.create_table("{self.table}", {columns})', f'op.drop_table("{self.table}")'),
            "column": (
                f'op.add_column("{self.table}", sa.Column("{self.name}", sa.String(50)))',
                f'op.drop_column("{self.table}", "{self.name}")',
            ),
            "index": (f'op.create_index("{self.name}", "{self.table}", ["name", "code"])', f'op.drop_index("{self.name}", "{self.table}")'),
        }[self.kind]

    @property
    def django(self) -> str:
        """Django's operation."""
        fields = (
            '("id", models.IntegerField(primary_key=True)), ("name", models.CharField(max_length=80)), '
            '("code", models.CharField(max_length=20, null=True)), ("amount", models.DecimalField(max_digits=12, decimal_places=2, null=True)), '
            '("made", models.DateTimeField(null=True)), ("active", models.BooleanField(null=True))'
        )
        return {
            "table": f'migrations.CreateModel("{self.table}", [{fields}], {{"db_table": "{self.table}"}})',
            "column": f'migrations.AddField("{self.table}", "{self.name}", models.CharField(max_length=50, null=True))',
            "index": f'migrations.AddIndex("{self.table}", models.Index(fields=["name", "code"], name="{self.name}"))',
        }[self.kind]


def mixed(length: int) -> list[Change]:
    """Return a history of this many changes."""
    changes: list[Change] = []
    tables: list[str] = []
    for number in range(1, length + 1):
        kind = _KINDS[(number - 1) % len(_KINDS)]
        if kind == "table":
            tables.append(f"t{number}")
        changes.append(Change(number, kind, tables[-1] if kind == "table" else tables[number * 7 % len(tables)]))
    return changes


def only_tables(length: int) -> list[Change]:
    """Return a history that makes the tables t1, t2 and so on."""
    return [Change(number, "table", f"t{number}") for number in range(1, length + 1)]


def alembic(folder: Path, changes: Sequence[Change]) -> None:
    """An Alembic project; its bytecode is written, as after the first run of a user."""
    versions = _folder(folder / "migrations" / "versions")
    (folder / "alembic.ini").write_text(_ALEMBIC_INI, encoding="utf-8")
    (folder / "migrations" / "env.py").write_text(_ENV_PY, encoding="utf-8")
    down = None
    for change in changes:
        up, undo = change.operations
        title = f"{change.kind} {change.number}"
        text = _REVISION.format(title=title, revision=change.revision, down=down, up=up, undo=undo)
        (versions / f"{change.revision}_{change.kind}.py").write_text(text, encoding="utf-8")
        down = change.revision
    compileall.compile_dir(folder, quiet=1)


def lockgate(folder: Path, changes: Sequence[Change]) -> None:
    """The same, as a lockgate project with a smoke query."""
    alembic(folder, changes)
    (folder / "lockgate.toml").write_text(LOCKGATE_TOML, encoding="utf-8")


def sql(folder: Path, changes: Sequence[Change]) -> None:
    """`all.sql`: everything; `each.sql`: a transaction and a version row for each change."""
    _folder(folder)
    (folder / "all.sql").write_text("".join(f"{change.sql};\n" for change in changes), encoding="utf-8")
    text = "create table version (version varchar(32) not null primary key);\ninsert into version values ('');\n"
    text += "".join(f"begin;\n{change.sql};\nupdate version set version = '{change.revision}';\ncommit;\n" for change in changes)
    (folder / "each.sql").write_text(text, encoding="utf-8")


def dbmate(folder: Path, changes: Sequence[Change]) -> None:
    """dbmate's files."""
    _files(folder / "db" / "migrations", changes, lambda change: f"-- migrate:up\n{change.sql};\n\n-- migrate:down\n{change.undo};\n")


def yoyo(folder: Path, changes: Sequence[Change]) -> None:
    """yoyo's files; where nothing else is said, it runs them by their names."""
    _files(folder / "migrations", changes, lambda change: f"-- {change.kind}\n\n{change.sql};\n")


def django(folder: Path, changes: Sequence[Change]) -> None:
    """A Django project with one app; models are not needed to migrate."""
    migrations = _folder(folder / "app" / "migrations")
    for package in (migrations, migrations.parent):
        (package / "__init__.py").write_text("", encoding="utf-8")
    (folder / "settings.py").write_text(_DJANGO_SETTINGS, encoding="utf-8")
    dependencies: list[tuple[str, str]] = []
    for change in changes:
        text = _DJANGO_MIGRATION.format(dependencies=dependencies, operation=change.django)
        (migrations / f"{change.revision}.py").write_text(text, encoding="utf-8")
        dependencies = [("app", change.revision)]
    compileall.compile_dir(folder, quiet=1)


def _files(folder: Path, changes: Sequence[Change], text: Callable[[Change], str]) -> None:
    _folder(folder)
    for change in changes:
        (folder / f"2026{change.number:010d}_{change.kind}.sql").write_text(text(change), encoding="utf-8")


def _folder(path: Path) -> Path:
    path.mkdir(parents=True)
    return path
