"""The whole policy, row by row and as properties over every combination."""

from __future__ import annotations

import itertools
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.errors import CODES, Refused
from lockgate.guard import Asked, decide
from lockgate.words import SCRATCH, Cluster, Identity, PlanCheck, Protection, Sight, Verb

HERE = Cluster("postgresql", "7312", "16384")
ELSEWHERE = Cluster("postgresql", "7312", "99999")
ACTING = [verb for verb in Verb if verb.acts]
READING = [verb for verb in Verb if not verb.acts and verb not in (Verb.RECORD, Verb.SEED_EXPORT)]


def marked(environment: str = "test", project: str = "app", cluster: Cluster = HERE) -> Identity:
    return Identity(environment, project, "id", cluster)


def sight(identity: Identity | None = None, objects: int = 3) -> Sight:
    return Sight("db:5432/app", HERE, identity=identity, objects=objects, tables=("a", "b", "c")[:objects])


def asked(verb: Verb, protection: Protection = Protection.OPEN, **more: object) -> Asked:
    return Asked(verb, "test", "app", protection, **more)  # type: ignore[arg-type]


OPEN, CONFIRM, LOCKED = Protection
GOOD, LOOKED = PlanCheck(whole=True), PlanCheck()
DIFFERENT, UNSIGNED = PlanCheck(True, ("a file is another one",)), PlanCheck(True, (), "nobody signed")
PLANS = (None, GOOD, LOOKED, DIFFERENT, UNSIGNED)


