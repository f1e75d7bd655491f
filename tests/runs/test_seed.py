"""`seed`, whole, on both databases."""

from __future__ import annotations

import gzip
import itertools
import json
from pathlib import Path

import pytest
from building import SETTINGS, Database, Tiny

from lockgate.secret import DatabaseUrl

COLUMNS = 'sa.Column("code", sa.String(20), primary_key=True), sa.Column("label", sa.String(50)), sa.Column("weight", sa.Integer)'
ROWS = [{"code": f"c{n:03}", "label": None if n % 7 == 0 else f"label {n}", "weight": n} for n in range(1, 101)]


def seeded(project: Tiny, url: DatabaseUrl, *seeds: str, environment: str = "dev") -> Database:
    """A migrated database of a project with these `[[seeds]]`."""
    project.settings(SETTINGS + "".join(f"\n[[seeds]]\n{seed}\n" for seed in seeds))
    kinds = f'op.create_table("kinds", {COLUMNS})'
    notes = 'op.create_table("notes", sa.Column("id", sa.Integer, primary_key=True), sa.Column("kind", sa.String(20), sa.ForeignKey("kinds.code")))'
    project.revision("r1", None, f"{kinds}\n{notes}")
    project.point(environment, url).here("upgrade", environment, check=0)
    return Database(url)


def write(project: Tiny, name: str, text: str) -> Path:
    """Write a file of the project."""
    path = project.folder / name
    path.parent.mkdir(exist_ok=True)
    if name.endswith(".gz"):
        path.write_bytes(gzip.compress(text.encode()))
    else:
        path.write_text(text, encoding="utf-8")
    return path


def csv(rows: list[dict[str, object]]) -> str:
    """The rows as CSV; NULL is an empty field."""
    return "code,label,weight\n" + "".join(f"{r['code']},{'' if r['label'] is None else r['label']},{r['weight']}\n" for r in rows)


def sql(rows: list[dict[str, object]]) -> str:
    """The rows as a script that may run twice."""
    values = ",\n".join(f"('{r['code']}', {'NULL' if r['label'] is None else repr(r['label'])}, {r['weight']})" for r in rows)
    return f"-- kinds; a colon: here\ninsert into kinds (code, label, weight) values\n{values}\non conflict (code) do nothing;\n"


def yaml(rows: list[dict[str, object]]) -> str:
    """JSON is YAML."""
    return json.dumps(rows)


FORMATS = {
    "csv": csv,
    "csv.gz": csv,
    "jsonl": lambda rows: "".join(json.dumps(row) + "\n" for row in rows),
    "json": json.dumps,
    "yaml": yaml,
    "sql": sql,
}


def document(project: Tiny, *arguments: str, **variables: str) -> dict[str, object]:
    """The one document of `--json`."""
    answer: dict[str, object] = json.loads(project.here(*arguments, "--json", check=0, **variables).stdout)
    return answer


@pytest.mark.parametrize("ending", FORMATS)
def test_a_seed_loads_its_rows_and_a_second_time_changes_nothing(project: Tiny, database_url: DatabaseUrl, ending: str) -> None:
    """The promise: these rows are in this table."""
    write(project, f"seeds/kinds.{ending}", FORMATS[ending](ROWS))
    database = seeded(project, database_url, f'name = "kinds"\nfile = "seeds/kinds.{ending}"\nenvironments = ["dev"]')
    assert document(project, "seed", "dev")["seeds"][0]["how"] == "loaded"  # type: ignore[index]
    assert sorted(database.query("select code, label, weight from kinds")) == sorted((r["code"], r["label"], r["weight"]) for r in ROWS)
    before = database.picture()
    assert document(project, "seed", "dev")["seeds"][0]["how"] == "nothing to do"  # type: ignore[index]
    assert database.picture() == before


def test_a_changed_file_changes_only_the_rows_that_differ(project: Tiny, postgres_url: DatabaseUrl) -> None:
    """Rewriting every row would bloat the table and wake every trigger."""
    write(project, "seeds/kinds.csv", csv(ROWS))
    database = seeded(project, postgres_url, 'name = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = ["dev"]')
    project.here("seed", "dev", check=0)
    before = dict(database.query("select code, xmin::text from kinds"))
    write(project, "seeds/kinds.csv", csv([{**row, "weight": -1} if row["code"] == "c042" else row for row in ROWS]))
    counts = document(project, "seed", "dev")["seeds"][0]["counts"]  # type: ignore[index]
    assert counts == {"new": 0, "changed": 1, "equal": 99, "unknown": 0}
    after = dict(database.query("select code, xmin::text from kinds"))
    assert [code for code in before if before[code] != after[code]] == ["c042"]


