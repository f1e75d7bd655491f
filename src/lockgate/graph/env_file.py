"""What the text of env.py shows of how often it configures Alembic."""

from __future__ import annotations

import ast
from collections import defaultdict
from dataclasses import dataclass

_AGAIN = (ast.For, ast.AsyncFor, ast.While, ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp, ast.Lambda, ast.ClassDef)
_HIDING = frozenset(("exec", "eval", "getattr", "globals", "import_module", "run_module", "run_path"))


@dataclass(frozen=True)
class _Use:
    """Where a name stands: `owner` is the function around it, empty for the module; `plainly` where the place calls it, once."""

    owner: str
    plainly: bool


def configures_once(text: str) -> bool:
    """
    Whether env.py, run online, calls `context.configure` at one place, and comes there at most once.

    Alembic's own templates do, the asynchronous one too. False says only that the text does not show it: there is a loop over
    databases, a second call, a decorator that may try again, a name that is looked up at run time. What other modules do that
    env.py imports is not seen.

    Args:
        text: of env.py.
    """
    try:
        tree = _Online().visit(ast.parse(text))
        names = _Names()
        names.visit(tree)
    except (SyntaxError, ValueError, RecursionError):
        return False
    reached = names.reached()
    hidden = any(use.owner in reached for name in _HIDING for use in names.uses[name])
    return not hidden and names.comes_once("configure", reached)


class _Online(ast.NodeTransformer):
    """Leave out what runs in offline mode only."""

    def visit_If(self, node: ast.If) -> ast.AST | list[ast.stmt]:  # the name that ast calls
        self.generic_visit(node)
        if _asks_offline(node.test):
            return node.orelse or ast.Pass()
        negated = isinstance(node.test, ast.UnaryOp) and isinstance(node.test.op, ast.Not)
        return node.body if negated and _asks_offline(node.test.operand) else node  # type: ignore[attr-defined]  # an UnaryOp has one


class _Names(ast.NodeVisitor):
    """Gather every name that the text speaks of, without whose attribute it is, and every function."""

    def __init__(self) -> None:
        self.uses: dict[str, list[_Use]] = defaultdict(list)
        self.functions: list[str] = []
        self._owner, self._again = "", False
        self._called: set[ast.AST] = set()

    def reached(self) -> frozenset[str]:
        """Return the functions that something names which is reached itself, and the module as an empty name."""
        known, more = set[str](), {""}
        while more:
            known |= more
            more = {name for name in self.functions if any(use.owner in known for use in self.uses[name])} - known
        return frozenset(known)

    def comes_once(self, name: str, reached: frozenset[str], below: frozenset[str] = frozenset()) -> bool:
        """Whether the one place that calls `name` is itself come to once."""
        uses = [use for use in self.uses[name] if use.owner in reached]
        if len(uses) != 1 or not uses[0].plainly or name in below:
            return False
        owner = uses[0].owner
        return not owner or (self.functions.count(owner) == 1 and self.comes_once(owner, reached, below | {name}))

    def visit(self, node: ast.AST) -> None:
        """Go through a node; what stands in a loop may be come to again."""
        before = self._again
        self._again = before or isinstance(node, _AGAIN)
        super().visit(node)
        self._again = before

    def visit_FunctionDef(self, node: ast.FunctionDef | ast.AsyncFunctionDef) -> None:  # the name that ast calls
        """Go through a function as a place of its own."""
        self.functions.append(node.name)
        for outside in (*node.decorator_list, node.args):
            self.visit(outside)
        before = self._owner, self._again
        self._owner, self._again = node.name, bool(node.decorator_list) or self._again
        for statement in node.body:
            self.visit(statement)
        self._owner, self._again = before

    visit_AsyncFunctionDef = visit_FunctionDef

    def visit_Call(self, node: ast.Call) -> None:
        """Note what is called; `run_sync` calls what it is given (SQLAlchemy, `AsyncConnection.run_sync`), and Alembic's `fn` takes our place."""
        if not any(keyword.arg == "fn" for keyword in node.keywords):
            self._called.add(node.func)
        if _name(node.func) == "run_sync":
            self._called.update(node.args[:1])
        for part in ast.iter_child_nodes(node):
            if part is not node.func or not _asks_another_name(node):
                self.visit(part)

    def visit_Name(self, node: ast.Name | ast.Attribute) -> None:
        """Note a name."""
        self.uses[_name(node)].append(_Use(self._owner, node in self._called and not self._again))
        self.generic_visit(node)

    visit_Attribute = visit_Name

    def visit_alias(self, node: ast.alias) -> None:
        """Note a name that is imported from somewhere: the call that is looked for may hide behind another one."""
        if node.name in ("*", "configure"):
            self.uses["eval"].append(_Use("", False))


def _asks_offline(test: ast.expr) -> bool:
    return isinstance(test, ast.Call) and _name(test.func) == "is_offline_mode"


def _asks_another_name(node: ast.Call) -> bool:
    asked = node.args[1] if _name(node.func) == "getattr" and len(node.args) > 1 else None
    return isinstance(asked, ast.Constant) and asked.value != "configure"


def _name(node: ast.AST) -> str:
    if isinstance(node, ast.Attribute):
        return node.attr
    return node.id if isinstance(node, ast.Name) else ""
