"""The source of the package as syntax trees, for the tests that hold the map of the house."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "lockgate"


@dataclass(frozen=True)
class Import:
    """One imported module, by its full name, and the line that does it."""

    module: str
    line: int
    at_import_time: bool


@dataclass(frozen=True)
class Module:
    """
    One module of the package.

    Args:
        name: below the package: `dialects.postgres.locks`; `__init__` for the front door.
        known: full names of all modules, to tell `from package import module` from `from module import name`.
    """

    path: Path
    name: str
    text: str = field(repr=False)
    known: frozenset[str] = field(repr=False)

    @cached_property
    def tree(self) -> ast.Module:
        """The syntax tree."""
        return ast.parse(self.text, str(self.path))

    @property
    def where(self) -> str:
        """For messages: `src/lockgate/guard.py`."""
        return self.path.relative_to(ROOT).as_posix()

    def calls(self) -> Iterator[tuple[str, int]]:
        """Every call as (`os.getenv`, line); see `dotted()`."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Call):
                yield dotted(node.func), node.lineno

    def imports(self) -> list[Import]:
        """Every import, inside functions and under `if TYPE_CHECKING` as well, and `import_module("...")`."""
        early = set(_at_import_time(self.tree))
        return [Import(module, node.lineno, node in early) for node in ast.walk(self.tree) for module in self._imported(node)]

    def _imported(self, node: ast.AST) -> list[str]:
        if isinstance(node, ast.Import):
            return [alias.name for alias in node.names]
        if isinstance(node, ast.ImportFrom):
            base = self._absolute(node)
            full = (f"{base}.{alias.name}" for alias in node.names)
            return list(dict.fromkeys(name if name in self.known else base for name in full))
        if isinstance(node, ast.Call) and dotted(node.func) in ("import_module", "importlib.import_module", "__import__") and node.args:
            name = node.args[0]
            return [name.value] if isinstance(name, ast.Constant) and isinstance(name.value, str) else []
        return []

    def _absolute(self, node: ast.ImportFrom) -> str:
        if not node.level:
            return node.module or ""
        package = self.path.relative_to(SOURCE.parent).parts[: -node.level]
        return ".".join([*package, *filter(None, [node.module])])


def dotted(node: ast.expr) -> str:
    """`a.b.c` for names, `a().b` behind a call; `.c` where the front is neither."""
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{dotted(node.value)}.{node.attr}"
    if isinstance(node, ast.Call):
        return f"{dotted(node.func)}()"
    return ""


def _at_import_time(node: ast.AST) -> Iterator[ast.AST]:
    """What runs when the module is imported: not the insides of functions, not `if TYPE_CHECKING`."""
    for child in ast.iter_child_nodes(node):
        if isinstance(child, ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda):
            continue
        if isinstance(child, ast.If) and dotted(child.test) in ("TYPE_CHECKING", "typing.TYPE_CHECKING"):
            continue
        yield child
        yield from _at_import_time(child)


def _full_name(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


@pytest.fixture(scope="session")
def root() -> Path:
    """The folder of the repository."""
    return ROOT


@pytest.fixture(scope="session")
def modules() -> list[Module]:
    """Every module of the package."""
    paths = sorted(SOURCE.rglob("*.py"))
    known = frozenset(_full_name(path) for path in paths)
    assert "lockgate.errors" in known
    return [
        Module(path, _full_name(path).removeprefix("lockgate").lstrip(".") or "__init__", path.read_text(encoding="utf-8"), known)
        for path in paths
    ]
