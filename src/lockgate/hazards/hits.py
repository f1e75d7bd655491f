"""
Which rows of the target a DELETE, an INSERT or an UPDATE meets, as questions that have an exact answer; pure.

A statement that the answers say all about is `covered`; for any doubt it is not, and a plan says that it has not seen what rows do to it.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from msgspec import structs

from lockgate.hazards.answers import Kind
from lockgate.hazards.demands import STOPPING, Demand, Key, Reference
from lockgate.hazards.effects import Effect
from lockgate.hazards.fitting import base
from lockgate.hazards.grammar import Grammar, askable, is_null, literal
from lockgate.hazards.names import parts
from lockgate.hazards.questions import Check, Place, Source, quoted
from lockgate.hazards.raising import may_raise
from lockgate.hazards.seen import Relation
from lockgate.hazards.writes import is_whole
from lockgate.seeds.tree_nodes import enum_name, inner, message_name, messages

# Types with one notion of equality, so that `=` of pg_catalog says what their indexes say.
_PLAIN = frozenset("smallint integer bigint numeric text boolean uuid date bytea oid".split()) | {"character varying", "timestamp without time zone", "timestamp with time zone"}
_DOUBTFUL = re.compile(r"%%|\0")  # a driver's way to write `%`, and where the grammar would stop to read
_MOST = 200  # questions of a plan: each takes a transaction, and another one under the lock
_KINDS: dict[str, Kind] = {"CASCADE": "carried", "SET NULL": "unset", "SET DEFAULT": "unset"}


class Hits:
    """
    Goes through a plan and remembers which tables it has made other ones of.

    Args:
        demands: by the tables' names.
        parser: the module postgast; None where it is not installed.
    """

    def __init__(self, demands: Sequence[Demand], parser: Any) -> None:
        self._demands = {demand.table: demand for demand in demands}
        self._grammar = Grammar(parser) if parser and demands else None
        self._changed: set[str] = set()
        self._asked = 0

    def statement(self, place: Place) -> Iterator[Check]:
        """Yield one statement's questions, and whether they say all."""
        effect = place.effect
        grammar = self._grammar if effect.command in ("DELETE", "INSERT", "UPDATE") and is_whole(effect.text) and not _DOUBTFUL.search(effect.text) else None
        node = grammar.statement(effect.text) if grammar else None
        if grammar is None or node is None or not hasattr(node, "relation") or node.HasField("with_clause"):
            return
        table = self._table(place, node.relation)
        demand = self._demands.get(table.original) if table else None
        if demand and not demand.hidden and self._asked < _MOST:
            hit = _Hit(self, place, demand, node, grammar)
            try:
                found = list({"DeleteStmt": hit.deleted, "InsertStmt": hit.inserted, "UpdateStmt": hit.updated}[message_name(node)]())
            except grammar.errors:
                return  # it cannot be printed again
            self._asked += len(found)
            yield from found

    def follow(self, effect: Effect) -> None:
        """Take note of tables whose constraints, indexes or columns are not the target's any more; a plain new column changes nothing for others."""
        for change in effect.changes:
            plain = change.kind == "column" and change.how == "added" and not (change.after.get("not_null") or change.after.get("generated"))
            if not plain:
                self._changed |= {change.original, *(str(facts.get("references", "")) for facts in (change.before, change.after))}
        self._changed |= {".".join(parts(drop.identity)[:2]) for drop in effect.drops}

    def schema(self, place: Place, relation: Any) -> str:
        """Return the schema of a table of the target that an expression names; empty for any other."""
        table = self._table(place, relation)
        return table.schema if table and not place.names.columns(table.original) else ""

    def is_changed(self, table: str) -> bool:
        """Whether a table is not any more what it was."""
        return table in self._changed

    def _table(self, place: Place, relation: Any) -> Relation | None:
        named = [table for table in place.tables.values() if table.name == relation.relname and relation.schemaname in ("", table.schema)]
        same = len(named) == 1 and named[0].kind == "table" and named[0].path == named[0].original
        return named[0] if same and not self.is_changed(named[0].original) else None


