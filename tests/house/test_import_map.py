"""Every piece of code knows its room: floors, and imports that only go down. Change the tables here with the reason, in one commit."""

from __future__ import annotations

import sys
from collections.abc import Iterable
from itertools import pairwise
from typing import Any

# A room is a module or a package directly below `lockgate`.
FLOORS: tuple[frozenset[str], ...] = (
    # 0: words
    frozenset({"errors", "words", "outcome", "events", "secret", "version", "interruption", "nearest", "records", "garbage"}),
    # 1: thought, no hands
    frozenset({"settings", "guard", "route", "graph", "fleet", "seeds", "hazards", "drift", "report", "permit", "sql_script", "journal"}),
    # 2: hands, no decisions
    frozenset({"files", "credentials", "dialects", "registry", "alembic_seam", "scratch", "signing", "trace"}),
    # 3: stories
    frozenset({"runs"}),
    # 4: faces
    frozenset({"__init__", "__main__", "api", "api_plans", "cli", "alembic_plugin", "pytest_plugin"}),
)
FLOOR = {room: number for number, rooms in enumerate(FLOORS) for room in rooms}

# Neighbours on a floor are strangers, but for these.
NEIGHBOURS = {
    ("report", "hazards"): "report renders their nouns",
    ("report", "seeds"): "report renders their nouns",
    ("report", "drift"): "report renders their nouns",
    ("hazards", "seeds"): "SQL that is not run is read with the grammar that SQL seeds are read with",
    ("hazards", "journal"): "which statements a run puts into a transaction of their own, and so bounds",
    ("settings", "seeds"): "the settings say what each seed promises, in its nouns",
    ("dialects", "drift"): "a dialect reads a schema into its nouns",
    ("dialects", "seeds"): "a dialect loads rows and returns counts, in their nouns",
    ("dialects", "hazards"): "a dialect's probe reads what a statement did into their nouns",
    ("trace", "dialects"): "a probe is the dialect's",
    ("cli", "hazards"): "shows what a plan found",
    ("route", "graph"): "a route is a way through the graph",
    ("scratch", "dialects"): "a scratch database is made by the dialect",
    ("alembic_seam", "dialects"): "the connection that env.py brings is read and prepared by its dialect",
    ("cli", "seeds"): "shows what seeding did",
    ("cli", "drift"): "shows what drift found",
    ("api", "drift"): "returns what drift found",
    ("api_plans", "hazards"): "returns what a plan found",
    ("api_plans", "api"): "takes what every function of the library takes",
    ("api", "seeds"): "returns what seeding did",
    ("__init__", "seeds"): "names what seeding returns",
    ("__init__", "hazards"): "names what planning returns",
    ("__init__", "api_plans"): "and so are those that judge",
    ("__init__", "api"): "the front door is a list of names; the functions behind it are in `api`",
    ("__main__", "cli"): "`python -m lockgate` is the command line",
}
# The way through the gate, told once; every module below `runs` may use these.
GATEHOUSE = frozenset({"seed_files", "seed_past", "seed_states", "seed_sql", "seed_table", "seed_wanted", "seed_faults", "target", "gate", "driver_error", "record", "arrival", "leftovers", "sight", "edited", "checkout", "register", "onlooker", "scribe", "missing", "turn", "passage", "through", "outcome", "operator", "approved", "plan_questions", "scratch_server", "scratch_database", "snapshots"})
# Beside that each story is told in its own module; these pairs may know each other.
STORIES = {
    ("fleet", "upgrade"): "a fleet is many upgrades",
    ("upgrade", "smoke"): "an upgrade ends with the smoke queries",
    ("upgrade", "bootstrap"): "the first upgrade of an empty database may begin with its base tables",
    ("upgrade", "from_schema"): "or with the schema file",
    ("template", "from_schema"): "a template is loaded from a fresh schema file",
    ("checks", "from_schema"): "whether schema files are stale is asked by a ready-made test",
    ("schema_file", "from_schema"): "what is made is loaded, to prove it",
    ("upgrade_seed", "upgrade"): "the first half of the call",
    ("upgrade_seed", "seed"): "and the second",
    ("reset", "upgrade"): "a reset ends with an upgrade",
    ("verify", "history"): "both read one ledger",
    ("scratch_database", "upgrade"): "a scratch database is brought to its revision as any other",
    ("scratch_database", "seed"): "and seeded as any other",
    ("scratch_database", "downgrade"): "and brought back as any other",
    ("scratch_database", "stamp"): "and told where it is, where a revision is passed over",
    ("checks", "drift"): "whether models match the head is what `drift` answers",
    ("checks", "seed"): "whether seeds are idempotent shows when they are loaded twice",
    ("checks", "test_databases"): "checks work on databases of tests",
    ("checks", "checks_history"): "what a history is, without a database",
    ("checks", "checks_walk"): "and what its revisions do to one",
    ("checks_walk", "test_databases"): "checks work on databases of tests",
    ("checks_walk", "checks_history"): "faults name a revision's file and line",
    ("checks_walk", "checks_rows"): "rows are made before a revision and counted after it",
    ("plan", "plan_copy"): "where a plan's revisions run",
    ("plan", "plan_past"): "and how long they took before",
    ("plan_out", "plan"): "a plan that is kept is a plan",
    ("plan_out", "plan_questions"): "with the same questions",
    ("plan", "plan_child"): "and who runs them",
    ("plan", "plan_history"): "in which order, as the files have it",
    ("plan", "traced"): "in the words of what the process tells",
    ("lint", "plan_history"): "in which order, as the files have it",
    ("plan_copy", "plan_server"): "on which server",
    ("lint", "plan_server"): "lint is a plan without a target: its revisions are watched in the same way",
    ("lint", "lint_beginning"): "on which database",
    ("lint_beginning", "plan_server"): "and on which server",
    ("lint_beginning", "plan_child"): "who runs the revisions before the judged ones",
    ("lint_beginning", "traced"): "in the words of the same orders",
    ("lint", "lint_product"): "of which product",
    ("lint", "plan_child"): "and who runs the revisions",
    ("lint", "lint_static"): "or who reads them where nothing can be run",
    ("lint", "traced"): "in the words of the orders that the process is given",
    ("plan", "plan_questions"): "and what it asks of the target",
    ("plan_child", "traced"): "the process that runs a plan's revisions is started and heard",
    ("lint_static", "unrun"): "the process that has revisions say their SQL is started and heard",
    ("lint_static", "plan_child"): "and is given as few variables as the one that runs them",
    ("drift", "drift_replay"): "what the revisions make",
    ("drift", "drift_models"): "what the models make",
    ("test_databases", "template"): "databases of tests are copies of a template",
    ("test_databases", "host"): "and belong to a host, in this process",
    ("test_databases", "host_service"): "or in another one",
    ("host_service", "host"): "the service is a host for other processes",
    ("host", "pool"): "a host keeps a pool for each template",
    ("url", "status"): "a tested URL is one row of the status",
}
FACES_SEE = FLOORS[0] | {"runs", "files", "settings", "report"}
STANDARD_LIBRARY_ONLY = {"alembic_plugin"}


