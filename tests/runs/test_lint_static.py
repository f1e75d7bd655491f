"""Revisions are judged by their SQL where nothing can run them: offline mode, and the lines that it does not reach."""

from __future__ import annotations

import sys

import pytest
from building import Tiny

from lockgate.errors import LockgateError
from lockgate.files import load_project
from lockgate.hazards.findings import Findings
from lockgate.runs.lint_static import lint_static

UPGRADE = """op.create_table("fresh", sa.Column("id", sa.Integer, primary_key=True))
op.create_index("ix_fresh", "fresh", ["id"])
with op.get_context().autocommit_block():
    op.create_index("ix_calm", "orders", ["note"], postgresql_concurrently=True)
op.execute("drop table kept")  # lockgate: allow LG301 it was archived
bind = op.get_bind()
for row in bind.execute(sa.text("select id from orders")):
    bind.execute(sa.text("update orders set note = 'x'"))
if "age" not in sa.inspect(bind).get_columns("customers"):
    op.create_index("ix_age", "customers", ["age"])
else:
    with op.batch_alter_table("customers") as batch:
        batch.alter_column("age", type_=sa.BigInteger())
for table in ("a", "b"):
    op.execute(f"truncate {table}")
with op.get_context().autocommit_block():
    op.execute("vacuum full orders")"""


def _lint(project: Tiny, *revisions: str) -> Findings:
    return lint_static(load_project(project.folder), [revisions], {"LATER": "yes"})


def _found(judged: Findings, line: int) -> set[str]:
    return {f"{finding.id} {finding.relation}".strip() for finding in judged.findings if finding.line == line}


def test_offline_mode_and_the_lines_behind_a_question_are_read(project: Tiny) -> None:
    """A revision that asks the database ends offline mode at the question; what stands behind it does the damage all the same."""
    path = project.revision("r1", None, UPGRADE)
    project.env_py("raise SystemExit('no settings here')")
    lines = path.read_text().splitlines()
    judged = _lint(project, "r1")
    place = {text.strip(): number for number, text in enumerate(lines, 1)}
    assert not _found(judged, place['op.create_index("ix_fresh", "fresh", ["id"])'])
    assert "LG404" not in {finding.id for finding in judged.findings}
    assert [(one.finding.id, one.reason) for one in judged.allowed] == [("LG301", "it was archived")]
    assert "LG210 public.orders" in _found(judged, place["""bind.execute(sa.text("update orders set note = 'x'"))"""])
    assert "LG206 public.customers" in _found(judged, place['op.create_index("ix_age", "customers", ["age"])'])
    assert "LG201 public.customers" in _found(judged, place['with op.batch_alter_table("customers") as batch:'])
    assert "LG203 public.orders" in _found(judged, place['op.execute("vacuum full orders")'])
    unread = [finding for finding in judged.findings if finding.id == "LG607"]
    assert [finding.line for finding in unread] == [place['op.execute(f"truncate {table}")']]
    assert judged.not_run == (f"{path.relative_to(project.folder)}:{unread[0].line}",)


def test_what_earlier_revisions_of_the_same_set_made_is_new_and_nothing_is_dialled(project: Tiny) -> None:
    """A branch of five revisions is judged as one change; a revision with an engine of its own gets no connection."""
    project.revision("r1", None, 'op.execute("create table t (a int)")\nop.execute("update w set a = 1 where b like \'50%\'")')
    project.revision("r2", "r1", 'op.execute("alter table t alter a type bigint")\nop.execute("drop table u")')
    project.revision("r3", "r2", "sa.create_engine('sqlite:///made.db').connect().execute(sa.text('drop table v'))")
    judged = _lint(project, "r1", "r2")
    assert {finding.relation for finding in judged.findings} == {"public.u", "public.w"}
    assert "update w set a = 1 where b like '50%'" in {finding.statement for finding in judged.findings}
    assert "public.t" in {finding.relation for finding in _lint(project, "r2").findings}
    assert "public.v" in {finding.relation for finding in _lint(project, "r3").findings}
    assert not (project.folder / "made.db").exists()


@pytest.mark.parametrize("code", ["extra-missing", "no-plan"])
def test_what_cannot_be_read_is_said(project: Tiny, code: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """No findings would mean no hazards."""
    path = project.revision("r1", None)
    if code == "extra-missing":
        monkeypatch.setitem(sys.modules, "postgast", None)
    else:
        path.write_text("import not_there_at_all\n" + path.read_text())
    with pytest.raises(LockgateError) as caught:
        _lint(project, "r1")
    assert caught.value.code == code
    assert ("lockgate[sql]" if code == "extra-missing" else "not_there_at_all") in f"{caught.value.what} {caught.value.hint}"
