"""Where candidates are measured: a running engine, and the store that remembers every answer."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from math import nan
from statistics import fmean

from evaluators.benchmarks.slices import Slice
from evaluators.engines.deadline import Deadline
from evaluators.engines.engine import Engine, WeightSource
from evaluators.errors import EngineDied, EngineError
from evaluators.judge import ToAsk, judge
from evaluators.score import ItemResult
from search.running.interrupt import exposed, shielded
from search.running.workshop import study_slices
from studies.store import StudyStore
from studies.verdicts.scores import slice_scores
from studies.verdicts.steering import BY_ACCURACY, Score, Yardstick, score_of, worths_of

logger = logging.getLogger(__name__)

LEAST_S, TIMES = 1800.0, 20
"""A candidate may take so many times what the slowest took, and so many seconds at least."""
PACE = "pace_s"
"""Under which a worker's stats tell the seconds an item that its slowest candidate took."""


@dataclass
class Meter:
    """What an engine has done since it was put to work."""

    began: float = field(default_factory=time.monotonic)
    busy: float = 0.0
    answers: int = 0
    tokens: int = 0
    pace: float | None = None
    """Seconds an item that the slowest candidate took, of those that were measured to the end."""

    def answered(self, seconds: float) -> None:
        """It has answered a batch."""
        self.busy += seconds

    def graded(self, results: Sequence[ItemResult]) -> None:
        """A batch has been graded."""
        self.answers += len(results)
        self.tokens += sum(result.tokens for result in results)

    def measured(self, items: int, seconds: float) -> None:
        """A candidate was asked so many items, to the last."""
        self.pace = max(self.pace or 0.0, seconds / items)