def test_a_changed_table_under_an_unchanged_file_is_mended(project: Tiny, database_url: DatabaseUrl) -> None:
    """That is what makes it a promise; `--if-changed` is for those who do not want it."""
    write(project, "seeds/kinds.csv", csv(ROWS))
    database = seeded(project, database_url, 'name = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = ["dev"]')
    project.here("seed", "dev", check=0)
    database.query("update kinds set weight = 0 where code = 'c001'")
    database.query("delete from kinds where code = 'c002'")
    assert document(project, "seed", "dev", "--if-changed")["seeds"][0]["how"] == "trusted"  # type: ignore[index]
    assert document(project, "seed", "dev")["seeds"][0]["counts"] == {"new": 1, "changed": 1, "equal": 98, "unknown": 0}  # type: ignore[index]
    assert database.query("select weight from kinds where code in ('c001', 'c002') order by code") == [(1,), (2,)]


def test_a_dry_run_shows_the_difference_and_writes_nothing(project: Tiny, database_url: DatabaseUrl) -> None:
    """Look before you leap; what is sensitive is masked."""
    write(project, "seeds/kinds.csv", csv(ROWS))
    seed = 'name = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = ["dev"]\nsensitive = ["label"]'
    database = seeded(project, database_url, seed)
    project.here("seed", "dev", check=0)
    database.query("update kinds set weight = 0, label = 'secret label' where code = 'c001'")
    before = database.picture()
    shown = project.here("seed", "dev", "--dry-run", check=0).stdout
    assert "nothing was written" in shown
    assert "weight '0' -> '1'" in shown
    assert "secret label" not in shown
    assert database.picture() == before


def test_seeds_go_in_the_order_of_their_foreign_keys(project: Tiny, database_url: DatabaseUrl) -> None:
    """Nobody should have to sort them by hand."""
    write(project, "seeds/notes.jsonl", '{"id": 1, "kind": "c001"}\n')
    write(project, "seeds/kinds.csv", csv(ROWS))
    notes, kinds = (f'name = "{name}"\nfile = "seeds/{name}.{ending}"\nenvironments = ["dev"]' for name, ending in (("notes", "jsonl"), ("kinds", "csv")))
    database = seeded(project, database_url, notes, kinds)
    assert [done["name"] for done in document(project, "seed", "dev")["seeds"]] == ["kinds", "notes"]  # type: ignore[attr-defined]
    assert [row[1:3] for row in database.ledger() if row[1] == "seeded"] == [("seeded", "seed kinds"), ("seeded", "seed notes")]


def test_a_row_without_its_parent_is_refused_and_what_came_before_stays(project: Tiny, database_url: DatabaseUrl) -> None:
    """SQLite would let it in."""
    write(project, "seeds/notes.jsonl", '{"id": 1, "kind": "nobody"}\n')
    write(project, "seeds/kinds.csv", csv(ROWS))
    notes, kinds = (f'name = "{name}"\nfile = "seeds/{name}.{ending}"\nenvironments = ["dev"]' for name, ending in (("notes", "jsonl"), ("kinds", "csv")))
    database = seeded(project, database_url, notes, kinds)
    done = project.here("seed", "dev", check=1)
    assert "code: seed-failed" in done.stderr
    assert "changed: loaded `kinds`" in done.stderr
    assert database.query("select count(*) from notes") == [(0,)]


def test_unknown_rows_are_kept_refused_or_deleted_as_the_seed_says(project: Tiny, database_url: DatabaseUrl) -> None:
    """Deleting is destructive, and asks."""
    write(project, "seeds/kinds.csv", csv(ROWS))
    seed = 'name = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = ["dev"]\nunknown_rows = "{}"'
    database = seeded(project, database_url, seed.format("keep"))
    project.here("seed", "dev", check=0)
    database.query("insert into kinds (code) values ('extra')")
    project.here("seed", "dev", check=0)
    project.settings(SETTINGS + f"\n[[seeds]]\n{seed.format('refuse')}\n")
    assert "code: seed-unknown-rows" in project.here("seed", "dev", check=3).stderr
    project.settings(SETTINGS + f"\n[[seeds]]\n{seed.format('delete')}\n")
    assert "code: unconfirmed" in project.here("seed", "dev", check=3).stderr
    (planned,) = json.loads(project.here("seed", "dev", "--dry-run", "--json", check=0).stdout)["seeds"]
    assert (planned["counts"]["unknown"], planned["deleted"]) == (1, 1)
    assert database.query("select count(*) from kinds") == [(101,)]
    project.here("seed", "dev", check=0, CONFIRM_ENV="dev")
    assert database.query("select count(*) from kinds") == [(100,)]


