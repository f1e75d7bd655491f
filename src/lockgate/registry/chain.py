"""
The chain of the ledger: every row is sealed with a hash of itself and of the row before it, so that no row can be changed,
slipped in or taken out unnoticed by whoever does not seal all later ones again.

`head_of_ledger` holds number and seal of the newest row. Writing a row locks it until the transaction ends, so two writers, of
whom one may be a refusal that holds no lock, cannot both follow the same row.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping, Sequence

from lockgate.permit import Session, Spelling
from lockgate.records import dataclass
from lockgate.words import VersionChange

# The sealed columns, in this order; `at` is sealed as text, `id` by the row's number.
COLUMNS = (
    *("run", "verb", "environment", "outcome", "revision", "from_heads", "to_heads", "duration_ms"),
    *("operator", "ci_job", "lockgate", "git_commit", "error", "details", "source"),
)
SINCE = 2  # version of the registry that has it
_AT_ONCE = 200  # rows sealed by one statement


@dataclass(frozen=True)
class Row:
    """A row of the ledger as the chain sees it: `number` is 0 where it was never sealed."""

    id: int
    number: int
    digest: str
    at: str
    content: str


def content(values: Mapping[str, object]) -> str:
    """Return the sealed columns as one text; no two different rows have the same."""
    return json.dumps([None if values[name] is None else str(values[name]) for name in COLUMNS])


def seal(before: str, at: str, text: str) -> str:
    """
    Return a row's seal.

    Args:
        before: the seal of the row before; empty for the first one.
        at: the row's time, as the dialect's `moment_text` renders it.
        text: see `content`.
    """
    return hashlib.sha256(f"{before}{at}{text}".encode()).hexdigest()


def write_sealed(
    session: Session, prefix: str, spelling: Spelling, values: Mapping[str, object], condition: str, change: VersionChange | None = None
) -> bool:
    """
    Add a sealed row in the open transaction, while `condition` holds for the marker `m`.

    Args:
        change: of Alembic's version table, to be made by the same statement; only where the database has a `digest`.
    Returns:
        Whether there is a row now.
    """
    text = content(values)
    if spelling.digest:
        # The same text for every revision: SQLAlchemy compiles and the driver prepares it once.
        versions = {"version_old": change.old, "version_new": change.new} if change else {}
        return session.write(_in_one(prefix, spelling, condition, change), {**values, **versions, "content": text}) == 1
    # The first statement locks the head; from here on nobody else can be between two of ours.
    moved = session.write(
        f"update {prefix}head_of_ledger set number = number + 1 where exists (select 1 from {prefix}marker m where {condition})",
        {"marker": values["marker"]},
    )
    if moved != 1:
        return False
    names = ", ".join(COLUMNS)
    # Written out, because MySQL calls the type by another name; the number is ours.
    duration = "null" if values["duration_ms"] is None else str(int(str(values["duration_ms"])))
    session.write(
        f"insert into {prefix}ledger ({names}, number, digest)"
        f" select {_selected(duration)}, number, '' from {prefix}head_of_ledger",
        _parameters(values),
    )
    at = spelling.moment_text.format("l.at")
    before, when, number = session.execute(
        f"select h.digest, {at}, h.number from {prefix}head_of_ledger h join {prefix}ledger l on l.number = h.number"
    )[0]
    digest = {"digest": seal(str(before), str(when), text)}
    session.write(f"update {prefix}ledger set digest = :digest where number = {int(str(number))}", digest)
    session.write(f"update {prefix}head_of_ledger set digest = :digest", digest)
    return True


def write_alike(
    session: Session, prefix: str, spelling: Spelling, values: Mapping[str, object], others: Sequence[tuple[str, str]]
) -> None:
    """
    Add sealed rows behind the newest one, in its transaction and with its time; like it but for revision and source.

    Args:
        values: of the newest row, as `write_sealed` got them a moment ago.
        others: revision and source of each row, oldest first.
    """
    at = spelling.moment_text.format("l.at")
    newest = f"from {prefix}ledger l where l.number {spelling.equal} (select number from {prefix}head_of_ledger)"
    number, digest, when = session.execute(f"select l.number, l.digest, {at} {newest}")[0]
    columns = ", ".join(f"{'n' if name in ('revision', 'source') else 'l'}.{name}" for name in COLUMNS)
    behind, before = int(str(number)), str(digest)
    for start in range(0, len(others), _AT_ONCE):
        rows, params = [], dict[str, object]()
        for place, (revision, source) in enumerate(others[start : start + _AT_ONCE]):
            behind, before = behind + 1, seal(before, str(when), content({**values, "revision": revision, "source": source}))
            rows.append(f"(:revision{place}, :source{place}, {behind}, '{before}')")
            params |= {f"revision{place}": revision, f"source{place}": source}
        session.write(
            f"with n (revision, source, number, digest) as (values {', '.join(rows)})"
            f" insert into {prefix}ledger ({', '.join(COLUMNS)}, at, number, digest)"
            f" select {columns}, l.at, n.number, n.digest from {prefix}ledger l cross join n"
            f" where l.number {spelling.equal} {int(str(number))} order by n.number",
            params,
        )
    session.write(f"update {prefix}head_of_ledger set number = {behind}, digest = '{before}'")


def write_unsealed(session: Session, prefix: str, spelling: Spelling, values: Mapping[str, object], condition: str) -> bool:
    """
    Add a row to the ledger of an older lockgate, which has no chain yet; whoever makes one seals it with the rest.

    Returns:
        Whether there is a row now; there is none where a chain has been made meanwhile.
    """
    names = [name for name in COLUMNS if name != "source"]
    duration = "null" if values["duration_ms"] is None else str(int(str(values["duration_ms"])))
    older = f"s.name {spelling.equal} 'registry_version' and s.value {spelling.equal} '{SINCE - 1}'"
    written = session.write(
        f"insert into {prefix}ledger ({', '.join(names)}) select {_selected(duration, names)}"
        f" from {prefix}marker m, {prefix}setting s where {older} and {condition}",
        {**{name: values[name] for name in names if name != "duration_ms"}, "marker": values["marker"]},
    )
    return written == 1


def _in_one(prefix: str, spelling: Spelling, condition: str, change: VersionChange | None) -> str:
    """One round trip: seal, move the head and add the row. Every name has its schema; see `Spelling`."""
    at = spelling.moment_text.format("t.at")
    digest = spelling.digest.format(f"h.digest, {at}, coalesce(:content, '')")
    versions = ""
    if change:
        old = f"where version_num {spelling.equal} cast(:version_old as text)"
        versions = f" v as (update {change.table} set version_num = :version_new {old} returning version_num),"
        condition += f" and (select pg_catalog.count(*) from v) {spelling.equal} 1"
    return (
        f"with t as materialized (select {spelling.now} as at),{versions}"
        f" moved as (update {prefix}head_of_ledger h set number = h.number {spelling.plus} 1, digest = {digest}"
        f" from t, {prefix}marker m where {condition} returning h.number, h.digest, t.at)"
        f" insert into {prefix}ledger ({', '.join(COLUMNS)}, at, number, digest)"
        f" select {_selected('cast(:duration_ms as integer)')}, moved.at, moved.number, moved.digest from moved"
    )


def _selected(duration: str, names: Sequence[str] = COLUMNS) -> str:
    # The empty text gives drivers that prepare statements the type that a select list does not tell.
    return ", ".join(duration if name == "duration_ms" else f"coalesce(:{name}, '')" for name in names)


def _parameters(values: Mapping[str, object]) -> dict[str, object]:
    return {name: values[name] for name in COLUMNS if name != "duration_ms"}


def rows(session: Session, prefix: str, moment_text: str) -> list[Row]:
    """Read the whole ledger, oldest first; 1000 rows are about half a megabyte."""
    names = ", ".join(COLUMNS)
    found = session.execute(f"select id, number, digest, {moment_text.format('at')}, {names} from {prefix}ledger order by id")
    return [
        Row(int(str(id_)), int(str(number)), str(digest), str(at), content(dict(zip(COLUMNS, values, strict=True))))
        for id_, number, digest, at, *values in found
    ]


def head(session: Session, prefix: str) -> tuple[int, str]:
    """Read number and seal of the newest row; (0, "") where there is none."""
    found = session.execute(f"select number, digest from {prefix}head_of_ledger")
    return (int(str(found[0][0])), str(found[0][1])) if found else (0, "")


def has_head(session: Session, prefix: str) -> bool:
    """Whether the chain has a head; without one no row can be written."""
    return bool(session.execute(f"select number from {prefix}head_of_ledger"))


def versions(session: Session, spelling: Spelling, table: str, version: str) -> int:
    """Count the version table's rows of this revision."""
    sql = f"select version_num from {table} where version_num {spelling.equal} cast(:version as text)"
    return len(session.execute(sql, {"version": version}))


