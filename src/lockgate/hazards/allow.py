"""
Comments in a revision that allow one finding at their place: `# lockgate: allow LG204 the table is empty`.

A comment speaks for the statement on its line, for the one right below it, and, for a finding about the revision as a whole, for the file.
"""

from __future__ import annotations

import ast
import io
import re
import tokenize
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from lockgate.hazards.findings import Allowed, Finding, Severity
from lockgate.hazards.rules.unused_allow import RULE

_COMMENT = re.compile(r"#\s*lockgate:\s*allow\s+(?P<hazard>[\w-]+)[\s:,-]*(?P<reason>.*)")
_DEFINITIONS = (ast.FunctionDef, ast.AsyncFunctionDef, ast.ClassDef)
# What a statement, or the code around it, that fails is told by.
_FAILING = ("lg401", "not-null-rows", "lg402", "data-refused", "lg406", "statement-fails")
_BATCH = "batch_alter_table"  # sends its statements when it is left, from the line of its `with`


@dataclass(frozen=True)
class Allow:
    """
    One comment.

    Args:
        hazard: id or name.
        line: of the comment.
        first: first line of the statement that it speaks for; last: its last one. Both 0 where there is none.
    """

    file: str
    hazard: str
    reason: str
    line: int
    first: int = 0
    last: int = 0

    def covers(self, finding: Finding) -> bool:
        """Whether a finding is the one that is allowed."""
        if finding.file != self.file or self.hazard.lower() not in (finding.id.lower(), finding.name):
            return False
        return finding.line == 0 or not finding.statement or self.first <= finding.line <= self.last


def may_fail(allows: Iterable[Allow], line: int = 0) -> bool:
    """
    Return whether a comment allows that something fails.

    Args:
        line: of the statement; 0 for the revision's code, for which any line's comment speaks.
    """
    return any(allow.hazard.lower() in _FAILING and (line == 0 or allow.first <= line <= allow.last) for allow in allows)


def read_allows(file: str, source: str) -> tuple[Allow, ...]:
    """Return the comments of a revision's file; none where it is no Python."""
    try:
        tree = ast.parse(source)
        tokens = list(tokenize.generate_tokens(io.StringIO(source).readline))
    except (SyntaxError, tokenize.TokenError, ValueError):
        return ()
    spans = sorted(_spans(tree), key=lambda span: span[1] - span[0])
    found = ((token, _COMMENT.match(token.string)) for token in tokens if token.type == tokenize.COMMENT)
    return tuple(_allow(file, token, match, spans, source.splitlines()) for token, match in found if match)


def apply(
    findings: Sequence[Finding], sources: Mapping[str, str], revisions: Mapping[str, str]
) -> tuple[tuple[Finding, ...], tuple[Allowed, ...]]:
    """
    Take out what comments allow, and report comments that allow nothing.

    Args:
        sources: text by file, as findings name it.
        revisions: the revision's id by file.
    """
    allows = [allow for file, source in sources.items() for allow in read_allows(file, source)]
    pairs = [(finding, next((allow for allow in allows if allow.covers(finding)), None)) for finding in findings]
    used = {allow for _, allow in pairs if allow}
    kept = [finding for finding, allow in pairs if allow is None]
    # Two comments may allow the same: each of them is of use as long as it covers something.
    idle = [allow for allow in allows if allow not in used and not any(allow.covers(finding) for finding in findings)]
    silenced = tuple(Allowed(finding=finding, reason=allow.reason) for finding, allow in pairs if allow)
    return (*kept, *_unused(idle, revisions)), silenced


def _unused(idle: Iterable[Allow], revisions: Mapping[str, str]) -> Iterator[Finding]:
    for allow in idle:
        yield Finding(
            id=RULE.id,
            name=RULE.name,
            severity=Severity.WARNING,
            title=RULE.title,
            revision=revisions.get(allow.file, ""),
            file=allow.file,
            line=allow.line,
            what=f"`# lockgate: allow {allow.hazard}` allows nothing here: the hazard is gone, or the comment is at the wrong place",
            safer="# take the comment out",
        )


def _spans(tree: ast.Module) -> Iterator[tuple[int, int]]:
    """Yield first and last line of every statement that holds no other, of the head of one that does, and of a batch, which runs as a whole."""
    batches = [node for node in ast.walk(tree) if isinstance(node, ast.With) and _is_batch(node)]
    inside = {inner for batch in batches for inner in ast.walk(batch)}
    for node in ast.walk(tree):
        if node in batches and isinstance(node, ast.stmt):
            yield node.lineno, node.end_lineno or node.lineno
        elif isinstance(node, ast.stmt) and node not in inside and not isinstance(node, _DEFINITIONS):
            yield node.lineno, _end_of_head(node) if hasattr(node, "body") else node.end_lineno or node.lineno


def _end_of_head(node: ast.stmt) -> int:
    heads = (child for child in ast.iter_child_nodes(node) if isinstance(child, ast.expr | ast.withitem))
    return max([node.lineno, *(part.end_lineno or 0 for head in heads for part in ast.walk(head) if isinstance(part, ast.expr))])


def _is_batch(node: ast.With) -> bool:
    calls = [item.context_expr for item in node.items]
    return any(isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == _BATCH for call in calls)


def _allow(file: str, token: tokenize.TokenInfo, match: re.Match[str], spans: list[tuple[int, int]], lines: list[str]) -> Allow:
    line = token.start[0]
    place = line
    if not token.line[: token.start[1]].strip() and not any(first <= line <= last for first, last in spans):
        while place <= len(lines) and lines[place - 1].strip().startswith("#"):
            place += 1
    first, last = next(((first, last) for first, last in spans if first <= place <= last), (0, 0))
    return Allow(file, match["hazard"], match["reason"].strip(), line, first, last)
