"""One revision file: what it says about its place in the graph."""

from __future__ import annotations

import ast
import re

from lockgate.errors import UsageError
from lockgate.records import dataclass

_FILE = re.compile(r"(?!\.\#|__init__).*\.py")  # alembic.script.base._only_source_rev_file, 1.20.1
_LEGACY_FILE = re.compile(r"(?:.*/)?([a-f0-9]+)\.py")  # alembic.script.base._legacy_rev
_FORBIDDEN = "@-+:"  # alembic.script.revision._revision_illegal_chars
_NAMES = ("revision", "down_revision", "branch_labels", "depends_on")
_BODY = re.compile(r"^(?:def|class|async|@)", re.MULTILINE)
_LATE = re.compile(rf"^[ \t]*(?:{'|'.join(_NAMES)})\b", re.MULTILINE)

Texts = tuple[str | None, ...]


@dataclass(frozen=True)
class Header:
    """
    What one file says, not yet compared with the others.

    Args:
        file: as the caller names it.
        id: empty where only running the file would tell.
        depends_on: ids or branch labels, as written.
        message: first line of the docstring.
        known: False where one of the values is no literal.
    """

    file: str
    id: str
    down_revisions: tuple[str, ...] = ()
    branch_labels: tuple[str, ...] = ()
    depends_on: tuple[str, ...] = ()
    message: str = ""
    known: bool = True


def is_revision_file(name: str) -> bool:
    """Whether Alembic takes a file of this name for a revision: every `.py` but `__init__…` and editors' `.#…`."""
    return _FILE.fullmatch(name) is not None


def read_header(file: str, text: str) -> Header:
    """
    Read one revision file.

    Only the part before the first function is parsed, unless a name of ours turns up behind it: this halves the time, and what a
    function's body says is of interest only when the revision is about to run.

    Raises:
        UsageError: `revision-syntax` with file and line, `revision-unreadable`.
    """
    body = _BODY.search(text)
    if body and not _LATE.search(text, body.start()):
        try:
            values = _Values(ast.parse(text[: body.start()]))
        except (SyntaxError, ValueError):
            pass  # a docstring with a line that begins like a function, or a real mistake: the whole file will tell
        else:
            if {"revision", "down_revision"} <= values.found.keys():
                return _header(file, values)
    return _header(file, _Values(parse(file, text)))


def parse(file: str, text: str) -> ast.Module:
    """Parse a whole file; UsageError `revision-syntax` with file and line where it is no Python."""
    try:
        return ast.parse(text, file)
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        raise syntax_error(file, error) from error


def syntax_error(file: str, error: Exception) -> UsageError:
    """Return `revision-syntax` for what the parser or the compiler raised."""
    line = getattr(error, "lineno", None)
    reason = (error.msg if isinstance(error, SyntaxError) else str(error)) or type(error).__name__
    where = f"{file}:{line}" if line else file
    return UsageError("revision-syntax", f"a revision file is not valid Python: {reason}", where, f"python -m py_compile {file}")


class _Values:
    """
    The values that a module gives to our four names.

    `found` maps a name to its last literal or other expression at the top level; a name in `unclear` is (also) bound in a way that
    cannot be followed: in a branch, by unpacking, by an import.
    """

    def __init__(self, tree: ast.Module) -> None:
        self.docstring = ast.get_docstring(tree, clean=False) or ""
        self.found: dict[str, ast.expr] = {}
        self.unclear: set[str] = set()
        for statement in tree.body:
            self._take(statement)

    def _take(self, statement: ast.stmt) -> None:
        if isinstance(statement, ast.Assign):
            for target in statement.targets:
                self._bind(target, statement.value)
        elif isinstance(statement, ast.AnnAssign):
            if statement.value:
                self._bind(statement.target, statement.value)
        elif isinstance(statement, ast.Import | ast.ImportFrom):
            names = {alias.asname or alias.name for alias in statement.names}
            self.unclear |= set(_NAMES) - self.found.keys() if "*" in names else names.intersection(_NAMES)
        elif not isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Expr):
            self.unclear |= _stored(statement)

    def _bind(self, target: ast.expr, value: ast.expr) -> None:
        if not isinstance(target, ast.Name):
            self.unclear |= _stored(target)
        elif target.id in _NAMES:
            self.found[target.id] = value
            self.unclear.discard(target.id)


def _stored(node: ast.AST) -> set[str]:
    return {part.id for part in ast.walk(node) if isinstance(part, ast.Name) and isinstance(part.ctx, ast.Store) and part.id in _NAMES}


def _header(file: str, values: _Values) -> Header:
    unclear = set(values.unclear)
    texts: dict[str, Texts] = {}
    for name, node in values.found.items():
        literal = _literal(node)
        if literal is _UNKNOWN:
            unclear.add(name)
        else:
            texts[name] = _texts_of(file, name, literal)
    message = values.docstring.strip().split("\n", 1)[0].strip()
    if "revision" in unclear or "down_revision" in unclear:
        return Header(file, "", message=message, known=False)
    return Header(
        file,
        _id_of(file, texts),
        _down_revisions(file, texts),
        _without_none(texts.get("branch_labels", ())),
        _without_none(texts.get("depends_on", ())) if texts.get("depends_on") != ("",) else (),
        message,
        not unclear,
    )


_UNKNOWN = object()


def _literal(node: ast.expr) -> object:
    """Return a literal's value; `_UNKNOWN` for any other expression."""
    if isinstance(node, ast.Constant):
        return node.value
    if isinstance(node, ast.Tuple | ast.List | ast.Set):
        items = [_literal(item) for item in node.elts]
        return _UNKNOWN if _UNKNOWN in items else tuple(items)
    return _UNKNOWN


def _texts_of(file: str, name: str, value: object) -> Texts:
    items = value if isinstance(value, tuple) else () if value is None else (value,)
    if not all(item is None or isinstance(item, str) for item in items):
        raise _unreadable(file, f"`{name}` is neither a text, nor a list of texts, nor None")
    return items


def _id_of(file: str, texts: dict[str, Texts]) -> str:
    legacy = _LEGACY_FILE.fullmatch(file)
    given = texts.get("revision", (legacy[1],) if legacy else ())
    if len(given) != 1 or not given[0]:
        raise _unreadable(file, "`revision` is no text" if "revision" in texts else "it has no `revision`")
    if any(sign in given[0] for sign in _FORBIDDEN):
        raise _unreadable(file, f"`revision` has one of the characters {' '.join(_FORBIDDEN)}, which Alembic keeps for itself")
    return given[0]


def _down_revisions(file: str, texts: dict[str, Texts]) -> tuple[str, ...]:
    if "down_revision" not in texts:
        raise _unreadable(file, "it has no `down_revision`")
    given = texts["down_revision"]
    if len(given) > 1 and None in given:
        raise _unreadable(file, "`down_revision` has None among other revisions")
    return _without_none(given)


def _without_none(texts: Texts) -> tuple[str, ...]:
    return tuple(dict.fromkeys(text for text in texts if text is not None))


def _unreadable(file: str, why: str) -> UsageError:
    hint = "write `revision` and `down_revision` as plain texts, or move a file that is no revision to another folder"
    return UsageError("revision-unreadable", f"a revision file cannot be placed in the graph: {why}", file, hint)