@pytest.mark.parametrize(
    ("case", "seen", "code"),
    [
        # the marker names another environment or another project: never, whatever was confirmed
        (asked(Verb.UPGRADE), sight(marked("prod")), "identity-mismatch"),
        (asked(Verb.DOWNGRADE, confirm="test"), sight(marked("prod")), "identity-mismatch"),
        (asked(Verb.DOWNGRADE, confirm="prod"), sight(marked("prod")), "identity-mismatch"),
        (asked(Verb.RESET, confirm="test", ci=True, ci_allowed=True), sight(marked("dev")), "identity-mismatch"),
        (asked(Verb.UPGRADE), sight(marked("test", "other")), "identity-mismatch"),
        (asked(Verb.UPGRADE), sight(marked("test", "")), "identity-mismatch"),
        (asked(Verb.ADOPT, confirm="test"), sight(marked("prod")), "identity-mismatch"),
        (asked(Verb.ADOPT, confirm="test", copy=True), sight(marked("prod")), "identity-mismatch"),
        # a copy
        (asked(Verb.UPGRADE), sight(marked(cluster=ELSEWHERE)), ""),
        (asked(Verb.UPGRADE, CONFIRM, confirm="test"), sight(marked(cluster=ELSEWHERE)), "copied-database"),
        (asked(Verb.STAMP, LOCKED, confirm="test"), sight(marked(cluster=ELSEWHERE)), "copied-database"),
        (asked(Verb.UPGRADE), sight(marked("prod", cluster=ELSEWHERE)), "identity-mismatch"),
        (asked(Verb.ADOPT, confirm="test"), sight(marked(cluster=ELSEWHERE)), "copied-database"),
        (asked(Verb.ADOPT, CONFIRM, confirm="test", copy=True), sight(marked(cluster=ELSEWHERE)), ""),
        (asked(Verb.ADOPT, CONFIRM, confirm="test", copy=True), sight(marked("prod", cluster=ELSEWHERE)), ""),
        (asked(Verb.ADOPT, copy=True), sight(marked("prod", cluster=ELSEWHERE)), "unconfirmed"),
        # unmarked
        (asked(Verb.UPGRADE), sight(objects=0), ""),
        (asked(Verb.UPGRADE, CONFIRM, confirm="test"), sight(objects=0), "unmarked"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test"), sight(objects=0), "unmarked"),
        (asked(Verb.STAMP), sight(objects=0), "unmarked"),
        (asked(Verb.RESET, confirm="test"), sight(objects=0), "unmarked"),
        (asked(Verb.UPGRADE), sight(), "unmarked"),
        (asked(Verb.DOWNGRADE, confirm="test"), sight(), "unmarked"),
        # the environment variable
        (asked(Verb.UPGRADE, variable_value="dev"), sight(marked()), "environment-variable"),
        (asked(Verb.UPGRADE, variable_value=""), sight(marked()), "environment-variable"),
        (asked(Verb.UPGRADE, variable_value="test"), sight(marked()), ""),
        (asked(Verb.SEED, variable_required=True), sight(marked()), "environment-variable"),
        (asked(Verb.SEED, variable_required=True, variable_value="test"), sight(marked()), ""),
        # adopt
        (asked(Verb.ADOPT), sight(), "unconfirmed"),
        (asked(Verb.ADOPT, confirm="test"), sight(), ""),
        (asked(Verb.ADOPT, LOCKED, confirm="test"), sight(), ""),
        (asked(Verb.ADOPT, LOCKED), sight(marked()), ""),
        # upgrade, seed, stamp
        (asked(Verb.UPGRADE), sight(marked()), ""),
        (asked(Verb.STAMP), sight(marked()), ""),
        (asked(Verb.UPGRADE, CONFIRM), sight(marked()), "unconfirmed"),
        (asked(Verb.UPGRADE, CONFIRM, confirm="test"), sight(marked()), ""),
        (asked(Verb.UPGRADE, LOCKED, confirm="test"), sight(marked()), "locked"),
        # an approved plan
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=GOOD), sight(marked()), ""),
        (asked(Verb.UPGRADE, LOCKED, plan=GOOD), sight(marked()), "unconfirmed"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=LOOKED), sight(marked()), "plan-differs"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=LOOKED, entering=False), sight(marked()), ""),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=DIFFERENT, entering=False), sight(marked()), "plan-differs"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=UNSIGNED), sight(marked()), "unapproved"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=GOOD), sight(marked("prod")), "identity-mismatch"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=GOOD), sight(marked(cluster=ELSEWHERE)), "copied-database"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=GOOD), sight(objects=0), "unmarked"),
        (asked(Verb.UPGRADE, LOCKED, confirm="test", plan=GOOD, seeds=True), sight(marked()), "locked"),
        (asked(Verb.STAMP, LOCKED, confirm="test", plan=GOOD), sight(marked()), "locked"),
        (asked(Verb.SEED, LOCKED, confirm="test"), sight(marked()), "locked"),
        (asked(Verb.UPGRADE, plan=GOOD), sight(marked()), ""),
        (asked(Verb.UPGRADE, plan=DIFFERENT), sight(marked()), "plan-differs"),
        (asked(Verb.UPGRADE, plan=GOOD), sight(marked(SCRATCH)), "identity-mismatch"),
        # destructive
        (asked(Verb.DOWNGRADE), sight(marked()), "unconfirmed"),
        (asked(Verb.DOWNGRADE, confirm="test"), sight(marked()), ""),
        (asked(Verb.SEED, deletes=True), sight(marked()), "unconfirmed"),
        (asked(Verb.RESET, LOCKED, confirm="test"), sight(marked()), "locked"),
        (asked(Verb.DOWNGRADE, confirm="test", ci=True), sight(marked()), "destructive-in-ci"),
        (asked(Verb.DOWNGRADE, confirm="test", ci=True, ci_allowed=True), sight(marked()), ""),
        (asked(Verb.DOWNGRADE, ci=True, ci_allowed=True), sight(marked()), "unconfirmed"),
        (asked(Verb.UPGRADE, ci=True), sight(marked()), ""),
        # a confirmation names exactly one environment
        (asked(Verb.DOWNGRADE, confirm="*"), sight(marked()), "unconfirmed"),
        (asked(Verb.DOWNGRADE, confirm="all"), sight(marked()), "unconfirmed"),
        (asked(Verb.UPGRADE, confirm="dev"), sight(marked()), "unconfirmed"),
        (asked(Verb.UPGRADE, confirm="TEST"), sight(marked()), "unconfirmed"),
        # scratch databases
        (asked(Verb.DOWNGRADE, LOCKED, variable_value="dev", confirm="dev", ci=True), sight(marked(SCRATCH, "x")), ""),
        (asked(Verb.RESET), sight(marked(SCRATCH, cluster=ELSEWHERE)), ""),
        (asked(Verb.RESET), sight(marked(SCRATCH, cluster=replace(HERE, system="1"))), "copied-database"),
        (asked(Verb.ADOPT, confirm="test"), sight(marked(SCRATCH)), "identity-mismatch"),
        # lockgate's own rows: only on the right database
        (asked(Verb.RECORD, LOCKED, variable_value="dev"), sight(marked()), ""),
        (asked(Verb.RECORD), sight(marked("prod")), "identity-mismatch"),
        (asked(Verb.RECORD), sight(marked(cluster=ELSEWHERE)), "copied-database"),
        (asked(Verb.RECORD), sight(objects=0), "unmarked"),
    ],
)
def test_the_table_of_the_design(case: Asked, seen: Sight, code: str) -> None:
    """Each row of section 3; an empty code means allowed."""
    assert decide(case, seen).code == code


