"""
What a revision file does, as a fingerprint: the same for two files that differ in comments, formatting and docstrings alone.

The syntax tree is hashed, not the text. It is walked by rules of our own, because `ast.dump` and `ast.unparse` say the same tree in
other words from one version of Python to the next, and an alarm that only tells of an upgraded Python is soon ignored.
"""

from __future__ import annotations

import ast
import hashlib
from collections.abc import Iterable, Mapping, Sequence

from lockgate.graph.revisions import Graph, Revision
from lockgate.records import dataclass

ALGORITHM = "1"  # change it with any change below: fingerprints of other algorithms are not compared
# The place in the graph is no part of what a revision does; the graph has rules of its own.
_PLACE = frozenset({"revision", "down_revision", "branch_labels", "depends_on"})

_SPELLING = frozenset({"ctx", "type_comment", "type_ignores"})
_known: dict[str, str] = {}


@dataclass(frozen=True)
class Edited:
    """A revision that was applied with another content than its file has now."""

    revision: str
    file: str


def fingerprint(text: str) -> str:
    """
    Return `ALGORITHM:tree:text`: the hashes of what the file does and of its text as it is.

    The second one only saves time: an unchanged text need not be parsed.

    Args:
        text: the whole file, decoded.
    Returns:
        Empty for a text that is no Python, which cannot have run.
    """
    raw = _hash(text)
    try:
        return f"{ALGORITHM}:{_tree(text, raw)}:{raw}"
    except (SyntaxError, ValueError, RecursionError):
        return ""


def known_trees() -> Mapping[str, str]:
    """Return the hash of each tree that this process has seen, by the hash of its text."""
    return _known


def learn_trees(trees: Mapping[str, str]) -> None:
    """Take over what `known_trees` returned in another process of this lockgate under this version of Python."""
    _known.update(trees)


def same(kept: str, text: str) -> bool:
    """Whether `text` does what the file did whose fingerprint was kept; True where that cannot be told."""
    algorithm, _, rest = kept.partition(":")
    tree, _, raw = rest.partition(":")
    now = _hash(text)
    if algorithm != ALGORITHM or raw == now:
        return True
    try:
        return tree == _tree(text, now)
    except (SyntaxError, ValueError, RecursionError):
        return False


def edited(graph: Graph, heads: Iterable[str], kept: Mapping[str, str]) -> tuple[Edited, ...]:
    """
    Return the applied revisions whose files do something else now, in the order of their files.

    Args:
        heads: rows of the version table.
        kept: fingerprint by revision, as the ledger has it.
    """
    applied = graph.applied(heads)
    return tuple(
        Edited(id_, revision.file)
        for id_, revision in graph.revisions.items()
        if id_ in applied and id_ in kept and not _unchanged(kept[id_], revision) and not same(kept[id_], revision.text)
    )


def _unchanged(kept: str, revision: Revision) -> bool:
    """Whether the file is the very same, as its digest tells: of a text in UTF-8 the file's is the text's."""
    return bool(revision.digest) and kept.startswith(f"{ALGORITHM}:") and kept.endswith(f":{revision.digest}")


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode("utf-8", "surrogatepass")).hexdigest()


def _tree(text: str, raw: str) -> str:
    """Hash the tree of a text; parsing takes as long as running most revisions, so no text is parsed twice."""
    found = _known.get(raw)
    if found is None:
        module = ast.parse(text)
        module.body = [statement for statement in module.body if not _places(statement)]
        found = _known[raw] = _hash(_words(module))
    return found


def _places(statement: ast.stmt) -> bool:
    targets = statement.targets if isinstance(statement, ast.Assign) else [statement.target] if isinstance(statement, ast.AnnAssign) else []
    return bool(targets) and all(isinstance(target, ast.Name) and target.id in _PLACE for target in targets)


def _words(node: object) -> str:
    """Say a tree: name of each node and the fields that are neither empty nor about spelling; a bare text is a comment."""
    if isinstance(node, list):
        return "[" + ",".join(_words(item) for item in node if not _is_bare_text(item)) + "]"
    if isinstance(node, ast.JoinedStr):
        return f"JoinedStr({_joined(node.values)})"
    if not isinstance(node, ast.AST):
        return f"{type(node).__name__} {node!r}"
    if isinstance(node, ast.Constant):
        return f"Constant({_words(node.value)})"
    fields = [f"{name}={_words(value)}" for name, value in ast.iter_fields(node) if name not in _SPELLING and value not in (None, [])]
    return f"{type(node).__name__}({','.join(fields)})"


def _joined(parts: Sequence[ast.expr]) -> str:
    """Say the parts of an f-string; some versions of Python cut its texts into more pieces, empty ones among them."""
    words, text = [], ""
    for part in parts:
        if isinstance(part, ast.Constant):
            text += str(part.value)
            continue
        words += [repr(text)] * bool(text) + [_words(part)]
        text = ""
    return ",".join(words + [repr(text)] * bool(text))


def _is_bare_text(node: object) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)