def first_broken(ledger: Iterable[Row], newest: tuple[int, str]) -> tuple[int, str] | None:
    """
    Compare every row with its seal; pure.

    Args:
        newest: see `head`.
    Returns:
        Number and reason of the first row that is not as it was written; None where all are.
    """
    before, count = "", 0
    for row in sorted(ledger, key=lambda one: (one.number, one.id)):
        expected = count + 1
        if row.number < expected:
            return expected, f"a row was slipped in (id {row.id}): it has no seal, or the number {row.number} of another one"
        if row.number > expected:
            return expected, f"it is missing: the next row has the number {row.number}"
        if row.digest != seal(before, row.at, row.content):
            return expected, f"it was changed after it was written (id {row.id})"
        before, count = row.digest, expected
    if newest[0] > count:
        return count + 1, f"it is missing, and so is every row up to {newest[0]}"
    if newest != (count, before):
        return max(count, 1), f"the head of the chain does not know it: it names row {newest[0]}"
    return None


def seal_all(session: Session, prefix: str, moment_text: str) -> None:
    """Seal rows that an older lockgate wrote, in the open transaction."""
    sealed: list[tuple[int, int, str]] = []
    before = ""
    for number, row in enumerate(rows(session, prefix, moment_text), 1):
        before = seal(before, row.at, row.content)
        sealed.append((row.id, number, before))
    for start in range(0, len(sealed), _AT_ONCE):
        _write_seals(session, prefix, sealed[start : start + _AT_ONCE])
    session.write(f"insert into {prefix}head_of_ledger (number, digest) values ({len(sealed)}, :digest)", {"digest": before})


def _write_seals(session: Session, prefix: str, sealed: Sequence[tuple[int, int, str]]) -> None:
    numbers = " ".join(f"when {id_} then {number}" for id_, number, _ in sealed)
    digests = " ".join(f"when {id_} then '{digest}'" for id_, _, digest in sealed)
    session.execute(
        f"update {prefix}ledger set number = case id {numbers} end, digest = case id {digests} end"
        f" where id between {sealed[0][0]} and {sealed[-1][0]}"
    )
