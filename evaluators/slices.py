"""Slices: which questions steer a search and which judge it."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from evaluators.errors import SliceError
from evaluators.tasks import Questions, ask, grader_version


@dataclass(frozen=True)
class Item:
    """One question: its 0-based row in the task's data, the prompt that a model gets, and the row itself."""

    index: int
    prompt: str
    doc: Mapping[str, Any]
    choices: tuple[str, ...] = ()
    """Continuations to compare, with lm-eval's leading delimiter; none where the answer is generated."""
    right: int | None = None
    """Which choice is right."""
    gold: str = ""
    """The right continuation as text, delimiter included: the right choice, or lm-eval's target."""


Scoring = Literal["generate", "choices", "gold"]


@dataclass(frozen=True)
class Slice:
    """Questions of one task that are asked and graded alike; plain data, which pickles."""

    name: str
    task: str
    split: Literal["search", "holdout"]
    items: tuple[Item, ...]
    stop: tuple[str, ...]
    max_tokens: int
    grader: str
    scoring: Scoring = "generate"
    """generate: a greedy answer is graded. choices: the likeliest choice is the answer. gold: only the
    log-probability of `gold` is asked, and the item is correct where a greedy answer would begin with it."""

    @staticmethod
    def prompt_hash(item: Item) -> str:
        """A short name for the exact text that a model was asked."""
        return sha256(item.prompt.encode()).hexdigest()[:16]

    def digest(self, engine: str) -> str:
        """sha256 of all that determines a verdict besides the weights; `engine` is the engine's description.

        The slice's name and split are left out: equal items share their evidence. So is what a way of scoring
        does not look at, such as the gold answer of an item whose answer is generated.
        """
        content = {
            "task": self.task,
            "grader": grader_version(self.grader),
            "items": [_judged(item, self.scoring) for item in self.items],
            "stop": self.stop,
            "max_tokens": self.max_tokens,
            "engine": engine,
        }
        if self.scoring != "generate":
            content["scoring"] = self.scoring
        return sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()


def _judged(item: Item, scoring: Scoring) -> dict[str, Any]:
    content: dict[str, Any] = {"index": item.index, "prompt": item.prompt, "doc": item.doc}
    if scoring == "choices":
        content |= {"choices": item.choices, "right": item.right}
    if scoring == "gold":
        content["gold"] = item.gold
    return content


@dataclass(frozen=True)
class SliceRequest:
    """What a study asks for: so many search and holdout items of a task."""

    name: str
    task: str
    data: Path | None
    num_fewshot: int | None
    search: int
    holdout: int
    seed: int = 0
    max_tokens: int = 256


def build_slices(requests: Sequence[SliceRequest]) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    """The search slices and the holdout slices of a study, each in the order of the requests.

    Items with equal prompts count once. Prompts and seed alone decide their order: the first ones are the
    holdout, the next ones search, so that asking for more search items leaves the holdout as it was.
    Raises TaskError or SliceError.
    """
    pairs = [_build(request) for request in requests]
    _check_apart([part for pair in pairs for part in pair])
    return tuple(search for search, _ in pairs), tuple(holdout for _, holdout in pairs)


def _check_apart(slices: Sequence[Slice]) -> None:
    """No question may be in two slices: it would judge what it steered, or count twice as if independent."""
    home: dict[str, Slice] = {}
    for part in slices:
        for item in part.items:
            other = home.setdefault(item.prompt, part)
            if other is not part:
                raise SliceError(
                    f"slices '{other.name}' ({other.split}) and '{part.name}' ({part.split}) share the item"
                    f" {item.prompt[:40]!r}; give each slice data of its own"
                )


def _build(request: SliceRequest) -> tuple[Slice, Slice]:
    questions = ask(request.task, request.data, request.num_fewshot)
    items = _shuffled(_distinct(questions), request.seed)
    asked = request.holdout + request.search
    if len(items) < asked:
        raise SliceError(
            f"slice '{request.name}': {request.data or request.task} has {len(items)} different items, but "
            f"search {request.search} + holdout {request.holdout} = {asked} are asked for; ask for fewer"
        )

    def cut(split: Literal["search", "holdout"], part: tuple[Item, ...]) -> Slice:
        return Slice(
            request.name, request.task, split, part, questions.stop, request.max_tokens, questions.grader
        )

    return cut("search", items[request.holdout : asked]), cut("holdout", items[: request.holdout])


def _distinct(questions: Questions) -> list[Item]:
    first: dict[str, Item] = {}
    for row, prompt in zip(questions.rows, questions.prompts, strict=True):
        first.setdefault(prompt, Item(row.index, prompt, row.doc))
    return list(first.values())


def _shuffled(items: Sequence[Item], seed: int) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: sha256(f"{seed}\n{item.prompt}".encode()).digest()))
