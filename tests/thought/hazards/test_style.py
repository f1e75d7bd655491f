"""Types that are regretted later."""

from __future__ import annotations

from effecting import FILE, change, column, did, ids, retyped, revision, size

from lockgate.hazards.effects import Effects
from lockgate.hazards.findings import Findings
from lockgate.hazards.judge import judge

KEY = change("added", "constraint", "fresh.pk", new=True, kind="primary key", valid=True, columns=["id"])


def styled(*things: object, source: str = "", style: bool = True) -> Findings:
    """Judge one statement by taste."""
    effects = Effects(revisions=(revision(did("CREATE TABLE", *things)),), sizes=(size("orders"),))
    return judge(effects, sources={FILE: source}, style=style)


def test_each_regret_has_a_way_out_with_the_users_names() -> None:
    """New tables as well: there it costs nothing yet."""
    found = styled(
        change("added", "column", "fresh.id", new=True, type="integer", default="nextval('fresh_id_seq'::regclass)"),
        KEY,
        column("orders.code", "character(3)"),
        column("orders.name", "character varying(50)"),
        column("orders.at", "timestamp(3) without time zone"),
        change("added", "type", "mood", kind="enum"),
        retyped("orders.note", "text", "character varying(9)"),
    )
    told = {finding.what.split("`")[1] + (" key" if "ends at" in finding.what else ""): finding for finding in found.findings if finding.id == "LG703"}
    assert set(told) == {"fresh.id", "fresh.id key", "orders.code", "orders.name", "orders.at", "mood", "orders.note"}
    assert {finding.severity.value for finding in told.values()} == {"note"}
    assert "2,147,483,647" in told["fresh.id key"].what
    assert told["fresh.id key"].safer == 'sa.Column("id", sa.BigInteger(), primary_key=True)'
    assert '"length(name) <= 50"' in told["orders.name"].safer
    for finding in told.values():
        compile(finding.safer, "revision", "exec")


def test_taste_is_asked_for() -> None:
    """A linter of taste is switched off as a whole; and a comment that answers it is of use on the days when nobody asks."""
    source = "def upgrade():\n" + "\n" * 8 + "    op.x()  # lockgate: allow LG703 three letters, by a standard"
    mild = styled(column("orders.code", "character(3)"), source=source, style=False)
    assert (ids(mild) & {"LG703", "LG704"}, mild.allowed) == (set(), ())
    asked = styled(column("orders.code", "character(3)"), source=source)
    assert [(one.finding.id, one.reason) for one in asked.allowed] == [("LG703", "three letters, by a standard")]


def test_what_is_as_it_should_be_is_silent() -> None:
    """No taste but this one: bigint, identity, text, timestamptz; and other products' types are theirs."""
    fine = ("bigint", "text", "timestamp with time zone", "VARCHAR(50)", "varchar(50)", "int(11)", "character varying")
    assert "LG703" not in ids(styled(*(column(f"orders.c{number}", type_) for number, type_ in enumerate(fine))))
    assert "LG703" not in ids(styled(change("added", "column", "fresh.id", new=True, type="bigint", identity="a"), KEY))
