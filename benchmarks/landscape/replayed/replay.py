"""Greedy answers to all items of a split at once: guessed, then checked by passes that a GPU replays."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor

from benchmarks.landscape.decoding import Alphabet, Asked, Row
from benchmarks.landscape.llama import TinyLlama
from benchmarks.landscape.replayed.echoes import Echo
from benchmarks.landscape.replayed.passes import Prompts, Recorded, Shape, Steps, Weights

FEWEST = 14
"""Rows of the smallest passes: fewer take as long."""
FIRST, LATER = 48, 16
"""Tokens of each row's first pass, which may be all of its answer, and of those that follow."""
_ALIGNED = 16
"""Places of keys are a multiple of it, as kernels of attention want a mask's rows."""


@dataclass
class Line(Row):
    """An answer on its way, and all that the model said of it."""

    raw: str = ""

    def hear(self, text: str, end: str) -> None:
        """As `say`; what ended the text is kept, to guess by."""
        shared = next((i for i, (a, b) in enumerate(zip(text, self.guess, strict=False)) if a != b), None)
        self.raw = self.said + (text if shared is None else text[: shared + 1])
        self.say(text, end)


@dataclass
class Replay:
    """Answers sets of prompts that are known beforehand; `graphs`: on a GPU, passes are recorded."""

    alphabet: Alphabet
    device: str
    graphs: bool
    echoes: dict[Asked, Echo] = field(default_factory=dict, repr=False)
    passes: int = 0
    """That were run."""
    _tables: dict[tuple[Asked, ...], Table] = field(default_factory=dict, repr=False)
    _weights: Weights | None = field(default=None, repr=False)
    _keys: dict[int, Tensor] = field(default_factory=dict, repr=False)
    _steps: dict[tuple[int, int], tuple[Steps, Recorded]] = field(default_factory=dict, repr=False)

    def expect(self, asked: Asked, answer: str) -> None:
        """Guess this answer until one is heard more often."""
        self._echo(asked).hear(answer + self.alphabet.end)

    def prepare(self, model: TinyLlama, sets: Sequence[Sequence[Asked]]) -> None:
        """Make room for models of this shape and these sets of prompts."""
        new = [tuple(asked) for asked in sets if tuple(asked) not in self._tables]
        if not new:
            return
        assert self._weights is None, "all sets are known when the first is answered"
        self._weights = Weights(Shape.of(model), torch.complex(model.cos, model.sin), self.device)
        longest = max(len(each.prompt) + each.most for asked in new for each in asked)
        room, shape = -(-(longest + 1) // _ALIGNED) * _ALIGNED, self._weights.shape
        for rows in sizes([len(asked) for asked in new]):
            keys = (shape.layers, 2, rows, shape.heads, room, shape.width)
            self._keys[rows] = torch.zeros(keys, device=self.device)
        self._tables = {asked: Table.of(asked, self) for asked in new}

    def answer(self, model: TinyLlama, asked: Sequence[Asked]) -> list[str]:
        """The raw answer to each of a prepared set: end of text or stop string included."""
        assert self._weights is not None
        self._weights.load(model)
        rows = [Line(each, "") for each in asked]
        self._tables[tuple(asked)].recorded()
        left, size, steps = rows, len(rows), FIRST
        while left:
            self._go_on(left, size, steps)
            steps = LATER
            places = [i for i, row in enumerate(left) if not row.done]
            smaller = min((n for n in self._keys if n >= max(len(places), 1)), default=size)
            if smaller < size:
                self._move(places, size, smaller)
                left, size = [left[i] for i in places], smaller
            elif not places:
                break
        for row in rows:
            self._echo(row.asked).hear(row.raw)
        return [row.said for row in rows]

    def _go_on(self, rows: Sequence[Line], size: int, steps: int) -> None:
        """A pass over each row's last token, which is certain, and a guess."""
        fed = []
        for row in rows:
            if not row.done:
                most = min(steps - 1, row.asked.most - 1 - len(row.said))
                row.guess = self._echo(row.asked).guess(row.said, most)
            fed.append(
                ((row.said or row.asked.prompt)[-1] + row.guess)[:steps].ljust(steps, self.alphabet.end)
            )
        starts = [len(row.asked.prompt) + len(row.said) - 1 for row in rows]
        given = torch.zeros(size, steps + 1, dtype=torch.long)
        given[: len(rows), 0] = torch.tensor(starts)
        given[: len(rows), 1:] = self.alphabet.encode("".join(fed)).view(len(rows), steps)
        said = self._run(given)
        for row, start in zip(rows, range(0, len(said), steps), strict=False):
            if not row.done:
                row.hear(said[start : start + len(row.guess) + 1], self.alphabet.end)

    def _run(self, given: Tensor) -> str:
        size, steps = given.shape[0], given.shape[1] - 1
        key = size, steps
        if key not in self._steps:
            assert self._weights is not None
            made = Steps(self._weights, size, steps, self._keys[size], self.device)
            self._steps[key] = made, Recorded(made, self.graphs)
        made, recorded = self._steps[key]
        made.given.copy_(given)
        likeliest = recorded()
        assert likeliest is not None
        self.passes += 1
        return self.alphabet.decode(likeliest.cpu().flatten().tolist())

    def _move(self, places: Sequence[int], size: int, smaller: int) -> None:
        """Take the keys of rows that are left to where fewer have room."""
        padded = torch.tensor([*places, *[0] * (smaller - len(places))], device=self.device)
        torch.index_select(self._keys[size], 2, padded, out=self._keys[smaller])

    def _echo(self, asked: Asked) -> Echo:
        if asked not in self.echoes:
            self.echoes[asked] = Echo(asked.prompt)
        return self.echoes[asked]


_REPLAYS: dict[tuple[object, ...], Replay] = {}


def replay_of(alphabet: Alphabet, device: str, graphs: bool, sets: Sequence[Sequence[Asked]]) -> Replay:
    """The process's one for these sets of prompts: landscapes that ask the same share what it has made."""
    key = (tuple(alphabet.numbers), alphabet.end, device, graphs, tuple(map(tuple, sets)))
    return _REPLAYS.setdefault(key, Replay(alphabet, device, graphs))


@dataclass
class Table:
    """A set of prompts, with the pass over them."""

    recorded: Recorded

    @classmethod
    def of(cls, asked: tuple[Asked, ...], replay: Replay) -> Table:
        """Of prompts, in a replay that has room for as many."""
        assert replay._weights is not None
        texts = [replay.alphabet.encode(each.prompt).tolist() for each in asked]
        made = Prompts(replay._weights, texts, replay._keys[len(asked)], replay.device)
        return cls(Recorded(made, replay.graphs))


def sizes(counts: Sequence[int]) -> list[int]:
    """For how many rows passes are made: whole sets, and ever fewer that are left of the largest."""
    found, rows = {*counts}, max(counts)
    while rows // 2 >= FEWEST:
        rows //= 2
        found.add(rows)
    return sorted(found)
