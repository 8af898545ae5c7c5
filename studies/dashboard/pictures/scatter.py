"""One score against another, as an SVG that the server draws: who stands where, in its units."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from math import floor as floor_of

from studies.views.slices import SlicePair, Spot

WIDTH, HEIGHT = 640.0, 440.0
LEFT, RIGHT, TOP, BOTTOM = 44.0, 16.0, 28.0, 44.0
MOST_TICKS = 7
LETTER, LINE = 7.0, 14.0
"""About how wide and high what is written is."""
LABELLED = ("base", "expert", "uniform", "model")
MERGES = ("trial", "fused")


@dataclass(frozen=True)
class Axis:
    """From scores to places."""

    low: float
    high: float
    start: float
    stop: float
    percent: bool
    step: float
    """Between two ticks."""

    def at(self, value: float) -> float:
        """The place of a score."""
        return round(self.start + (value - self.low) / (self.high - self.low) * (self.stop - self.start), 1)

    @property
    def ticks(self) -> list[tuple[float, str]]:
        """Places with what is written beside them."""
        count = round((self.high - self.low) / self.step)
        values = [self.low + i * self.step for i in range(count + 1)]
        return [(self.at(value), self.word(value)) for value in values]

    def word(self, value: float) -> str:
        """A score as it is written."""
        return (f"{100 * value:.0f}" if self.percent else f"{value:.2f}").replace("-", "−")


@dataclass(frozen=True)
class Dot:
    """Everybody who stands in one place."""

    x: float
    y: float
    spots: tuple[Spot, ...]
    leading: bool
    label: tuple[float, float, str] = (0.0, 0.0, "start")
    """Where its name is written, and which end of it is there."""

    @property
    def title(self) -> str:
        """Who that is, in words."""
        names = [spot.name for spot in self.spots[:4]]
        more = f" and {len(self.spots) - 4} more" if len(self.spots) > 4 else ""
        return ", ".join(names) + more


@dataclass(frozen=True)
class Scatter:
    """The whole picture."""

    x: Axis
    y: Axis
    merges: tuple[Dot, ...]
    others: tuple[Dot, ...]
    """Base, experts and uniform merge, which have their names beside them."""
    line: str
    """Along the front, as an SVG's path."""


def scatter_of(pair: SlicePair) -> Scatter | None:
    """Where everybody stands; None where nobody does."""
    if not pair.spots:
        return None
    gold = [scoring == "gold" for scoring in pair.scoring]
    x = _axis([spot.x.mean for spot in pair.spots], LEFT, WIDTH - RIGHT, percent=not gold[0])
    y = _axis([spot.y.mean for spot in pair.spots], HEIGHT - BOTTOM, TOP, percent=not gold[1])
    merges = _dots((spot for spot in pair.spots if spot.kind in MERGES), x, y)
    others = _dots((spot for spot in pair.spots if spot.kind in LABELLED), x, y)
    return Scatter(x, y, merges, _labelled(others), _staircase(pair.front, x, y))


def _axis(values: Sequence[float], start: float, stop: float, *, percent: bool) -> Axis:
    low, high = min(values), max(values)
    step = next(each for each in _STEPS if (high - low) / each < MOST_TICKS - 2)
    floor, ceiling = step * floor_of(low / step), step * -floor_of(-high / step)
    if ceiling - high < step / 3 and not (percent and ceiling >= 1):
        ceiling += step
    if low - floor < step / 3 and not (percent and floor <= 0):
        floor -= step
    return Axis(floor, ceiling if ceiling > floor else floor + step, start, stop, percent, step)


_STEPS = (0.01, 0.02, 0.05, 0.1, 0.2, 0.25, 0.5, 1.0, 2.0, 5.0, 10.0, 1e3, 1e6, 1e12)


def _dots(spots: Iterable[Spot], x: Axis, y: Axis) -> tuple[Dot, ...]:
    """One for each place: accuracies on few items lie on a grid."""
    at: dict[tuple[float, float], list[Spot]] = defaultdict(list)
    for spot in spots:
        at[x.at(spot.x.mean), y.at(spot.y.mean)].append(spot)
    dots = [Dot(*place, tuple(each), any(s.leading for s in each)) for place, each in at.items()]
    return tuple(sorted(dots, key=lambda dot: dot.leading))


def _labelled(dots: Sequence[Dot]) -> tuple[Dot, ...]:
    """With names beside them, where there is room for each."""
    taken: list[tuple[float, float, float]] = [(dot.x - 6, dot.x + 6, dot.y + 4) for dot in dots]
    found = []
    for dot in dots:
        width = LETTER * len(dot.title)
        right, left = (dot.x + 9, "start"), (dot.x - 9, "end")
        sides = (right, left) if dot.x + 9 + width < WIDTH else (left, right)
        places = [(x, dot.y + down, end) for x, end in sides for down in (-7.0, 4.0, 16.0)]
        free = next((each for each in places if not _covers(each, width, taken)), places[0])
        start = free[0] if free[2] == "start" else free[0] - width
        taken.append((start, start + width, free[1]))
        found.append(replace(dot, label=free))
    return tuple(found)


def _covers(
    place: tuple[float, float, str], width: float, taken: Sequence[tuple[float, float, float]]
) -> bool:
    start = place[0] if place[2] == "start" else place[0] - width
    return any(
        start < stop and first < start + width and abs(place[1] - line) < LINE for first, stop, line in taken
    )


def _staircase(front: Sequence[Spot], x: Axis, y: Axis) -> str:
    """What the front dominates has corners: no merge between two of them is known."""
    places = list(dict.fromkeys((x.at(spot.x.mean), y.at(spot.y.mean)) for spot in front))
    if not places:
        return ""
    path = f"M {x.start} {places[0][1]} H {places[0][0]}"
    for place in places[1:]:
        path += f" V {place[1]} H {place[0]}"
    return path + f" V {y.start}"
