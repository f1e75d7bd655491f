"""What the text of env.py shows of how often it configures Alembic."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass
from itertools import pairwise

_AGAIN = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.ClassDef)
_SITE = frozenset(("configure", "run_migrations"))
_OURS = _SITE | {"alembic", "context", "run_sync"}  # names that must mean what they usually mean
# By these a text runs something that it does not name, or itself once more.
_HIDING = frozenset(
    "exec eval getattr setattr globals locals vars __dict__ methodcaller attrgetter import_module __import__ run_module run_path run_env"
    " reload command spec_from_file_location SourceFileLoader load_python_file".split()
)


@dataclass(frozen=True)
class _Use:
    """Where a name stands: `owner` is the function around it, empty for the module; `plainly` where the place calls it, once."""

    owner: str
    plainly: bool


def configures_once(text: str) -> bool:
    """
    Whether env.py, run online, configures Alembic at one place, runs the migrations right there, and comes there at most once.

    Alembic's own templates do, the asynchronous one too. False says only that the text does not show it: a loop over databases, a
    second call, a decorator that may try again, something between `context.configure` and `context.run_migrations()` that could
    fail, a name that is looked up at run time. What code does that env.py imports is not seen.

    Args:
        text: of env.py.
    """
    try:
        names = _Names()
        names.visit(_Online().visit(ast.parse(text)))
        return names.come_once()
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return False


class _Online(ast.NodeTransformer):
    """Leave out what runs in offline mode only."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:  # the name that ast calls
        self.generic_visit(node)
        if _of_context(node.test, "is_offline_mode"):
            return node.orelse or ast.Pass()
        negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        return node.body if negated and _of_context(node.test.operand, "is_offline_mode") else node  # type: ignore[attr-defined]  # an UnaryOp has one


class _Names(ast.NodeVisitor):
    """Gather every name that the text speaks of, without whose attribute it is, and every function."""

    def __init__(self) -> None:
        self._uses: dict[str, list[_Use]] = defaultdict(list)
        self._functions: list[str] = []
        self._called_unnamed: set[str] = set()  # methods, and what a decorator was given
        self._texts: set[object] = set()
        self._foreign = False  # `context` or `configure` may be something else
        self._owner, self._again = "", False
        self._called: set[ast.AST] = set()

    def come_once(self) -> bool:
        """Whether the text comes to the one place at most once."""
        reached = self._reached()
        hidden = any(use.owner in reached for name in _HIDING for use in self._uses[name])
        if hidden or self._foreign or self._texts & (_SITE | set(self._functions)):
            return False
        return all(self._comes_once(name, reached, frozenset()) for name in _SITE)

    def _reached(self) -> frozenset[str]:
        """Return the functions that something names which is reached itself, or that are called without; and the module as an empty name."""
        known, more = set[str](), {"", *self._called_unnamed}
        while more:
            known |= more
            more = {name for name in self._functions if any(use.owner in known for use in self._uses[name])} - known
        return frozenset(known)

    def _comes_once(self, name: str, reached: frozenset[str], below: frozenset[str]) -> bool:
        uses = [use for use in self._uses[name] if use.owner in reached]
        if len(uses) != 1 or not uses[0].plainly or name in below:
            return False
        owner = uses[0].owner
        return not owner or (self._functions.count(owner) == 1 and self._comes_once(owner, reached, below | {name}))

    def visit(self, node: ast.AST) -> None:
        """Go through a node; what stands in a loop may be come to again."""
        before = self._again
        self._again = before or isinstance(node, _AGAIN)
        for _, block in ast.iter_fields(node):
            if isinstance(block, list):
                self._called.update(_site(block))
        super().visit(node)
        self._again = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:  # the name that ast calls
        """Go through a function as a place of its own."""
        self._functions.append(node.name)
        self._foreign |= node.name in _OURS
        if node.decorator_list or self._again:
            self._called_unnamed.add(node.name)
        for outside in (*node.decorator_list, node.args):
            self.visit(outside)
        before = self._owner, self._again
        self._owner, self._again = node.name, bool(node.decorator_list) or self._again
        for statement in node.body:
            self.visit(statement)
        self._owner, self._again = before

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Call(self, node: ast.Call) -> None:
        """Note what is called; `run_sync` calls what it is given (SQLAlchemy, `AsyncConnection.run_sync`)."""
        if _name(node.func) not in _SITE:
            self._called.add(node.func)
        if isinstance(node.func, ast.Attribute) and node.func.attr == "run_sync":
            self._called.update(node.args[:1])
        for part in ast.iter_child_nodes(node):
            if part is not node.func or not _asks_by_name(node):
                self.visit(part)

    def visit_Name(self, node: ast.Name | ast.Attribute) -> None:
        """Note a name."""
        name = _name(node)
        self._uses[name].append(_Use(self._owner, node in self._called and not self._again))
        self._foreign |= not isinstance(node.ctx, ast.Load) and name in _OURS
        self.generic_visit(node)

    visit_Attribute = visit_Name

    def visit_Constant(self, node: ast.Constant) -> None:
        """Note a text: it may be a name that is looked up."""
        if isinstance(node.value, str):
            self._texts.add(node.value)

    def visit_arg(self, node: ast.arg) -> None:
        """Note a parameter, which is something else by the same name."""
        self._foreign |= node.arg in _OURS
        self.generic_visit(node)

    def visit_ImportFrom(self, node: ast.ImportFrom) -> None:
        """Note what is imported: `context` is Alembic's, and nothing hides behind another name."""
        for alias in node.names:
            ours = (node.module, alias.name, alias.asname) == ("alembic", "context", None)
            self._foreign |= not ours and bool({alias.name, alias.asname} & {"*", *_OURS})

    def visit_Import(self, node: ast.Import) -> None:
        """Note what is imported; see `visit_ImportFrom`."""
        self._foreign |= any(alias.asname in _OURS for alias in node.names)


def _site(block: list[ast.AST]) -> list[ast.AST]:
    """Return what calls `context.configure` and, right behind it, `context.run_migrations` in a list of statements."""
    for configure, run in pairwise(block):
        call = configure.value if isinstance(configure, ast.Expr) else None
        if not isinstance(call, ast.Call) or not _of_context(call, "configure") or not _brings_connection(call):
            continue
        if isinstance(run, ast.With) and len(run.items) == len(run.body) == 1 and _of_context(run.items[0].context_expr, "begin_transaction"):
            run = run.body[0]
        if isinstance(run, ast.Expr) and isinstance(run.value, ast.Call) and _of_context(run.value, "run_migrations"):
            return [call.func, run.value.func]
    return []


def _brings_connection(call: ast.Call) -> bool:
    """Whether it is Alembic's own call, and its `fn`, which would take the place of ours, is left alone."""
    names = {keyword.arg for keyword in call.keywords}
    return "fn" not in names and ("connection" in names or bool(call.args))


def _of_context(node: ast.AST, name: str) -> bool:
    """Whether a node calls this function of `alembic.context`."""
    if not isinstance(node, ast.Call) or not isinstance(node.func, ast.Attribute) or node.func.attr != name:
        return False
    whose = node.func.value
    if isinstance(whose, ast.Attribute):
        return whose.attr == "context" and isinstance(whose.value, ast.Name) and whose.value.id == "alembic"
    return isinstance(whose, ast.Name) and whose.id == "context"


def _asks_by_name(node: ast.Call) -> bool:
    return _name(node.func) == "getattr" and len(node.args) > 1 and isinstance(node.args[1], ast.Constant)


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
