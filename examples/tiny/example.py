"""One training or evaluation example, and how many of them are drawn."""

from __future__ import annotations

import random
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass


@dataclass(frozen=True)
class Example:
    """A benchmark's own record, with the prompt that lm-eval makes of it and the text that follows it.

    The prompt is the task's zero-shot one; the completion begins with the task's target delimiter.
    """

    prompt: str
    completion: str
    record: dict[str, str]


Maker = Callable[[random.Random], Example]


def stream(make: Maker, rng: random.Random, avoid: Collection[str]) -> Iterator[Example]:
    """Yield examples without end, none with a prompt in `avoid`."""
    while True:
        example = make(rng)
        if example.prompt not in avoid:
            yield example


def distinct(make: Maker, rng: random.Random, count: int, avoid: Collection[str] = ()) -> list[Example]:
    """Draw `count` examples with distinct prompts, none with a prompt in `avoid`."""
    found: dict[str, Example] = {}
    for example in stream(make, rng, avoid):
        found.setdefault(example.prompt, example)
        if len(found) == count:
            break
    return list(found.values())
