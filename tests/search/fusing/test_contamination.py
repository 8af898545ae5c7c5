"""Data that holds what judges is refused, however it is written; what only looks like it is not."""

from __future__ import annotations

import pytest

from evaluators.benchmarks.items import Item
from evaluators.benchmarks.slices import Slice
from merging.fusion.texts import Row
from search.errors import SearchError
from search.fusing.learning.contamination import check_apart
from search.fusing.learning.data import Data

QUESTION = "A train leaves at noon and drives 60 miles an hour. Where is it at two?"
PROMPT = f"Question: One and one?\nAnswer: 2\n\nQuestion: {QUESTION}\nAnswer:"


def slices() -> tuple[Slice, ...]:
    item = Item(0, PROMPT, {"question": QUESTION, "answer": "120", "level": "easy"})
    short = Item(1, "Question: How far?\nAnswer:", {"question": "How far?", "answer": "9"})
    return (Slice("trains", "gsm8k", "holdout", (item, short), ("\n",), 16, "gsm8k"),)


def check(*instructions: str) -> None:
    rows = tuple(Row(each, "an answer") for each in instructions)
    check_apart(Data(rows, tuple(f"data.jsonl:{n}" for n in range(1, len(rows) + 1))), slices())


@pytest.mark.parametrize(
    "instruction",
    [PROMPT, QUESTION, QUESTION.upper(), f"Solve it.\n\n  {QUESTION}  \nThink first.", "how  far ?"],
)
def test_items_by_prompt_by_question_and_inside_longer_instructions(instruction: str) -> None:
    with pytest.raises(
        SearchError, match=r"data: 1 of 2 rows hold evaluation items of trains \(data.jsonl:2\)"
    ):
        check("Say hello.", instruction)


@pytest.mark.parametrize(
    "instruction", [QUESTION.replace("60", "61"), "How far? And how fast?", "easy", "120", "Question:"]
)
def test_other_numbers_longer_texts_around_short_questions_and_answers_are_none(instruction: str) -> None:
    check(instruction)


def test_a_few_lines_are_named_and_the_others_counted() -> None:
    lines = ", ".join(f"data.jsonl:{n}" for n in range(1, 6))
    with pytest.raises(SearchError, match=rf"7 of 7 rows .*\({lines} and 2 more\)"):
        check(*[QUESTION] * 7)
