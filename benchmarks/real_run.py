"""What came of one study of a real model, and how people read it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from statistics import median
from typing import Any

from benchmarks.machine import Machine
from search.showing.step import Step

PHASES = ("baselines", "trials", "holdout")


@dataclass(frozen=True)
class RealRun:
    """One run from preparation to export; `rows` are those of `crucible leaderboard --json`."""

    machine: Machine
    versions: Mapping[str, str]
    study: Mapping[str, Any]
    seconds: Mapping[str, float]
    """Of preparing, checking, running and exporting."""
    threads: int
    """That torch and the engine compute with."""
    load: float
    """How many processes wanted a core on average in the last quarter of an hour, ours among them."""
    steps: tuple[Step, ...]
    rows: tuple[Mapping[str, Any], ...]
    conclusion: str

    def of_phase(self, phase: str) -> list[float]:
        """Seconds of each candidate in a phase."""
        return [step.seconds for step in self.steps if step.phase == phase]

    def to_json(self) -> dict[str, Any]:
        """Plain data: every candidate's seconds and scores."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The whole page."""
        return "\n".join((*self._head(), "", *self._table(), "", self.conclusion, "", *self._times())) + "\n"

    def _head(self) -> Iterator[str]:
        machine = self.machine
        libraries = ", ".join(f"{name} {number}" for name, number in self.versions.items())
        yield f"# A study of a real model: {machine.cpu}, {machine.cores} cores"
        yield ""
        yield (
            f"{machine.date}, Python {machine.python}, {libraries}; threads: {self.threads}, load average"
            f" {self.load:.1f}."
            f" `{self.study['name']}`, {self.study['dtype']}, engine `{self.study['engine']['name']}`,"
            f" {self.study['budget']['trials']} trials by {self.study['objective']}."
            " Written by `python -m benchmarks.real`."
        )

    def _table(self) -> Iterator[str]:
        """Holdout accuracy in percent with 95% intervals, of all that were judged."""
        judged = [row for row in self.rows if row["holdout_mean"] is not None]
        slices = list(judged[0]["holdout"]) if judged else []
        names = [f"{name} (n = {judged[0]['holdout'][name]['n']})" for name in slices]
        yield _line("candidate", *names, "mean", "vs base", "vs best expert", "vs uniform")
        yield _line(*["---"] * (len(slices) + 5))
        for row in judged:
            cells = [_accuracy(row["holdout"][name]) for name in slices]
            gains = [_gain(row[f"vs_{rival}"]) for rival in ("base", "best_expert", "uniform")]
            yield _line(row["name"], *cells, f"{100 * row['holdout_mean']:.1f}", *gains)

    def _times(self) -> Iterator[str]:
        parts = ", ".join(f"{name} {seconds:.0f} s" for name, seconds in self.seconds.items())
        yield f"- whole: {sum(self.seconds.values()):.0f} s ({parts})"
        for phase in PHASES:
            if spent := self.of_phase(phase):
                around = f"median {median(spent):.1f} s ({min(spent):.1f}–{max(spent):.1f})"
                yield f"- {phase}: {len(spent)} candidates, {sum(spent):.0f} s in all, {around}"


def _accuracy(score: Mapping[str, float]) -> str:
    mean, low, high = (100 * score[name] for name in ("mean", "low", "high"))
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"


def _gain(found: Mapping[str, float] | None) -> str:
    if found is None:
        return ""
    mean, low, high = (100 * found[name] for name in ("mean", "low", "high"))
    return f"{mean:+.1f} [{low:+.1f}, {high:+.1f}]"


def _line(*cells: str) -> str:
    return f"| {' | '.join(cells)} |"
