"""In which order seeds are loaded: what refers to rows of another seed comes after it."""

from __future__ import annotations

import heapq
from collections.abc import Collection, Mapping, Sequence

from lockgate.errors import UsageError
from lockgate.seeds.spec import Seed, TableName, format_of, stem_of, table_name

Needs = Mapping[str, Collection[str]]


def ordered(
    seeds: Sequence[Seed],
    parents: Mapping[TableName, Collection[TableName]],
    tables: Mapping[str, Collection[TableName]] | None = None,
) -> tuple[Seed, ...]:
    """
    Put seeds into an order in which every row finds the rows it refers to.

    Keeps the given order wherever nothing speaks against it. What a seed says in `depends_on` beats a foreign key that says
    the opposite: that is the way out of two tables that refer to each other.

    Args:
        parents: table -> tables that its foreign keys refer to; a table may refer to itself.
        tables: seed's name -> its tables, for globs and for names the catalog completed with a schema; what is left out comes
            from the seed itself.
    Raises:
        UsageError: `seed-cycle`, naming the chain.
    """
    needs = _needs(seeds, parents, {seed.name: (tables or {}).get(seed.name, tables_of(seed)) for seed in seeds})
    if cycle := find_cycle(needs):
        chain = " → ".join(f"`{name}`" for name in cycle)
        where = next(seed.where for seed in seeds if seed.name == cycle[0])
        raise UsageError(
            "seed-cycle", f"seeds wait for each other: {chain}", where, "break it with `depends_on`, which beats a foreign key"
        )
    by_name = {seed.name: seed for seed in seeds}
    return tuple(by_name[name] for name in _sorted(needs))


def tables_of(seed: Seed) -> tuple[TableName, ...]:
    """Return the table that a seed names, or that its file is named after; none for SQL and for a glob without `table`."""
    if seed.table:
        return (table_name(seed.table, seed.where),)
    if any(letter in seed.file for letter in "*?[") or format_of(seed.file, seed.where) == "sql":
        return ()
    return (table_name(stem_of(seed.file), seed.where),)


def find_cycle(needs: Needs) -> tuple[str, ...]:
    """Return a chain such as `a, b, a` in which each needs the next; empty where there is none."""
    done: set[str] = set()
    for start in needs:
        if cycle := _cycle_from(start, needs, done):
            return cycle
    return ()


def _cycle_from(start: str, needs: Needs, done: set[str]) -> tuple[str, ...]:
    # A stack of its own: a chain of a thousand seeds is longer than Python's.
    path: list[str] = []
    stack = [(start, False)]
    while stack:
        name, leaving = stack.pop()
        if leaving:
            done.add(path.pop())
        elif name in path:
            return (*path[path.index(name) :], name)
        elif name not in done:
            path.append(name)
            stack.append((name, True))
            stack += [(other, False) for other in reversed(sorted(needs[name])) if other in needs]
    return ()


def _needs(
    seeds: Sequence[Seed], parents: Mapping[TableName, Collection[TableName]], tables: Mapping[str, Collection[TableName]]
) -> dict[str, set[str]]:
    asked = {seed.name for seed in seeds}
    said = {seed.name: set(seed.depends_on) & asked for seed in seeds}
    needs = {name: set(others) for name, others in said.items()}
    for name in needs:
        referred = [parent for child, those in parents.items() if _is_one_of(child, tables[name]) for parent in those]
        for other in asked - {name}:
            if name not in said[other] and any(_is_one_of(parent, tables[other]) for parent in referred):
                needs[name].add(other)
    return needs


def _is_one_of(table: TableName, tables: Collection[TableName]) -> bool:
    """A name without a schema is the same table in whatever schema: one wait too many does no harm."""
    return any(table.name == other.name and (not table.schema or not other.schema or table.schema == other.schema) for other in tables)


def _sorted(needs: Needs) -> list[str]:
    place = {name: index for index, name in enumerate(needs)}
    names = list(needs)
    waiting = {name: set(others) for name, others in needs.items()}
    ready = [place[name] for name, others in waiting.items() if not others]
    result = []
    while ready:
        name = names[heapq.heappop(ready)]
        result.append(name)
        for other, others in waiting.items():
            if name in others:
                others.remove(name)
                if not others:
                    heapq.heappush(ready, place[other])
    return result