def everything() -> list[tuple[Asked, Sight]]:
    """Every combination of protection, verb, marker, emptiness, confirmation, CI, variable and copy, and every plan with most of them."""
    markers = [None, *(marked(e, p, c) for e in ("test", "prod") for p in ("app", "other") for c in (HERE, ELSEWHERE)), marked(SCRATCH)]
    confirmations = [None, "test", "prod", "*", "all"]
    cases = []
    for verb, protection, marker, objects, confirm in itertools.product(Verb, Protection, markers, (0, 3), confirmations):
        for ci, allowed, variable, copy in itertools.product((False, True), (False, True), (None, "test", "prod"), (False, True)):
            case = asked(verb, protection, confirm=confirm, ci=ci, ci_allowed=allowed, variable_value=variable, copy=copy)
            cases.append((case, sight(marker, objects)))
        for plan, seeds, entering in itertools.product(PLANS[1:], (False, True), (False, True)) if verb.acts else ():
            case = asked(verb, protection, confirm=confirm, plan=plan, seeds=seeds, entering=entering)
            cases.append((case, sight(marker, objects)))
    return cases


EVERYTHING = everything()


def test_no_input_allows_a_write_to_a_database_of_another_environment_or_project() -> None:
    """The incident, as a property: only a proved copy may be adopted away from its old name, and scratch is nobody's."""
    for case, seen in EVERYTHING:
        marker = seen.identity
        if marker is None or (marker.environment, marker.project) == ("test", "app") or case.verb in READING:
            continue
        if decide(case, seen).allowed:
            adopts_copy = case.verb is Verb.ADOPT and case.copy and not marker.cluster.same(HERE) and case.confirm == "test"
            is_scratch = marker.environment == SCRATCH and case.verb is not Verb.ADOPT
            assert adopts_copy or is_scratch, case


def test_data_is_never_destroyed_without_its_own_confirmation() -> None:
    """Downgrade and reset need CONFIRM_ENV with this environment's name, and one more word in CI, and never on locked."""
    for case, seen in EVERYTHING:
        scratch = seen.identity is not None and seen.identity.environment == SCRATCH
        if case.destroys and not scratch and decide(case, seen).allowed:
            assert case.confirm == "test"
            assert case.protection is not Protection.LOCKED
            assert case.ci_allowed or not case.ci


def test_a_locked_environment_is_upgraded_by_a_whole_plan_and_its_name_alone() -> None:
    """The heart of it: no other verb, no plan that differs, is unsigned or was only glanced at, and nothing without CONFIRM_ENV."""
    for case, seen in EVERYTHING:
        scratch = seen.identity is not None and seen.identity.environment == SCRATCH
        if case.protection is LOCKED and case.verb.acts and case.verb is not Verb.ADOPT and not scratch and decide(case, seen).allowed:
            assert (case.verb, case.confirm, case.seeds) == (Verb.UPGRADE, "test", False)
            assert case.plan == GOOD or (case.plan == LOOKED and not case.entering)


