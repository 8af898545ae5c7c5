"""What made candidates say: of each item some right wordings and some wrong ones."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from evaluators.score import ItemResult

WORDINGS = 20
"""Texts of an item, as many right as wrong: equal texts are kept once, as in a real study."""
_STEPS = (
    "First, write down what is given and what is asked.",
    "Let x be the number that we look for.",
    "There are twice as many of them in the second week, so the sum is three times the first.",
    "Subtracting both sides leaves only the terms with x.",
    "We can check this by putting it into the first equation.",
    "The rest follows from the definition of the mean.",
    "Dividing by the number of days gives the amount for each day.",
    "That is less than half of what they began with, as it should be.",
)
_MARKUP = "<script>document.title = 'an answer is no page'</script> & <b>bold</b>"
"""Models say such things, and whoever shows it has to show it as text."""


@dataclass(frozen=True)
class Book:
    """All that there is to say of one slice's items."""

    slice: str
    split: str
    items: int

    def text(self, item: int, wording: int) -> str:
        """The first half of the wordings is right."""
        random = np.random.default_rng([len(self.slice), len(self.split), item, wording])
        steps = " ".join(random.choice(_STEPS, size=int(random.integers(3, 7))))
        markup = f"{_MARKUP}\n" if wording == WORDINGS - 1 and item % 10 == 0 else ""
        found = self.extracted(item, wording)
        return f"{markup}{steps}\nSo for the {self.slice} item {item} we get {found}.\n#### {found}"

    def extracted(self, item: int, wording: int) -> str:
        """The answer in it."""
        right = (item * 37 + 11) % 500
        return str(right if wording < WORDINGS // 2 else right + wording)

    @cached_property
    def _texts(self) -> list[list[str]]:
        return [[self.text(item, wording) for wording in range(WORDINGS)] for item in range(self.items)]

    @cached_property
    def _prompts(self) -> list[str]:
        names = (f"{self.slice} {self.split} {item}" for item in range(self.items))
        return [hashlib.sha256(name.encode()).hexdigest()[:16] for name in names]

    def results(
        self, verdicts: NDArray[np.bool_], seed: list[int], asked: int | None = None
    ) -> list[ItemResult]:
        """What a candidate answered to the first so many items, by its verdicts; by default to all."""
        random = np.random.default_rng(seed)
        wordings = random.integers(0, WORDINGS // 2, len(verdicts)) + np.where(verdicts, 0, WORDINGS // 2)
        tokens = random.integers(40, 160, len(verdicts))
        seconds = random.gamma(4.0, 0.02, len(verdicts))
        return [
            self._result(item, int(wordings[item]), int(tokens[item]), float(seconds[item]))
            for item in range(len(verdicts) if asked is None else asked)
        ]

    def everything(self) -> list[ItemResult]:
        """Every text of every item."""
        return [
            self._result(item, wording, 1, 0.1) for item in range(self.items) for wording in range(WORDINGS)
        ]

    def _result(self, item: int, wording: int, tokens: int, seconds: float) -> ItemResult:
        return ItemResult(
            item=item,
            correct=wording < WORDINGS // 2,
            text=self._texts[item][wording],
            tokens=tokens,
            seconds=seconds,
            prompt_hash=self._prompts[item],
            extracted=self.extracted(item, wording),
        )
