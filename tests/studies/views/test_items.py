"""A candidate's answers, filtered and paged by the database, and what it gained and lost."""

from __future__ import annotations

import pytest

from evaluators.score import ItemResult
from studies.errors import StudiesError, StudyNotFound
from studies.store import StudyStore
from studies.store.rows import StudySlice
from studies.verdicts.paired import matched
from studies.views.answers import Wanted
from studies.views.items import items_page
from tests.studies.views.made import NAMES, Made, make_study


@pytest.fixture
def made(store: StudyStore) -> Made:
    """On holdout items of gsm8k the first expert has the first 2 right, the second 6, the trial 5."""
    made = make_study(store)
    made.baselines()
    made.trial(0, (2, 3), (5, 3))
    return made


def numbers(made: Made, wanted: Wanted) -> tuple[list[int], int]:
    page = items_page(made.store, made.id, wanted)
    assert page is not None
    return [row.item for row in page.rows], page.total


def test_without_wishes_the_first_slice_on_holdout_is_shown_with_its_texts(made: Made) -> None:
    page = items_page(made.store, made.id, Wanted("0"))
    assert page is not None
    assert (page.part.name, page.part.split, page.candidate.name) == ("gsm8k", "holdout", "trial 0")
    assert (page.right, page.n, page.total, page.outcomes, page.other) == (5, 8, 8, {}, None)
    first = page.rows[0]
    assert (first.item, first.prompt_hash, first.other) == (0, "prompt 0", None)
    assert first.answer.text == "gsm8k answer 0"
    assert (first.answer.correct, first.answer.extracted, first.answer.tokens) == (True, "0", 10)


@pytest.mark.parametrize(
    ("verdict", "items"),
    [
        ("all", list(range(8))),
        ("right", [0, 1, 2, 3, 4]),
        ("wrong", [5, 6, 7]),
        ("gained", [2, 3, 4]),
        ("lost", []),
        ("differing", [2, 3, 4]),
    ],
)
def test_items_are_filtered_by_verdict(made: Made, verdict: str, items: list[int]) -> None:
    wanted = Wanted("trial 0", "gsm8k", "holdout", versus=NAMES[0], verdict=verdict)  # type: ignore[arg-type]
    assert numbers(made, wanted) == (items, len(items))


def test_what_one_gained_the_other_lost(made: Made) -> None:
    page = items_page(made.store, made.id, Wanted("trial 0", "gsm8k", versus=NAMES[1]))
    assert page is not None
    assert page.outcomes == {"both_right": 5, "gained": 0, "lost": 1, "both_wrong": 2}
    own, other = (each.digest for each in (page.candidate, page.other) if each is not None)
    (pairs,) = matched(*({"gsm8k": made.store.verdicts([d], page.part.digest)[d]} for d in (own, other)))
    assert (pairs.won, pairs.lost) == (page.outcomes["gained"], page.outcomes["lost"])
    lost = items_page(made.store, made.id, Wanted("trial 0", "gsm8k", versus=NAMES[1], verdict="lost"))
    assert lost is not None
    (row,) = lost.rows
    assert row.other is not None
    assert (row.item, row.answer.correct, row.other.correct) == (5, False, True)


def test_pages_are_cut_by_the_database(made: Made) -> None:
    assert numbers(made, Wanted("0", offset=0, size=3)) == ([0, 1, 2], 8)
    assert numbers(made, Wanted("0", offset=6, size=3)) == ([6, 7], 8)
    assert numbers(made, Wanted("0", offset=60, size=3)) == ([], 8)
    assert numbers(made, Wanted("0", item=7)) == ([7], 1)


def test_items_that_the_other_was_not_asked_are_neither_gained_nor_lost(made: Made) -> None:
    made.prune(1, (1, 1), asked=2)
    page = items_page(made.store, made.id, Wanted("trial 0", "gsm8k", "search", versus="trial 1"))
    assert page is not None
    assert page.outcomes == {"both_right": 1, "gained": 1, "lost": 0, "both_wrong": 0}
    assert [row.other is None for row in page.rows] == [False, False, True, True]


def test_who_answered_nothing_has_no_page(made: Made) -> None:
    made.fail(1)
    made.run(2)
    assert items_page(made.store, made.id, Wanted("1")) is None
    assert items_page(made.store, made.id, Wanted("2")) is None
    made.trial(3, (1, 1))
    assert items_page(made.store, made.id, Wanted("3", split="holdout")) is None
    assert items_page(made.store, made.id, Wanted("3", split="search")) is not None


def test_gold_answers_have_likelihoods_and_no_text(store: StudyStore) -> None:
    made = make_study(store, objective="gold_logprob")
    digest = made.trial(0, (1, 1))
    part = StudySlice("law", "law", "search", "law gold", 1, "gold")
    other = store.begin("gold", {})
    store.add_slices(other, [part])
    store.register_candidate(other, "trial", "trial 0", 0, digest)
    store.record(digest, part.digest, [ItemResult(0, False, "", 4, 0.1, "p", logprob=-2.5)])
    page = items_page(store, other, Wanted("0"))
    assert page is not None
    assert (page.rows[0].answer.text, page.rows[0].answer.logprob) == ("", -2.5)


def test_mistakes_are_told_in_one_line(made: Made) -> None:
    with pytest.raises(StudyNotFound, match="study 'made' has no candidate 'nobody'"):
        items_page(made.store, made.id, Wanted("nobody"))
    with pytest.raises(StudyNotFound, match="no slice 'law': this study has gsm8k, math"):
        items_page(made.store, made.id, Wanted("0", "law"))
    with pytest.raises(StudiesError, match="items gained: name another candidate to compare with"):
        items_page(made.store, made.id, Wanted("0", verdict="gained"))
