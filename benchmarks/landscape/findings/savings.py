"""What rows of races say: how many items racing saves, at what holdout score, how many winners it stops."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.landscape.findings.measures import Curve, Span, at, finals, minus, spanned
from benchmarks.landscape.findings.rows import UNRACED, RaceRow
from evaluators.score import Accuracy, wilson
from search.racing.race import Rules

Runs = Mapping[int, Sequence[RaceRow]]
"""By seed, the races of an entry in their order; its first trial had nobody to race against."""


@dataclass(frozen=True)
class Error:
    """Of candidates that would have beaten the incumbent on all items, those that were stopped."""

    raced: int
    """Candidates, each recipe of a search once."""
    stopped: int
    winners: int
    lost: int
    """Winners that were stopped."""

    @property
    def share(self) -> Accuracy | None:
        """Of the winners, with its 95% interval; None where there were none."""
        return wilson(self.lost, self.winners) if self.winners else None


def runs_of(races: Sequence[RaceRow], entry: str) -> dict[int, list[RaceRow]]:
    """The races of an entry on one landscape."""
    found: dict[int, list[RaceRow]] = {}
    for race in races:
        if race.entry == entry:
            found.setdefault(race.seed, []).append(race)
    return found


def realised(runs: Runs) -> Error:
    """Over all searches of an entry."""
    races = [race for run in runs.values() for race in run if not race.again]
    return Error(
        raced=len(races),
        stopped=sum(race.stopped for race in races),
        winners=sum(race.wins for race in races),
        lost=sum(race.stopped and race.wins for race in races),
    )


def saved(run: Sequence[RaceRow], size: int) -> float:
    """The share of what a search's trials would have cost whole that its races did not ask."""
    asked = [size, *(race.items for race in run if not race.again)]
    return 1 - sum(asked) / (size * len(asked))


def at_equal_trials(
    raced: Mapping[int, Curve], raced_runs: Runs, plain: Mapping[int, Curve], plain_runs: Runs
) -> Span | None:
    """Holdout with racing minus without, both cut to the trials of whichever made fewer.

    None where no seed has the trials of both.
    """
    ours, others = {}, {}
    for seed in raced.keys() & plain.keys():
        spent, without = _spent(raced_runs.get(seed, ())), _spent(plain_runs.get(seed, ()))
        if last := max(spent.keys() & without.keys(), default=None):
            ours[seed], others[seed] = at(raced[seed], spent[last]), at(plain[seed], without[last])
    return minus(ours, others)


def _spent(run: Sequence[RaceRow]) -> dict[int, int]:
    return {race.trial: race.spent for race in run if race.trial is not None and race.spent is not None}


def racing_table(found: Mapping[str, Mapping[int, Curve]], races: Sequence[RaceRow]) -> list[str]:
    """One landscape's races, an entry a line, above them what the columns mean."""
    return [
        "An entry without racing was raced afterwards, over all that it had measured. Items saved are a share"
        " of what the same candidates would have cost whole. Differences: holdout with racing minus without."
        " A repeated candidate costs nothing and counts once; ?: rows that do not say which are repeats, so"
        f" that all count. Of candidates that would have won, racing may stop {Rules().error:.0%} at most.",
        "",
        "| entry | seeds | items saved, % | at equal items | at equal trials | raced | repeats | stopped, %"
        f" | would have won | of these stopped, at most {Rules().error:.0%} |",
        "|---|---|---|---|---|---|---|---|---|---|",
        *(_line(entry, found, races) for entry in dict.fromkeys(race.entry for race in races)),
    ]


def _line(entry: str, found: Mapping[str, Mapping[int, Curve]], races: Sequence[RaceRow]) -> str:
    runs, error = runs_of(races, entry), realised(runs_of(races, entry))
    spans = [saved(run, found[entry][seed][0][0]) for seed, run in runs.items()]
    cells = [
        f"{entry}, afterwards" if UNRACED in entry else entry,
        str(len(runs)),
        str(spanned(spans, "mean")),
        *_differences(entry, found, races),
        str(error.raced),
        _repeats(runs),
        f"{100 * error.stopped / error.raced:.1f}",
        str(error.winners),
        _lost(error),
    ]
    return f"| {' | '.join(cells)} |"


def _differences(
    entry: str, found: Mapping[str, Mapping[int, Curve]], races: Sequence[RaceRow]
) -> tuple[str, str]:
    plain = entry + UNRACED
    if plain not in found:
        return "", ""
    items = minus(finals(found[entry]), finals(found[plain]))
    trials = at_equal_trials(found[entry], runs_of(races, entry), found[plain], runs_of(races, plain))
    return str(items or ""), str(trials or "")


def _repeats(runs: Runs) -> str:
    again = [race.again for run in runs.values() for race in run]
    return "?" if None in again else str(sum(map(bool, again)))


def _lost(error: Error) -> str:
    if (share := error.share) is None:
        return ""
    return f"{error.lost}: {100 * share.mean:.1f}% [{100 * share.low:.1f}, {100 * share.high:.1f}]"