@dataclass
class Bench:
    """An engine and what it currently holds, beside the store."""

    store: StudyStore
    engine: Engine
    loaded: str | None = None
    keys: dict[tuple[str, str, str], str] = field(default_factory=dict)
    """What evidence is filed under, by slice, split and scoring; what is not here is worked out."""
    setting: str = ""
    """What answers depend on beside engine and items; empty for the base's own stop tokens and context."""
    between: Callable[[], None] = lambda: None
    """Called before each batch, with signals held back; what it raises ends the measurement cleanly."""
    minutes: float | None = None
    """That a candidate may take; None: 20 times what the slowest took an item, and 30 at least."""
    vouch: Callable[[], None] = lambda: None
    """Called before a failure is put on record; raises if others have the candidate by now."""
    anew: Callable[[], None] | None = None
    """Puts another process in this one's place, whose own engine hangs; None: it ends for that."""
    meter: Meter = field(default_factory=Meter)
    yardstick: Yardstick = BY_ACCURACY
    """What candidates are scored by on search slices."""

    def measure(self, digest: str, source: WeightSource, slices: Sequence[Slice]) -> Score:
        """Ask what the store does not know of the model `digest`; return its score over the slices.

        Raises as `ask`.
        """
        self.ask(digest, source, slices)
        return self.score(digest, slices)

    def ask(
        self,
        digest: str,
        source: WeightSource,
        slices: Sequence[Slice],
        rounds: Iterable[Sequence[Slice]] | None = None,
    ) -> None:
        """Ask what the store does not know of the model `digest`.

        The weights are written into the engine only if something is left to ask. Batches are graded, and
        their results recorded, while the engine answers the next. With `rounds`, each of them parts of the
        slices, all of one is graded and recorded before the next is looked for: there may be no more.

        An engine that crashed or hung is replaced and asked for the rest, once in a round.

        Raises:
            CandidateError: the source yields NaN or Inf.
            EngineError: the engine failed, or the candidate took too long (DeadlinePassed); the answers it
                gave before are kept.
        """
        for part in slices:
            self.key(part)  # of the whole slice: parts of it are filed under the same
        if to_ask := self._to_ask(digest, slices):
            with self._timed(to_ask) as deadline:
                for each in (slices,) if rounds is None else rounds:
                    self._ask_round(digest, source, each, deadline)

    def _ask_round(
        self, digest: str, source: WeightSource, slices: Sequence[Slice], deadline: Deadline
    ) -> None:
        if to_ask := self._to_ask(digest, slices):
            try:
                self._ask(digest, source, to_ask, deadline)
            except EngineDied as first:
                self._ask_again(digest, source, slices, deadline, first)

    def _ask_again(
        self,
        digest: str,
        source: WeightSource,
        slices: Sequence[Slice],
        deadline: Deadline,
        first: EngineDied,
    ) -> None:
        """Ask a new engine for the rest, if it was not the deadline that ended the `first`."""
        deadline.check()
        logger.warning("%s; its items are asked again of a new engine", first)
        try:
            self._ask(digest, source, self._to_ask(digest, slices), deadline)
        except EngineDied as second:
            deadline.check()
            raise EngineDied(f"{second}, as did the engine before it: {first}") from second

    def _ask(self, digest: str, source: WeightSource, to_ask: Sequence[ToAsk], deadline: Deadline) -> None:
        def between() -> None:
            with shielded():
                self.between()
            deadline.check()  # last: for one that was taken for dead no time has passed

        with exposed():
            try:
                self._load(digest, source)
                judge(self.engine, to_ask, between=between, answered=self.meter.answered)
            except EngineError:
                self.loaded = None  # whatever it holds now
                raise

    def _to_ask(self, digest: str, slices: Sequence[Slice]) -> list[ToAsk]:
        """What the store does not know, each slice's items once."""
        known: dict[str, set[int]] = {}
        found = []
        for part in slices:
            key = self.key(part)
            skip = known.get(key) or set(self.store.measured(digest, key))
            known[key] = skip | {item.index for item in part.items}
            if known[key] > skip:
                found.append(ToAsk(part, partial(self._record, digest, key), skip))
        return found

    @contextmanager
    def _timed(self, to_ask: Sequence[ToAsk]) -> Iterator[Deadline]:
        """Within its limit; the time it took helps to set the next one's, absences of the store apart."""
        items = sum(item.index not in each.skip for each in to_ask for item in each.slice_.items)
        excused, before = self.store.outage, self.meter.answers
        with Deadline(
            self._limit(items), self.engine, anew=self.anew, excused=lambda: excused.seconds
        ) as deadline:
            yield deadline
        if answers := self.meter.answers - before:
            self.meter.measured(answers, deadline.took)

    def _limit(self, items: int) -> float:
        """Seconds for so many items. Before anything was measured nobody knows what is long."""
        if self.minutes is not None:
            return 60 * self.minutes
        return float("inf") if self.meter.pace is None else max(LEAST_S, TIMES * self.meter.pace * items)

    def score(self, digest: str, slices: Sequence[Slice]) -> Score:
        """What a candidate that answered all of it is worth, from the store alone.

        On search slices that is its value by the study's objective, or one for each of several; NaN where it
        is measured against experts who have not answered all yet. Elsewhere it is the mean over slices.
        """
        if any(part.split != "search" for part in slices):
            scores = [slice_scores(self.store, [digest], self.key(part), part.scoring) for part in slices]
            return fmean(score[digest].mean for score in scores)
        found = worths_of(self.store, self.yardstick, [digest], study_slices(slices, self.key)).get(digest)
        return nan if found is None else score_of(found)

    def stats(self) -> dict[str, float]:
        """What the engine did so far: `answers`, their `tokens`, seconds in which it answered, and in all.

        And what the slowest candidate took an item, once one was measured. May be called from any thread.
        """
        meter = self.meter
        alive = time.monotonic() - meter.began
        pace = {} if meter.pace is None else {PACE: meter.pace}
        return {
            "tokens": meter.tokens,
            "busy_s": meter.busy,
            "alive_s": alive,
            "answers": meter.answers,
        } | pace

    def key(self, part: Slice) -> str:
        """The slice's digest as asked by this engine: what evidence is filed under."""
        name = (part.name, part.split, part.scoring)
        if name not in self.keys:
            self.keys[name] = part.digest(self.engine.description + self.setting)
        return self.keys[name]

    def _record(self, digest: str, key: str, results: list[ItemResult]) -> None:
        """In the thread that grades, which no signal interrupts."""
        self.store.record(digest, key, results)
        self.meter.graded(results)

    def _load(self, digest: str, source: WeightSource) -> None:
        if self.loaded != digest:
            self.loaded = None  # a load that fails halfway leaves neither the old model nor the new
            self.engine.load(source)
            self.loaded = digest
