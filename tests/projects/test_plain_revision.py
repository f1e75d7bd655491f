"""Plain `alembic revision` and `alembic merge` in a project that wants its ids to be timestamps, and in one that said nothing."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from alembic import command
from alembic.config import Config
from alembic.script import Script
from alembic.util import CommandError
from building import INI, SETTINGS, Tiny
from calling import config_for, plain

TIMESTAMP = re.compile(r"\d{8}_\d{4}(_\d+)?")
TIMESTAMPS = SETTINGS + '[revisions]\nids = "timestamp"\n'


@pytest.fixture
def app(project: Tiny) -> Tiny:
    """A project of one revision that wants timestamps."""
    return project.settings(TIMESTAMPS).tables("users")


def revise(config: Config, *arguments: str, **options: str) -> Script:
    """`alembic revision`, which writes one file."""
    made = plain(lambda config, message: command.revision(config, message, **options), config, *arguments)
    assert isinstance(made, Script)
    return made


def test_id_and_file_name_are_the_timestamp(app: Tiny) -> None:
    """Two people who write revisions on one day see in which order they were written, and git sees two files."""
    made = revise(config_for(app), "describe_change")
    assert TIMESTAMP.fullmatch(made.revision)
    assert Path(made.path).name == f"{made.revision}_describe_change.py"
    assert made.down_revision == "r1"


def test_a_minute_that_is_taken_gets_a_suffix(app: Tiny) -> None:
    """Of three files written at once two share a minute, however late in it the first one came."""
    ids = [revise(config_for(app), "the same words").revision for _ in range(3)]
    assert len(set(ids)) == 3
    assert all(TIMESTAMP.fullmatch(id_) for id_ in ids)
    assert any(id_.endswith("_2") for id_ in ids)
    assert len(list((app.folder / "migrations" / "versions").glob("*_the_same_words.py"))) == 3


def test_an_id_that_was_given_is_kept(app: Tiny) -> None:
    """Whoever says `--rev-id` has a reason."""
    assert revise(config_for(app), "mine", rev_id="0042").revision == "0042"
    assert "_mine.py" in revise(config_for(app), "mine").path


def test_a_merge_is_named_like_the_others(app: Tiny) -> None:
    """It is a revision as well."""
    app.revision("r2a", "r1")
    app.revision("r2b", "r1")
    made = plain(lambda config: command.merge(config, "heads", "join"), config_for(app))
    assert TIMESTAMP.fullmatch(made.revision)
    assert Path(made.path).name == f"{made.revision}_join.py"


def test_a_file_template_of_the_project_still_names_the_file(app: Tiny) -> None:
    """The project decided that already; only the id comes from us."""
    ini = INI.replace("prepend_sys_path", "file_template = rev_%%(rev)s__%%(slug)s\nprepend_sys_path", 1)
    (app.folder / "alembic.ini").write_text(ini, encoding="utf-8")
    made = revise(config_for(app), "words")
    assert TIMESTAMP.fullmatch(made.revision)
    assert Path(made.path).name == f"rev_{made.revision}__words.py"


@pytest.mark.parametrize("settings", [SETTINGS, SETTINGS + '[revisions]\nids = "alembic"\n'])
def test_a_project_that_did_not_ask_keeps_alembics_ids(app: Tiny, settings: str) -> None:
    """A team with ids of its own must not get a new kind because a tool was installed."""
    app.settings(settings)
    assert re.fullmatch(r"[0-9a-f]{12}", revise(config_for(app), "words").revision)


def test_outside_of_a_project_nothing_is_changed(app: Tiny) -> None:
    """The plugin is loaded by every Alembic of the machine."""
    (app.folder / "lockgate.toml").unlink()
    assert re.fullmatch(r"[0-9a-f]{12}", revise(config_for(app), "words").revision)


def test_settings_with_a_mistake_are_reported_and_no_file_is_written(app: Tiny) -> None:
    """A misspelt word would otherwise give the wrong kind of id, quietly."""
    app.settings(SETTINGS + '[revisions]\nids = "timestamps"\n')
    with pytest.raises(CommandError, match="did you mean `timestamp`"):
        revise(config_for(app), "words")
    assert [path.name for path in (app.folder / "migrations" / "versions").glob("*.py")] == ["r1.py"]


@pytest.mark.parametrize("command", ["revision", "merge heads"])
def test_the_command_line_does_the_same(app: Tiny, command: str) -> None:
    """As it is typed: nothing of Alembic was called in this process before."""
    app.revision("r2a", "r1")
    if command == "merge heads":
        app.revision("r2b", "r1")
    done = app.alembic(*command.split(), "-m", "describe_change")
    assert done.returncode == 0, done.stderr
    (made,) = (app.folder / "migrations" / "versions").glob("*_describe_change.py")
    assert TIMESTAMP.fullmatch(made.name.removesuffix("_describe_change.py"))
