"""What the benchmarks say must follow from what they measured: medians, ratios, targets and the page that is made of them."""

from __future__ import annotations

import pytest
from benchmarks import keeping, page
from benchmarks.figures import Result, Sample, Section, Series, Spread, ratio, spread
from benchmarks.histories import mixed
from benchmarks.measure import Failed, Job, in_turn
from benchmarks.targets import TARGETS, judge

NOOP = Section(
    "noop",
    "Nothing to do",
    "About it.",
    "revisions",
    "bare psycopg",
    (
        Series("lockgate", 1, (Sample(0.1234, 0.1, 30), Sample(0.1334, 0.1, 31), Sample(0.1134, 0.1, 30))),
        Series("lockgate", 3000, (Sample(0.1500, 0.1, 40),)),
        Series("bare psycopg", 1, (Sample(0.1234, 0.2, 20),)),
        Series("bare psycopg", 3000, (Sample(0.1000, 0.2, 20),)),
        Series("alembic", 1, (), "`alembic upgrade` ended with 1"),
    ),
    rounds=3,
)
RESULT = Result({"cores": "2"}, {"Python": "3.11.7"}, (NOOP,))


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([2.0], Spread(2, 2, 2)),
        ([3.0, 1.0, 2.0], Spread(2, 1, 3)),
        ([5.0, 1.0, 2.0, 3.0, 4.0], Spread(3, 2, 4)),
        ([100.0, 1.0, 2.0, 3.0, 4.0], Spread(3, 2, 4)),
    ],
)
def test_the_spread_is_where_half_of_the_runs_lie(values: list[float], expected: Spread) -> None:
    """One disturbed run among many must not widen it; among few there are no quartiles."""
    assert spread(values) == expected


def test_ratios_are_of_the_reference_at_the_same_size_or_at_the_named_one() -> None:
    """A tool that slows down with the history shows it only against a reference that stays."""
    assert ratio(NOOP, "lockgate", 1) == pytest.approx(Spread(1.0, 0.1134 / 0.1234, 0.1334 / 0.1234))
    assert ratio(NOOP, "lockgate", 1, "cpu") == Spread(0.5, 0.5, 0.5)
    assert ratio(NOOP, "alembic", 1) is None
    assert ratio(NOOP, "lockgate", 100) is None
    pending = Section("pending", "", "", "revisions", "lockgate", NOOP.series, reference_size=1)
    assert ratio(pending, "lockgate", 3000) == pytest.approx(Spread(*[0.15 / 0.1234] * 3))


def test_targets_are_hit_missed_or_not_measured() -> None:
    """What was not measured is neither: silence is no success."""
    judged = {each.target.name: each for each in judge(RESULT)}
    assert len(judged) == len(TARGETS), "two targets with one name"
    assert [judged[name].hit for name in ("noop-1", "noop-growth", "memory", "noop-100", "help")] == [True, True, True, None, None]
    slow = Result({}, {}, (Section(*_fields(), (*NOOP.series[2:], Series("lockgate", 1, (Sample(0.2),)), Series("lockgate", 3000, (Sample(0.3, 0, 61),)))),))
    judged = {each.target.name: each for each in judge(slow)}
    assert [judged[name].hit for name in ("noop-1", "noop-growth", "memory")] == [False, False, False]


def _fields() -> tuple[str, str, str, str, str]:
    return NOOP.name, NOOP.title, NOOP.about, NOOP.unit, NOOP.reference


def test_the_page_shows_ratios_verdicts_and_who_failed_but_no_times() -> None:
    """A time belongs to the machine it was taken on, and would be quoted as lockgate's."""
    text = page.render(RESULT, {})
    assert "| no-op upgrade, 1 revision | psycopg: import, connect, select | ≤ 1.2 x | 1.00 x (0.92 to 1.08) | hit |" in text
    assert "| `lockgate --help` | `import click` | ≤ 1.3 x | not measured |  |" in text
    assert "| lockgate | 1.00 (0.92 to 1.08) | 1.50 |" in text
    assert "| lockgate | 31 | 40 |" in text
    assert "Rounds: 3. alembic failed." in text
    assert "| Python | 3.11.7 |" in text
    assert "0.1234" not in text
    assert "123" not in text
    assert "Missed" not in text


def test_a_missed_target_is_explained_from_the_file_of_words() -> None:
    """The page is written anew by every run; what a person wrote about it stays."""
    series = (Series("lockgate", 1, (Sample(0.9),)), *NOOP.series[2:])
    missed = Result({}, {}, (Section(*_fields(), series),))
    assert "- no-op upgrade, 1 revision: The driver." in page.render(missed, {"noop-1": "The driver.\n"})
    assert "- no-op upgrade, 1 revision: There are no words about it yet." in page.render(missed, {})


def test_contenders_take_turns_and_the_first_round_does_not_count() -> None:
    """A B A B: other work on the machine disturbs all alike. One that fails is left out from then on, and said so."""
    turns: list[str] = []

    def job(name: str, rounds: int = 0) -> Job:
        def run() -> Sample:
            turns.append(name)
            if turns.count(name) == 2 and name == "C":
                raise Failed("`c` ended with 1:\nin /some/folder")
            return Sample(float(len(turns)))

        return Job(name, 7, run, lambda: turns.append(name.lower()), rounds)

    ticks: list[None] = []
    series = in_turn([job("A"), job("B", rounds=1), job("C")], 3, lambda: ticks.append(None))
    assert "".join(turns) == "aAbBcC" + "aAbBcC" + "aA" + "aA"
    assert [len(each.samples) for each in series] == [3, 1, 0]
    assert [each.error for each in series] == ["", "", "`c` ended with 1"]
    assert len(ticks) == 3 * 4, "the progress bar would not reach its end"


def test_a_measurement_made_again_takes_the_place_of_the_old_one() -> None:
    """`--only NAME --keep` must not lose what else the page shows."""
    other = Section("help", "", "", "", "import click", ())
    again = Section(*_fields(), ())
    kept = Result({"cores": "2"}, {}, (NOOP, other))
    new = Result({"cores": "4"}, {}, (again, Section("seeds", "", "", "", "", ())))
    found = keeping.merged(kept, new)
    assert [section.name for section in found.sections] == ["noop", "help", "seeds"]
    assert found.section("noop") is again
    assert found.machine == {"cores": "4"}


def test_the_page_in_the_repository_is_what_its_result_and_its_words_make() -> None:
    """A page edited by hand, or words without a new page, would be lost or unseen: `make bench BENCH_ARGS=--page`."""
    words = keeping.explanations()
    assert page.unknown(words) == []
    assert keeping.PAGE.read_text(encoding="utf-8") == page.render(keeping.read(keeping.KEPT), words)


def test_of_ten_changes_four_make_tables_and_no_other_names_a_later_table() -> None:
    """All tools do the same work, and it can be done."""
    changes = mixed(200)
    assert [change.kind for change in changes[:10]].count("table") == 4
    made = {change.table: change.number for change in changes if change.kind == "table"}
    assert len(made) == 80
    assert all(made[change.table] <= change.number for change in changes)
