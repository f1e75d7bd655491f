"""Where Alembic's settings say that revisions are, held against Alembic's own reading of them."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any

import pytest
from alembic.config import Config

from lockgate.errors import UsageError
from lockgate.settings.alembic_ini import AlembicLayout, ini_options, read_layout, toml_options

HERE = Path("/srv/app")


def layout(ini: str = "", toml: dict[str, Any] | None = None, here: Path = HERE) -> AlembicLayout:
    return read_layout(ini_options(ini, here, "alembic.ini"), toml_options(toml or {}, here, "pyproject.toml"), here, "alembic.ini")


@pytest.mark.parametrize(
    "lines, folders",
    [
        ("", ["/srv/app/db/versions"]),
        ("version_locations = %(here)s/a:%(here)s/b\npath_separator = os", ["/srv/app/a", "/srv/app/b"]),
        ("version_locations = %(here)s/a %(here)s/b, %(here)s/c", ["/srv/app/a", "/srv/app/b", "/srv/app/c"]),
        ("version_locations = a b\nversion_path_separator = space", ["/srv/app/a", "/srv/app/b"]),
        ("version_locations = a b;c\nversion_path_separator = space\npath_separator = ;", ["/srv/app/a b", "/srv/app/c"]),
        ("version_locations =\n  %(here)s/a\n  %(here)s/b\npath_separator = newline", ["/srv/app/a", "/srv/app/b"]),
        ("version_locations = %(root)s/a\nroot = %(here)s/x\npath_separator = os", ["/srv/app/x/a"]),
        ("version_locations = %(here)s/100%%\npath_separator = os", ["/srv/app/100%"]),
    ],
)
def test_version_locations_are_split_as_alembic_splits_them(lines: str, folders: list[str], tmp_path: Path) -> None:
    """A folder that is not read is a history that looks up to date."""
    text = f"[alembic]\nscript_location = %(here)s/db\n{lines}\n"
    assert [str(folder) for folder in layout(text).version_locations] == folders
    (tmp_path / "alembic.ini").write_text(text)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        theirs = Config(str(tmp_path / "alembic.ini")).get_version_locations_list() or [f"{tmp_path}/db/versions"]
    assert [os.path.join("/srv/app", folder.replace(str(tmp_path), "/srv/app")) for folder in theirs] == folders


def test_a_password_with_a_percent_sign_does_not_break_reading() -> None:
    """configparser's interpolation does break on it; a URL is no business of a reader of paths."""
    text = "[alembic]\nscript_location = %(here)s/db\nsqlalchemy.url = postgresql://u:50%off@h/db\n"
    assert layout(text).script_location == "/srv/app/db"
    assert "sqlalchemy.url" not in ini_options(text, HERE, "alembic.ini")


def test_a_percent_sign_in_the_path_of_the_project_stands_for_itself() -> None:
    """`here` is a value, not a text with references."""
    assert layout("[alembic]\nscript_location = %(here)s/db\n", here=Path("/srv/100%s")).script_location == "/srv/100%s/db"


@pytest.mark.parametrize("location", ["app:migrations", "%(pkg)s:migrations"])
def test_a_folder_inside_a_package_is_left_to_alembic(location: str) -> None:
    """Only an import would tell where the package is."""
    assert not layout(f"[alembic]\nscript_location = {location}\npkg = app\n").known
    assert not layout(f"[alembic]\nscript_location = db\nversion_locations = {location}\npkg = app\npath_separator = space\n").known


def test_revisions_without_source_are_left_to_alembic() -> None:
    """Compiled files cannot be read as text."""
    assert not layout("[alembic]\nscript_location = db\nsourceless = true\n").known


def test_pyproject_fills_in_what_the_ini_file_leaves_out() -> None:
    """Since Alembic 1.16 source settings may live in `[tool.alembic]`, logging in the ini file."""
    toml = {"script_location": "%(here)s/db", "version_locations": ["%(here)s/a", "%(here)s/b"], "recursive_version_locations": True}
    found = layout("[loggers]\nkeys = root\n", toml)
    assert found == AlembicLayout("/srv/app/db", (HERE / "a", HERE / "b"), recursive=True)
    assert layout("[alembic]\nscript_location = other\n", toml).script_location == "/srv/app/other"


def refused(ini: str, toml: dict[str, Any] | None = None) -> UsageError:
    with pytest.raises(UsageError) as caught:
        layout(ini, toml)
    assert caught.value.code == "alembic-settings"
    assert caught.value.hint
    return caught.value


def test_what_cannot_be_understood_is_named() -> None:
    """With the file, and where it is known the line."""
    assert "script_location" in refused("[alembic]\n").what
    assert "path_separator" in refused("[alembic]\nscript_location = db\nversion_locations = a\npath_separator = |\n").what
    assert "script_location" in refused("[alembic]\nscript_location = %(nowhere)s/db\n").what
    assert "script_location" in refused("[alembic]\nscript_location = 5%/db\n").what
    assert "script_location" in refused("[alembic]\nscript_location = %(script_location)s\n").what
    assert "version_locations" in refused("", {"script_location": "db", "version_locations": 3}).what


@pytest.mark.parametrize("line", ["postgresql//u,geheim@h", "[alembic]"])
def test_a_broken_ini_file_is_named_by_line_and_never_quoted(line: str) -> None:
    """The line that cannot be parsed may be the one with the URL."""
    error = refused(f"[alembic]\nscript_location = db\n{line}\n")
    assert error.where == "alembic.ini:3"
    assert "geheim" not in f"{error.what}{error.hint}{error.__cause__}"
