"""Small enough to be read in one go."""

from __future__ import annotations

import ast
from statistics import median
from typing import Any

MODULE_LINES = 300
FUNCTION_LINES = 60
MEDIAN_LINES = 10


def _functions(modules: list[Any]) -> list[tuple[str, int]]:
    return [
        (f"{module.where}:{node.lineno} {node.name}", (node.end_lineno or node.lineno) - node.lineno + 1)
        for module in modules
        for node in ast.walk(module.tree)
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    ]


def test_modules_are_short(modules: list[Any]) -> None:
    """A module that outgrows this is about two things."""
    assert [f"{module.where}: {lines}" for module in modules if (lines := len(module.text.splitlines())) > MODULE_LINES] == []


def test_functions_are_short(modules: list[Any]) -> None:
    """Docstrings count: what needs a page of them does too much."""
    sizes = _functions(modules)
    assert [f"{name}: {lines} lines" for name, lines in sizes if lines > FUNCTION_LINES] == []
    assert median(lines for _, lines in sizes) <= MEDIAN_LINES