def test_rows_reach_a_database_only_where_variable_marker_and_seed_all_agree(project: Tiny, sqlite_url: DatabaseUrl) -> None:
    """Dev data in test, or the reverse, is the accident that the guard of the seeds is for."""
    write(project, "seeds/kinds.csv", csv(ROWS))
    text = SETTINGS.replace('default_environment = "dev"', 'default_environment = "dev"\n[environment_variable]\nrequired_for = ["seed"]')
    database = seeded(project, sqlite_url, 'name = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = ["dev"]')
    for places, variable, asked in itertools.product(('["dev"]', '["test"]', '["dev", "test"]'), (None, "dev", "test"), ("dev", "test")):
        database.query("delete from kinds")
        project.settings(f'{text}\n[[seeds]]\nname = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = {places}\n')
        project.point("dev", sqlite_url).point("test", sqlite_url)
        done = project.here("seed", asked, "kinds", **({"LOCKGATE_ENV": variable} if variable else {}))
        agree = asked == "dev" and variable == "dev" and "dev" in places
        assert (done.returncode == 0) == agree, (places, variable, asked, done.stderr)
        assert database.query("select count(*) from kinds") == [(100 if agree else 0,)]


BAD = {
    "seed-missing-file": ("", 2, None),
    "seed-file:header": ("code,label,weight,code\nx,y,1,x\n", 2, "twice"),
    "seed-file:fields": (csv(ROWS).replace("c050,label 50,50", "c050,label 50,50,51"), 2, "kinds.csv:51"),
    "seed-file:value": (csv(ROWS).replace("c050,label 50,50", "c050,label 50,many"), 2, "kinds.csv:51"),
    "seed-file:duplicate": (csv([*ROWS, ROWS[9]]), 2, "lines 11 and 102"),
    "seed-invalid:column": ("code,nothing\nx,y\n", 2, "has no column `nothing`"),
    "seed-invalid:key": ("label,weight\nx,1\n", 2, "key"),
}


@pytest.mark.parametrize("case", BAD)
def test_a_bad_file_is_refused_with_its_place_and_nothing_changes(project: Tiny, database_url: DatabaseUrl, case: str) -> None:
    """File, line and next step; the table is as it was."""
    text, status, said = BAD[case]
    if text:
        write(project, "seeds/kinds.csv", text)
    database = seeded(project, database_url, 'name = "kinds"\nfile = "seeds/kinds.csv"\nenvironments = ["dev"]')
    before = database.contents()
    done = project.here("seed", "dev", check=status)
    assert f"code: {case.partition(':')[0]}" in done.stderr
    assert said is None or said in done.stderr
    assert "hint: " in done.stderr
    assert database.contents() == before


SCRIPTS = {
    "seed-not-idempotent": "insert into kinds (code) values ('a') on conflict (code) do nothing;\nupdate kinds set weight = coalesce(weight, 0) + 1 where code = 'a';",
    "seed-destructive": "delete from kinds;",
    "seed-forbidden": "insert into kinds (code) values ('a') on conflict (code) do nothing;\ncommit;",
}


@pytest.mark.parametrize("code", SCRIPTS)
def test_a_script_that_could_do_harm_is_refused_and_rolled_back(project: Tiny, database_url: DatabaseUrl, code: str) -> None:
    """Running a seed twice must be the same as running it once, and no seed destroys by the way."""
    write(project, "seeds/kinds.sql", SCRIPTS[code])
    database = seeded(project, database_url, 'name = "kinds"\nfile = "seeds/kinds.sql"\nenvironments = ["dev"]')
    before = database.contents()
    assert f"code: {code}" in project.here("seed", "dev", check=3).stderr
    assert database.contents() == before


def test_another_file_can_stand_in_for_one_seed(project: Tiny, database_url: DatabaseUrl, tmp_path: Path) -> None:
    """Somebody's own test data, from anywhere; where it may go is still what the settings say."""
    write(project, "seeds/kinds.csv", csv(ROWS))
    database = seeded(project, database_url, 'name = "kinds"\nfile = "seeds/kinds.csv"\ntable = "kinds"\nenvironments = ["dev"]')
    own = tmp_path / "own rows.sql"
    own.write_text("insert into kinds values ('a:b', '12:30:00', 1) on conflict do nothing;\ninsert into kinds values ('c', ':x', 2) on conflict do nothing;\n")
    assert document(project, "seed", "dev", "kinds", "--file", str(own))["seeds"][0]["how"] == "loaded"  # type: ignore[index]
    assert sorted(database.query("select * from kinds")) == [("a:b", "12:30:00", 1), ("c", ":x", 2)]
    for arguments, code in (
        (("dev", "--file", str(own)), "usage"),
        (("dev", "kinds", "--file", str(tmp_path / "none.sql")), "seed-missing-file"),
        (("test", "kinds", "--file", str(own)), "seed-environment"),
    ):
        before = database.picture()
        assert f"code: {code}," in project.here("seed", *arguments).stderr
        assert database.picture() == before
