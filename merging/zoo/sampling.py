"""Which of a model's numbers are compared: the same few of every matrix, whoever asks and in whatever order.

Norms and biases begin alike in all models, and rows of a vocabulary lie where its tokens do: both would tell
of habits, not of descent. So only the matrices within a language model count.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterable, Iterator, Sequence

import torch

from merging.layout import other_part, vocabulary_tensors
from merging.models.checkpoint import Checkpoint, Part
from merging.models.fingerprint import check_finite

RUNS = 16
"""Places of a matrix that are looked at, spread over it."""
RUN = 4096
"""Numbers at each place; a matrix with fewer than all runs together is read whole."""


def matrices(model: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Shapes of the matrices that tell of a model's descent, by name."""
    beside = set(vocabulary_tensors(model.tensors))
    return {
        name: info.shape
        for name, info in sorted(model.tensors.items())
        if len(info.shape) > 1 and info.numel and name not in beside and other_part(name) is None
    }


def parts(name: str, shape: Sequence[int]) -> list[Part]:
    """Which numbers of a matrix are read: drawn from its name, so that all models are asked for the same."""
    *leading, rows, columns = shape
    if math.prod(shape) <= RUNS * RUN:
        return [(slice(0, shape[0]),)]
    wide = min(columns, RUN)
    high = min(rows, RUN // wide)
    draw = random.Random(f"{name}/{tuple(shape)}")
    heights = rows // high
    slots = math.prod(leading) * heights
    return [
        (*_unravel(slot // heights, leading), *_window(draw, slot % heights, high, columns, wide))
        for slot in sorted(draw.sample(range(slots), min(RUNS, slots)))
    ]


def sample(models: Iterable[Checkpoint], name: str, shape: Sequence[int]) -> Iterator[torch.Tensor]:
    """What each model has at these places of a matrix: vectors [n] in float64.

    Raises:
        CheckpointError: NaN or Inf among them.
    """
    wanted = parts(name, shape)
    for model in models:
        found = torch.cat([model.part(name, part).reshape(-1) for part in wanted])
        check_finite(found, name, model.origin(name))
        yield found.double()


def _unravel(index: int, shape: Sequence[int]) -> tuple[int, ...]:
    """The place with this number in an array of this shape."""
    place: tuple[int, ...] = ()
    for size in reversed(shape):
        index, own = divmod(index, size)
        place = (own, *place)
    return place


def _window(draw: random.Random, row: int, high: int, columns: int, wide: int) -> tuple[slice, slice]:
    start = draw.randrange(columns - wide + 1)
    return slice(row * high, (row + 1) * high), slice(start, start + wide)
