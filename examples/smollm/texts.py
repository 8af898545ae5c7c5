"""What the adapters are trained on: text in the forms of GSM8K, MATH and HumanEval, and nothing a study asks.

Word problems, MATH problems and functions are made by the generators of `examples/tiny`, without those whose
prompt is in its items: they are what `study.yaml` asks. GSM8K's train split is cut in two: rows before
`STEERING` train, rows from there on may steer a study. Its test split judges, and is never read here.
"""

from __future__ import annotations

import json
import random
import sys
from collections.abc import Iterator, Sequence
from itertools import cycle, islice
from pathlib import Path

HERE = Path(__file__).parent
TINY = HERE.parent / "tiny"
sys.path.append(str(TINY))

import math_problems  # noqa: E402
import programs  # noqa: E402
import word_problems  # noqa: E402
from example import Example, Maker, stream  # noqa: E402

GSM8K = HERE.parents[2] / "shared" / "data"
"""Where GSM8K is looked for: `gsm8k_train.jsonl` and `gsm8k_test.jsonl`."""
STEERING = 7000
"""Index of the first row of GSM8K's train split that no adapter is trained on."""
MAKERS: dict[str, Maker] = {
    "math": math_problems.make,
    "gsm8k": word_problems.make,
    "code": programs.make,
}
PROMPTS = {
    "math": "Problem:\n{problem}\n\nSolution:",
    "gsm8k": "Question: {question}\nAnswer:",
    "code": "{prompt}",
}
"""The prompts that lm-eval makes of a row, zero-shot."""


def batches(
    expert: str, size: int, seed: int, rows: Sequence[dict[str, str]] = ()
) -> Iterator[list[Example]]:
    """Yield batches for one expert without end; with `rows` of GSM8K, every other batch is of these."""
    rng = random.Random(f"{seed}/{expert}/smollm")
    made = stream(MAKERS[expert], rng, asked(expert))
    sources = [made, real_examples(rows, rng)] if rows else [made]
    for source in cycle(sources):
        yield list(islice(source, size))


def asked(expert: str) -> frozenset[str]:
    """The prompts of all items in `examples/tiny` of this kind."""
    lines = (TINY / f"{expert}.jsonl").read_text(encoding="utf-8").splitlines()
    return frozenset(PROMPTS[expert].format(**json.loads(line)) for line in lines)


def real_examples(rows: Sequence[dict[str, str]], rng: random.Random) -> Iterator[Example]:
    """Yield GSM8K's rows as examples in random order, again and again."""
    while True:
        for row in rng.sample(rows, len(rows)):
            yield Example(PROMPTS["gsm8k"].format(**row), f" {row['answer']}", row)


def training_rows(file: Path) -> list[dict[str, str]]:
    """The rows of GSM8K's train split that train."""
    return read_rows(file)[:STEERING]


def steering_rows(file: Path) -> list[dict[str, str]]:
    """The rows of GSM8K's train split that may steer a study."""
    return read_rows(file)[STEERING:]


def read_rows(file: Path) -> list[dict[str, str]]:
    """The objects of a JSONL file."""
    return [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line]
