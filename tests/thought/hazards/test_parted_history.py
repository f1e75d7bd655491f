"""Heads, edited files, and revisions beside what is applied."""

from __future__ import annotations

from effecting import FILE, did, ids, judged, only, revision

from lockgate.hazards.effects import Beside, EditedFile, Effects, History
from lockgate.hazards.judge import judge

EDITED = (EditedFile(revision="r0", file="migrations/versions/r0.py"),)


def test_each_head_names_the_others() -> None:
    """Two branches were merged in git and not in Alembic: the next deployment is refused."""
    found = only("LG606", judged(revision(), history=History(heads=("r1", "r9"))))
    assert (found.severity.value, found.revision, found.line) == ("warning", "r1", 0)
    assert "2 heads, this one and `r9`" in found.what
    assert found.safer == '# alembic merge -m "join the lines" r1 r9'
    assert "LG606" not in ids(judged(revision(), history=History()))
    assert "LG606" not in ids(judged(revision(), history=History(heads=("r8", "r9")))), "judged where their files are"


def test_an_edited_file_is_as_bad_as_what_upgrade_says_to_it() -> None:
    """The plan comes first: what would be refused tonight is told now."""
    found = only("LG606", judged(revision(), history=History(edited=EDITED, refuses_edited=True)))
    assert (found.severity.value, found.revision, found.file) == ("error", "r0", "migrations/versions/r0.py")
    assert "applied to `prod`: `upgrade` refuses to go on" in found.what
    mild = only("LG606", judged(revision(), history=History(edited=EDITED)))
    assert (mild.severity.value, "does not run where it ran before" in mild.what) == ("warning", True)


def test_without_a_target_an_edited_file_is_told_where_it_is_judged() -> None:
    """`lint` judges revisions one by one: each finding comes once, and a comment in the file allows it."""
    edited = (EditedFile(revision="r1", file=FILE), *EDITED)
    plan = Effects(revisions=(revision(did("CREATE TABLE")),), history=History(edited=edited))
    found = only("LG606", judge(plan))
    assert (found.revision, "the branch it is compared with" in found.what) == ("r1", True)
    assert "LG606" not in ids(judge(plan, sources={FILE: "# lockgate: allow LG606 only a message was mended"}))


def test_a_revision_beside_what_is_applied_is_a_note() -> None:
    """It happens with every second merge; where the order counts somebody has to know."""
    history = History(beside=(Beside(revision="r1", heads=("r7",)), Beside(revision="elsewhere", heads=("r7",))))
    found = only("LG606", judged(revision(), history=history))
    assert (found.severity.value, "does not follow `r7`" in found.what) == ("note", True)