def room_of(name: str) -> str:
    """`dialects.postgres.locks` is in the room `dialects`."""
    return name.partition(".")[0]


def objection(importer: str, imported: str) -> str:
    """Why module `importer` must not import module `imported`, both named below the package; empty where it may."""
    here, there = room_of(importer), room_of(imported)
    if here == there:
        return _between_stories(importer, imported) if here == "runs" else ""
    if (here, there) in NEIGHBOURS:
        return ""
    if here not in FLOOR or there not in FLOOR:
        return "a room that has no floor"
    if FLOOR[there] > FLOOR[here]:
        return "an import only goes down"
    if FLOOR[there] == FLOOR[here] and FLOOR[here] > 0:
        return "neighbours are strangers"
    if FLOOR[here] == len(FLOORS) - 1 and there not in FACES_SEE:
        return "a face sees only runs, files, settings, report and the ground floor"
    return ""


def _between_stories(importer: str, imported: str) -> str:
    here, there = (([*name.split("."), ""])[1] for name in (importer, imported))
    if here == there or not here or not there or there in GATEHOUSE or (here, there) in STORIES:
        return ""
    return "a run does not know another run"


def wrong(edges: Iterable[tuple[str, str, str]]) -> list[str]:
    """The edges (where, importer, imported) that the map does not have, each with the reason."""
    return [
        f"{where}: `{importer}` imports `{imported}`: {reason}"
        for where, importer, imported in edges
        if (reason := objection(importer, imported))
    ]


