"""Rows on a scratch database for the ready-made tests: made before a revision, counted before and after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from lockgate.drift.made_up import Count, Table, count_query, fillings, tables_of
from lockgate.drift.snapshot import Snapshot
from lockgate.errors import LockgateError
from lockgate.runs.gate import opened
from lockgate.runs.scratch_database import ScratchDatabase
from lockgate.runs.seed_files import tables_of as tables_of_seed
from lockgate.seeds.spec import Seed

Counts = Mapping[Table, Count]


def seed_what_fits(scratch: ScratchDatabase, snapshot: Snapshot, loaded: set[str]) -> None:
    """
    Load each seed of the project as soon as the schema has its tables; one that is refused fits a later revision.

    Args:
        loaded: names of the seeds that are in the database; added to.
    """
    there = {name for _, name in tables_of(snapshot)}
    for seed in scratch.project.seeds:
        if seed.name not in loaded and _tables(scratch, seed) <= there:
            try:
                scratch.seed(seed.name)
            except LockgateError:
                continue
            loaded.add(seed.name)


def _tables(scratch: ScratchDatabase, seed: Seed) -> set[str]:
    return {table.name for table in tables_of_seed(scratch.project, seed)}


def fill(scratch: ScratchDatabase, snapshot: Snapshot) -> tuple[str, ...]:
    """Put made-up rows where there are none; returns the names of the tables that stayed empty, as nothing plain fits them."""
    before = counts(scratch, snapshot)
    with scratch.writing() as permit:
        for filling in fillings(snapshot, before):
            try:
                permit.session.execute(filling.statement)
                permit.session.commit()
            except Exception as error:
                permit.session.rollback()
                if scratch.dialect.facts(error) is None:
                    raise
    after = counts(scratch, snapshot)
    return tuple(".".join(filter(None, table)) for table, count in after.items() if not count.rows)


def counts(scratch: ScratchDatabase, snapshot: Snapshot) -> Counts:
    """Count the rows of every table, and the values of every column."""
    found = {}
    with opened(scratch.target) as session:
        for table in tables_of(snapshot):
            query, names = count_query(snapshot, table)
            (rows, *values), *_ = _numbers(session.execute(query))
            found[table] = Count(rows, dict(zip(names, values, strict=True)))
    return found


def _numbers(rows: Any) -> list[list[int]]:
    return [[int(number) for number in row] for row in rows]