def test_a_plan_never_allows_what_is_refused_without_it() -> None:
    """But for the lock that it is made for: a plan takes rights, it gives none."""
    for case, seen in EVERYTHING:
        if case.plan is not None and case.protection is not LOCKED and case.verb is Verb.UPGRADE and decide(case, seen).allowed:
            assert decide(replace(case, plan=None), seen).allowed
            assert case.plan in (GOOD, LOOKED)


def test_an_unmarked_database_with_objects_is_only_ever_adopted() -> None:
    """Nobody knows whose tables these are."""
    for case, seen in EVERYTHING:
        if seen.identity is None and seen.objects and case.verb not in (*READING, Verb.SEED_EXPORT) and decide(case, seen).allowed:
            assert case.verb is Verb.ADOPT
            assert case.confirm == "test"


def test_reading_verbs_are_always_allowed_and_never_adopt() -> None:
    """Looking at the wrong database is how one finds out that it is the wrong one."""
    for case, seen in EVERYTHING:
        if case.verb in READING:
            assert decide(case, seen) == decide(asked(Verb.STATUS), sight(marked()))


def test_an_export_asks_the_marker_and_nothing_else() -> None:
    """It writes nothing here, but its files carry the environment's name; where nobody vouches for that, it says so."""
    for case, seen in EVERYTHING:
        if case.verb is Verb.SEED_EXPORT:
            verdict, marker = decide(case, seen), seen.identity
            assert verdict.allowed == (marker is None or (marker.environment, marker.project) == ("test", "app"))
            assert verdict.code == ("" if verdict.allowed else "identity-mismatch")
            assert bool(verdict.notices) == (verdict.allowed and (marker is None or marker.cluster != HERE))
            assert not verdict.adopt


def test_every_refusal_has_a_documented_code_a_reason_and_a_next_step() -> None:
    """An engineer at 3 a.m. reads it."""
    for case, seen in EVERYTHING:
        verdict = decide(case, seen)
        if not verdict.allowed:
            assert CODES[verdict.code] is Refused
            assert verdict.reason
            assert verdict.hint


def test_the_marker_is_the_worst_reason_and_comes_first() -> None:
    """Whoever is on the wrong database must read that, not that a confirmation is missing."""
    for case, seen in EVERYTHING:
        marker = seen.identity
        if marker and marker.environment == "prod" and case.verb.acts and marker.cluster.same(HERE):
            assert decide(case, seen).code == "identity-mismatch"


clusters = st.builds(Cluster, st.sampled_from(["postgresql", "sqlite"]), st.sampled_from(["", "1", "2"]), st.sampled_from(["a", "b"]))
identities = st.builds(Identity, st.text(max_size=5), st.text(max_size=5), st.just("id"), clusters)
requests = st.builds(
    Asked,
    st.sampled_from(ACTING),
    st.text(max_size=5),
    st.text(max_size=5),
    st.sampled_from(Protection),
    variable_value=st.none() | st.text(max_size=5),
    confirm=st.none() | st.text(max_size=5),
    ci=st.booleans(),
    ci_allowed=st.booleans(),
    copy=st.just(False),
    plan=st.sampled_from(PLANS),
    entering=st.booleans(),
)


@given(requests, identities, clusters, st.integers(0, 3))
def test_whatever_the_names_a_write_needs_the_markers_own_name(case: Asked, marker: Identity, cluster: Cluster, objects: int) -> None:
    """Names are compared as they are: no case folding, no prefixes, no empty string that matches all."""
    verdict = decide(case, Sight("p", cluster, identity=marker, objects=objects))
    if verdict.allowed and marker.environment != SCRATCH:
        assert (marker.environment, marker.project) == (case.environment, case.project)
