"""What only the Python functions do; the verbs themselves are tested through both faces elsewhere."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import pytest
from building import SETTINGS, Tiny

import lockgate
from lockgate.errors import UsageError
from lockgate.events import Event, Notice, Tracing
from lockgate.runs.approve import make_key
from lockgate.secret import DatabaseUrl


def test_status_knocks_at_another_database_for_one_environment(project: Tiny, database_url: DatabaseUrl) -> None:
    """A program knows its database by URL; for several environments one URL means nothing."""
    project.tables("users").point("dev", database_url)
    loaded, url = lockgate.load_project(project.folder), database_url.render().reveal()
    lockgate.upgrade(loaded, "dev", environ=project.environ)
    (row,) = lockgate.status(loaded, "dev", database_url=url, environ={})
    assert (row.says, row.heads, row.pending) == ("dev", ("r1",), 0)
    for names in ((), ("dev", "test")):
        with pytest.raises(lockgate.UsageError, match="exactly one environment"):
            lockgate.status(loaded, *names, database_url=url, environ={})


def test_url_is_what_the_command_line_prints(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A program that needs a connection asks where its settings point."""
    project.point("dev", sqlite_url)
    url = lockgate.url(lockgate.load_project(project.folder), "dev", environ=project.environ)
    assert url == project.here("url", "dev", check=0).stdout.strip()
    with pytest.raises(lockgate.UsageError, match="TEST_DATABASE_URL"):
        lockgate.url(lockgate.load_project(project.folder), "test", environ=project.environ)


def test_lint_and_plan_answer_with_values(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """A bot that comments on pull requests reads findings, and not a report."""
    project.tables("orders").point("dev", sqlite_url)
    loaded, heard = lockgate.load_project(project.folder), list[Event]()
    lockgate.upgrade(loaded, "dev", environ=project.environ)
    project.revision("r2", "r1", 'op.drop_column("orders", "name")', 'op.add_column("orders", sa.Column("name", sa.String(50)))')
    judged = lockgate.lint(loaded, "r2", environ=project.environ, notify=heard.append)
    assert (judged.code, judged.failed_on, judged.environment) == ("plan-findings", ("error",), "")
    assert [(found.id, found.revision) for found in judged.findings.findings if found.severity.value == "error"] == [("LG301", "r2")]
    steps = [(event.revision, event.direction, event.number, event.total) for event in heard if isinstance(event, Tracing)]
    assert steps == [("r1", "upgrade", 1, 3), ("r2", "upgrade", 2, 3), ("r2", "downgrade", 3, 3)]
    assert any(isinstance(event, Notice) and "judging 1 revision" in event.text for event in heard)
    assert lockgate.lint(loaded, "r2", fail_on=(), environ=project.environ).code == ""
    planned = lockgate.plan(loaded, "dev", fail_on=["error"], environ=project.environ)
    assert (planned.code, planned.failed_on) == ("", ()), "an empty column loses nothing"
    with pytest.raises(dataclasses.FrozenInstanceError):
        judged.code = ""  # type: ignore[misc]
    for judge in (lambda: lockgate.lint(loaded, fail_on=["LG2O1"], environ={}), lambda: lockgate.plan(loaded, "dev", fail_on=["LG2O1"])):
        with pytest.raises(UsageError, match="there is no hazard `LG2O1`"):
            judge()
    with pytest.raises(UsageError, match="none can be named beside it"):
        lockgate.lint(loaded, "r2", since="main", environ={})


def test_a_plan_is_kept_approved_and_run_from_python(project: Tiny, sqlite_url: DatabaseUrl, tmp_path: Path) -> None:
    """The whole way of a deployment tool that has no shell."""
    key, file = tmp_path / "ann.key", tmp_path / "plan.json"
    locked = SETTINGS.replace('protection = "locked"', 'protection = "locked"\napprovers = ["ann"]')
    project.settings(f'{locked}[approvers]\nann = "{make_key(key)}"\n').tables("orders").point("prod", sqlite_url)
    lockgate.adopt(lockgate.load_project(project.folder), "prod", confirm="prod", environ=project.environ)
    loaded = lockgate.load_project(project.folder)
    assert lockgate.plan(loaded, "prod", out=file, valid_for="1h", environ=project.environ).code == ""
    approval = lockgate.approve(loaded, file, key=key)
    assert (approval.approver, [one.approver for one in approval.signed.signatures]) == ("ann", ["ann"])
    done = lockgate.upgrade(loaded, "prod", plan=file, confirm="prod", environ=project.environ)
    assert done.to_heads == ("r1",)
