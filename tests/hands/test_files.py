"""Project files on disk: found, read as Alembic reads them, and named when they cannot be."""

from __future__ import annotations

import os
import stat
import warnings
from pathlib import Path

import pytest
from alembic.config import Config
from alembic.script import ScriptDirectory
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lockgate.errors import SettingsError, UsageError
from lockgate.files import append_line, find_settings, graph_of, load_project, private_file, read_revision_files, read_text, write_new
from lockgate.files.planned import planned_files
from lockgate.settings.project import Project

SETTINGS = '[environments.dev]\nurl = "sqlite:///dev.db"\n'
INI = "[alembic]\nscript_location = %(here)s/migrations\n"


def revision(id_: str, down: object = None, **more: object) -> str:
    lines = [f'"""message of {id_}"""', f"revision = {id_!r}", f"down_revision = {down!r}"]
    lines += [f"{name} = {value!r}" for name, value in more.items()]
    return "\n".join([*lines, "", "def upgrade(): pass", "def downgrade(): pass", ""])


def write(folder: Path, **files: str | bytes) -> None:
    for name, content in files.items():
        path = folder / name.replace("__", "/")
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content if isinstance(content, bytes) else content.encode())


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with settings, an ini file and an empty folder of revisions."""
    (tmp_path / "migrations" / "versions").mkdir(parents=True)
    (tmp_path / "alembic.ini").write_text(INI)
    (tmp_path / "lockgate.toml").write_text(SETTINGS)
    return load_project(tmp_path)


def code_of(error: pytest.ExceptionInfo[UsageError]) -> str:
    assert error.value.hint
    return error.value.code


def test_settings_are_found_from_any_folder_below(tmp_path: Path) -> None:
    """Commands are typed in subfolders, and Alembic's ini file may lie in one."""
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (tmp_path / "lockgate.toml").write_text(SETTINGS)
    (tmp_path / "a" / "pyproject.toml").write_text('[project]\nname = "x"\ndependencies = ["lockgate"]\n')
    assert find_settings(deep) == tmp_path / "lockgate.toml"
    assert find_settings(deep / "no-such-file.ini") == tmp_path / "lockgate.toml"
    assert load_project(deep).folder == tmp_path


@pytest.mark.parametrize("text", ["[tool.lockgate.environments.dev]\nurl = 'sqlite:///x'\n", "[tool]\nlockgate.environments.dev.url = 'sqlite:///x'\n"])
def test_the_nearest_settings_win_and_may_be_in_pyproject(tmp_path: Path, text: str) -> None:
    """A project inside a monorepo has its own."""
    (tmp_path / "lockgate.toml").write_text(SETTINGS)
    (tmp_path / "inner").mkdir()
    (tmp_path / "inner" / "pyproject.toml").write_text(text)
    assert load_project(tmp_path / "inner").settings_file == "pyproject.toml"


def test_a_broken_pyproject_with_our_table_is_reported_and_not_passed_over(tmp_path: Path) -> None:
    """To pass over it would be to run without the guard."""
    (tmp_path / "pyproject.toml").write_text("[tool.lockgate]\nproject = \n")
    with pytest.raises(SettingsError) as caught:
        load_project(tmp_path)
    assert (code_of(caught), caught.value.where) == ("settings-syntax", "pyproject.toml:2, column 11")


def test_no_settings_anywhere_says_how_to_make_them(tmp_path: Path) -> None:
    """The first thing a new user sees."""
    with pytest.raises(SettingsError) as caught:
        load_project(tmp_path)
    assert (code_of(caught), caught.value.hint) == ("settings-missing", "run `lockgate init`")
    assert str(tmp_path) in caught.value.where


def test_settings_in_two_places_are_refused(tmp_path: Path) -> None:
    """One of them would be read by nobody."""
    write(tmp_path, **{"lockgate.toml": SETTINGS, "pyproject.toml": "[tool.lockgate]\nproject = 'x'\n"})
    with pytest.raises(SettingsError) as caught:
        load_project(tmp_path)
    assert code_of(caught) == "settings-both"


def test_settings_that_are_not_utf8_name_line_and_byte(tmp_path: Path) -> None:
    """An editor set to another encoding; nobody sees it in the file."""
    write(tmp_path, **{"lockgate.toml": b"# a\nproject = 'caf\xe9'\n"})
    with pytest.raises(SettingsError) as caught:
        load_project(tmp_path)
    assert code_of(caught) == "settings-syntax"
    assert caught.value.where.endswith("lockgate.toml:2, byte 18")


def test_the_projects_name_is_the_packages_where_the_settings_have_none(tmp_path: Path) -> None:
    """The marker needs one, and most projects have it already."""
    write(tmp_path, **{"lockgate.toml": SETTINGS, "pyproject.toml": '[project]\nname = "shop"\n'})
    assert load_project(tmp_path).name == "shop"


