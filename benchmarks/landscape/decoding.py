"""Greedy answers of a model with one token a character, guessed first and then checked in one pass.

An item has few likely answers, its gold one and those that other candidates gave. The likeliest is run
through the model behind the prompt at once; what the model itself would have said so far is kept, and the
next guess follows from there. So the answers are those of greedy decoding, in a few passes.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch

from benchmarks.landscape.llama import Batch, Keys, TinyLlama

ROWS, TOGETHER = 24, 72
"""Of a pass over prompts, and of those that follow: what each works on stays in a processor's caches."""
SPARSE = 0.7
"""The share of rows still open below which the others' keys are dropped: to copy the rest takes time."""
LEAST, MOST = 2, 16
"""Tokens of a guess after one that failed, and of any but the first."""


@dataclass(frozen=True)
class Alphabet:
    """Which token each character is, and what ends a text."""

    numbers: dict[str, int]
    """In the order of the numbers, which have no gap."""
    end: str
    unsaid: frozenset[str]
    """Characters that are no text: padding and the like."""

    def encode(self, text: str) -> torch.Tensor:
        """Its tokens."""
        return self._table[torch.from_numpy(np.frombuffer(text.encode("utf-32-le"), np.int32).copy())]

    def decode(self, numbers: Sequence[int]) -> str:
        """The text of tokens."""
        return "".join(self._characters[number] for number in numbers)

    @cached_property
    def _characters(self) -> list[str]:
        return list(self.numbers)

    @cached_property
    def _table(self) -> torch.Tensor:
        table = torch.full((max(map(ord, self.numbers)) + 1,), -1)
        for character, number in self.numbers.items():
            table[ord(character)] = number
        return table


@dataclass(frozen=True)
class Asked:
    """A prompt with all that decides its answer."""

    prompt: str
    stop: tuple[str, ...]
    most: int
    """Tokens of the answer."""


@dataclass
class Row:
    """An answer on its way."""

    asked: Asked
    guess: str
    """What may follow."""
    said: str = ""
    daring: int = LEAST
    """How much is guessed next."""
    done: bool = False

    def say(self, text: str, end: str) -> None:
        """What the model says where the guess was: it counts up to the first character that differs."""
        shared = _shared(text, self.guess)
        self.daring = min(2 * self.daring, MOST) if shared == len(self.guess) else LEAST
        self.said += text[: shared + 1]
        for string in (end, *self.asked.stop):
            before, found, _ = self.said.partition(string)
            self.said = before + found
            self.done |= bool(found)
        self.done |= len(self.said) >= self.asked.most


@dataclass
class Decoder:
    """Answers prompts, and remembers what was answered, to guess by."""

    alphabet: Alphabet
    heard: dict[Asked, Counter[str]] = field(default_factory=lambda: defaultdict(Counter))
    """Raw answers by prompt, with how often each came."""
    _trees: dict[tuple[str, ...], Batch] = field(default_factory=dict, repr=False)

    def expect(self, asked: Asked, answer: str) -> None:
        """Guess this answer until one is heard more often."""
        self.heard[asked][answer + self.alphabet.end] += 1

    def answer(self, model: TinyLlama, asked: Sequence[Asked]) -> list[str]:
        """The raw answer to each: end of text or stop string included."""
        rows = [Row(each, self._guess(each, "", each.most)) for each in asked]
        order = sorted(rows, key=lambda row: (row.asked.stop, row.asked.prompt))
        for start in range(0, len(order), TOGETHER):
            self._answer(model, order[start : start + TOGETHER])
        for row in rows:
            self.heard[row.asked][row.said] += 1
        return [row.said for row in rows]

    def _answer(self, model: TinyLlama, rows: Sequence[Row]) -> None:
        room = max(len(row.asked.prompt) + row.asked.most for row in rows)
        parts = [self._begin(model, rows[start : start + ROWS], room) for start in range(0, len(rows), ROWS)]
        keys = [
            (torch.cat([k for k, _ in layer]), torch.cat([v for _, v in layer]))
            for layer in zip(*parts, strict=True)
        ]
        rows = [row for row in rows if not row.done]
        left = _open(rows)
        while left:
            self._go_on(model, rows, keys)
            left = _open(rows)
            if len(left) < SPARSE * len(rows):
                keys = [(k[left], v[left]) for k, v in keys]
                rows = [rows[i] for i in left]

    def _begin(self, model: TinyLlama, rows: Sequence[Row], room: int) -> Keys:
        """The pass over prompts and first guesses; the keys of rows that are not done, with room to go on."""
        prompts = tuple(row.asked.prompt for row in rows)
        if prompts not in self._trees:
            self._trees[prompts] = Batch.of([self.alphabet.encode(prompt).tolist() for prompt in prompts])
        counts = torch.tensor([len(row.guess) for row in rows])
        guesses = self.alphabet.encode("".join(row.guess for row in rows))
        batch, wanted = self._trees[prompts].followed(guesses, counts)
        likeliest, keys = model.begin(batch, wanted)
        for row, said in zip(rows, torch.split(likeliest, (counts + 1).tolist()), strict=True):
            self._hear(row, said.tolist())
        left = _open(rows)
        return [(_grown(k[left], room), _grown(v[left], room)) for k, v in keys]

    def _go_on(self, model: TinyLlama, rows: Sequence[Row], keys: Keys) -> None:
        """A pass over each row's last token, which is certain, and a guess."""
        starts = [len(row.asked.prompt) + len(row.said) - 1 for row in rows]
        steps = min(1 + max(len(row.guess) for row in rows), keys[0][0].shape[2] - max(starts))
        fed = "".join((row.said[-1] + row.guess)[:steps].ljust(steps, self.alphabet.end) for row in rows)
        tokens = self.alphabet.encode(fed).view(len(rows), steps)
        likeliest = model.go_on(tokens, torch.tensor(starts), keys)
        for row, said in zip(rows, likeliest.tolist(), strict=True):
            if not row.done:
                row.guess = row.guess[: steps - 1]
                self._hear(row, said[: len(row.guess) + 1])

    def _hear(self, row: Row, said: Sequence[int]) -> None:
        row.say(self.alphabet.decode(said), self.alphabet.end)
        row.guess = "" if row.done else self._guess(row.asked, row.said, row.daring)

    def _guess(self, asked: Asked, said: str, length: int) -> str:
        """What follows, by the answers that began so; else by the place, as answers have a form."""
        heard = self.heard[asked]
        known = [(count, text) for text, count in heard.items() if text.startswith(said) and text != said]
        if not known:
            known = [(count, text) for text, count in heard.items() if len(text) > len(said)]
        best = max(known, default=(0, ""), key=lambda each: each[0])[1].removesuffix(self.alphabet.end)
        return best[len(said) : min(len(said) + length, asked.most - 1)]


def _shared(one: str, other: str) -> int:
    """How many characters both begin with."""
    pairs = enumerate(zip(one, other, strict=False))
    return next((i for i, (a, b) in pairs if a != b), min(len(one), len(other)))


def _open(rows: Sequence[Row]) -> list[int]:
    return [i for i, row in enumerate(rows) if not row.done]


def _grown(keys: torch.Tensor, room: int) -> torch.Tensor:
    """Keys with as many places as `room`, the new ones empty."""
    rows, heads, known, width = keys.shape
    grown = keys.new_zeros(rows, heads, room, width)
    grown[:, :, :known] = keys[:, :, :room]
    return grown
