"""Which seeds of an environment are in place, as far as files and ledger tell; reads only."""

from __future__ import annotations

from collections.abc import Iterable

from lockgate.dialects.base import Dialect
from lockgate.errors import UsageError
from lockgate.outcome import SeedState
from lockgate.permit import Session
from lockgate.runs.seed_files import Load, chosen, loads
from lockgate.runs.seed_past import Past, past_of, same_promise
from lockgate.runs.seed_sql import fingerprints
from lockgate.runs.seed_wanted import table_print, wanted
from lockgate.seeds.spec import Seed
from lockgate.settings.project import Project

CURRENT, CHANGED, NEVER, NO_FILE = "current", "changed", "never applied", "no file"


def seed_states(project: Project, environment: str, dialect: Dialect, session: Session | None) -> tuple[SeedState, ...]:
    """
    Hold the seeds that belong into an environment against its ledger.

    The tables are compared only where a downgrade came after the last load and may have emptied them; anything else that changes
    rows is noticed by `seed` itself, which looks at every row.

    Args:
        session: a look at the database; None for one without a ledger.
    """
    return tuple(_state(project, seed, dialect, session) for seed in chosen(project, environment, ()))


def _state(project: Project, seed: Seed, dialect: Dialect, session: Session | None) -> SeedState:
    try:
        files = loads(project, (seed,))
    except UsageError:
        return SeedState(seed.name, NO_FILE)
    if session is None:
        return SeedState(seed.name, NEVER)
    pasts = [(load, past_of(session, dialect, load)) for load in files]
    moments = [past.at for _, past in pasts if past.at]
    return SeedState(seed.name, _word(pasts, dialect, session), max(moments, default=""))


def _word(pasts: Iterable[tuple[Load, Past]], dialect: Dialect, session: Session) -> str:
    words = {_word_of(load, past, dialect, session) for load, past in pasts}
    return words.pop() if len(words) == 1 else CHANGED  # of several files some are loaded: the seed is not what it was


def _word_of(load: Load, past: Past, dialect: Dialect, session: Session) -> str:
    if not past.at:
        return NEVER
    if past.doubted and _prints(load, past, dialect, session) != dict(past.tables):
        return CHANGED
    return CURRENT if same_promise(past, load, load.file.digest()) else CHANGED


def _prints(load: Load, past: Past, dialect: Dialect, session: Session) -> dict[str, str]:
    if load.format == "sql":
        return fingerprints(session, dialect, past.names)
    try:
        return table_print(session, dialect, wanted(session, dialect, load))
    except UsageError:  # the table or a column of it went with the downgrade
        return {}
