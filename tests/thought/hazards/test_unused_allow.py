"""Comments that allow findings."""

from __future__ import annotations

from effecting import AE, FILE, change, constraint, did, drop, ids, judged, lock, only, revision, scan

SOURCE = '''"""r1"""
def upgrade():
    op.add_column("orders", x)  # lockgate: allow LG101 at night
    # because of the audit
    # lockgate: allow LG301 archived on Monday
    # lockgate: allow breaks-readers nobody reads it
    op.drop_column(
        "orders",
        "note",
    )
    text = "# lockgate: allow LG201 this is a string"
    # lockgate: allow LG206 not here
    op.drop_column("orders", "other")
'''
ADD = did("ALTER TABLE", lock(AE, "orders"), line=3)


def dropped(name: str, line: int) -> object:
    """DROP COLUMN."""
    return did("ALTER TABLE", change("dropped", "column", f"orders.{name}"), drop("table column", f"orders.{name}"), line=line)


def test_a_comment_silences_one_finding_at_its_place() -> None:
    """On the line, above it, above a call of many lines; by id or by name; and nothing else."""
    found = judged(ADD, dropped("note", 7), dropped("other", 13), source=SOURCE)  # type: ignore[arg-type]
    assert [(allowed.finding.id, allowed.finding.line, allowed.reason) for allowed in found.allowed] == [
        ("LG101", 3, "at night"),
        ("LG301", 7, "archived on Monday"),
        ("LG501", 7, "nobody reads it"),
    ]
    assert {(finding.id, finding.line) for finding in found.findings} == {("LG301", 13), ("LG501", 13), ("LG704", 12)}


def test_a_comment_that_allows_nothing_is_a_finding() -> None:
    """It would hide the next hazard of that kind."""
    found = only("LG704", judged(ADD, source=SOURCE.replace("LG101", "LG102").split("    # because")[0]))
    assert (found.line, found.severity.value, found.file, found.revision) == (3, "warning", FILE, "r1")


def test_a_comment_about_a_lock_is_of_use_where_worse_is_told_as_well() -> None:
    """Whether something behind the statement works is not for its comment to know."""
    scanned = did("ALTER TABLE", lock(AE, "orders"), scan("orders"), constraint("check", "orders.c"), line=3)
    found = judged(scanned, source=SOURCE.split("    # because")[0])
    assert [allowed.finding.id for allowed in found.allowed] == ["LG101"]
    assert ids(found) == {"LG204", "LG503"}


def test_a_batch_is_one_place_and_a_loop_has_a_head() -> None:
    """Alembic sends a batch's statements from the line of its `with`, wherever in it they are written."""
    source = """def upgrade():
    with op.batch_alter_table("orders") as batch:
        batch.drop_column("note")  # lockgate: allow LG301 archived
    for row in op.get_bind().execute("alter table orders drop other"):  # lockgate: allow LG301 as well
        # lockgate: allow LG301 inside
        op.drop_column("orders", "third")
"""
    found = judged(dropped("note", 2), dropped("other", 4), dropped("third", 6), source=source)  # type: ignore[arg-type]
    assert [allowed.reason for allowed in found.allowed] == ["archived", "as well", "inside"]
    assert ids(found) == {"LG501"}


def test_a_finding_about_the_revision_is_allowed_anywhere_in_its_file() -> None:
    """It has no line of its own."""
    source = "# lockgate: allow LG607 read by two people\ndef upgrade(): ...\n"
    found = judged(revision(not_run=(14,)), source=source)
    assert ids(found) == set()
    assert found.allowed[0].reason == "read by two people"


def test_a_file_that_is_no_python_allows_nothing() -> None:
    """The revision fails elsewhere, with a better message."""
    assert ids(judged(ADD, source="def upgrade(:\n# lockgate: allow LG101")) == {"LG101"}
