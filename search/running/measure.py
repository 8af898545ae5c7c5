"""Where candidates are measured: a running engine, and the store that remembers every answer."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from statistics import fmean

from evaluators.benchmarks.slices import Slice
from evaluators.engines.engine import Engine, WeightSource
from evaluators.errors import EngineDied
from evaluators.judge import judge
from evaluators.score import ItemResult
from search.running.interrupt import exposed, shielded
from studies.store import StudyStore
from studies.verdicts.scores import slice_scores

logger = logging.getLogger(__name__)


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

    def measure(self, digest: str, source: WeightSource, slices: Sequence[Slice]) -> float:
        """Ask what the store does not know of the model `digest`; return its score over the slices.

        The weights are written into the engine only if something is left to ask.

        An engine that crashed or hung is replaced and asked for the rest, once.

        Raises:
            CandidateError: the source yields NaN or Inf.
            EngineError: the engine failed; the answers it gave before are kept.
        """
        try:
            return self._measure(digest, source, slices)
        except EngineDied as first:
            logger.warning("%s; its items are asked again of a new engine", first)
            self.loaded = None
            try:
                return self._measure(digest, source, slices)
            except EngineDied as second:
                self.loaded = None
                raise EngineDied(f"{second}, as did the engine before it: {first}") from second

    def _measure(self, digest: str, source: WeightSource, slices: Sequence[Slice]) -> float:
        for part in slices:
            key = self.key(part)
            done = self.store.measured(digest, key)
            if len(done) < len(part.items):
                with exposed():
                    self._load(digest, source)
                    judge(self.engine, part, skip=done, deliver=partial(self._record, digest, key))
        return self.score(digest, slices)

    def score(self, digest: str, slices: Sequence[Slice]) -> float:
        """The unweighted mean over slices of what each is scored by, from the store alone.

        That is the share of items answered correctly, or the gold answers' mean log-probability per token.
        """
        scores = [slice_scores(self.store, [digest], self.key(part), part.scoring) for part in slices]
        return fmean(score[digest].mean for score in scores)

    def key(self, part: Slice) -> str:
        """The slice's digest as asked by this engine: what evidence is filed under."""
        name = (part.name, part.split, part.scoring)
        if name not in self.keys:
            self.keys[name] = part.digest(self.engine.description + self.setting)
        return self.keys[name]

    def _record(self, digest: str, key: str, results: list[ItemResult]) -> None:
        with shielded():
            self.store.record(digest, key, results)

    def _load(self, digest: str, source: WeightSource) -> None:
        if self.loaded != digest:
            self.loaded = None  # a load that fails halfway leaves neither the old model nor the new
            self.engine.load(source)
            self.loaded = digest
