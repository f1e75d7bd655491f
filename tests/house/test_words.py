"""Names say what is inside; docstrings say why it is there."""

from __future__ import annotations

import ast
import re
from typing import Any

EMPTY_WORDS = frozenset({"util", "utils", "helper", "helpers", "common", "manager", "managers", "misc"})


def _words(name: str) -> set[str]:
    return {word.lower() for word in re.findall(r"[A-Z]+(?![a-z])|[A-Z]?[a-z]+", name)}


def _defined(tree: ast.Module) -> list[tuple[str, int]]:
    return [(node.name, node.lineno) for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)]


def test_no_name_is_a_drawer(modules: list[Any]) -> None:
    """`utils`, `helpers`, `common` and `manager` fit everything and say nothing."""
    wrong = [module.where for module in modules if _words(module.name) & EMPTY_WORDS]
    wrong += [f"{module.where}:{line} {name}" for module in modules for name, line in _defined(module.tree) if _words(name) & EMPTY_WORDS]
    assert not wrong, "\n" + "\n".join(wrong)


def test_modules_and_public_names_have_docstrings(modules: list[Any]) -> None:
    """The first line is what `help()` and an editor show."""
    wrong = [module.where for module in modules if module.text.strip() and not ast.get_docstring(module.tree)]
    wrong += [
        f"{module.where}:{node.lineno} {node.name}"
        for module in modules
        for node in module.tree.body
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef) and not node.name.startswith("_")
        if not ast.get_docstring(node)
    ]
    assert not wrong, "\n" + "\n".join(wrong)
