"""Text of `lockgate.toml`, or of `pyproject.toml` with `[tool.lockgate]`, to a `Project`; all mistakes at once."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from lockgate.errors import SettingsError
from lockgate.settings.decode import FUNCTION, VARIABLE, Mistakes, Table, did_you_mean
from lockgate.settings.lines import find_lines
from lockgate.settings.project import (
    Bootstrap,
    Drift,
    Environment,
    EnvironmentVariable,
    PlaceForTests,
    Project,
    RevisionIds,
    Smoke,
    SmokeQuery,
    UrlSource,
)
from lockgate.settings.seeds import read_seeds
from lockgate.settings.source import read_source
from lockgate.words import SCRATCH, Protection, Verb

PYPROJECT = "pyproject.toml"
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_DRIVER = re.compile(r"[a-z][a-z0-9_]*")
_KEY = re.compile(r"ed25519:[A-Za-z0-9+/]{43}=")  # 32 bytes
_POSITION = re.compile(r"at line (\d+), column (\d+)")


def read_settings(text: str, file_name: str, folder: Path, project_name: str = "") -> Project:
    """
    Read the settings of a project.

    Args:
        text: the whole file.
        file_name: `lockgate.toml`, or `pyproject.toml`, of which only `[tool.lockgate]` is read.
        folder: the project's, absolute.
        project_name: taken where the settings do not name the project.
    Raises:
        SettingsError: `settings-syntax` with line and column, or `settings-invalid` with every mistake.
    """
    text = text.removeprefix("\ufeff")
    document = parse_toml(text, file_name)
    mistakes = Mistakes(file_name, find_lines(text), ("tool", "lockgate") if file_name == PYPROJECT else ())
    project = _project(_root(document, mistakes), folder, project_name)
    if mistakes.found:
        count = "1 mistake" if len(mistakes.found) == 1 else f"{len(mistakes.found)} mistakes"
        what = "\n".join([f"the settings have {count}", *mistakes.in_order()])
        raise SettingsError("settings-invalid", what, file_name, "correct the lines named, then run `lockgate env`")
    return project


def parse_toml(text: str, where: str) -> dict[str, Any]:
    """
    Parse TOML.

    Args:
        where: the file, for the error.
    Raises:
        SettingsError: `settings-syntax`, with line and column in its `where`.
    """
    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        # Before Python 3.14 the position is only told in the message.
        sentence = _POSITION.sub("", str(error)).replace("()", "").strip()
        found = _POSITION.search(str(error))
        place = f"{where}:{found[1]}, column {found[2]}" if found else f"{where}, at its end"
        what = f"the file is not valid TOML: {sentence[:1].lower()}{sentence[1:]}"
        raise SettingsError("settings-syntax", what, place, "texts need quotation marks, keys an `=`") from error


def _root(document: Mapping[str, Any], mistakes: Mistakes) -> Table:
    for key in mistakes.prefix:
        document = document.get(str(key), {})
        if not isinstance(document, dict):
            mistakes.add(f"`{key}` must be a table", ())
            document = {}
    return Table(document, (), mistakes)


def _project(root: Table, folder: Path, project_name: str) -> Project:
    approvers = _approvers(root)
    environments = _environments(root, approvers)
    project = Project(
        folder=folder,
        settings_file=root.mistakes.file_name,
        environments=environments,
        name=root.text("project", project_name),
        alembic_ini=root.text("alembic_ini", "alembic.ini"),
        default_environment=_known_environment(root, "default_environment", environments),
        variable=_variable(root),
        bootstrap=_bootstrap(root),
        smoke=_smoke(root),
        drift=_drift(root),
        seeds=read_seeds(root, environments),
        tests=_tests(root, environments),
        revision_ids=_revision_ids(root),
        scratch_url=_scratch_url(root),
        approvers=approvers,
    )
    root.close()
    return project


def _known_environment(table: Table, key: str, environments: Mapping[str, Environment]) -> str:
    name = table.text(key)
    if name and name not in environments:
        table.wrong(key, f"there is no environment `{name}`{did_you_mean(name, environments)}")
    return name


def _variable(root: Table) -> EnvironmentVariable:
    table = root.table("environment_variable")
    if table is None:
        return EnvironmentVariable()
    acting = [verb.value for verb in Verb if verb.acts]
    required_for = table.texts("required_for")
    for index, word in enumerate(required_for):
        if word not in acting:
            sentence = f"this is no verb that changes a database{did_you_mean(word, acting)}"
            table.mistakes.add(sentence, (*table.path, "required_for", index))
    name = table.text("name", EnvironmentVariable().name, shape=VARIABLE, like="`LOCKGATE_ENV`")
    table.close()
    return EnvironmentVariable(name, required_for)


def _tests(root: Table, environments: Mapping[str, Environment]) -> PlaceForTests:
    table = root.table("tests")
    if table is None:
        return PlaceForTests()
    found = PlaceForTests(
        _known_environment(table, "environment", environments),
        table.word("server", ("embedded", "sqlite"), ""),
        table.texts("irreversible"),
        table.texts("loses_rows"),
    )
    if found.environment and found.server:
        table.wrong("", "`tests` takes one of `environment` and `server`")
    table.close()
    return found


def _revision_ids(root: Table) -> RevisionIds:
    table = root.table("revisions")
    if table is None:
        return RevisionIds.ALEMBIC
    ids = table.word("ids", [item.value for item in RevisionIds], RevisionIds.ALEMBIC.value)
    table.close()
    return RevisionIds(ids)


def _approvers(root: Table) -> dict[str, str]:
    table = root.table("approvers")
    if table is None:
        return {}
    found = {name: table.text(name, shape=_KEY, like="`ed25519:` and the 44 characters that `lockgate approve --new-key` shows") for name in table.keys}
    for name in {name for name, key in found.items() if key and list(found.values()).count(key) > 1}:
        table.wrong(name, "another approver has the same key")
    return found


def _environments(root: Table, approvers: Mapping[str, str]) -> dict[str, Environment]:
    group = root.table("environments")
    if group is None or not group.keys:
        if group is not None or "environments" not in root:
            root.wrong("environments" if group else "", "there is no environment; write `[environments.dev]` with its `url`")
        return {}
    return {name: _environment(name, table, approvers) for name in group.keys if (table := group.table(name)) is not None}


def _environment(name: str, table: Table, approvers: Mapping[str, str]) -> Environment:
    if not _NAME.fullmatch(name):
        table.wrong("", "an environment's name is at most 32 lower-case letters, digits, `_` and `-`, and begins with a letter")
    elif name == SCRATCH:
        table.wrong("", f"`{SCRATCH}` is the reserved name of throw-away databases; choose another one")
    protection = table.word("protection", [item.value for item in Protection], Protection.LOCKED.value)
    defaults = Environment(name, read_source(table))
    environment = Environment(
        name=name,
        url=defaults.url,
        protection=Protection(protection),
        where=table.where,
        export=table.texts("export", shape=VARIABLE, like="`DATABASE_URL`"),
        driver=table.text("driver", shape=_DRIVER, like="`psycopg` (the word behind `+` in a URL)"),
        query=_query(table),
        connection=table.flag("connection"),
        lock_timeout=table.seconds("lock_timeout"),
        lock_wait=table.seconds("lock_wait") or defaults.lock_wait,
        statement_timeout=table.seconds("statement_timeout"),
        connect_timeout=table.seconds("connect_timeout") or defaults.connect_timeout,
        scratch=table.flag("scratch"),
        scratch_url=_scratch_url(table),
        approvers=_named_approvers(table, approvers, protection),
        blocked_warning=table.seconds("blocked_warning") or defaults.blocked_warning,
        blocked_error=table.seconds("blocked_error") or defaults.blocked_error,
    )
    if environment.blocked_warning > environment.blocked_error:
        table.wrong("blocked_warning", f"`blocked_warning` must not be longer than `blocked_error`, which is {environment.blocked_error:g}")
    table.close()
    return environment


def _scratch_url(table: Table) -> UrlSource | None:
    return read_source(table, "scratch_url") if "scratch_url" in table else None


def _named_approvers(table: Table, approvers: Mapping[str, str], protection: str) -> tuple[str, ...]:
    names = table.texts("approvers")
    for index, name in enumerate(names):
        if name not in approvers:
            sentence = f"`[approvers]` has no key of `{name}`{did_you_mean(name, approvers)}"
            table.mistakes.add(sentence, (*table.path, "approvers", index))
    if "approvers" in table and not names:
        table.wrong("approvers", "`approvers` names nobody: leave it out where no signature is demanded")
    if names and protection != Protection.LOCKED.value:
        table.wrong("approvers", f"nobody is asked for a plan where the protection is `{protection}`: write `locked`, or leave `approvers` out")
    return names


def _query(table: Table) -> dict[str, str]:
    query = table.pairs("query")
    for key in query.keys() & {"password", "sslpassword"}:
        table.mistakes.add("a password does not belong into the settings", (*table.path, "query", key))
    return query


def _bootstrap(root: Table) -> Bootstrap | None:
    table = root.table("bootstrap")
    if table is None:
        return None
    if ("file" in table) == ("python" in table):
        table.wrong("", "`bootstrap` needs exactly one of `file` and `python`")
    python = table.text("python", shape=FUNCTION, like="`package.module:function`")
    found = Bootstrap(table.text("stamp", required=True), table.text("file"), python, table.where)
    table.close()
    return found


def _drift(root: Table) -> Drift:
    table = root.table("drift")
    if table is None:
        return Drift()
    found = Drift(table.texts("ignore"), table.flag("grants"), table.text("snapshot"))
    table.close()
    return found


def _smoke(root: Table) -> Smoke:
    table = root.table("smoke")
    if table is None:
        return Smoke()
    queries = tuple(_smoke_query(query) for query in table.tables("queries"))
    found = Smoke(table.texts("tables"), queries, table.seconds("timeout") or Smoke().timeout)
    table.close()
    return found


def _smoke_query(table: Table) -> SmokeQuery:
    sql = table.text("sql", required=True)
    equals = table.raw("equals")
    if equals is not None and not isinstance(equals, str | int | float):
        table.wrong("equals", "`equals` must be a text, a number, true or false")
        equals = None
    query = SmokeQuery(sql, table.number("at_least"), table.number("at_most"), equals, table.where)
    if not {"at_least", "at_most", "equals"} & {*table.keys}:
        table.wrong("", "a smoke query needs its expected answer: `at_least`, `at_most` or `equals`")
    table.close()
    return query
