"""Ground truth: what a recipe's merge answers to a study's items, and which answers are right."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from statistics import fmean
from typing import Literal

from transformers import AutoConfig, AutoTokenizer

from benchmarks.landscape import programs
from benchmarks.landscape.decoding import Alphabet, Asked, Decoder
from benchmarks.landscape.llama import TinyLlama
from benchmarks.landscape.memory import Memory
from benchmarks.landscape.replayed.replay import Replay, replay_of
from evaluators.benchmarks.graders import RUNS_CODE, grade_by
from evaluators.benchmarks.slices import Item, Slice
from evaluators.engines.encoding import cut_at_stop, stop_strings
from merging.recipe import Recipe
from search.running.workshop import Workshop, open_workshop
from search.study_file.spec import load_study

Split = Literal["search", "holdout"]


@dataclass(frozen=True, eq=False)
class Question:
    """An item of a slice, under its number among all of its split."""

    number: int
    slice_: Slice
    item: Item
    asked: Asked

    @cached_property
    def name(self) -> str:
        """All that decides a verdict on an answer."""
        return f"{self.slice_.grader}\n{json.dumps(dict(self.item.doc), sort_keys=True)}"


@dataclass
class Ground:
    """A study's landscape. Answers are those of greedy decoding in float32, up to its rounding."""

    workshop: Workshop
    memory: Memory
    asked: int = 0
    """Items that were really computed."""
    device: str = "cpu"
    """Where answers are computed; anywhere but on "cpu" all of a split's are, in passes of fixed shapes."""
    graphs: bool = False
    """Whether those passes are recorded and replayed, which only a GPU can."""
    _last: tuple[str, TinyLlama] | None = field(default=None, repr=False)

    @classmethod
    def of(cls, study: Path, memory: Path | None = None, device: str = "cpu", graphs: bool = False) -> Ground:
        """The landscape of a study file; what is computed is kept in the folder `memory`, if any."""
        return cls(open_workshop(load_study(study)), Memory(memory), device=device, graphs=graphs)

    @cached_property
    def questions(self) -> dict[Split, list[Question]]:
        """All items; the slices of a split are interleaved, so that a beginning has its share of each."""
        shop = self.workshop
        return {"search": self._told(shop.search_slices), "holdout": self._told(shop.holdout_slices)}

    def count(self, each: int | None = None) -> int:
        """How many search items there are if a slice has so many at most: theirs are the lowest numbers."""
        return sum(len(part.items[:each]) for part in self.workshop.search_slices)

    def right(self, recipe: Recipe, split: Split, numbers: Sequence[int] | None = None) -> dict[int, bool]:
        """Whether the merge answers items rightly, by their numbers; all of the split by default."""
        wanted = range(len(self.questions[split])) if numbers is None else numbers
        known = self.memory.outcomes(recipe.digest, split)
        missing = [number for number in wanted if number not in known]
        if missing and self.device != "cpu":  # it takes a GPU no longer to answer the others as well
            missing = [*range(len(self.questions[split]))]
        if missing:
            found = self._find(recipe, [self.questions[split][number] for number in missing])
            self.memory.keep(recipe.digest, split, dict(zip(missing, found, strict=True)))
        return {number: known[number] for number in wanted}

    def score(self, recipe: Recipe, split: Split) -> float:
        """The mean over slices of the share of right answers, as a study's score."""
        return self.mean(split, self.right(recipe, split))

    def mean(self, split: Split, right: dict[int, bool]) -> float:
        """The mean over slices of the share that is right of the items that are given."""
        by_slice: dict[str, list[bool]] = {}
        for number, verdict in right.items():
            by_slice.setdefault(self.questions[split][number].slice_.name, []).append(verdict)
        return fmean(fmean(each) for each in by_slice.values())

    def answers(self, recipe: Recipe, questions: Sequence[Question]) -> list[str]:
        """What the merge says, cut at its stop strings."""
        if self._last is None or self._last[0] != recipe.digest:
            model = TinyLlama.of(self._worker.tensors(recipe), self._config)
            self._last = recipe.digest, model
        said = self._say(self._last[1], questions)
        self.asked += len(said)
        unsaid = self._alphabet.unsaid
        texts = ["".join(each for each in text if each not in unsaid) for text in said]
        return [cut_at_stop(text, q.asked.stop) for text, q in zip(texts, questions, strict=True)]

    def _say(self, model: TinyLlama, questions: Sequence[Question]) -> list[str]:
        asked = [question.asked for question in questions]
        if self.device == "cpu":
            return self._decoder.answer(model, asked)
        whole = next(part for part in self._sets if {*asked} <= {*part})
        self._replay.prepare(model, self._sets)
        said = dict(zip(whole, self._replay.answer(model, whole), strict=True))
        return [said[each] for each in asked]

    def _find(self, recipe: Recipe, questions: Sequence[Question]) -> list[bool]:
        texts = self.answers(recipe, questions)
        pairs = [*zip(questions, texts, strict=True)]
        if any(self.memory.verdict(*_named(pair)) is None for pair in pairs):
            self.memory.refresh()
        new = list(dict.fromkeys(pair for pair in pairs if self.memory.verdict(*_named(pair)) is None))
        for slice_, part in _by_slice(new):
            verdicts = _judge(slice_, [q.item for q, _ in part], [text for _, text in part])
            for pair, verdict in zip(part, verdicts, strict=True):
                self.memory.judged(*_named(pair), verdict)
        return [bool(self.memory.verdict(*_named(pair))) for pair in pairs]

    def _told(self, slices: Sequence[Slice]) -> list[Question]:
        longest = max(len(each.items) for each in slices)
        pairs = [(each, each.items[i]) for i in range(longest) for each in slices if i < len(each.items)]
        found = []
        for number, (slice_, item) in enumerate(pairs):
            stop = tuple(stop_strings(self._tokenizer, slice_.stop))
            found.append(Question(number, slice_, item, Asked(item.prompt, stop, slice_.max_tokens)))
            if self.device == "cpu":
                self._decoder.expect(found[-1].asked, item.gold)
        return found

    @cached_property
    def _worker(self):  # type: ignore[no-untyped-def]
        return self.workshop.worker

    @cached_property
    def _tokenizer(self):  # type: ignore[no-untyped-def]
        return AutoTokenizer.from_pretrained(self.workshop.base.folder)

    @cached_property
    def _config(self):  # type: ignore[no-untyped-def]
        return AutoConfig.from_pretrained(self.workshop.base.folder)

    @cached_property
    def _decoder(self) -> Decoder:
        return Decoder(self._alphabet)

    @cached_property
    def _replay(self) -> Replay:
        replay = replay_of(self._alphabet, self.device, self.graphs, self._sets)
        for part in self.questions.values():
            for question in part:
                replay.expect(question.asked, question.item.gold)
        return replay

    @cached_property
    def _sets(self) -> list[tuple[Asked, ...]]:
        return [tuple(question.asked for question in part) for part in self.questions.values()]

    @cached_property
    def _alphabet(self) -> Alphabet:
        numbers = self._tokenizer.get_vocab()
        ordered = dict(sorted(numbers.items(), key=lambda each: each[1]))
        assert all(len(character) == 1 for character in ordered), "a token of this model is a character"
        return Alphabet(ordered, self._tokenizer.eos_token, frozenset(self._tokenizer.all_special_tokens))


def _named(pair: tuple[Question, str]) -> tuple[str, str]:
    return pair[0].name, pair[1]


def _by_slice(pairs: Sequence[tuple[Question, str]]) -> Iterator[tuple[Slice, list[tuple[Question, str]]]]:
    for slice_ in {id(question.slice_): question.slice_ for question, _ in pairs}.values():
        yield slice_, [pair for pair in pairs if pair[0].slice_ is slice_]


def _judge(slice_: Slice, items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    if slice_.grader in RUNS_CODE:
        assert slice_.grader == "humaneval"
        return programs.judge(items, texts)
    return [grade.correct for grade in grade_by(slice_.grader, items, texts)]