@st.composite
def histories(draw: st.DrawFn) -> dict[str, str]:
    """Revision files with branches, merges, labels and dependencies, in folders of their own."""
    files: dict[str, str] = {}
    names: list[str] = []
    labels: list[str] = []
    for number in range(draw(st.integers(1, 7))):
        id_ = f"{draw(st.sampled_from('abc'))}{number}"
        down = tuple(draw(st.lists(st.sampled_from(names), unique=True, max_size=2))) if names else None
        depends_on = draw(st.sampled_from([None, *names, *labels]))
        label = f"line{number}" if not down and draw(st.booleans()) else None
        folder = draw(st.sampled_from(["", "2026/"]))
        files[f"{folder}{id_}.py"] = revision(id_, down, depends_on=depends_on, branch_labels=label)
        names.append(id_)
        labels += [label] if label else []
    return files


@given(histories())
@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])
def test_the_graph_is_the_one_that_alembic_loads(tmp_path_factory: pytest.TempPathFactory, files: dict[str, str]) -> None:
    """Same files, same order, same heads, same revisions to run."""
    folder = tmp_path_factory.mktemp("project")
    write(folder, **{"lockgate.toml": SETTINGS, "alembic.ini": INI + "recursive_version_locations = true\n", "migrations/env.py": ""})
    write(folder, **{f"migrations/versions/{name}": text for name, text in files.items()})
    graph = graph_of(load_project(folder))
    script = ScriptDirectory.from_config(Config(str(folder / "alembic.ini")))
    assert list(graph.revisions) == [found.revision for found in script._load_revisions()]
    assert list(graph.heads) == script.get_heads()
    assert list(graph.bases) == script.get_bases()
    assert set(graph.pending(())) == {found.revision for found in script.walk_revisions()}
    assert {found.message for found in graph.revisions.values()} == {found.doc for found in script.walk_revisions()}


def test_revisions_of_all_locations_are_read_once_by_their_paths(project: Project) -> None:
    """A folder that is named twice, or linked, is no duplicate."""
    folder = project.folder
    write(
        folder,
        **{
            "alembic.ini": INI + "version_locations = %(here)s/migrations/versions:%(here)s/more:%(here)s/more:%(here)s/none\npath_separator = os\n",
            "migrations/versions/a.py": revision("a"),
            "migrations/versions/__init__.py": "",
            "migrations/versions/sub/x.py": revision("x"),
            "more/b.py": revision("b", "a"),
        },
    )
    (folder / "more" / "linked.py").symlink_to(folder / "more" / "b.py")
    assert list(read_revision_files(project).sources) == ["migrations/versions/a.py", "more/b.py"]
    assert graph_of(project).heads == ("b",)


def test_a_folder_inside_a_package_leaves_the_graph_to_alembic(project: Project) -> None:
    """`package:path` needs an import."""
    (project.folder / "alembic.ini").write_text("[alembic]\nscript_location = app:migrations\n")
    assert not graph_of(project).complete


def test_alembics_settings_may_stand_in_pyproject(project: Project) -> None:
    """With or without an ini file beside it."""
    write(
        project.folder,
        **{"pyproject.toml": '[tool.alembic]\nscript_location = "%(here)s/db"\n', "db/versions/a.py": revision("a"), "alembic.ini": "[loggers]\n"},
    )
    assert graph_of(project).heads == ("a",)
    (project.folder / "alembic.ini").unlink()
    assert graph_of(project).heads == ("a",)


def test_a_missing_alembic_project_is_named_by_its_path(project: Project) -> None:
    """Which file was looked for, and where."""
    (project.folder / "alembic.ini").unlink()
    with pytest.raises(UsageError) as caught:
        graph_of(project)
    assert (code_of(caught), caught.value.where) == ("alembic-missing", str(project.folder / "alembic.ini"))
    (project.folder / "alembic.ini").write_text("[alembic]\nscript_location = nowhere\n")
    with pytest.raises(UsageError) as caught:
        graph_of(project)
    assert (code_of(caught), caught.value.where) == ("alembic-missing", str(project.folder / "nowhere"))


def test_a_project_without_revisions_says_how_to_make_one(project: Project) -> None:
    """An empty history is never what somebody meant to apply."""
    with pytest.raises(UsageError) as caught:
        graph_of(project)
    assert code_of(caught) == "no-revisions"
    assert "lockgate revision -m" in caught.value.hint


def test_a_revision_file_in_its_declared_encoding_is_read_as_python_reads_it(project: Project) -> None:
    """PEP 263: such files import well today."""
    declared = b"# -*- coding: latin-1 -*-\n" + revision("a").replace("message", "entr\xe9e").encode("latin-1")
    write(project.folder, **{"migrations/versions/a.py": declared, "migrations/versions/b.py": b"\xef\xbb\xbf" + revision("b", "a").encode()})
    graph = graph_of(project)
    assert graph.revisions["a"].message == "entr\xe9e of a"
    assert graph.heads == ("b",)


