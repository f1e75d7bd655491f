"""The text of ALTER TABLE and CREATE TABLE -> what it seems to do."""

from __future__ import annotations

from typing import Any

from lockgate.hazards.findings import Severity
from lockgate.hazards.seen import Relation
from lockgate.hazards.static_column import Column, Known, column_of, copies, type_text
from lockgate.hazards.static_scene import EXCLUSIVE, MILD, ROW_EXCLUSIVE, Doubt, Draft, Scene
from lockgate.seeds.tree_nodes import enum_name, inner, message_name, messages

_MILD = frozenset(
    "AT_SetStatistics AT_ClusterOn AT_DropCluster AT_SetRelOptions AT_ResetRelOptions AT_SetOptions AT_ResetOptions "
    "AT_ValidateConstraint AT_DetachPartitionFinalize".split()
)  # PostgreSQL 18 manual, ALTER TABLE
_COPIES = {
    "AT_SetLogged": "persistence",
    "AT_SetUnLogged": "persistence",
    "AT_SetAccessMethod": "access method",
    "AT_SetTableSpace": "new file",
    "AT_SetExpression": "default",
}
_ROW_SECURITY = {"AT_EnableRowSecurity": True, "AT_DisableRowSecurity": False}
_WORDS = {
    "CONSTR_PRIMARY": "primary key",
    "CONSTR_UNIQUE": "unique",
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "foreign key",
    "CONSTR_EXCLUSION": "exclusion",
    "CONSTR_NOTNULL": "not null",
}
_ENDINGS = {
    "CONSTR_PRIMARY": "pkey",
    "CONSTR_UNIQUE": "key",
    "CONSTR_CHECK": "check",
    "CONSTR_FOREIGN": "fkey",
    "CONSTR_EXCLUSION": "excl",
    "CONSTR_NOTNULL": "not_null",
}
_ITS_OLD_TYPE = "its old type"
_PROOF = "; a valid CHECK that says the same would spare the scan, and whether there is one is not in the text"


def create_table(tree: Any, draft: Draft, scene: Scene) -> None:
    """Read a `CreateStmt`."""
    table = scene.make(tree.relation)
    facts: dict[str, Any] = {}
    if tree.HasField("partbound"):
        parent = scene.relation(inner(tree.inh_relations[0]))
        facts = {"partition_of": parent.original or parent.path}
        draft.lock(parent, EXCLUSIVE)
    draft.lock(table, EXCLUSIVE)
    draft.change("added", "table", Relation(schema=table.schema, name="", kind="table", new=True), table.name, after=facts)
    for item in tree.table_elts:
        node = inner(item)
        if message_name(node) == "ColumnDef":
            column = column_of(node)
            for constraint in column.constraints:
                _constrain(table, constraint, draft, scene, column)
        elif message_name(node) == "Constraint":
            _constrain(table, node, draft, scene)


def alter_table(tree: Any, draft: Draft, scene: Scene, autocommit: bool) -> None:
    """Read an `AlterTableStmt` of a table."""
    table = scene.relation(tree.relation)
    for item in tree.cmds:
        command = inner(item)
        kind = enum_name(command, "subtype")
        definition = inner(command.__getattribute__("def")) if command.HasField("def") else None
        if kind in ("AT_AttachPartition", "AT_DetachPartition"):
            _partition(table, definition, draft, scene, kind == "AT_AttachPartition", autocommit)
        elif kind == "AT_AddConstraint":
            _constrain(table, definition, draft, scene)
        else:
            draft.lock(table, _mode(kind))
            _column(table, command, definition, kind, draft, scene)
            _whole(table, command, kind, draft, scene)


def _mode(kind: str) -> str:
    if kind in _MILD:
        return MILD
    return ROW_EXCLUSIVE if "Trig" in kind else EXCLUSIVE


def _whole(table: Relation, command: Any, kind: str, draft: Draft, scene: Scene) -> None:
    if kind in _COPIES:
        draft.rewrite(table, _COPIES[kind])
    elif kind in _ROW_SECURITY:
        facts = {"row_security": _ROW_SECURITY[kind]}
        draft.change("altered", "table", table, table.name, {"row_security": not _ROW_SECURITY[kind]}, facts)
    elif kind == "AT_ValidateConstraint":
        draft.scan(table)
        draft.change("altered", "constraint", table, command.name, {"valid": False}, {"valid": True})
        proved = scene.proofs.get((table.path, command.name))
        scene.proved |= {(table.path, proved)} if proved else set()


def _column(table: Relation, command: Any, definition: Any, kind: str, draft: Draft, scene: Scene) -> None:
    if kind == "AT_AddColumn":
        _add_column(table, column_of(definition), draft, scene)
    elif kind == "AT_DropColumn":
        _drop_column(table, command, draft, scene)
    elif kind == "AT_AlterColumnType":
        _retype(table, command.name, definition, draft)
    elif kind == "AT_SetNotNull":
        _require(table, command.name, draft, scene)
    elif kind == "AT_DropNotNull":
        draft.change("altered", "column", table, command.name, {"not_null": True}, {"not_null": False})
    elif kind == "AT_ColumnDefault" and definition is None:
        draft.change("altered", "column", table, command.name, {"default": "its default"}, {"default": ""})


def _add_column(table: Relation, column: Column, draft: Draft, scene: Scene) -> None:
    scene.columns.add((table.path, column.name))
    draft.change("added", "column", table, column.name, after=column.facts())
    if column.rewrites is not Known.NO:
        draft.rewrite(table, "default")
    if column.rewrites is Known.PERHAPS:
        draft.doubts["LG202"] = Doubt(Severity.NOTE, f"`{table.path}` may be written anew: {column.why} is not in the text", instead=True)
    for constraint in column.constraints:
        _constrain(table, constraint, draft, scene, column)


