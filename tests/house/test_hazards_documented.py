"""A hazard is a rule, a page and a test, and the three go together."""

from __future__ import annotations

from pathlib import Path

import pytest

from lockgate.hazards.context import Rule
from lockgate.hazards.rules.every import RULES


def _stems(folder: Path, pattern: str) -> set[str]:
    return {path.stem for path in folder.glob(pattern)}


def test_every_hazard_has_its_rule_its_page_and_its_test(root: Path) -> None:
    """A rule that is not in the list finds nothing; a page without a rule is a promise; a rule without a test is a guess."""
    names = {rule.name.replace("-", "_") for rule in RULES}
    assert _stems(root / "src" / "lockgate" / "hazards" / "rules", "*.py") == names | {"__init__", "every"}
    assert _stems(root / "docs" / "hazards", "*.md") == {rule.id for rule in RULES} | {"README"}
    assert names <= {stem.removeprefix("test_") for stem in _stems(root / "tests" / "thought" / "hazards", "test_*.py")}


def test_ids_and_names_are_told_apart_and_sorted() -> None:
    """Both stand in comments of other people's revisions."""
    assert [rule.id for rule in RULES] == sorted({rule.id for rule in RULES})
    assert len({rule.name for rule in RULES}) == len(RULES)


@pytest.mark.parametrize("rule", RULES, ids=lambda rule: rule.id)
def test_a_page_says_what_happens_and_what_to_do(root: Path, rule: Rule) -> None:
    """Somebody comes here from a red build."""
    page = (root / "docs" / "hazards" / f"{rule.id}.md").read_text("utf-8")
    assert page.startswith(f"# {rule.id}: {rule.title} (`{rule.name}`)\n")
    assert all(f"\n**{part}** " in page for part in ("What happens.", "Why it hurts.", "What to do.", "Severity."))
    index = (root / "docs" / "hazards" / "README.md").read_text("utf-8")
    assert f"| [{rule.id}]({rule.id}.md) | `{rule.name}` | {rule.title} |" in index
    code = page.partition("```python\n")[2].partition("```")[0]
    assert code
    compile(code, rule.id, "exec")
