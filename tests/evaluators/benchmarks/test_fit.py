from dataclasses import replace
from pathlib import Path

import pytest

from evaluators.benchmarks.fit import Fitted, Long, fit
from evaluators.benchmarks.slices import Item, Slice
from evaluators.engines.reader import Reader, open_reader
from evaluators.errors import SliceError


@pytest.fixture(scope="module")
def reader(tiny: Path) -> Reader:
    """A reader for whom a character is a token, and 20 of them are all it takes in."""
    return replace(open_reader(tiny / "base"), context=20)


def lengths(*prompts: int, scoring="generate", choices: tuple[str, ...] = ()) -> Slice:
    items = tuple(
        Item(n, "p" * length, {}, choices=choices, right=0, gold=" gold") for n, length in enumerate(prompts)
    )
    tokens = 4 if scoring == "generate" else 0
    return Slice("sums", "gsm8k", "search", items, (), tokens, "gsm8k", scoring)


def kept(fitted: Fitted) -> list[int]:
    return [item.index for item in fitted.slices[0].items]


def test_a_prompt_needs_room_for_its_answer(reader: Reader) -> None:
    fitted = fit([lengths(15, 16, 17, 40)], reader, {"sums": "drop"})
    assert kept(fitted) == [0, 1]
    assert fitted.long == (Long("sums", "search", prompts=2, of=4, tokens=16, rule="drop"),)


def test_by_the_other_rule_long_prompts_stay_for_the_engine_to_cut_and_are_counted(reader: Reader) -> None:
    part = lengths(15, 16, 17, 40)
    fitted = fit([part], reader, {"sums": "truncate"})
    assert fitted.slices == (part,)
    assert str(fitted.long[0]) == (
        "slice 'sums' (search): 2 of 4 prompts have more than 16 tokens: they lose their beginning"
        " (long_prompts: truncate)"
    )


def test_a_choice_needs_room_but_for_its_last_token_which_is_only_predicted(reader: Reader) -> None:
    part = lengths(10, 15, 16, 18, scoring="choices", choices=(" a", " four"))
    fitted = fit([part], reader, {"sums": "drop"})
    assert kept(fitted) == [0, 1, 2]
    assert fitted.long[0].tokens == 21


def test_a_gold_answer_needs_the_room_of_its_own_length(reader: Reader) -> None:
    part = lengths(16, 17, scoring="gold")
    assert kept(fit([part], reader, {"sums": "drop"})) == [0]


def test_slices_that_fit_stay_as_they_are(reader: Reader) -> None:
    parts = (lengths(1, 2), lengths(3, scoring="gold"))
    assert fit(parts, reader, {"sums": "drop"}) == Fitted(parts, ())


def test_a_slice_that_would_lose_every_item_is_refused(reader: Reader) -> None:
    with pytest.raises(SliceError, match=r"2 of 2 prompts .* none is left: lower num_fewshot") as caught:
        fit([lengths(17, 18)], reader, {"sums": "drop"})
    assert "\n" not in str(caught.value)
