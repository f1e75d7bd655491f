"""In which order seeds go, and what a difference asks for."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lockgate.errors import UsageError
from lockgate.seeds.diff import Move, judge
from lockgate.seeds.order import find_cycle, ordered
from lockgate.seeds.rows import Counts
from lockgate.seeds.spec import OnChange, Seed, TableName, UnknownRows

A, B, C = TableName("a"), TableName("b"), TableName("c")


def seed(name: str, *depends_on: str, file: str = "", table: str = "") -> Seed:
    return Seed(name, file or f"{name}.csv", ("dev",), table=table, depends_on=depends_on, where=f"lockgate.toml:{name}")


def names(seeds: tuple[Seed, ...]) -> str:
    return " ".join(item.name for item in seeds)


def test_the_given_order_stays_where_nothing_speaks_against_it() -> None:
    """People write their seeds down in an order that they know."""
    assert names(ordered([seed("c"), seed("a"), seed("b")], {})) == "c a b"


def test_what_is_referred_to_comes_first() -> None:
    """A foreign key needs its row."""
    assert names(ordered([seed("c"), seed("b"), seed("a")], {C: [B], B: [A], A: [A]})) == "a b c"


def test_only_what_must_wait_waits() -> None:
    """The smallest change of the given order."""
    assert names(ordered([seed("x"), seed("b"), seed("y"), seed("a")], {B: [A]})) == "x y a b"


def test_a_name_without_schema_is_the_same_table_in_any() -> None:
    """The catalog completes names; the settings need not."""
    parents = {TableName("b", "public"): [TableName("a", "public")]}
    assert names(ordered([seed("b"), seed("a")], parents)) == "a b"
    assert names(ordered([seed("b", table="other.b"), seed("a")], parents)) == "b a"


def test_tables_can_be_handed_in_for_patterns() -> None:
    """A pattern has as many tables as files."""
    seeds = [seed("many", file="x/*.csv"), seed("a")]
    assert names(ordered(seeds, {B: [A]})) == "many a"
    assert names(ordered(seeds, {B: [A]}, {"many": [B, C]})) == "a many"


def test_depends_on_counts_and_may_name_what_is_not_loaded_now() -> None:
    """`lockgate seed dev b` loads b alone."""
    assert names(ordered([seed("b", "s", "elsewhere"), seed("s", file="s.sql")], {})) == "s b"


def test_depends_on_beats_a_foreign_key_that_says_the_opposite() -> None:
    """The way out of two tables that refer to each other."""
    parents = {A: [B], B: [A]}
    assert names(ordered([seed("b", "a"), seed("a")], parents)) == "a b"
    with pytest.raises(UsageError) as caught:
        ordered([seed("b"), seed("a")], parents)
    assert caught.value.code == "seed-cycle"
    assert "`b` → `a` → `b`" in caught.value.what
    assert caught.value.where == "lockgate.toml:b"


NEEDS = st.integers(1, 12).flatmap(lambda size: st.lists(st.sets(st.integers(0, size - 1)), min_size=size, max_size=size))


@given(NEEDS)
def test_the_order_is_topological_or_the_cycle_is_real(needs: list[set[int]]) -> None:
    """For every graph: either each comes after all it needs, or the chain told is a chain of the graph."""
    seeds = [seed(f"s{index}", *(f"s{other}" for other in others if other != index)) for index, others in enumerate(needs)]
    by_name = {item.name: item for item in seeds}
    try:
        found = ordered(seeds, {})
    except UsageError:
        cycle = find_cycle({item.name: item.depends_on for item in seeds})
        assert cycle[0] == cycle[-1] and len(cycle) > 2
        assert all(after in by_name[before].depends_on for before, after in pairwise(cycle))
    else:
        place = {item.name: index for index, item in enumerate(found)}
        assert sorted(place) == sorted(by_name)
        assert all(place[other] < place[item.name] for item in seeds for other in item.depends_on)


def test_a_long_chain_is_no_problem() -> None:
    """Python's own stack is shorter than a chain of thousands."""
    chain = {f"s{index}": {f"s{index + 1}"} for index in range(1500)} | {"s1500": set[str]()}
    assert find_cycle(chain) == ()
    assert len(find_cycle(chain | {"s1500": {"s0"}})) == 1502


@pytest.mark.parametrize(
    "counts, unknown_rows, on_change, move, numbers",
    [
        (Counts(), UnknownRows.KEEP, OnChange.UPDATE, Move.SKIP, (0, 0, 0)),
        (Counts(equal=9, unknown=3), UnknownRows.KEEP, OnChange.UPDATE, Move.SKIP, (0, 0, 0)),
        (Counts(new=1, changed=2), UnknownRows.KEEP, OnChange.UPDATE, Move.WRITE, (1, 2, 0)),
        (Counts(changed=2), UnknownRows.KEEP, OnChange.INSERT_ONLY, Move.SKIP, (0, 0, 0)),
        (Counts(new=1, changed=2), UnknownRows.KEEP, OnChange.INSERT_ONLY, Move.WRITE, (1, 0, 0)),
        (Counts(unknown=3), UnknownRows.DELETE, OnChange.UPDATE, Move.WRITE, (0, 0, 3)),
        (Counts(new=1, unknown=3), UnknownRows.DELETE, OnChange.INSERT_ONLY, Move.WRITE, (1, 0, 3)),
        (Counts(new=1, unknown=3), UnknownRows.REFUSE, OnChange.UPDATE, Move.REFUSE, (0, 0, 0)),
        (Counts(new=1), UnknownRows.REFUSE, OnChange.UPDATE, Move.WRITE, (1, 0, 0)),
    ],
)
def test_what_a_difference_asks_for(
    counts: Counts, unknown_rows: UnknownRows, on_change: OnChange, move: Move, numbers: tuple[int, int, int]
) -> None:
    """Nothing is written that the seed did not promise."""
    found = judge(counts, Seed("a", "a.csv", ("dev",), unknown_rows=unknown_rows, on_change=on_change))
    assert (found.move, (found.inserts, found.updates, found.deletes)) == (move, numbers)
    assert found.code == ("seed-unknown-rows" if move is Move.REFUSE else "")
    assert found.reason