def _drop_column(table: Relation, command: Any, draft: Draft, scene: Scene) -> None:
    new = table.new or (table.path, command.name) in scene.columns
    draft.drop("table column", f"{table.path}.{command.name}", table.schema, new=new, more=enum_name(command, "behavior") == "DROP_CASCADE")


def _retype(table: Relation, name: str, definition: Any, draft: Draft) -> None:
    kind = type_text(definition.type_name)
    draft.rewrite(table, "type")
    draft.change("altered", "column", table, name, {"type": _ITS_OLD_TYPE}, {"type": kind})
    known = copies(kind, definition.raw_default if definition.HasField("raw_default") else None)
    if known is Known.NO:
        text = f"`{name}` becomes {kind}: free from a varchar, a copy of all of `{table.path}` from another type, and the old one is not in the text"
        draft.doubts["LG201"] = Doubt(Severity.NOTE, text, instead=True)
    elif known is Known.PERHAPS:
        text = (
            f"`{table.path}` may be written anew to make `{name}` {kind}: a longer or wider type of its kind is free, a shorter one or another "
            "one is not, and the old type is not in the text"
        )
        draft.doubts["LG201"] = Doubt(Severity.WARNING, text, instead=True)
    else:
        draft.doubts["LG201"] = Doubt(Severity.WARNING, "; were the old type the same, nothing would be copied: it is not in the text")


def _require(table: Relation, name: str, draft: Draft, scene: Scene) -> None:
    draft.change("altered", "column", table, name, {"not_null": False}, {"not_null": True})
    if (table.path, name) not in scene.proved:
        draft.scan(table)
        draft.doubts["LG204"] = Doubt(Severity.WARNING, _PROOF)


def _constrain(table: Relation, constraint: Any, draft: Draft, scene: Scene, column: Column | None = None) -> None:
    """Add a constraint, of a column or of the table."""
    kind = enum_name(constraint, "contype")
    if kind not in _WORDS:
        return
    columns = [column.name] if column else [inner(node).sval for node in (*constraint.keys, *constraint.fk_attrs)]
    name = constraint.conname or "_".join([table.name, *(columns if kind != "CONSTR_PRIMARY" else ()), _ENDINGS[kind]])
    valid = not constraint.skip_validation
    facts: dict[str, Any] = {"kind": _WORDS[kind], "valid": valid, "columns": columns}
    draft.lock(table, ROW_EXCLUSIVE if kind == "CONSTR_FOREIGN" else EXCLUSIVE)
    if kind == "CONSTR_FOREIGN":
        facts |= _refer(table, constraint, draft, scene, column, valid)
    elif kind == "CONSTR_NOTNULL":
        draft.change("altered", "column", table, columns[0] if columns else "", {"not_null": False}, {"not_null": True})
    if kind in ("CONSTR_CHECK", "CONSTR_NOTNULL") and valid:
        draft.scan(table)
    if kind == "CONSTR_CHECK":
        _prove(table, name, constraint, scene, valid)
    if kind in ("CONSTR_UNIQUE", "CONSTR_PRIMARY", "CONSTR_EXCLUSION") and not constraint.indexname:
        draft.build(table, name, unique=kind != "CONSTR_EXCLUSION")
        draft.change("added", "index", table, name, after={"unique": kind != "CONSTR_EXCLUSION", "columns": columns})
    elif kind == "CONSTR_PRIMARY":
        draft.scan(table)
        draft.doubts["LG204"] = Doubt(
            Severity.NOTE, "; only where its columns are not NOT NULL yet, and whether they are is not in the text"
        )
    draft.change("added", "constraint", table, name, after=facts)


def _refer(table: Relation, constraint: Any, draft: Draft, scene: Scene, column: Column | None, valid: bool) -> dict[str, Any]:
    """Lock both ends, and read them unless there is nothing to check: rows of a new column without a default hold NULL."""
    other = scene.relation(constraint.pktable)
    draft.lock(other, ROW_EXCLUSIVE)
    if valid and not table.new and (column is None or column.default):
        draft.scan(table)
        draft.scan(other)
    return {"references": other.original or other.path}


def _prove(table: Relation, name: str, constraint: Any, scene: Scene, valid: bool) -> None:
    """Remember a CHECK (x IS NOT NULL), which later spares SET NOT NULL its scan."""
    test = inner(constraint.raw_expr)
    if message_name(test) == "NullTest" and enum_name(test, "nulltesttype") == "IS_NOT_NULL":
        names = [part.sval for part in messages(test) if message_name(part) == "String"]
        scene.proofs[(table.path, name)] = names[0]
        scene.proved |= {(table.path, names[0])} if valid else set()


def _partition(table: Relation, definition: Any, draft: Draft, scene: Scene, attach: bool, autocommit: bool) -> None:
    part = scene.relation(definition.name)
    parent = table.original or table.path
    if definition.concurrent:
        draft.outside_only("ALTER TABLE .. DETACH PARTITION CONCURRENTLY", autocommit)
    draft.lock(table, MILD if attach or definition.concurrent else EXCLUSIVE)
    draft.lock(part, EXCLUSIVE)
    own = Relation(schema=part.schema, name="", kind="table", new=part.new, original=part.original)
    if attach:
        draft.scan(part)
        draft.change("altered", "table", own, part.name, {"partition_of": ""}, {"partition_of": parent})
        draft.doubts["LG204"] = Doubt(Severity.WARNING, _PROOF)
    else:
        draft.change("altered", "table", own, part.name, {"partition_of": parent}, {"partition_of": ""})
