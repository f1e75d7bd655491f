"""What is read from the SQL alone: the same rules as for a trace, and an honest account of what the text does not tell."""

from __future__ import annotations

from pathlib import Path

import msgspec
import postgast
import pytest
from recorded import recorded

from lockgate.hazards.findings import Findings, Severity
from lockgate.hazards.judge import judge
from lockgate.hazards.static import Said, Script, judge_text

MANUAL = Path(__file__).parents[3] / "docs" / "hazards" / "README.md"
# Operation -> what the text makes of it, where that is not what the trace saw, and why.
DIFFERENT = {
    "col_volatile_udf": ("", "whether a function of the database's own is volatile; a note says so"),
    "col_domain": ("", "whether a type is a domain with a constraint; a note says so"),
    "col_notnull": ("LG401 LG502", "the trace broke off at the error, the text goes on"),
    "vc_widen": ("LG201", "the old length"),
    "vc_narrow": ("LG201", "the old length"),
    "text_vc": ("LG201", "the old type"),
    "pk_bigint": ("LG201", "which foreign keys refer to the column"),
    "num_precision": ("LG201", "the old precision"),
    "ts_utc": ("LG201", "the old type, and what a TimeZone makes of it"),
    "type_with_check": ("LG201", "the old length, and which CHECKs the column has"),
    "type_in_view": ("LG201", "which views use the column"),
    "set_notnull_chk": ("LG204 LG502", "which CHECKs are there and valid"),
    "add_pk": ("LG206", "whether the columns are NOT NULL already"),
    "pk_using_null": ("", "whether the columns are NOT NULL already; a note says so"),
    "index_conc_dup": ("", "which rows there are"),
    "drop_type_casc": ("LG302", "what depends on the type"),
    "enum_add_use": ("LG210 LG405", "the trace broke off at the error, the text goes on"),
    "attach_chk": ("LG204", "which CHECKs are there and valid"),
    "func_ddl": ("LG607", "what a function does: the finding says that this is not known"),
}
# Only a short lock, or a matter of taste: no tool is measured by them.
DEBATABLE = set(
    "drop_notnull lock_table trigger drop_trigger disable_trigger rls drop_index new_table_fk new_partition attach_chk drop_fk extension "
    "enum_add col_json unique_using mv_refresh mv_refresh_conc replace_view storage".split()
)


def _judge(*texts: str, outside: bool = False, source: str = "") -> Findings:
    """Judge statements that stand on the lines of a revision, one behind the other in its transaction."""
    said = tuple(Said(line=line, text=text, transaction=line if outside else 1, outside=outside) for line, text in enumerate(texts, 1))
    return judge_text([Script(id="r1", file="r1.py", said=said)], postgast, {"r1.py": source})


def _ids(judged: Findings, *severities: Severity) -> str:
    wanted = severities or (Severity.ERROR, Severity.WARNING)
    return " ".join(sorted({finding.id for finding in judged.findings if finding.severity in wanted}))


@pytest.fixture(scope="module")
def judged() -> dict[str, Findings]:
    """The 110 operations, judged by nothing but the SQL that was recorded."""
    found = {}
    for name, effects in recorded().items():
        scripts = [
            Script(
                id=revision.id,
                file=revision.file,
                said=tuple(
                    Said(line=effect.line, text=effect.text, transaction=effect.transaction, outside=effect.autocommit)
                    for effect in revision.effects
                ),
            )
            for revision in effects.revisions
        ]
        found[name] = judge_text(scripts, postgast)
    return found


@pytest.fixture(scope="module")
def traced() -> dict[str, str]:
    """Errors and warnings of the trace, where sizes are not known either."""
    return {name: _ids(judge(msgspec.structs.replace(effects, sizes=()))) for name, effects in recorded().items()}


def test_text_and_trace_differ_where_the_text_cannot_know_and_nowhere_else(judged: dict[str, Findings], traced: dict[str, str]) -> None:
    """The fallback is worth what this table says; an operation that joins it unnoticed would make the label a lie."""
    assert {name: _ids(found) for name, found in judged.items() if _ids(found) != traced[name]} == {
        name: ids for name, (ids, _) in DIFFERENT.items()
    }


def test_the_manual_says_how_much_is_found(judged: dict[str, Findings], traced: dict[str, str]) -> None:
    """Who relies on the fallback has to know what it misses."""
    counted = {name: (bool(ids), bool(_ids(judged[name]))) for name, ids in traced.items() if name not in DEBATABLE}
    found, missed, false = (list(counted.values()).count(kind) for kind in ((True, True), (True, False), (False, True)))
    row = f"| static | {found} | {missed} | {false} | {found / (found + missed):.2f} | {found / (found + false):.2f} |"
    assert row in MANUAL.read_text("utf-8"), row


