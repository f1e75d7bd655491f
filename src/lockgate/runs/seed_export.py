"""`seed-export`: tables into files that are ready to be seeds; reads only."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from lockgate.dialects.base import BareSession
from lockgate.errors import UsageError
from lockgate.files import SETTINGS
from lockgate.files.exports import Drafts, drafts, inside, refuse_existing
from lockgate.guard import decide
from lockgate.runs.gate import find, opened, refusal
from lockgate.runs.seed_files import tables_of
from lockgate.runs.sight import see
from lockgate.runs.target import Target, asked_of
from lockgate.seeds.csv_body import without_end_mark
from lockgate.seeds.csv_head import read_head
from lockgate.seeds.export import FORMATS, Chosen, Exported, ExportOutcome, choose, file_names, settings_text
from lockgate.seeds.outcome import Loading, Watch
from lockgate.seeds.spec import TableName, table_name
from lockgate.seeds.written import csv_header
from lockgate.settings.project import Project
from lockgate.words import Request

_EVERY_BYTES = 1 << 18  # of a file, between two moves of the bar


@dataclass(frozen=True)
class ExportOptions:
    """
    What a call of `seed-export` is about.

    Args:
        tables: as written: `table`, `schema.table`, parts quoted where they need it.
        out: folder of the files; made where it is not there.
        format: `csv` or `jsonl`.
        columns: of the one table; empty for all that are not generated.
        sensitive: columns that may be written although a seed says that they are sensitive.
        gzip: pack the files.
        overwrite: replace files that are there.
    """

    tables: tuple[str, ...]
    out: Path
    format: str = "csv"
    columns: tuple[str, ...] = ()
    sensitive: tuple[str, ...] = ()
    gzip: bool = False
    overwrite: bool = False


@dataclass
class _Meter:
    """How far a file is; its size is guessed from the rows that the database thinks it has."""

    name: str
    rows_expected: int
    watch: Watch
    rows: int = 0
    size: int = 0
    _told: int = field(default=0, init=False)

    def count(self, size: int) -> None:
        self.size += size
        if self.size - self._told >= _EVERY_BYTES:
            self._told = self.size
            total = self.size * max(self.rows_expected, self.rows) // max(self.rows, 1)
            self.watch(Loading(self.name, self.size, total, self.rows, "export"))


def seed_export(request: Request, project: Project, options: ExportOptions, watch: Watch) -> ExportOutcome:
    """
    Write tables of an environment into files, all of one moment; the database is only read.

    The files appear when the last one is complete, and not at all where anything fails.

    Args:
        watch: called as files are written.
    Raises:
        UsageError: `export-invalid`, `export-value`, `file-exists`, `seed-invalid` for what is no name of a table.
        Refused: `identity-mismatch`: the files would carry the name of an environment that they do not come from;
            `export-sensitive`.
    """
    names = _names(options)
    ending = f".{options.format}" + ".gz" * options.gzip
    paths = [options.out.absolute() / name for name in file_names(names, ending)]
    refuse_existing(paths, options.overwrite)
    target, _ = find(request, project)
    with opened(target) as session:
        rows = target.dialect.rows()
        rows.snapshot(session)
        target.dialect.bound_waiting(session, target.environment.lock_wait)
        seen = see(session, target.dialect, target.url.place)
        asked = asked_of(request, project, target.environment)
        verdict = decide(asked, seen)
        if not verdict.allowed:
            raise refusal(verdict, asked, seen, target.where)
        # All tables before the first file: what is refused is refused before anything is written.
        chosen = _all_chosen(session, target, project, names, options)
        with drafts(options.overwrite) as files:
            done = [_write(session, target, item, options, path, files, watch) for item, path in zip(chosen, paths, strict=True)]
        session.rollback()
    placed = [replace(file, file=inside(project.folder, path) or str(path)) for file, path in zip(done, paths, strict=True)]
    outcome = _outcome(project, options, seen.place, request, chosen, placed)
    return replace(outcome, notices=(*verdict.notices, *outcome.notices))


def _names(options: ExportOptions) -> list[TableName]:
    if not options.tables:
        raise UsageError("usage", "no table is named", hint="name the tables: `lockgate seed-export ENVIRONMENT TABLE --out DIR`")
    if options.format not in FORMATS:
        raise UsageError("usage", f"there is no format `{options.format}` of exports", hint=f"known are {', '.join(FORMATS)}")
    if options.columns and len(options.tables) > 1:
        raise UsageError("usage", "`--columns` is for one table", hint="export the tables one after the other")
    return [table_name(text, "TABLE") for text in options.tables]


def _all_chosen(
    session: BareSession, target: Target, project: Project, names: Sequence[TableName], options: ExportOptions
) -> list[Chosen]:
    chosen: list[Chosen] = []
    for name in names:
        shape = target.dialect.rows().shape(session, name)
        if shape is None:
            hint = "upgrade first, or look for it in another schema: `schema.table`"
            raise UsageError("export-invalid", f"there is no table `{name}`", target.where, hint)
        if any(item.shape.table == shape.table for item in chosen):
            raise UsageError("usage", f"table `{shape.table}` is named twice", hint="name it once")
        declared = _sensitive_columns(session, target, project, shape.table)
        chosen.append(choose(name, shape, options.columns, declared, options.sensitive))
    known = {column.name for item in chosen for column in item.shape.columns}
    for column in options.sensitive:
        if column not in known:
            raise UsageError("export-invalid", f"none of the tables has a column `{column}`", "--sensitive", "correct its name")
    return chosen


def _sensitive_columns(session: BareSession, target: Target, project: Project, table: TableName) -> dict[str, str]:
    """Sensitive columns of a table, with the seed that says so, whichever environments it is for."""
    found: dict[str, str] = {}
    for seed in project.seeds:
        for name in tables_of(project, seed) if seed.sensitive else ():
            shape = target.dialect.rows().shape(session, name)
            if shape is not None and shape.table == table:
                found |= dict.fromkeys(seed.sensitive, f"seed `{seed.name}` ({seed.where})")
    return found


def _write(
    session: BareSession, target: Target, item: Chosen, options: ExportOptions, path: Path, files: Drafts, watch: Watch
) -> Exported:
    meter = _Meter(str(item.table), target.dialect.rows().estimate(session, item.shape), watch)
    try:
        with files.new(path) as file:
            for block in _content(_rows(session, target, item, options.format, meter), item, options.format, path.name):
                meter.count(len(block))
                file.write(block)
    except UsageError as error:
        if error.code == "export-value":
            error.where = f"table `{item.shape.table}`, {error.where}"
        raise
    return Exported(str(item.shape.table), "", meter.rows, files.size(path), item.names, item.key, item.left_out)


def _rows(session: BareSession, target: Target, item: Chosen, format: str, meter: _Meter) -> Iterator[bytes]:
    for block, rows in target.dialect.rows().export(session, item.shape, item.columns, item.key, format):
        meter.rows += rows
        yield block


def _content(blocks: Iterator[bytes], item: Chosen, format: str, name: str) -> Iterator[bytes]:
    """The whole file, as far as it can be read again: the loading of seeds has the last word on header and body."""
    if format != "csv":
        yield from blocks
        return
    header = csv_header(item.names)
    with _readable("the names of the columns cannot stand in the header of a CSV"):
        read_head([header], name)
    yield header
    with _readable("a text has a line that is only `\\.`"):
        yield from without_end_mark(blocks, header.count(b"\n") + 1, name)


@contextmanager
def _readable(what: str) -> Iterator[None]:
    """Turn what the loading of seeds would say into what the exporting user can do."""
    try:
        yield
    except UsageError as error:
        if error.code != "seed-file":
            raise
        raise UsageError("export-value", f"{what}: {error.what}", error.where, "write it with `--format jsonl`, or leave the column out: `--columns`") from error


def _outcome(project: Project, options: ExportOptions, place: str, request: Request, chosen: Sequence[Chosen], done: Sequence[Exported]) -> ExportOutcome:
    known = {seed.file for seed in project.seeds}
    new = [(item, file) for item, file in zip(chosen, done, strict=True) if file.file not in known]
    table = "seeds" if project.settings_file == SETTINGS else "tool.lockgate.seeds"
    text = settings_text(new, options.format, request.environment, [seed.name for seed in project.seeds], table)
    notices = [f"left out of `{file.table}`, because the server computes it: {', '.join(file.left_out)}" for file in done if file.left_out]
    if any(Path(file.file).is_absolute() for file in done):
        notices.append("the files lie outside the project: move them below its folder, and correct `file`")
    return ExportOutcome(request.environment, place, options.format, tuple(done), text, tuple(notices))
