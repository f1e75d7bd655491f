"""The same gate under other versions of Alembic, and no cost for the projects that do not use lockgate."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import sysconfig
from pathlib import Path

import pytest
from building import PYTEST

ROOT = Path(__file__).resolve().parents[2]
# They load entry points differently: 1.18.0 has plugins for the first time. The newest one, which wants the module itself, is what all other tests run on.
OLDEST, RECENT = "1.18.0", "1.20.0"
BATTERY = ("tests/projects/test_incident.py", "tests/projects/test_plain_alembic.py", "tests/house/test_private_names.py")
# SQLite needs no server; on PostgreSQL what differs there: sessions, transactions, retries.
CHOSEN = (
    "test_private_names or (postgresql and (goes_to_dev or every_step or version_table_alone)) or (sqlite and (goes_to_dev or leaves"
    " or names_the_environment or alembic_error or every_step or scratch or only_an_upgrade or version_table_alone or purging or reading"
    " or new_revision or marked_database or as_it_was or swallows or builds_the_context or only_asks))"
)
# Private names, and the incident itself: little has changed since.
FEW = "test_private_names or (sqlite and (goes_to_dev or marked_database or alembic_error))"
MODULES = "import json, sys\nbefore = set(sys.modules)\nimport alembic\nprint(json.dumps(sorted(set(sys.modules) - before)))"


def run(command: list[str], **variables: str) -> subprocess.CompletedProcess[str]:
    """Run a command in the repository."""
    environ = {**os.environ, **variables}
    return subprocess.run(command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=170, check=False)


@pytest.fixture
def alembic_folder(request: pytest.FixtureRequest) -> Path:
    """A folder with one version of Alembic and nothing else, kept in pytest's cache; first on PYTHONPATH it shadows the venv's."""
    folder = Path(request.config.cache.mkdir(f"alembic-{request.param}"))  # type: ignore[union-attr]
    target = folder / "site"
    if not target.exists():
        making = folder / f"making-{os.getpid()}"
        install = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target", str(making), f"alembic=={request.param}"]
        done = run(install, PIP_DISABLE_PIP_VERSION_CHECK="1")
        assert done.returncode == 0, done.stderr
        making.rename(target)
    told = run([sys.executable, "-c", "import alembic; print(alembic.__version__)"], PYTHONPATH=str(target))
    assert told.stdout.strip() == request.param, told.stderr
    return target


@pytest.mark.slow
@pytest.mark.parametrize(("alembic_folder", "chosen"), [(OLDEST, CHOSEN), (RECENT, FEW)], indirect=["alembic_folder"], ids=[OLDEST, RECENT])
def test_the_gate_stands_under_other_versions_of_alembic(alembic_folder: Path, chosen: str) -> None:
    """lockgate says that it works from 1.18 on; the project decides which one it has."""
    command = [*PYTEST, "-q", "-x", "-k", chosen, *BATTERY]
    done = run(command, PYTHONPATH=str(alembic_folder))
    assert done.returncode == 0, done.stdout[-6000:]
    assert " passed" in done.stdout


@pytest.fixture
def without_plugin(tmp_path: Path) -> Path:
    """The packages of this environment as they would be if lockgate had not been installed."""
    folder = tmp_path / "site"
    folder.mkdir()
    for item in Path(sysconfig.get_path("purelib")).iterdir():
        if "lockgate" not in item.name and item.suffix != ".pth":
            (folder / item.name).symlink_to(item)
    return folder


def test_importing_alembic_loads_the_plugin_and_nothing_more(without_plugin: Path) -> None:
    """Every `import alembic` in the environment pays for it, in projects that never heard of lockgate, too."""
    stock = run([sys.executable, "-S", "-c", MODULES], PYTHONPATH=str(without_plugin))
    guarded = run([sys.executable, "-c", MODULES])
    assert (stock.returncode, guarded.returncode) == (0, 0), stock.stderr + guarded.stderr
    more = set(json.loads(guarded.stdout)) - set(json.loads(stock.stdout))
    assert "lockgate.alembic_plugin" in more
    foreign = {name for name in more if name.partition(".")[0] not in sys.stdlib_module_names}
    assert foreign == {"lockgate", "lockgate.alembic_plugin", "lockgate.version"}


def test_the_plugin_itself_needs_no_more_than_the_standard_library() -> None:
    """`setup()` is called while Alembic is half imported; what it imported of Alembic or SQLAlchemy could be half there, too."""
    told = run([sys.executable, "-c", "import json, sys, lockgate.alembic_plugin\nprint(json.dumps(sorted(sys.modules)))"])
    assert told.returncode == 0, told.stderr
    assert not {"alembic", "sqlalchemy", "click", "rich", "msgspec"} & set(json.loads(told.stdout))
