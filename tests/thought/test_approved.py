"""What counts as another plan, another file, another database: every difference is told, and nothing else is one."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.errors import LockgateError, UsageError
from lockgate.hazards.approved import (
    ApprovedPlan,
    Facts,
    PlannedDatabase,
    Signature,
    SignedPlan,
    approval,
    differences,
    digest_of,
    duration,
    read_plan,
    sealed,
    stale,
    write_plan,
)
from lockgate.hazards.effects import Effects
from lockgate.hazards.findings import Estimate, Finding, Findings, Severity
from lockgate.signing import is_good, new_key, public_of, sign

NOW = datetime(2026, 1, 5, 9, 30, tzinfo=UTC)
FILES = {"alembic.ini": "a" * 64, "migrations/env.py": "b" * 64, "migrations/versions/r2.py": "c" * 64}
DATABASE = PlannedDatabase(place="db:5432/app", marker="m1", kind="postgresql", system="7", database="1", heads=("r1",), schema="d" * 64)
FACTS = Facts(environment="prod", project="app", files=FILES, tools={"lockgate": "0.1.0", "alembic": "1.20.1"}, database=DATABASE)
FINDING = Finding(
    id="LG204", name="scan", severity=Severity.ERROR, title="t", revision="r2", file="r2.py", estimate=Estimate(low_s=0.1, high_s=1 / 3)
)
PLAN = ApprovedPlan(
    facts=FACTS,
    target="head",
    revisions=("r2",),
    made_at=NOW.isoformat(),
    expires_at=(NOW + timedelta(days=7)).isoformat(),
    findings=Findings(environment="prod", revisions=("r2",), findings=(FINDING,)),
    effects=Effects(environment="prod", heads=("r1",)),
)
MADE = sealed(PLAN)


def now(**changes: Any) -> Facts:
    """What is there now, but for `changes`."""
    return msgspec.structs.replace(FACTS, **changes)


def database(**changes: Any) -> Facts:
    """The same with another database."""
    return now(database=msgspec.structs.replace(DATABASE, **changes))


@pytest.mark.parametrize(
    ("facts", "sentence"),
    [
        (now(files={**FILES, "alembic.ini": "e" * 64}), "file alembic.ini: sha256 aaaaaaaaaaaa when planned, eeeeeeeeeeee now"),
        (now(files={**FILES, "migrations/versions/r3.py": "e" * 64}), "file migrations/versions/r3.py: new since then"),
        (now(files={"alembic.ini": "a" * 64, "migrations/env.py": "b" * 64}), "file migrations/versions/r2.py: gone since then"),
        (now(tools={"lockgate": "0.2.0", "alembic": "1.20.1"}), "lockgate: 0.1.0 when planned, 0.2.0 now"),
        (now(environment="test"), "environment: planned for `prod`, asked for `test`"),
        (now(project=""), "project: planned for `app`, asked for ``"),
        (database(marker="m2", place="db2:5432/app"), "database: planned for db:5432/app (marker m1), this is db2:5432/app (marker m2)"),
        (database(marker=""), "database: planned for db:5432/app (marker m1), this is db:5432/app (marker none)"),
        (database(database="2"), "database: planned for db:5432/app (marker m1), this is db:5432/app (marker m1)"),
        (database(heads=("r0", "r1")), "revision: planned from `r1`, the database is at `r0, r1`"),
        (database(heads=()), "revision: planned from `r1`, the database is at `base`"),
        (database(schema="e" * 64), "schema: sha256 dddddddddddd when planned, eeeeeeeeeeee now"),
    ],
)
def test_each_difference_is_told_with_old_and_new(facts: Facts, sentence: str) -> None:
    """Whoever reads it at night must know what to look at, without comparing files by hand."""
    assert differences(MADE, facts, "", NOW) == (sentence,)


def test_what_is_the_same_is_no_difference() -> None:
    """Nor is another address of the same database, its target said again, or a schema that was not read yet."""
    for facts in (FACTS, database(place="localhost:1/app"), database(schema=""), database(system="")):
        assert differences(MADE, facts, "head", NOW) == ()


def test_a_plan_without_a_schema_or_a_marker_fits_nothing() -> None:
    """An empty value in the file must not be taken for "not compared"."""
    for emptied in ({"schema": ""}, {"marker": ""}):
        facts = database(**emptied)
        assert len(differences(sealed(msgspec.structs.replace(PLAN, facts=facts)), facts, "", NOW)) == 1


def test_many_files_are_counted() -> None:
    """A checkout of another branch differs in all of them."""
    found = differences(MADE, now(files={str(number): "f" for number in range(30)}), "", NOW)
    assert len(found) == 11
    assert found[-1] == "and 23 more files"


@pytest.mark.parametrize(
    ("expires_at", "expired"),
    [
        ((NOW + timedelta(seconds=1)).isoformat(), False),
        (NOW.isoformat(), True),
        ((NOW + timedelta(days=1)).replace(tzinfo=None).isoformat(), True),
        ("2026-01-05T11:00:00+02:00", True),
        ("never", True),
        ("", True),
    ],
)
def test_a_plan_ends_at_its_time(expires_at: str, expired: bool) -> None:
    """A time that cannot be read, or that says no zone, is none that anybody approved."""
    made = sealed(msgspec.structs.replace(PLAN, expires_at=expires_at))
    assert [sentence.partition(":")[0] for sentence in stale(made, FACTS.tools, NOW)] == ["time"] * expired


def test_another_target_is_told() -> None:
    """`upgrade prod r1 --plan` is not what was approved."""
    assert differences(MADE, FACTS, "r1", NOW) == ("target: planned up to `head`, asked for `r1`",)


def leaves(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    """The paths of all texts and numbers in a document."""
    if isinstance(value, dict):
        return [leaf for key, inner in value.items() for leaf in leaves(inner, (*path, key))]
    if isinstance(value, list):
        return [leaf for key, inner in enumerate(value) for leaf in leaves(inner, (*path, key))]
    return [path]


DOCUMENT = json.loads(write_plan(MADE))


@given(st.sampled_from([path for path in leaves(DOCUMENT) if path[0] == "plan"]))
def test_no_value_of_a_plan_can_be_edited_unnoticed(path: tuple[Any, ...]) -> None:
    """Whatever is changed by hand, the findings included, it is another plan, or none."""
    document = json.loads(write_plan(MADE))
    inner = document
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = inner[path[-1]] + "0" if isinstance(inner[path[-1]], str) else 12345
    try:
        found = read_plan(json.dumps(document))
    except UsageError:
        return
    assert not found.intact
    assert any(sentence.startswith("the plan itself") for sentence in stale(found, FACTS.tools, NOW))


def test_layout_is_nobodys_edit() -> None:
    """An editor that formats JSON, or a tool that sorts keys, changes nothing."""
    found = read_plan(json.dumps(DOCUMENT, indent=7, sort_keys=True))
    assert found == MADE
    assert found.intact


@given(st.binary(max_size=40) | st.text(max_size=40).map(lambda text: json.dumps({"plan": text}).encode()))
def test_what_is_no_plan_is_refused_as_such(data: bytes) -> None:
    """Never a traceback, never half a plan."""
    with pytest.raises(LockgateError) as caught:
        read_plan(data)
    assert caught.value.code == "plan-invalid"


def test_a_plan_of_a_newer_format_is_not_guessed_at() -> None:
    """Format 2 may mean something else by the same words."""
    with pytest.raises(UsageError, match="format 2"):
        read_plan(write_plan(MADE).replace('"plan": {', '"plan": {"format": 2,', 1))


@pytest.mark.parametrize(("text", "seconds"), [("30m", 1800), ("12h", 43200), ("7d", 604800), ("90d", 7776000)])
def test_a_time_is_read(text: str, seconds: int) -> None:
    """As people write them."""
    assert duration(text).total_seconds() == seconds


@pytest.mark.parametrize("text", ["", "0d", "7", "-1d", "91d", "1y", "1.5h", "7d7d", "\u0667d"])
def test_what_is_no_time_is_refused(text: str) -> None:
    """A plan that is valid forever was approved by nobody who still remembers it."""
    with pytest.raises(UsageError):
        duration(text)


def test_a_signature_counts_for_one_plan_one_name_and_one_time() -> None:
    """It is a yes of somebody to something, and cannot be moved."""
    pem, public = new_key()
    assert public_of(pem, "key") == public
    message = approval(MADE.digest, "ann", "2026-01-05")
    signature = sign(pem, message, "key")
    assert is_good(public, signature, message)
    others = [approval("0" * 64, "ann", "2026-01-05"), approval(MADE.digest, "bob", "2026-01-05"), approval(MADE.digest, "ann", "2026-01-06")]
    assert not any(is_good(public, signature, other) for other in others)
    assert not is_good(new_key()[1], signature, message)
    assert not is_good(public.removeprefix("ed25519:"), signature, message)
    assert not any(is_good(public, bad, message) for bad in ("", "!", signature[:-4], "A" * 88))
    assert not is_good("ed25519:short", signature, message)


@pytest.mark.parametrize("pem", ["", "no key", "-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----\n"])
def test_what_is_no_key_is_named(pem: str) -> None:
    """A certificate, a public key, an empty secret of a CI system."""
    with pytest.raises(UsageError) as caught:
        public_of(pem, "ci.key")
    assert (caught.value.code, caught.value.where) == ("key-invalid", "ci.key")


def test_who_signs_again_is_one_approver() -> None:
    """A second signature takes the first one's place; those of others stay."""
    first, second = (Signature(approver="ann", at=at, signature="x") for at in ("1", "2"))
    bob = Signature(approver="bob", at="1", signature="x")
    assert MADE.signed(first).signed(bob).signed(second).signatures == (bob, second)
    assert SignedPlan(plan=PLAN, digest=digest_of(PLAN)) == MADE
