"""Which seeds a call is about, and the files behind them; nothing is written, and no database is asked."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from lockgate.errors import Refused, UsageError
from lockgate.files.seeds import SeedFile, seed_file, seed_files
from lockgate.nearest import nearest
from lockgate.seeds.spec import Seed, TableName, format_of, stem_of, table_name
from lockgate.settings.project import Project


@dataclass(frozen=True)
class Load:
    """One file of one seed, and the table it goes to (for a SQL seed its name means nothing)."""

    seed: Seed
    file: SeedFile
    format: str
    table: TableName


def chosen(project: Project, environment: str, names: Sequence[str]) -> tuple[Seed, ...]:
    """
    Return the seeds that are meant: the named ones, or all that belong into the environment.

    Raises:
        UsageError: `unknown-seed`.
        Refused: `seed-environment`: one of the named seeds does not belong there, so none is loaded.
    """
    if names:
        found = named(project, names)
        for seed in found:
            if environment not in seed.environments:
                raise _not_here(seed, environment)
        return found
    return tuple(seed for seed in project.seeds if environment in seed.environments)


def named(project: Project, names: Sequence[str]) -> tuple[Seed, ...]:
    """
    Return the seeds of these names.

    Raises:
        UsageError: `unknown-seed`.
    """
    known = {seed.name: seed for seed in project.seeds}
    for name in names:
        if name not in known:
            near = nearest(name, known)
            hint = f"did you mean `{near}`?" if near else f"the seeds are {', '.join(f'`{seed}`' for seed in known) or 'none'}"
            raise UsageError("unknown-seed", f"there is no seed `{name}`", project.settings_file, hint)
    return tuple(known[name] for name in dict.fromkeys(names))


def loads(project: Project, seeds: Sequence[Seed]) -> tuple[Load, ...]:
    """
    Find the files of the seeds, in the order of the seeds and of the names.

    Raises:
        UsageError: `seed-missing-file`, `seed-invalid`.
    """
    found = []
    for seed in seeds:
        for file in seed_files(project.folder, seed.file, seed.where):
            found.append(_load(seed, file))
    return tuple(found)


def load_instead(seeds: Sequence[Seed], names: Sequence[str], path: Path) -> Load:
    """
    Take `path` for the file of the one seed that was named; whatever else the settings say of the seed holds.

    Raises:
        UsageError: `usage` where it is not one seed; `seed-missing-file`, `seed-invalid`.
    """
    if len(names) != 1:
        what = "a file in place of the settings' own needs exactly one seed to stand for"
        raise UsageError("usage", what, str(path), "name the seed: `lockgate seed ENVIRONMENT NAME --file FILE`")
    return _load(seeds[0], seed_file(path))


def _load(seed: Seed, file: SeedFile) -> Load:
    table = table_name(seed.table or _quoted(stem_of(file.name)), seed.where)
    return Load(seed, file, format_of(file.name, seed.where), table)


def tables_of(project: Project, seed: Seed) -> tuple[TableName, ...]:
    """Return the tables that a seed of rows is for, its files there or not."""
    if format_of(seed.file) == "sql":
        return ()
    try:
        return tuple(load.table for load in loads(project, [seed]))
    except UsageError:
        return (table_name(seed.table or _quoted(stem_of(seed.file)), seed.where),)


def _quoted(stem: str) -> str:
    """A file's stem may be `schema.table`; a stem with blanks or quotes is one name."""
    return stem if '"' not in stem and " " not in stem else '"' + stem.replace('"', '""') + '"'


def _not_here(seed: Seed, environment: str) -> Refused:
    places = ", ".join(f"`{name}`" for name in seed.environments)
    what = f"refused to seed: seed `{seed.name}` belongs into {places}, you asked for `{environment}`"
    return Refused(
        "seed-environment", what, seed.where, f"ask for one of its environments, or add `{environment}` to it if its rows belong there"
    )
