"""
The journal of statements, for databases that cannot undo DDL, and for revisions that leave their transaction.

Its rows live as long as the revision that they are about is unfinished: the transaction that writes the version row deletes them.
The table is made when it is first needed.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

from lockgate.permit import Permit, Session
from lockgate.words import HalfApplied

if TYPE_CHECKING:
    from lockgate.journal.entry import Entry

_TABLE = """create table if not exists {prefix}journal (
    direction varchar(20) not null, revision varchar(200) not null, number integer not null, at {moment},
    run varchar(100) not null, kind varchar(10) not null, state varchar(10) not null, digest varchar(64) not null,
    statement text not null, before_it text not null, answer {long_text} not null,
    primary key (direction, revision, number)){options}"""
_COLUMNS = ("direction", "revision", "number", "run", "kind", "state", "digest", "statement", "before_it", "answer")
_MINE = "where direction = :direction and revision = :revision"


def create(permit: Permit, prefix: str, moment: str, long_text: str, options: str) -> None:
    """Make the journal's table where there is none; outside a transaction."""
    permit.session.execute(_TABLE.format(prefix=prefix, moment=moment, long_text=long_text, options=options))
    permit.session.commit()


def unfinished(session: Session, prefix: str) -> HalfApplied | None:
    """Return the revision that was left half applied; None where there is none. Reads."""
    rows = session.execute(
        f"select direction, revision, sum(case when state = 'done' then 1 else 0 end) from {prefix}journal"
        " group by direction, revision order by min(at) limit 1"
    )
    return HalfApplied(str(rows[0][0]), str(rows[0][1]), int(str(rows[0][2]))) if rows else None


def forget_all(permit: Permit, prefix: str) -> None:
    """Delete every row, in the open transaction: the user said by other means what the schema is."""
    permit.session.execute(f"delete from {prefix}journal")


def rows_of(session: Session, prefix: str, half: HalfApplied) -> list[tuple[object, ...]]:
    """Return what is written down about a revision that was left half applied, for `put`. Reads."""
    key = {"direction": half.direction, "revision": half.revision}
    return session.execute(f"select {', '.join(_COLUMNS)} from {prefix}journal {_MINE} order by number", key)


def put(permit: Permit, prefix: str, rows: Sequence[tuple[object, ...]]) -> None:
    """Write rows of another database's journal into this one, in the open transaction."""
    for row in rows:
        values = ", ".join(f":{name}" for name in _COLUMNS)
        permit.session.execute(f"insert into {prefix}journal ({', '.join(_COLUMNS)}) values ({values})", dict(zip(_COLUMNS, row, strict=True)))


class Journal:
    """The journal of one revision in one direction, on the session that does the work."""

    def __init__(self, permit: Permit, prefix: str, direction: str, revision: str) -> None:
        self._permit = permit
        self._prefix = prefix
        self._key: dict[str, object] = {"direction": direction, "revision": revision}
        self._known: frozenset[int] = frozenset()

    def entries(self) -> dict[int, Entry]:
        """What earlier runs wrote, by number."""
        columns = "number, digest, kind, state, statement, before_it, answer"
        rows = self._permit.session.execute(f"select {columns} from {self._prefix}journal {_MINE}", self._key)
        found = {entry.number: entry for entry in map(_entry, rows)}
        self._known = frozenset(found)
        return found

    def write(self, entries: Sequence[Entry]) -> None:
        """Add rows in the open transaction; one of the same number was begun by an earlier run, and gives way."""
        for entry in entries:
            if entry.number in self._known:
                self.strike(entry.number)
            values = {
                **self._key,
                "number": entry.number,
                "run": self._permit.author.run,
                "kind": entry.kind.value,
                "state": _state(entry.done),
                "digest": entry.digest,
                "statement": entry.text,
                "before_it": json.dumps(entry.before),
                "answer": entry.answer,
            }
            names = ", ".join(values)
            self._permit.session.execute(
                f"insert into {self._prefix}journal ({names}) values ({', '.join(f':{name}' for name in values)})", values
            )

    def finish(self, number: int) -> None:
        """Say that a statement that was begun is done."""
        self._permit.session.execute(f"update {self._prefix}journal set state = 'done' {_MINE} and number = :number", self._at(number))

    def strike(self, number: int) -> None:
        """Take a statement back that was begun and did not happen."""
        self._permit.session.execute(f"delete from {self._prefix}journal {_MINE} and number = :number", self._at(number))

    def remedy(self, number: int, done: bool) -> str:
        """Return the statement by which a user says whether a statement that was begun happened."""
        where = f"WHERE revision = '{self._key['revision']}' AND number = {number}"
        return f"UPDATE {self._prefix}journal SET state = 'done' {where}" if done else f"DELETE FROM {self._prefix}journal {where}"

    def _at(self, number: int) -> dict[str, object]:
        return {**self._key, "number": number}


def _entry(row: tuple[object, ...]) -> Entry:
    # Not above: a look asks this module whether a journal is unfinished, and mostly there is none.
    from lockgate.journal.entry import Entry
    from lockgate.journal.statement import Kind

    number, digest, kind, state, text, before, answer = row
    return Entry(
        int(str(number)), str(digest), Kind(str(kind)), state == _state(True), str(text), tuple(json.loads(str(before))), str(answer)
    )


def _state(done: bool) -> str:
    return "done" if done else "begun"
