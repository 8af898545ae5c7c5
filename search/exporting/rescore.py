"""A written checkpoint, asked a few items again: does it answer as the candidate did that was measured?

Greedy answers of one engine in float32 are equal to the letter: there every difference counts. In 16 bits,
or on another engine than the evidence is of, rounding decides near ties, and a long answer goes another way
after one: there the verdicts are compared, and a quarter of them may differ. Items that were answered
correctly go first, for a broken model fails those.
"""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from evaluators.benchmarks.slices import Slice
from evaluators.engines.engine import Engine
from evaluators.errors import SandboxError
from evaluators.judge import ToAsk, check_gradable, judge
from evaluators.score import ItemResult
from merging.family.prepare import open_model
from search.running.workshop import computing_as, start_engine
from search.study_file.spec import StudySpec
from studies.store import StudyStore
from studies.store.evidence import storable
from studies.store.rows import StudySlice

SliceKey = tuple[str, str, str]
"""A slice's name, split and way of scoring."""
ItemKey = tuple[SliceKey, int]
SHOWN = 5
"""Items that are named where answers differ."""
PER_TOKEN = {True: 1e-3, False: 0.05}
"""By how much the log-probability of a gold answer may differ, by whether all else must be equal."""


@dataclass(frozen=True)
class Recorded:
    """An item that the candidate was asked when it was measured."""

    slice_: Slice
    was: ItemResult
    exact: bool
    """It was answered by an engine that answers here, too."""

    @property
    def name(self) -> str:
        """How the item is named to a person; `crucible items` shows it by these."""
        return f"{self.slice_.name}/{self.slice_.split} {self.was.item}"

    def agrees(self, now: ItemResult) -> bool:
        """Whether an answer is the one on record, or one that rounding may have made of it."""
        if self.slice_.scoring == "gold":
            assert self.was.logprob is not None
            assert now.logprob is not None
            return abs(self.was.logprob - now.logprob) <= PER_TOKEN[self.exact] * self.was.tokens
        same = self.was.correct == now.correct
        return same and (not self.exact or self.was.text == storable(now.text))


@dataclass(frozen=True)
class Rescored:
    """How answers of a written checkpoint compare with those on record."""

    n: int
    differing: tuple[str, ...]
    """The items that were answered otherwise."""
    exact: bool
    engine: str

    @property
    def allowed(self) -> int:
        """So many may differ."""
        return 0 if self.exact else self.n // 4

    @property
    def sound(self) -> bool:
        """Whether it answers as the candidate that was measured."""
        return len(self.differing) <= self.allowed

    def to_text(self) -> str:
        """What agreed, of how many, and how that was judged."""
        if self.n == 0:
            return "loads; no item of its is on record to compare"
        how = "to the letter" if self.exact else f"in verdict, of which {self.allowed} may differ by rounding"
        said = f"loads, and {self.n - len(self.differing)} of {self.n} items are answered as on record"
        shown = f"; not {', '.join(self.differing[:SHOWN])}" if self.differing else ""
        more = f" and {len(self.differing) - SHOWN} more" if len(self.differing) > SHOWN else ""
        return f"{said} ({how}; {self.engine}){shown}{more}"


@dataclass(frozen=True)
class Evidence:
    """Where a candidate's answers lie."""

    store: StudyStore
    study: int
    digest: str
    setting: str
    """What tells its answers from those under the base's own generation config."""

    def of(self, slices: Sequence[Slice], engine: str, exactly: bool) -> list[list[Recorded]]:
        """What is on record of each slice, what was answered correctly first.

        `engine` is the description of the one that is to answer, `exactly` whether it does so to the letter.
        """
        filed = {(s.name, s.split, s.scoring): s for s in self.store.slices(self.study)}
        known = [(part, filed[key]) for part in slices if (key := _key(part)) in filed]
        return [
            self._of(part, row, exactly and part.digest(engine + self.setting) == row.digest)
            for part, row in known
        ]

    def _of(self, part: Slice, row: StudySlice, exact: bool) -> list[Recorded]:
        asked = {item.index: part.prompt_hash(item) for item in part.items}
        results = self.store.results(self.digest, row.digest)
        own = [each for each in results if asked.get(each.item) == each.prompt_hash]
        return [Recorded(part, each, exact) for each in sorted(own, key=lambda each: not each.correct)]


def rescore(folder: Path, spec: StudySpec, slices: Sequence[Slice], evidence: Evidence, n: int) -> Rescored:
    """Open a checkpoint in the study's engine and ask it `n` items, spread over the slices.

    Raises:
        SearchError, CheckpointError: it has no config or tokenizer that the engine could use, or a number in
            it is not finite.
        EngineError: it does not load, or cannot be asked.
    """
    slices = [part for part in slices if _is_gradable(part)]
    model = open_model(folder)
    spec = computing_as(spec, folder)
    exactly = spec.engine.name == "fake" or spec.engine.dtype == "float32"
    with closing(start_engine(spec, folder)) as engine:
        engine.load(model)
        chosen = spread(evidence.of(slices, engine.description, exactly), n)
        answers = _answers(engine, chosen)
        differing = [each.name for each in chosen if not each.agrees(answers[_item(each)])]
        exact = all(each.exact for each in chosen)
        return Rescored(len(chosen), tuple(differing), exact, engine.description)


def _is_gradable(part: Slice) -> bool:
    """Whether this machine can judge answers of a slice: programs need a sandbox."""
    try:
        check_gradable([part])
    except SandboxError:
        return False
    return True


def spread(known: Sequence[Sequence[Recorded]], n: int) -> list[Recorded]:
    """The first `n`, taken from one slice after another in turn."""
    deepest = max(map(len, known), default=0)
    in_turn = [rows[i] for i in range(deepest) for rows in known if i < len(rows)]
    return in_turn[:n]


def _answers(engine: Engine, chosen: Sequence[Recorded]) -> dict[ItemKey, ItemResult]:
    found: dict[ItemKey, ItemResult] = {}
    to_ask = []
    for key, part in {_key(each.slice_): each.slice_ for each in chosen}.items():
        wanted = {each.was.item for each in chosen if _key(each.slice_) == key}

        def deliver(results: list[ItemResult], key: SliceKey = key) -> None:
            found.update({(key, each.item): each for each in results})

        to_ask.append(ToAsk(part, deliver, {item.index for item in part.items} - wanted))
    judge(engine, to_ask)
    return found


def _key(part: Slice) -> SliceKey:
    return part.name, part.split, part.scoring


def _item(recorded: Recorded) -> ItemKey:
    return _key(recorded.slice_), recorded.was.item