def test_every_room_has_a_floor(modules: list[Any]) -> None:
    """A module that is not on the map is held by nothing."""
    assert sorted({room_of(module.name) for module in modules} - set(FLOOR)) == []


def test_imports_only_go_down(modules: list[Any]) -> None:
    """Decisions stay pure, and nothing but the gate's own rooms can reach a database."""
    edges = [
        (f"{module.where}:{found.line}", module.name, found.module.removeprefix("lockgate").lstrip(".") or "__init__")
        for module in modules
        for found in module.imports()
        if room_of(found.module) == "lockgate"
    ]
    assert edges
    found = wrong(edges)
    assert not found, "\n" + "\n".join(found)


def test_the_alembic_plugin_imports_only_the_standard_library_when_it_is_loaded(modules: list[Any]) -> None:
    """Alembic loads it for every command of every project on the machine, half imported itself."""
    found = [
        f"{module.where}:{found.line}: {found.module}"
        for module in modules
        if room_of(module.name) in STANDARD_LIBRARY_ONLY
        for found in module.imports()
        if found.at_import_time and room_of(found.module) not in sys.stdlib_module_names
    ]
    assert not found, "\n" + "\n".join(found)


def test_rooms_of_thought_import_no_library_that_touches_the_world(modules: list[Any]) -> None:
    """What has no driver, no network and no process cannot change anything."""
    hands = {"alembic", "asyncio", "boto3", "click", "psycopg", "rich", "socket", "sqlalchemy", "sqlite3", "subprocess", "urllib.request"}
    found = [
        f"{module.where}:{found.line}: {found.module}"
        for module in modules
        if FLOOR.get(room_of(module.name), 9) <= 1
        for found in module.imports()
        if found.module in hands or room_of(found.module) in hands
    ]
    assert not found, "\n" + "\n".join(found)


def test_the_map_objects_where_it_should() -> None:
    """The judge is judged: without this the tests above could pass for the wrong reason."""
    allowed = [
        ("guard", "words"),
        ("errors", "words"),
        ("runs.upgrade", "runs.gate"),
        ("runs.upgrade", "runs.smoke"),
        ("cli.upgrade", "runs.upgrade"),
        ("dialects.postgres.locks", "dialects.base"),
        ("scratch", "dialects.connect"),
        ("report.text", "drift.compare"),
        ("route", "graph"),
    ]
    forbidden = [
        ("words", "guard"),
        ("guard", "route"),
        ("graph", "route"),
        ("registry.marker", "dialects.base"),
        ("dialects.base", "scratch"),
        ("alembic_seam.env", "registry.ledger"),
        ("files", "runs.gate"),
        ("runs.stamp", "runs.upgrade"),
        ("runs.smoke", "runs.upgrade"),
        ("cli.main", "dialects.connect"),
        ("cli.main", "alembic_plugin"),
        ("alembic_plugin", "alembic_seam"),
        ("pytest_plugin.fixtures", "scratch"),
    ]
    assert [edge for edge in allowed if objection(*edge)] == []
    assert [edge for edge in forbidden if not objection(*edge)] == []
    assert all(not below & above for below, above in pairwise(FLOORS))
