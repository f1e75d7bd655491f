"""What the revisions before the judged ones make is kept from one `lint` to the next, and taken for nothing but itself."""

from __future__ import annotations

import json
import stat
import sys
from concurrent.futures import ThreadPoolExecutor
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from building import Tiny

from lockgate.runs import lint_beginning
from lockgate.scratch.kept import all_kept

ROLE = """op.execute("create role painter password 'secret-of-the-history'")
op.execute("create table pictures (id int primary key, year int)")
op.execute("insert into pictures values (1, 1889)")
op.execute("alter table pictures owner to painter")
op.execute("alter role painter set work_mem = '7MB'")"""
# Fails where anything of the above is missing.
NEEDS = """found = op.get_bind().exec_driver_sql(
    "select r.rolname, s.setconfig[1], (select sum(year) from pictures) "
    "from pg_class c join pg_roles r on r.oid = c.relowner join pg_db_role_setting s on s.setrole = r.oid where c.relname = 'pictures'"
).one()
assert tuple(found) == ("painter", "work_mem=7MB", 1889), found
op.execute("alter table pictures alter column year type bigint")"""
KEPT = "revisions before make was kept"


@pytest.fixture
def history(project: Tiny, monkeypatch: pytest.MonkeyPatch) -> Tiny:
    """Three revisions, of which the last one is judged, in a project for which two are worth to be kept."""
    monkeypatch.setattr(lint_beginning, "_WORTH_KEEPING", 2)
    project.revision("r1", None, ROLE)
    project.revision("r2", "r1", 'op.execute("create index on pictures (year)")')
    project.revision("r3", "r2", NEEDS, 'op.execute("alter table pictures alter column year type int")')
    return project


def lint(project: Tiny, revision: str = "r3", check: int = 0, **variables: str) -> tuple[dict[str, Any], str]:
    """What is found but for times and the number of what was run, and what was told meanwhile."""
    done = project.here("lint", revision, "--json", check=check, **variables)
    document: dict[str, Any] = json.loads(done.stdout)
    for effects in (*document["effects"]["revisions"], *document["effects"]["back"]):
        for effect in effects.get("effects", ()):
            effect.pop("ms", None)
    return document, done.stderr


def kept(project: Tiny) -> list[Path]:
    """Files of kept servers."""
    return sorted((project.folder / ".lockgate" / "lint").glob("*.tar"))


def test_the_second_lint_runs_the_judged_revisions_alone_and_finds_the_same(history: Tiny) -> None:
    """
    A role, a setting of the server and rows of the history are there as after a replay, whatever else changes behind them.

    What is kept is this user's alone, is nothing that git sees, and tells no server's log.
    """
    replayed, said = lint(history, CI="true")
    assert KEPT not in said
    assert not kept(history), "nobody sees the folder of a job again"
    first, said = lint(history)
    assert "running 2 revisions before those" in said
    [path] = kept(history)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert (path.parent / ".gitignore").read_text(encoding="utf-8") == "*\n"
    assert b"secret-of-the-history" not in path.read_bytes()
    (history.folder / "migrations" / "versions" / "r3.py").touch()
    second, said = lint(history, CI="true")
    assert f"what 2 {KEPT}" in said
    assert "running" not in said
    assert replayed["findings"], "the comparison is about something"
    assert second["effects"] == first["effects"] == replayed["effects"]
    assert second["findings"] == first["findings"] == replayed["findings"]
    history.revision("r4", "r3", 'op.execute("drop table pictures")')
    assert f"what 2 {KEPT}" in lint(history, "r4", check=1, CI="true")[1], "one more revision is run behind them"


def test_what_was_kept_of_other_files_is_not_taken(history: Tiny) -> None:
    """An edited revision may change what is there, so all is run again; and a file beside it that it may read. Three of them stay."""
    lint(history)
    [first] = kept(history)
    for number in range(2):
        (first.parent / f"{number}.tar").write_bytes(b"another one")
    history.revision("r2", "r1", 'op.execute(open("migrations/names.sql").read())')
    (history.folder / "migrations" / "names.sql").write_text("create index on pictures (year desc)", encoding="utf-8")
    assert "running 2 revisions" in lint(history)[1]
    assert len(kept(history)) == 3
    assert first not in kept(history), "it was not used for longest"
    history.revision("r1", None, 'raise RuntimeError("broken")')
    before = set(kept(history))
    unknown = json.loads(history.here("lint", "r3", "--json", check=5).stdout)
    assert unknown["code"] == "no-plan"
    assert "`r1`" in unknown["what"]
    assert set(kept(history)) == before, "a replay that failed is not kept"


def test_a_damaged_one_is_discarded_and_the_history_run_again(history: Tiny) -> None:
    """Changed in one bit, whole and still no server, or in a folder that is not ours: none may give a wrong answer or an error."""
    whole, _ = lint(history)
    [path] = kept(history)
    assert [one.path for one in all_kept(path.parent)] == [path]
    path.parent.chmod(0o777)
    assert not all_kept(path.parent), "anybody could have put it there"
    path.parent.chmod(0o700)
    good = path.read_bytes()
    middle = len(good) // 2
    no_server = good[65:].replace(b"fsync = 'off'", b"fsync = 'aha'", 1)
    assert no_server != good[65:]
    path.write_bytes(good[:middle] + bytes([good[middle] ^ 1]) + good[middle + 1 :])
    with pytest.raises(OSError, match="damaged"):
        all_kept(path.parent)[0].unpack(history.folder / "nowhere")
    path.write_bytes(sha256(no_server).hexdigest().encode() + b"\n" + no_server)
    again, said = lint(history, CI="true")
    assert KEPT not in said
    assert again["findings"] == whole["findings"]
    assert not path.exists()


def test_two_at_once_both_find_what_one_finds(history: Tiny) -> None:
    """A hook before a commit and a terminal: neither waits for the other, and neither sees half a file."""
    code = "from lockgate.runs import lint_beginning as b; b._WORTH_KEEPING = 2; from lockgate.cli.main import main; main()"
    command = [sys.executable, "-c", code, "lint", "r3", "--json"]
    with ThreadPoolExecutor(2) as threads:
        one, other = (json.loads(done.stdout) for done in threads.map(lambda _: history.run(command, {}), range(2)))
    [path] = kept(history)
    assert one["findings"] == other["findings"] != []
    assert not list(path.parent.glob("*.part"))
