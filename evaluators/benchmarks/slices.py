"""Slices: which questions steer a search and which judge it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path
from typing import Any, Literal

from evaluators.benchmarks.catalogue import grader_version
from evaluators.benchmarks.items import Item
from evaluators.benchmarks.tasks import Questions, ask
from evaluators.engines.reader import open_reader
from evaluators.errors import SliceError, TaskError

__all__ = ["Item", "Scoring", "Slice", "SliceRequest", "build_slices", "retold"]


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
    """Local items; None: the task's dataset on the hub."""
    num_fewshot: int | None
    search: int
    holdout: int
    seed: int = 0
    max_tokens: int = 256
    train: Path | None = None
    """Local items to search by; `data` then only judges."""
    chat: Path | None = None
    """The folder of a model whose chat template the prompts are put in."""
    verdict: str | None = None
    """Which of the task's filters judges; None: the usual one."""


def build_slices(requests: Sequence[SliceRequest]) -> tuple[tuple[Slice, ...], tuple[Slice, ...]]:
    """The search slices and the holdout slices of a study, each in the order of the requests.

    Holdout items come from the split that judges, search items from the one to train on where there is one.
    Items with equal prompts count once, and what could judge never steers. Prompts and seed alone decide the
    order: of a single split the first ones are the holdout, the next ones search, so that asking for more
    search items leaves the holdout as it was.
    Raises TaskError or SliceError.
    """
    pairs = [_build(request) for request in requests]
    _check_apart([part for pair in pairs for part in pair])
    return tuple(search for search, _ in pairs), tuple(holdout for _, holdout in pairs)


def retold(slices: Sequence[Slice], requests: Sequence[SliceRequest]) -> tuple[Slice, ...]:
    """The same questions in the chat templates that the requests name, where they want any.

    For a model of another family than the one that the slices were drawn for: drawn for itself, it would get
    other items, for prompts decide the order. Raises TaskError: a model has no template.
    """
    asked = {request.name: _ask(request) for request in requests if request.chat is not None}
    return tuple(_retold(part, asked[part.name]) if part.name in asked else part for part in slices)


def _retold(part: Slice, questions: Questions) -> Slice:
    searched = part.split == "search" and questions.train is not None
    told = {item.index: item for item in ((searched and questions.train) or questions.items)}
    return replace(part, items=tuple(told[item.index] for item in part.items))


def _check_apart(slices: Sequence[Slice]) -> None:
    """No question may be in two slices: it would judge what it steered, or count twice as if independent."""
    home: dict[str, Slice] = {}
    for part in slices:
        for item in part.items:
            for same in (item.prompt, json.dumps(item.doc, sort_keys=True)):
                other = home.setdefault(same, part)
                if other is not part:
                    raise SliceError(
                        f"slices '{other.name}' ({other.split}) and '{part.name}' ({part.split}) share the"
                        f" item {item.prompt[:40]!r}; give each slice data of its own"
                    )


def _build(request: SliceRequest) -> tuple[Slice, Slice]:
    questions = _ask(request)
    search, holdout = _draw(request, questions)

    def cut(split: Literal["search", "holdout"], items: tuple[Item, ...]) -> Slice:
        return Slice(
            name=request.name,
            task=request.task,
            split=split,
            items=items,
            stop=questions.stop,
            max_tokens=request.max_tokens if questions.scoring == "generate" else 0,
            grader=questions.grader,
            scoring=questions.scoring,
        )

    return cut("search", search), cut("holdout", holdout)


def _ask(request: SliceRequest) -> Questions:
    chat = None if request.chat is None else open_reader(request.chat).chat
    try:
        return ask(request.task, request.data, request.num_fewshot, request.train, chat, request.verdict)
    except TaskError as error:
        raise TaskError(f"slice '{request.name}': {error}") from error


def _draw(request: SliceRequest, questions: Questions) -> tuple[tuple[Item, ...], tuple[Item, ...]]:
    test = _shuffled(_distinct(questions.items), request.seed)
    if questions.train is None:
        asked = f"search {request.search} + holdout {request.holdout}"
        source = request.data or request.task
        _check_enough(request, source, test, f"{asked} = ", request.search + request.holdout)
        return test[request.holdout :][: request.search], test[: request.holdout]
    judging = {item.prompt for item in test}
    own = [item for item in _distinct(questions.train) if item.prompt not in judging]
    train = _shuffled(own, request.seed)
    _check_enough(request, request.data or f"{request.task} (test)", test, "holdout ", request.holdout)
    _check_enough(request, request.train or f"{request.task} (train)", train, "search ", request.search)
    return train[: request.search], test[: request.holdout]


def _check_enough(
    request: SliceRequest, source: Path | str, items: Sequence[Item], wish: str, asked: int
) -> None:
    if len(items) < asked:
        raise SliceError(
            f"slice '{request.name}': {source} has {len(items)} different items, but {wish}{asked} are asked"
            " for; ask for fewer"
        )


def _distinct(items: Sequence[Item]) -> list[Item]:
    first: dict[str, Item] = {}
    for item in items:
        first.setdefault(item.prompt, item)
    return list(first.values())


def _shuffled(items: Sequence[Item], seed: int) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: sha256(f"{seed}\n{item.prompt}".encode()).digest()))
