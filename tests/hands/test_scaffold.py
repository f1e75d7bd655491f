"""New projects and new revisions, made with Alembic and accepted by it."""

from __future__ import annotations

import subprocess
import sys
from datetime import UTC, datetime
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory

from lockgate.alembic_seam.scaffold import new_environment, new_revision
from lockgate.errors import UsageError
from lockgate.files import graph_of, load_project
from lockgate.runs.init import init
from lockgate.runs.revision import revision
from lockgate.settings.project import Project, UrlSource
from lockgate.words import Protection

NOW = datetime(2026, 1, 5, 9, 30, 59, tzinfo=UTC)
ID = "20260105_0930"


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A new project without revisions."""
    init(tmp_path, "shop", "sqlite")
    return load_project(tmp_path)


def add(project: Project, name: str, text: str) -> None:
    (project.folder / "migrations" / "versions" / name).write_text(text)


def test_a_new_project_can_be_used_at_once(tmp_path: Path, capfd: pytest.CaptureFixture[str]) -> None:
    """Settings that load, an Alembic environment that Alembic accepts, and not a word on stdout."""
    folder = tmp_path / "shop"
    folder.mkdir()
    written = init(folder)
    assert capfd.readouterr() == ("", "")
    assert written == ("lockgate.toml", "alembic.ini", "migrations/README", "migrations/env.py", "migrations/script.py.mako")
    assert {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} == set(written)
    project = load_project(folder)
    assert (project.name, project.alembic_ini, project.default_environment) == ("shop", "alembic.ini", "dev")
    found = {name: (item.url, item.protection, item.driver) for name, item in project.environments.items()}
    assert found == {
        "dev": (UrlSource("env", "DEV_DATABASE_URL"), Protection.OPEN, "psycopg"),
        "test": (UrlSource("env", "TEST_DATABASE_URL"), Protection.OPEN, "psycopg"),
        "prod": (UrlSource("env", "PROD_DATABASE_URL"), Protection.LOCKED, "psycopg"),
    }
    assert "script_location = %(here)s/migrations\n" in (folder / "alembic.ini").read_text()
    heads = subprocess.run([sys.executable, "-m", "alembic", "heads"], cwd=folder, capture_output=True, text=True, check=False)
    assert (heads.returncode, heads.stdout) == (0, "")


def test_a_new_sqlite_project_needs_no_variable(project: Project) -> None:
    """The shortest way to a first upgrade."""
    assert project.environments["dev"].url == UrlSource("url", "sqlite:///dev.db")
    assert project.environments["dev"].driver == ""


@pytest.mark.parametrize("name", ['the "best" \\ shop', "läden"])
def test_any_name_survives_the_settings_file(tmp_path: Path, name: str) -> None:
    """A folder may be called anything."""
    init(tmp_path, name)
    assert load_project(tmp_path).name == name


def test_an_alembic_environment_that_is_there_is_used_as_it_is(tmp_path: Path) -> None:
    """Most projects come with one, and with a driver of its own."""
    (tmp_path / "alembic.ini").write_text("[alembic]\nscript_location = %(here)s/db\n")
    assert init(tmp_path) == ("lockgate.toml",)
    assert load_project(tmp_path).environments["dev"].driver == ""


def test_alembics_settings_in_pyproject_are_found_and_the_package_names_the_project(tmp_path: Path) -> None:
    """There is no ini file in such a project."""
    (tmp_path / "pyproject.toml").write_text('[project]\nname = "shop"\n[tool.alembic]\nscript_location = "%(here)s/db"\n')
    assert init(tmp_path) == ("lockgate.toml",)
    project = load_project(tmp_path)
    assert (project.name, project.alembic_ini) == ("shop", "pyproject.toml")


def test_git_is_told_to_leave_our_folder_alone(tmp_path: Path) -> None:
    """The embedded server keeps its data there."""
    (tmp_path / ".git").mkdir()
    assert init(tmp_path)[-1] == ".gitignore"
    assert (tmp_path / ".gitignore").read_text() == ".lockgate/\n"


@pytest.mark.parametrize("name, text", [("lockgate.toml", ""), ("pyproject.toml", "[tool.lockgate]\nproject = 'x'\n"), ("migrations/app.py", "")])
def test_what_is_there_is_neither_overwritten_nor_half_replaced(tmp_path: Path, name: str, text: str) -> None:
    """A refusal leaves the folder as it was."""
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    with pytest.raises(UsageError) as caught:
        init(tmp_path)
    assert caught.value.code == "file-exists"
    assert caught.value.hint
    assert [found for found in tmp_path.rglob("*") if found.is_file()] == [path]


def test_a_wrong_call_of_init_is_explained(tmp_path: Path) -> None:
    """From Python there is no list of choices."""
    with pytest.raises(UsageError):
        init(tmp_path, database="oracle")
    with pytest.raises(UsageError):
        init(tmp_path / "nowhere")


def test_a_revision_is_named_by_its_time_and_follows_the_head(project: Project, capfd: pytest.CaptureFixture[str]) -> None:
    """Id and file name sort as the history does; a second one in the same minute is numbered."""
    first = revision(project, "Create users & roles", NOW)
    second = revision(project, "Create users & roles", NOW)
    assert capfd.readouterr() == ("", "")
    assert first == project.folder / "migrations" / "versions" / f"{ID}_create_users_roles.py"
    assert second.name == f"{ID}_2_create_users_roles.py"
    graph = graph_of(project)
    assert graph.pending(()) == (ID, f"{ID}_2")
    assert graph.revisions[ID].message == "Create users & roles"
    assert ScriptDirectory.from_config(Config(str(project.folder / "alembic.ini"))).get_heads() == [f"{ID}_2"]


@pytest.mark.parametrize(
    "message, name",
    [
        ("", f"{ID}.py"),
        ("  ??  ", f"{ID}.py"),
        ("../../etc/passwd", f"{ID}_etc_passwd.py"),
        ("Größe 100%(x)s", f"{ID}_größe_100_x_s.py"),
        ('"""quotes""" and \\N{escape}\nlines', f"{ID}_quotes_and_n_escape_lines.py"),
        ("one two three four five six seven eight nine ten", f"{ID}_one_two_three_four_five_six_seven_eight.py"),
        ("x" * 300, f"{ID}_{'x' * 40}.py"),
    ],
)
def test_any_message_makes_a_file_that_alembic_reads(project: Project, message: str, name: str) -> None:
    """People paste titles of tickets."""
    path = revision(project, message, NOW)
    assert path.name == name
    assert [found.revision for found in ScriptDirectory.from_config(Config(str(project.folder / "alembic.ini"))).walk_revisions()] == [ID]


def test_env_py_is_not_run_for_a_new_revision(project: Project) -> None:
    """It would connect, and to make a file needs no database."""
    ini = project.folder / "alembic.ini"
    ini.write_text(ini.read_text().replace("[alembic]", "[alembic]\nrevision_environment = true"))
    (project.folder / "migrations" / "env.py").write_text("raise SystemError('env.py ran')\n")
    assert revision(project, "a", NOW).exists()


def test_two_heads_are_named_before_a_third_line_begins(project: Project) -> None:
    """Alembic's message names no files."""
    revision(project, "a", NOW)
    add(project, "b.py", "revision = 'b'\ndown_revision = None\n")
    with pytest.raises(UsageError) as caught:
        revision(project, "c", NOW)
    assert caught.value.code == "multiple-heads"
    assert "migrations/versions/b.py" in caught.value.where
    assert new_revision(project, "c", NOW, head="b").name == f"{ID}_2_c.py"