@pytest.mark.parametrize("data, where", [(b"# x\nrevision = '\xe9'\n", "a.py:2, byte 16"), (b"# coding: klingon\nrevision = '\xe9'\n", "a.py:1")])
def test_a_revision_file_that_cannot_be_decoded_names_line_and_byte(project: Project, data: bytes, where: str) -> None:
    """Python's own message names neither the file's place nor the line."""
    write(project.folder, **{"migrations/versions/a.py": data})
    with pytest.raises(UsageError) as caught:
        graph_of(project)
    assert (code_of(caught), caught.value.where) == ("revision-encoding", f"migrations/versions/{where}")


@pytest.mark.skipif(os.geteuid() == 0, reason="root reads everything")
def test_a_file_that_may_not_be_read_is_named(project: Project) -> None:
    """Images are built as root and run as another user."""
    write(project.folder, **{"migrations/versions/a.py": revision("a")})
    (project.folder / "migrations/versions/a.py").chmod(0)
    with pytest.raises(UsageError) as caught:
        graph_of(project)
    assert code_of(caught) == "revision-unreadable"


def test_an_odd_escape_in_a_revision_makes_no_noise(project: Project) -> None:
    """Python warns while it parses; a run that has nothing to do says nothing."""
    write(project.folder, **{"migrations/versions/a.py": 'x = "\\d"\n' + revision("a")})
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert graph_of(project).complete


def test_nothing_is_ever_overwritten(tmp_path: Path) -> None:
    """`init` in the wrong folder does no harm."""
    write_new(tmp_path / "new" / "a.txt", "first")
    with pytest.raises(UsageError) as caught:
        write_new(tmp_path / "new" / "a.txt", "second")
    assert code_of(caught) == "file-exists"
    assert read_text(tmp_path / "new" / "a.txt", "usage") == "first"


def test_a_line_is_added_once_on_a_line_of_its_own(tmp_path: Path) -> None:
    """A `.gitignore` often ends without a newline."""
    path = tmp_path / ".gitignore"
    path.write_text("*.pyc")
    assert append_line(path, ".lockgate/")
    assert not append_line(path, ".lockgate/")
    assert path.read_text() == "*.pyc\n.lockgate/\n"


def test_a_private_file_is_for_this_user_alone_and_gone_afterwards() -> None:
    """psql reads a password from it."""
    with private_file("h:1:d:u:geheim") as path:
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert path.read_text() == "h:1:d:u:geheim"
    assert not path.exists()


def test_every_byte_that_decides_what_runs_is_hashed(project: Project) -> None:
    """What an approved plan does not hash can be another file when it is run."""
    write(
        project.folder,
        **{
            "migrations__env.py": "",
            "migrations__versions__r1.py": revision("r1"),
            "migrations__versions__data__rows.sql": "select 1",
            "migrations__versions____pycache____r1.pyc": b"compiled",
            "migrations__.env": "PASSWORD=secret",
            "app__models.py": "",
            "pyproject.toml": '[project]\nname = "app"\n[tool.alembic]\nfile_template = "x"\n',
        },
    )
    before = planned_files(project)
    history = ["migrations/env.py", "migrations/versions/data/rows.sql", "migrations/versions/r1.py"]
    assert list(before) == ["alembic.ini", "lockgate.toml", *history, "pyproject.toml [tool.alembic]"]
    for name in ("alembic.ini", "lockgate.toml", *history):
        path = project.folder / name
        text = path.read_bytes()
        path.write_bytes(text + b"#")
        assert {key for key, digest in planned_files(project).items() if before[key] != digest} == {name}
        path.write_bytes(text)
    write(project.folder, **{"pyproject.toml": '[project]\nname = "app"\nversion = "2"\n[tool.alembic]\nfile_template = "x"\n'})
    assert planned_files(project) == before
    write(project.folder, **{"pyproject.toml": '[tool.alembic]\nfile_template = "y"\n'})
    assert planned_files(project) != before


def test_files_behind_linked_folders_are_hashed_and_no_circle_is_walked_twice(project: Project, tmp_path_factory: pytest.TempPathFactory) -> None:
    """What env.py imports through a link runs as anything else does; two machines that list a folder in another order see the same names."""
    shared, migrations = tmp_path_factory.mktemp("shared"), project.folder / "migrations"
    write(shared, **{"helpers.py": "x = 1", "deeper__more.sql": "select 1"})
    write(project.folder, **{"migrations__env.py": "", "migrations__versions__r1.py": revision("r1")})
    for link, to in {"linked": shared, "again": shared, "round": migrations}.items():
        (migrations / link).symlink_to(to)
    (shared / "deeper" / "back").symlink_to(shared)
    linked = {f"migrations/{link}/{name}" for link in ("linked", "again") for name in ("helpers.py", "deeper/more.sql")}
    before = planned_files(project)
    assert set(before) == {"alembic.ini", "lockgate.toml", "migrations/env.py", "migrations/versions/r1.py", *linked}
    (shared / "helpers.py").write_text("x = 2")
    changed = {name for name, digest in planned_files(project).items() if before[name] != digest}
    assert changed == {"migrations/linked/helpers.py", "migrations/again/helpers.py"}
