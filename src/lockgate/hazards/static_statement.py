"""The text of a statement, read by PostgreSQL's own grammar -> what it seems to do."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lockgate.hazards.findings import Severity
from lockgate.hazards.seen import MODES, Relation
from lockgate.hazards.snippets import autocommit, execute, identifier
from lockgate.hazards.static_rows import use_labels, write
from lockgate.hazards.static_scene import EXCLUSIVE, MILD, ROW_EXCLUSIVE, SHARE, Doubt, Draft, Scene
from lockgate.hazards.static_table import alter_table, create_table
from lockgate.seeds.tree_nodes import enum_name, inner, message_name, messages

_TABLES = {"OBJECT_TABLE": "table", "OBJECT_VIEW": "view", "OBJECT_MATVIEW": "materialized view", "OBJECT_FOREIGN_TABLE": "foreign table"}
_OF_A_TABLE = {"OBJECT_TRIGGER": "trigger", "OBJECT_POLICY": "policy", "OBJECT_RULE": "rule"}
_OTHERS = {"OBJECT_FUNCTION": "function", "OBJECT_SCHEMA": "schema", "OBJECT_TYPE": "type"}
_RENAMED = {**_TABLES, "OBJECT_COLUMN": "column", "OBJECT_SCHEMA": "schema", "OBJECT_FUNCTION": "function"}
_ALONE = {
    "CreatedbStmt": "CREATE DATABASE",
    "DropdbStmt": "DROP DATABASE",
    "AlterSystemStmt": "ALTER SYSTEM",
    "CreateTableSpaceStmt": "CREATE TABLESPACE",
}

Reader = Callable[[Any, Draft, Scene, bool], None]


def read(tree: Any, scene: Scene, transaction: int, outside: bool) -> Draft:
    """
    Return what a statement seems to do.

    Args:
        tree: the statement's message.
        scene: told by the statements before it; learns from this one.
        transaction: whose statements it shares new labels of enums with.
        outside: it runs outside of the revision's transaction.
    """
    draft = Draft()
    name = message_name(tree)
    if name in _ALONE:
        draft.outside_only(_ALONE[name], outside)
    elif name == "AlterEnumStmt":
        _enum(tree, draft, scene, transaction)
    elif name in _READERS:
        _READERS[name](tree, draft, scene, outside)
    for message in messages(tree):
        if message_name(message) in ("UpdateStmt", "DeleteStmt"):
            write(message, draft, scene)
    if name in ("UpdateStmt", "InsertStmt") and not draft.fault:
        use_labels(tree, draft, scene, transaction)
    return draft


def _index(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    table = scene.relation(tree.relation)
    columns = [inner(item).name or "..." for item in tree.index_params]
    name = tree.idxname or "_".join([table.name, *columns, "idx"])
    if tree.concurrent:
        draft.outside_only("CREATE INDEX CONCURRENTLY", outside)
        draft.lock(table, MILD)
    else:
        draft.lock(table, SHARE)
    scene.owners[f"{table.schema}.{name}"] = table
    if tree.relation.inh:
        draft.build(table, name, unique=tree.unique, concurrently=tree.concurrent)
    facts = {"unique": tree.unique, "columns": columns, "definition": _definition(tree, table, name, columns)}
    draft.change("added", "index", table, name, after=facts)


def _definition(tree: Any, table: Relation, name: str, columns: list[str]) -> str:
    """As the server would print it, where columns are all there is; empty for others, whose text nobody has here."""
    plain = "..." not in columns and not tree.HasField("where_clause") and not tree.index_including_params
    head = f"CREATE {'UNIQUE ' if tree.unique else ''}INDEX {name} ON {table.path}"
    return f"{head} USING {tree.access_method or 'btree'} ({', '.join(columns)})" if plain else ""


def _drop(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    kind = enum_name(tree, "remove_type")
    more = enum_name(tree, "behavior") == "DROP_CASCADE"
    for item in tree.objects:
        names = _names(inner(item))
        if kind in _TABLES:
            table = scene.named(names, _TABLES[kind])
            draft.lock(table, EXCLUSIVE)
            draft.drop(_TABLES[kind], table.original or table.path, table.schema, new=table.new, more=more)
        elif kind in _OF_A_TABLE:
            table = scene.named(names[:-1])
            draft.lock(table, EXCLUSIVE)
            draft.change("dropped", _OF_A_TABLE[kind], table, names[-1])
        elif kind == "OBJECT_INDEX":
            _drop_index(names, tree.concurrent, draft, scene, outside)
        elif kind in _OTHERS:
            name = ".".join(names)
            path = name if "." in name or kind == "OBJECT_SCHEMA" else f"public.{name}"
            draft.drop(_OTHERS[kind], path, "", new=scene.is_new(f"{_OTHERS[kind]} {path}"), more=more)


def _drop_index(names: list[str], concurrently: bool, draft: Draft, scene: Scene, outside: bool) -> None:
    name, schema = names[-1], names[-2] if len(names) > 1 else "public"
    table = scene.owners.get(f"{schema}.{name}")
    if table and table.new:
        return
    shown = identifier(schema, name)
    owner = table or Relation(schema=schema, name=name, kind="table", original=f"{schema}.{name}")
    if concurrently:
        draft.outside_only("DROP INDEX CONCURRENTLY", outside)
    draft.lock(owner, MILD if concurrently else EXCLUSIVE)
    draft.change("dropped", "index", owner, name)
    what = f"the table of the index `{shown}` is locked against reads and writes until the index is gone"
    draft.doubts["LG208"] = Doubt(Severity.NOTE, what, True, autocommit([execute(f"DROP INDEX CONCURRENTLY {shown}")]))


def _rename(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    kind = enum_name(tree, "rename_type")
    if kind == "OBJECT_SCHEMA":
        draft.rename("schema", Relation(schema="", name="", kind="schema", original=tree.subname), tree.subname, tree.newname)
    elif kind in ("OBJECT_COLUMN", "OBJECT_TABCONSTRAINT", *_TABLES):
        table = scene.relation(tree.relation)
        draft.lock(table, EXCLUSIVE)
        if kind == "OBJECT_COLUMN" and (table.path, tree.subname) not in scene.columns:
            draft.rename("column", table, tree.subname, tree.newname)
        elif kind in _TABLES:
            own = Relation(schema=table.schema, name="", kind="table", new=table.new, original=table.original)
            draft.rename(_TABLES[kind], own, table.name, tree.newname)
            scene.rename(table, table.schema, tree.newname)


def _move(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    """ALTER TABLE .. SET SCHEMA."""
    if enum_name(tree, "object_type") in _TABLES:
        table = scene.relation(tree.relation)
        draft.lock(table, EXCLUSIVE)
        own = Relation(schema=table.schema, name="", kind="table", new=table.new, original=table.original)
        draft.rename("table", own, table.path, f"{tree.newschema}.{table.name}")
        scene.rename(table, tree.newschema, table.name)


def _enum(tree: Any, draft: Draft, scene: Scene, transaction: int) -> None:
    name = ".".join(inner(part).sval for part in tree.type_name)
    path = name if "." in name else f"public.{name}"
    new = scene.is_new(f"type {path}")
    if tree.old_val:
        owner = Relation(schema=path.split(".")[0], name=path.split(".")[1], kind="type", new=new, original="" if new else path)
        draft.rename("enum value", owner, tree.old_val, tree.new_val)
    elif not new:
        scene.labels.setdefault(transaction, set()).add(tree.new_val)


def _truncate(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    for item in tree.relations:
        table = scene.relation(inner(item))
        draft.lock(table, EXCLUSIVE)
        draft.rewrite(table, "truncate")
    if enum_name(tree, "behavior") == "DROP_CASCADE":
        draft.doubts["LG303"] = Doubt(
            Severity.WARNING, "; CASCADE empties every table that refers to it as well, and which do is not in the text"
        )


def _vacuum(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    if not tree.is_vacuumcmd:
        return
    draft.outside_only("VACUUM", outside)
    for item in tree.rels if any(inner(option).defname == "full" for option in tree.options) else ():
        table = scene.relation(inner(item).relation)
        draft.lock(table, EXCLUSIVE)
        draft.rewrite(table, "new file")


def _cluster(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    if tree.HasField("relation"):
        table = scene.relation(tree.relation)
        draft.lock(table, EXCLUSIVE)
        draft.rewrite(table, "new file")


def _reindex(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    concurrently = any(inner(option).defname == "concurrently" for option in tree.params)
    if concurrently:
        draft.outside_only("REINDEX CONCURRENTLY", outside)
    named = scene.relation(tree.relation) if tree.HasField("relation") else None
    table = scene.owners.get(named.path, named) if named else None
    if table and not concurrently:
        draft.lock(table, SHARE)
        draft.build(table, tree.relation.relname)


def _refresh(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    view = scene.relation(tree.relation, "materialized view")
    draft.lock(view, "ExclusiveLock" if tree.concurrent else EXCLUSIVE)
    draft.rewrite(view, "new file")


def _lock(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    for item in tree.relations:
        draft.lock(scene.relation(inner(item)), MODES[tree.mode - 1])


def _trigger(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    table = scene.relation(tree.relation)
    draft.lock(table, ROW_EXCLUSIVE)
    draft.change("added", "trigger", table, tree.trigname)


def _policy(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    table = scene.relation(tree.table)
    draft.lock(table, EXCLUSIVE)
    draft.change("added", "policy", table, tree.policy_name)


def _made(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    """Something that holds no rows of anybody yet."""
    name = message_name(tree)
    if name == "CreateStmt":
        create_table(tree, draft, scene)
    elif name == "CreateTableAsStmt":
        view = enum_name(tree, "objtype") == "OBJECT_MATVIEW"
        table = scene.make(tree.into.rel, "materialized view" if view else "table")
        draft.change("added", table.kind, Relation(schema=table.schema, name="", kind=table.kind, new=True), table.name)
    elif name == "ViewStmt" and not tree.replace:
        scene.make(tree.view, "view")
    elif name in ("CreateEnumStmt", "CreateFunctionStmt"):
        names = [inner(part).sval for part in (tree.type_name if name == "CreateEnumStmt" else tree.funcname)]
        path = ".".join(names) if len(names) > 1 else f"public.{names[0]}"
        kind = "type" if name == "CreateEnumStmt" else "function"
        scene.note(f"{kind} {path}", kind)


def _alter(tree: Any, draft: Draft, scene: Scene, outside: bool) -> None:
    if enum_name(tree, "objtype") in ("OBJECT_TABLE", "OBJECT_FOREIGN_TABLE", "OBJECT_MATVIEW"):
        alter_table(tree, draft, scene, outside)


_READERS: dict[str, Reader] = {
    "AlterTableStmt": _alter,
    "AlterObjectSchemaStmt": _move,
    "ClusterStmt": _cluster,
    "CreatePolicyStmt": _policy,
    "CreateTrigStmt": _trigger,
    "DropStmt": _drop,
    "IndexStmt": _index,
    "LockStmt": _lock,
    "RefreshMatViewStmt": _refresh,
    "ReindexStmt": _reindex,
    "RenameStmt": _rename,
    "TruncateStmt": _truncate,
    "VacuumStmt": _vacuum,
    **dict.fromkeys(("CreateStmt", "CreateTableAsStmt", "ViewStmt", "CreateEnumStmt", "CreateFunctionStmt"), _made),
}


def _names(node: Any) -> list[str]:
    """Return the dotted name of what a DROP drops."""
    fields = {"List": "items", "TypeName": "names", "ObjectWithArgs": "objname"}
    field = fields.get(message_name(node))
    return [inner(part).sval for part in getattr(node, field)] if field else [node.sval]
