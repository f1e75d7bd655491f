"""Seeds and environments: rows reach a database only where variable, marker and the seed's own list all agree."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from pathlib import Path

from building import SETTINGS, Database, Tiny
from hypothesis import given
from hypothesis import strategies as st
from seeding import Seeding, seeding

from lockgate.errors import Refused
from lockgate.guard import Asked, decide
from lockgate.runs.seed_files import chosen
from lockgate.secret import DatabaseUrl
from lockgate.settings.load import read_settings
from lockgate.words import Cluster, Identity, Protection, Sight, Verb

WITH_VARIABLE = SETTINGS.replace("[environments.dev]", '[environment_variable]\nname = "COMBINE_ENV"\nrequired_for = ["seed"]\n[environments.dev]', 1)
DEV_ONLY = 'name = "demo"\nfile = "seeds/t.csv"\nenvironments = ["dev"]'
BOTH = 'name = "reference"\nfile = "seeds/u.csv"\nenvironments = ["dev", "test"]'
ENVIRONMENTS = ("dev", "test", "staging", "prod")
HERE = Cluster("postgresql", "1", "2")


@given(
    asked=st.sampled_from(ENVIRONMENTS),
    variable=st.sampled_from((None, "", *ENVIRONMENTS)),
    marker=st.sampled_from((None, *ENVIRONMENTS)),
    places=st.sets(st.sampled_from(ENVIRONMENTS), min_size=1),
    protection=st.sampled_from(Protection),
    confirm=st.sampled_from((None, "*", "all", *ENVIRONMENTS)),
)
def test_a_seed_passes_only_where_all_three_agree(
    asked: str, variable: str | None, marker: str | None, places: set[str], protection: Protection, confirm: str | None
) -> None:
    """Whatever is confirmed and however open the environment is: one that disagrees is enough to refuse."""
    listed = ", ".join(f'"{place}"' for place in sorted(places))
    project = read_settings(f'{SETTINGS}[[seeds]]\nname = "s"\nfile = "s.csv"\nenvironments = [{listed}]\n', "lockgate.toml", Path())
    try:
        named = bool(chosen(project, asked, ("s",)))
    except Refused:
        named = False
    assert [seed.name for seed in chosen(project, asked, ())] == (["s"] if asked in places else [])
    identity = Identity(marker, "app", "id", HERE) if marker else None
    question = Asked(Verb.SEED, asked, "app", protection, variable_value=variable, variable_required=True, confirm=confirm)
    passes = named and decide(question, Sight("a place", HERE, identity=identity, objects=1, tables=("t",))).allowed
    assert not passes or (variable == asked and marker == asked and asked in places)
    agrees = variable == marker == asked and asked in places
    if agrees and protection is Protection.OPEN and confirm in (None, asked):
        assert passes


def two_environments(project: Tiny, make: Callable[[], DatabaseUrl]) -> tuple[Seeding, Database, Database]:
    """Databases of dev and test, both migrated and marked, with a seed for dev alone and one for both."""
    dev, test = make(), make()
    bench = seeding(project, dev, *(f"create table {name} (id integer primary key, v text)" for name in "tu"))
    project.point("test", test).here("upgrade", "test", check=0)
    bench.seeds(DEV_ONLY, BOTH, settings=WITH_VARIABLE)
    bench.write("seeds/t.csv", "id,v\n1,a\n")
    bench.write("seeds/u.csv", "id,v\n1,a\n")
    return bench, Database(dev), Database(test)


def test_dev_data_do_not_reach_test(project: Tiny, make_postgres_database: Callable[[], DatabaseUrl]) -> None:
    """With the variable unset, wrong and right, alone and in a list, and with the URLs swapped."""
    bench, dev, test = two_environments(project, make_postgres_database)
    before = dev.picture(), test.contents()
    variables = ({}, {"COMBINE_ENV": "dev"}, {"COMBINE_ENV": "test"}, {"COMBINE_ENV": ""})
    for variable, names in itertools.product(variables, (("demo",), ("reference", "demo"))):
        done = project.here("seed", "test", *names, check=3, **variable)
        assert "code: seed-environment" in done.stderr
        assert "changed: nothing" in done.stderr
        assert "lockgate.toml:" in done.stderr
    for variable, code in zip(variables[:2], ("environment-variable",) * 2, strict=True):
        assert f"code: {code}" in project.here("seed", "test", check=3, **variable).stderr
    assert (dev.picture(), test.contents()) == before

    here, there = bench.database.url, test.url
    project.point("dev", there).point("test", here)
    for environment, variable in itertools.product(("dev", "test"), variables):
        done = project.here("seed", environment, check=3, **variable)
        assert "code: identity-mismatch" in done.stderr
        assert "changed: nothing" in done.stderr
    knocked = ("--database-url", here.render().reveal())
    assert "code: identity-mismatch" in project.here("seed", "test", *knocked, check=3, COMBINE_ENV="test").stderr
    assert (dev.picture(), test.contents()) == before  # on a wrong database not even the ledger is written

    project.point("dev", here).point("test", there)
    project.here("seed", "test", check=0, COMBINE_ENV="test")
    assert (test.query("select count(*) from t"), test.query("select count(*) from u")) == ([(0,)], [(1,)])
    project.here("seed", "dev", check=0, COMBINE_ENV="dev")
    assert (dev.query("select count(*) from t"), dev.query("select count(*) from u")) == ([(1,)], [(1,)])


def test_every_triple_of_variable_marker_and_list(project: Tiny, make_postgres_database: Callable[[], DatabaseUrl]) -> None:
    """The same property on real databases, by `seed` and by `upgrade --seed`."""
    bench, dev, test = two_environments(project, make_postgres_database)
    databases = {"dev": dev, "test": test}
    lists = ('["dev"]', '["test"]', '["dev", "test"]')
    triples = itertools.product((None, "dev", "test"), databases, lists, ("dev", "test"), (("seed",), ("upgrade", "--seed")))
    for variable, marker, places, asked, (verb, *flags) in triples:
        bench.seeds(f'name = "s"\nfile = "seeds/t.csv"\nenvironments = {places}', settings=WITH_VARIABLE)
        project.point(asked, databases[marker].url)
        named = ["s"] if verb == "seed" else []
        done = project.here(verb, asked, *named, *flags, **({"COMBINE_ENV": variable} if variable else {}))
        agree = variable == marker == asked and asked in places
        case = (variable, marker, places, asked, verb, done.stderr)
        assert databases[marker].query("select count(*) from t") == [(1 if agree else 0,)], case
        # `upgrade --seed` where no seed belongs is an upgrade
        assert (done.returncode == 0) == (agree or (verb == "upgrade" and variable == marker == asked)), case
        databases[marker].query("delete from t")