class _Hit:
    """One statement on one table."""

    def __init__(self, hits: Hits, place: Place, demand: Demand, node: Any, grammar: Grammar) -> None:
        self._hits, self._place, self._demand, self._node, self._grammar = hits, place, demand, node, grammar
        self._types = dict(zip(demand.columns, demand.types, strict=True))
        alias = node.relation.alias.aliasname if node.relation.HasField("alias") else node.relation.relname
        self._source = place.source(demand.table, alias)

    def deleted(self) -> Iterator[Check]:
        """Rows of other tables that refer to those that go."""
        condition = self._condition() if not self._node.using_clause else None
        if condition is None:
            return
        asked = [self._reference(reference, condition, reference.on_delete) for reference in self._demand.references]
        yield from (check for check in asked if check)
        # What goes along, or is set, may be referred to, or be refused, in its turn.
        stopping = all(check and check.answer.kind == "referenced" for check in asked)
        if stopping and not may_raise(condition):
            yield self._covered()

    def _reference(self, reference: Reference, condition: str, action: str) -> Check | None:
        late = action in STOPPING and reference.late
        known = not late and reference.table != self._demand.table and not self._hits.is_changed(reference.table) and self._compares(reference.others)
        if not known:
            return None
        answer = self._place.answer(_KINDS.get(action, "referenced"), reference.table, reference.name)
        other = Source(reference.table, "other ")
        keys, others = tuple(map(quoted, reference.others)), tuple(map(quoted, reference.columns))
        return self._check(Check(answer, self._source, keys=keys, condition=condition, other=other, other_keys=others))

    def inserted(self) -> Iterator[Check]:
        """Keys that are taken already."""
        rows = [inner(row).items for row in inner(self._node.select_stmt).values_lists] if self._node.HasField("select_stmt") else []
        columns = [inner(column).name for column in self._node.cols] or list(self._demand.columns)
        if enum_name(self._node, "override") == "OVERRIDING_USER_VALUE":
            return  # what is written for such a column is passed over
        if not rows or any(len(row) > len(columns) or not all(map(literal, row)) for row in rows):
            return
        if self._node.HasField("on_conflict_clause"):
            if self._node.on_conflict_clause.action == 2 and not self._node.on_conflict_clause.HasField("infer"):  # DO NOTHING, whatever the key
                yield self._covered()
            return
        asked = [self._key(key, columns, rows) for key in self._demand.keys if not set(key.columns) & (set(self._demand.filled) - set(columns))]
        yield from (check for check in asked if check)
        if all(asked) and not self._demand.more:
            yield self._covered()

    def _key(self, key: Key, columns: Sequence[str], rows: Sequence[Any]) -> Check | None:
        if not set(key.columns) <= set(columns) or not self._compares(key.columns) or key.nulls_equal:
            return None
        places = {name: columns.index(name) for name in key.columns}
        if any(len(row) <= number or is_null(row[number]) for row in rows for number in places.values()):
            return None
        given = (" and ".join(self._equals(name, row[number]) for name, number in places.items()) for row in rows)
        condition = " or ".join(f"({tuple_})" for tuple_ in given)
        return self._check(Check(self._place.answer("taken", self._demand.table, key.name), self._source, condition=condition))

    def _equals(self, name: str, value: Any) -> str:
        column = f"{quoted(self._source.alias)}.{quoted(name)}"
        return f"{column} operator(pg_catalog.=) cast({self._grammar.condition(value)} as {self._types[name]})"

    def updated(self) -> Iterator[Check]:
        """New values that cannot be computed for a row, and rows that refer to a key which gets another value."""
        condition = self._condition() if not self._node.from_clause else None
        given = {inner(target).name: inner(target) for target in self._node.target_list}
        plain = not any(target.indirection or message_name(inner(target.val)) == "MultiAssignRef" for target in given.values())
        if condition is None or not plain:
            return
        yield from self._rekeyed(given, condition)
        computed = {name: target.val for name, target in given.items() if not literal(target.val)}
        if not all(self._askable(value) for value in computed.values()):
            return
        keys = tuple(self._cast(name, self._grammar.condition(value)) for name, value in computed.items())
        if keys:
            answer = self._place.answer("computed", self._demand.table, ", ".join(computed))
            yield self._check(Check(answer, self._source, keys=keys, condition=condition))
        measured = any("(" in self._types.get(name, "(") for name in computed)  # too long a value is cut by a cast, and refused by the statement
        guarded = set(given) & set(self._demand.guarded) or self._demand.more
        if not (measured or guarded) and (keys or not may_raise(condition)):
            yield self._covered()

    def _rekeyed(self, given: Mapping[str, Any], condition: str) -> Iterator[Check]:
        for reference in self._demand.references:
            new = {name: given[name].val for name in reference.others if name in given}
            known = reference.on_update in STOPPING and self._compares(tuple(new)) and all(literal(value) and not is_null(value) for value in new.values())
            if new and known:
                stays = " and ".join(self._equals(name, value) for name, value in new.items())
                check = self._reference(reference, " and ".join([*([f"({condition})"] if condition else []), f"not ({stays})"]), reference.on_update)
                yield from [check] if check else []

    def _cast(self, name: str, expression: str) -> str:
        type_ = self._types.get(name, "(")
        return expression if "(" in type_ else f"cast({expression} as {type_})"

    def _condition(self) -> str | None:
        """The WHERE clause, empty for none; None where it is not to be asked."""
        if not self._node.HasField("where_clause"):
            return ""
        return self._grammar.condition(self._node.where_clause) if self._askable(self._node.where_clause) else None

    def _askable(self, node: Any) -> bool:
        named = (message for message in messages(node) if message_name(message) == "ColumnRef")
        return all(map(self._is_column, named)) and askable(node, lambda relation: self._hits.schema(self._place, relation))

    def _is_column(self, reference: Any) -> bool:
        """Whether a name that begins with the table's ends with a column of it: any other would call a function of that name with the row."""
        fields = [inner(field) for field in reference.fields]
        whose, last = fields[0], fields[-1]
        ours = len(fields) == 2 and message_name(whose) == "String" and whose.sval == self._source.alias
        return not ours or (message_name(last) == "String" and last.sval in self._demand.columns)

    def _compares(self, columns: Sequence[str]) -> bool:
        return all(base(self._types.get(name, "")) in _PLAIN for name in columns)

    def _check(self, check: Check) -> Check:
        return check.reading(self._place.names, self._place.written)

    def _covered(self) -> Check:
        known = self._place.answer("covered", self._demand.table)
        return Check(structs.replace(known, count=0), self._source)
