"""What a study found of a candidate, as its model card says it."""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from evaluators.score import Accuracy
from merging.models.fingerprint import Fingerprint
from search.candidates.asked import Source, datasets_of, results_of, sources_of
from search.candidates.card import Judged, table
from studies.report.table import percent
from studies.store import StudyStore
from studies.store.identity import JSON
from studies.verdicts.holdout import FOUND, RAW, RIVALS
from studies.verdicts.leaderboard import TARGET, TITLES, Row, conclusion, points
from studies.verdicts.paired import Difference


@dataclass(frozen=True)
class Found:
    """Where a candidate comes from: the study that found it, its row there, and all rows."""

    study: str
    row: Row
    rows: Sequence[Row]
    names: Mapping[str, str] = field(default_factory=dict)
    """What the study calls its models, by their fingerprints."""
    stopped: str | None = None
    """Why its search was stopped early, if it was."""
    sources: Mapping[str, Source] = field(default_factory=dict)
    """Where the items of its slices come from."""

    def judged(self) -> Judged:
        """What a card says of it, beside the recipe."""
        judged = self.row.holdout if self.row.holdout_mean is not None else {}
        return Judged(
            title=self.title,
            verdict=self.verdict(),
            again=self.commands(),
            names=self.names,
            results=results_of(judged, self.sources),
            datasets=datasets_of(self.sources),
        )

    @property
    def title(self) -> str:
        """The candidate's name, in that of its study."""
        return f"{self.study}: {self.row.name}"

    def verdict(self) -> list[str]:
        """What its holdout answers say, in Markdown: each slice, and each comparison with its interval."""
        if self.stopped is not None:
            return [f"It was not judged: the search {self.stopped}."]
        if self.row.holdout_mean is None:
            return ["It was not judged: not all holdout items were asked of it."]
        n = sum(score.n for score in self.row.holdout.values())
        mean = _percent(self.row.holdout_mean)
        return [
            f"On {n} holdout items, which the search never saw, its mean accuracy is {mean}.",
            _slices(self.row),
            _gains(self.row),
            "The intervals of all comparisons in the study hold together at 95%.",
            *_concluded(self),
        ]

    def commands(self) -> list[str]:
        """How to get it from the study again, and the evidence."""
        study = shlex.quote(self.study)
        which = f" --trial {self.row.trial}"
        if self.row.trial is None:
            best = self.row is self.rows[0] and not points(self.rows)
            which = "" if best else f" --candidate {shlex.quote(self.row.name)}"
        return [
            f"crucible export {study}{which} --format checkpoint --out OUT_DIR",
            f"crucible leaderboard {study}",
        ]


def found_in(store: StudyStore, study: str, row: Row, rows: Sequence[Row]) -> Found:
    """A candidate with all that its study knows of it; raises StudyNotFound."""
    identity = store.identity(store.study(study))
    return Found(study, row, rows, model_names(store, study), sources=sources_of(identity))


def model_names(store: StudyStore, study: str) -> dict[str, str]:
    """The names of a study's models, by their fingerprints; raises StudyNotFound."""
    models = store.identity(store.study(study)).get("models")
    if not isinstance(models, Mapping):
        return {}
    prints = {name: parts for name, parts in models.items() if isinstance(parts, Mapping)}
    return {_digest(parts): name for name, parts in prints.items()}


def _digest(parts: Mapping[str, JSON]) -> str:
    return Fingerprint({part: str(digest) for part, digest in parts.items()}).digest


def _slices(row: Row) -> str:
    return table(
        ("slice", "items", "accuracy [95%]"),
        ((name, score.n, _accuracy(score)) for name, score in row.holdout.items()),
    )


def _gains(row: Row) -> str:
    gains = list(zip(RIVALS, (row.vs_base, row.vs_best_expert, row.vs_uniform), strict=True))
    named = [(TITLES[kind], gain) for kind, gain in gains]
    named += [(TITLES[RAW], row.vs_best_model)] if row.vs_best_model else []
    named += [(TARGET, row.vs_target)] if row.vs_target else []
    rows = ((title, gain.n if gain else 0, _points(gain)) for title, gain in named)
    return table(("compared with", "items", "points [95%]"), rows)


def _accuracy(score: Accuracy) -> str:
    return f"{_percent(score.mean)} [{_percent(score.low)}, {_percent(score.high)}]"


def _percent(share: float) -> str:
    return f"{percent(share)}%"


def _points(gain: Difference | None) -> str:
    if gain is None:
        return "not compared"
    mean, low, high = (100 * value for value in (gain.mean, gain.low, gain.high))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _concluded(found: Found) -> list[str]:
    """The study's conclusion, where it speaks of this very candidate."""
    judged = (row for row in found.rows if row.holdout_mean is not None and row.kind in FOUND)
    return [conclusion(found.rows)] if next(judged, None) == found.row else []
