"""What a stranger finds in the repository works on the stranger's machine and gives nothing away."""

from __future__ import annotations

import os
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path

import click
import pytest
import yaml

from lockgate.cli.command import root as command_line
from lockgate.version import __version__

MADE_HERE = {".git", ".venv", ".lockgate", ".local", ".mypy_cache", ".pytest_cache", ".ruff_cache", ".hypothesis", "__pycache__", "build", "dist"}
PERSONAL_FOLDER = re.compile(r"(?<![\w.\-])/(?:work|root|home|Users)/")
# AWS's own documentation writes EXAMPLE into the keys that it shows.
SECRET = re.compile(r"(?:AKIA|ASIA)(?![0-9A-Z]*EXAMPLE)[0-9A-Z]{16}|-----BEGIN [A-Z ]*PRIVATE KEY-----\s+[A-Za-z0-9+/]{40}")
KINDS = {".py", "py.typed"}
FRAGMENT = re.compile(r"\d+\.(?:added|changed|deprecated|removed|fixed|security)\.md")


def _texts(root: Path) -> Iterator[tuple[str, str]]:
    for folder, folders, names in os.walk(root):
        folders[:] = [name for name in folders if name not in MADE_HERE and not name.endswith(".egg-info")]
        for name in names:
            path = Path(folder, name)
            content = path.read_bytes()
            if b"\0" not in content:
                yield path.relative_to(root).as_posix(), content.decode("utf-8", "replace")


def test_no_file_names_a_folder_of_one_machine(root: Path) -> None:
    """Such a path works for one person, and says who that was."""
    this = Path(__file__).name
    assert [name for name, text in _texts(root) if PERSONAL_FOLDER.search(text) and not name.endswith(this)] == []


def test_the_package_holds_nothing_but_source(root: Path) -> None:
    """What a profiler or an editor left there would be installed by everybody."""
    kinds = {name if name == "py.typed" else Path(name).suffix for name, _ in _texts(root / "src" / "lockgate")}
    assert kinds <= KINDS


def test_no_file_holds_a_secret(root: Path) -> None:
    """A key in the history is a key given away."""
    assert [name for name, text in _texts(root) if SECRET.search(text)] == []


@pytest.mark.parametrize("name", ["dev.lock", "bench.lock"])
def test_the_lock_file_names_no_host_and_hashes_everything(root: Path, name: str) -> None:
    """It must install from whichever mirror the machine uses, and from no tampered one."""
    text = (root / "requirements" / name).read_text(encoding="utf-8")
    assert "http" not in text
    assert "file:" not in text
    entries = re.split(r"\n(?=[a-z0-9])", "\n" + text)[1:]
    assert len(entries) > 20
    assert [entry.partition(" ")[0] for entry in entries if "==" not in entry or "--hash=sha256:" not in entry] == []


def test_the_lock_files_cover_every_dependency(root: Path) -> None:
    """`make lock` after a change of pyproject.toml; otherwise `make test` installs something else than users do."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    extras = project["optional-dependencies"]
    bench = extras.pop("bench")  # tools to compare with: `make test` does not wait for them
    asked = [*project["dependencies"], *(item for extra in extras.values() for item in extra)]
    assert _names(asked) - _locked(root / "requirements" / "dev.lock") == set()
    assert _names([*project["dependencies"], *extras["embedded"], *bench]) - _locked(root / "requirements" / "bench.lock") == set()


def _names(requirements: list[str]) -> set[str]:
    return {re.split(r"[\[<>=!~; ]", item)[0] for item in requirements} - {"lockgate"}


def _locked(path: Path) -> set[str]:
    return set(re.findall(r"^([a-z0-9.\-]+)==", path.read_text(encoding="utf-8"), re.MULTILINE))


def test_ci_runs_what_the_readme_says(root: Path) -> None:
    """One command for the newcomer, the maintainer and CI."""
    script = root / ".ci" / "run"
    assert "make test" in script.read_text(encoding="utf-8")
    assert os.access(script, os.X_OK)
    assert "make test" in (root / "README.md").read_text(encoding="utf-8")


def test_every_direct_dependency_has_its_reason(root: Path) -> None:
    """A dependency that nobody can explain is one nobody dares to remove."""
    project = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    asked = [*project["dependencies"], *(item for extra in project["optional-dependencies"].values() for item in extra)]
    names = {re.split(r"[<>=!~; ]", item)[0].partition("[")[0] for item in asked} - {"lockgate"}
    text = (root / "docs" / "dependencies.md").read_text(encoding="utf-8")
    assert sorted(name for name in names if f"| {name} " not in text and f"| {name}[" not in text) == []


def test_fragments_of_the_changelog_are_named_after_their_issue(root: Path) -> None:
    """`123.fixed.md`: the release script sorts by both parts."""
    names = [path.name for path in (root / "changes").iterdir() if path.name != "README.md"]
    assert [name for name in names if not FRAGMENT.fullmatch(name)] == []


def _links(root: Path) -> Iterator[tuple[str, str, Path]]:
    for name, text in _texts(root):
        if name.endswith(".md"):
            for link in re.findall(r"\]\(([^)\s#]+)[^)]*\)", re.sub(r"```.*?```", "", text, flags=re.DOTALL)):
                if "://" not in link and not link.startswith("mailto:"):
                    yield name, link, (root / name).parent / link


def test_links_between_pages_lead_somewhere(root: Path) -> None:
    """A broken link in an error's page is found by somebody who has enough trouble already."""
    assert [f"{name}: {link}" for name, link, target in _links(root) if not target.exists()] == []


@pytest.mark.parametrize(
    "path, found",
    [("see /work/main", True), ("`/home/me/.aws`", True), ("docs/work/x", False), ("a/root/b", False)],
)
def test_the_pattern_for_folders_finds_what_it_should(path: str, found: bool) -> None:
    """The judge is judged."""
    assert bool(PERSONAL_FOLDER.search(path)) is found


def test_the_version_is_said_once(root: Path) -> None:
    """The wheel, `--version` and the ledger must agree."""
    said = tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]
    assert said == __version__


def test_the_hook_for_pre_commit_calls_a_verb_that_there_is(root: Path) -> None:
    """A hook that ends in a usage error keeps everybody from committing."""
    (hook,) = yaml.safe_load((root / ".pre-commit-hooks.yaml").read_text("utf-8"))
    program, verb, *arguments = hook["entry"].split()
    command = command_line.get_command(click.Context(command_line), verb)
    assert command is not None
    assert command.make_context(verb, arguments).params["since"] == "HEAD"
    assert (program, hook["pass_filenames"]) == ("lockgate", False)
    assert re.search(hook["files"], "migrations/versions/20260105_0930_create_users.py")
    assert f"`{hook['id']}`" in (root / "docs" / "cli.md").read_text("utf-8")
