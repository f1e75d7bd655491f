"""Every error that can happen has a page that says what to do, and every page an error."""

from __future__ import annotations

import ast
from pathlib import Path
from typing import Any

import pytest

from lockgate.errors import CODES, Failed

NOT_A_CODE = {"README"}


def _pages(root: Path) -> dict[str, str]:
    pages = sorted((root / "docs" / "errors").glob("*.md"))
    return {page.stem: page.read_text(encoding="utf-8") for page in pages if page.stem not in NOT_A_CODE}


def test_every_code_has_a_page(root: Path) -> None:
    """The last line of every error names it."""
    assert sorted(set(CODES) - set(_pages(root))) == []


def test_every_page_has_a_code(root: Path) -> None:
    """A page of an error that cannot happen any more misleads."""
    assert sorted(set(_pages(root)) - set(CODES)) == []


def test_every_page_names_its_code(root: Path) -> None:
    """People search for what the terminal said."""
    wrong = [code for code, text in _pages(root).items() if code in CODES and not (f"`{code}`" in text or f"# {code}" in text)]
    assert not wrong, "\n" + "\n".join(wrong)


def test_every_code_is_used(modules: list[Any]) -> None:
    """A code that nothing raises is a promise that nobody keeps."""
    used = {
        node.value
        for module in modules
        if module.name != "errors"
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str)
    }
    assert sorted(set(CODES) - used) == []


@pytest.mark.parametrize("code", sorted(CODES))
def test_a_code_reads_like_a_word_of_the_command_line(code: str) -> None:
    """It is a file name, a JSON value and something people search for."""
    assert code == code.lower()
    assert code.replace("-", "").isalpha()


def test_an_unknown_code_cannot_be_raised() -> None:
    """The list above is complete because nothing else gets past the base class."""
    with pytest.raises(KeyError):
        Failed("no-such-code", "nothing")