@pytest.mark.parametrize(
    "text, code",
    [("revision = 'x'\ndown_revision = None\nimport no_such_module\n", "revision-unreadable"), ("revision = \n", "revision-syntax"),
     ("revision = 'x'\ndown_revision = None\ndef upgrade():\n", "revision-syntax")],
)  # fmt: skip
def test_a_broken_revision_is_named_before_a_new_one_is_written(project: Project, text: str, code: str) -> None:
    """Alembic imports every file for it and shows a traceback."""
    add(project, "x.py", text)
    with pytest.raises(UsageError) as caught:
        revision(project, "b", NOW)
    assert caught.value.code == code
    assert "migrations/versions/x.py:" in caught.value.where
    assert len(list((project.folder / "migrations" / "versions").glob("*.py"))) == 1


def test_an_unknown_head_is_refused(project: Project) -> None:
    """In our words, with our code."""
    with pytest.raises(UsageError) as caught:
        new_revision(project, "c", NOW, head="nowhere")
    assert caught.value.code == "revision-not-found"


def test_an_environment_is_made_only_in_an_empty_folder(tmp_path: Path) -> None:
    """An empty one is fine: somebody made it by hand."""
    (tmp_path / "db").mkdir()
    assert tmp_path / "db" / "env.py" in new_environment(tmp_path, "db")