def test_no_finding_claims_what_only_a_trace_knows(judged: dict[str, Findings]) -> None:
    """No seconds, no errors, and each finding says where it comes from, since an annotation stands alone."""
    found = [finding for one in judged.values() for finding in one.findings]
    assert len(found) > 100
    assert all(finding.estimate is None and finding.severity is not Severity.ERROR for finding in found)
    assert all("read, not run" in finding.what for finding in found)
    assert all("static: read from the SQL, not run" in one.basis and not one.timeline for one in judged.values())
    for finding in found:
        compile(finding.safer, "revision", "exec")


QUIET = {
    "new table": (
        "create table t (id int primary key, a int)",
        "create index on t (a)",
        "alter table t alter a set not null",
        "drop table t",
    ),
    "renamed new table": ("create table t (a int)", "alter table t rename to u", "alter table u rename a to b", "truncate u"),
    "temporary table": ("create temp table o (a int)", "update o set a = 1", "drop table o"),
    "table by query": ("create table k as select 1 as a", "alter table k alter a type bigint"),
    "proved": (
        "alter table o add constraint c check (a is not null) not valid",
        "commit_here",
        "alter table o validate constraint c",
        "commit_here",
        "alter table o alter column a set default 1",
    ),
    "enum of its own": ("create type m as enum ('a')", "alter type m add value 'b'", "insert into o (m) values ('b')"),
    "by key": ("update o set a = 1 where id = :id", "delete from o where id = %(id)s"),
    "view": ("create view v as select 1", "drop view v", "create or replace view w as select 1"),
    "server's own": ("select setval('s', 1)", "select pg_notify('a', 'b')", "set local lock_timeout = '1s'"),
}


@pytest.mark.parametrize("texts", QUIET.values(), ids=QUIET.keys())
def test_what_the_revisions_make_is_nobodys(texts: tuple[str, ...]) -> None:
    """A linter that cries about new tables is switched off."""
    numbers, number = [], 1
    for text in texts:
        number += text == "commit_here"
        numbers.append(number)
    said = tuple(
        Said(line=line, text=text, transaction=number)
        for line, (text, number) in enumerate(zip(texts, numbers, strict=True), 1)
        if text != "commit_here"
    )
    assert _ids(judge_text([Script(id="r1", file="r1.py", said=said)], postgast)) == ""


LOUD = {
    "two in one text, names of any kind": ('select 1; alter table "Ümläut"."T a" drop column "B"', "LG301 LG501"),
    "in a DO block": ("do $$ begin if true then alter table o alter a type bigint; end if; end $$", "LG201"),
    "put together in a DO block": ("do $$ begin execute 'drop table ' || 'o'; end $$", "LG607"),
    "under a common name": ("with gone as (delete from o returning *) insert into k select * from gone", "LG210"),
    "in no grammar": ("alter tabel o add x int", "LG406"),
    "moved": ("alter table o set schema archive", "LG501"),
    "drop and more": ("drop table o cascade", "LG301 LG302 LG501"),
    "outside only": ("vacuum o", "LG404"),
    "constraint of a column": ("alter table o add x int default 1 references k", "LG104 LG204"),
    "with its own commit": ("commit", "LG602"),
}


@pytest.mark.parametrize(("text", "ids"), LOUD.values(), ids=LOUD.keys())
def test_a_statement_is_read_wherever_it_stands(text: str, ids: str) -> None:
    """Hand-written SQL is where linters that read calls of Alembic see nothing."""
    assert _ids(_judge(text)) == ids


def test_a_proof_spares_the_scan_and_a_missing_one_does_not() -> None:
    """This is the safer way that the findings themselves recommend."""
    proof = ("alter table o add constraint c check (a is not null) not valid", "alter table o validate constraint c")
    last = "alter table o alter a set not null"
    texts = [Said(line=line, text=text, transaction=line) for line, text in enumerate((*proof, last), 1)]
    assert _ids(judge_text([Script(id="r1", file="r1.py", said=tuple(texts))], postgast)) == ""
    assert _ids(_judge(last)) == "LG204 LG502"


def test_a_comment_allows_a_finding_as_it_does_for_a_trace() -> None:
    """The same revision is linted with a server in CI and without one in an editor."""
    source = 'op.execute("drop table o")  # lockgate: allow LG301 it is empty\n'
    judged = _judge("drop table o", source=source)
    assert [(one.finding.id, one.reason) for one in judged.allowed] == [("LG301", "it is empty")]
    assert _ids(judged) == "LG501"


def test_what_perhaps_works_makes_no_kept_lock() -> None:
    """Most columns that become text were varchar, which costs nothing."""
    assert _ids(_judge("alter table o add x int", "alter table o alter a type text")) == ""
    assert _ids(_judge("alter table o add x int", "update o set x = 1")) == "LG102 LG210"
