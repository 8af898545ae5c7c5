"""Steps of the task-arithmetic family: a recipe's densities become thresholds, chances and factors.

What depends on the models alone comes from statistics; what is left per candidate is a look-up per tensor and
expert. `operators.TaskVectors` says what the numbers mean.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Mapping, Sequence
from itertools import combinations

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from merging.errors import CandidateError
from merging.methods.masks import ONE, words
from merging.methods.operators import (
    CHANCE,
    DIVISOR,
    FACTOR,
    FIELDS,
    HIGH,
    KEY_HIGH,
    KEY_LOW,
    LAMBDA,
    LEAST_WEIGHT,
    LOW,
    RANKS,
    SPREAD,
    WEIGHT,
    WORDS,
    TaskVectors,
)
from merging.methods.registry import Method
from merging.recipe.rules import Parameters
from merging.statistics.known import Statistics
from merging.statistics.magnitudes import Order
from merging.worker.outline import Ingredients
from merging.worker.runner import Step

_LEAST_NORM = 1e-7
_LEAST_DIVISOR = 1e-8

Numbers = NDArray[np.float32]


def task_vectors_step(method: Method, item: Ingredients, statistics: Statistics) -> Step:
    """The step of one tensor; every expert of `item` has a weight other than 0."""
    parameters, count = item.parameters, item.count
    thins = method.sparsifier is not None and any(density < 1 for density in parameters.density)
    consensus = method.consensus and count > 1
    divides = consensus and parameters.normalize
    kernel = TaskVectors(
        experts=count,
        sparsifier=method.sparsifier if thins else None,
        consensus=consensus,
        normalize=parameters.normalize,
        rescale=parameters.rescale and thins,
        cancels=divides and _may_cancel(parameters.weight),
        positive=divides and min(parameters.weight) >= LEAST_WEIGHT,
    )
    numbers = numbers_of(item.name, parameters)
    keys: Callable[[int], Mapping[str, Tensor]] | None = None
    ranks: tuple[Tensor, ...] = ()
    if kernel.sparsifier in ("magnitude", "outliers"):
        for i in range(count):
            _cut(kernel, item, i, statistics, numbers)
    elif kernel.random:
        keys = _keys(item.keys, _chances(kernel, item, statistics, numbers))
        if kernel.sparsifier == "magprune":
            ranks = tuple(statistics.packed_ranks(item.tensors))
    return Step(
        kernel,
        (item.tensors.base, *item.tensors.experts, *ranks),
        {"numbers": torch.from_numpy(numbers)},
        keys=keys,
        bound=_bound(kernel, item, numbers),
    )


def numbers_of(name: str, parameters: Parameters) -> Numbers:
    """A kernel's numbers before any thresholds.

    Raises:
        CandidateError: weights, or what they could sum to, are too large for float32.
    """
    most = max(math.fsum(map(abs, parameters.weight)), abs(parameters.lambda_))
    if not most < float(np.finfo(np.float32).max):
        raise CandidateError(
            f"{name}: weights of {most:.3g} in all, or lambda, are too large for float32; lower them"
        )
    numbers = np.zeros((FIELDS, len(parameters.weight)), dtype=np.float32)
    numbers[WEIGHT], numbers[FACTOR], numbers[LAMBDA] = parameters.weight, 1.0, parameters.lambda_
    numbers[DIVISOR] = divisor(parameters.weight)
    return numbers


def divisor(weights: Sequence[float]) -> np.float32:
    """The weights' sum, or 1 where it is next to nothing."""
    total = np.asarray(weights, dtype=np.float32).sum(dtype=np.float32)
    # 0.1 + 0.2 - 0.3 is 0, whatever float32 makes of it in this order or that.
    return total if min(abs(total), abs(math.fsum(weights))) >= _LEAST_DIVISOR else np.float32(1)


def kept_count(density: float, n: int) -> int:
    """How many of n elements a density keeps: at least one."""
    return max(1, int(density * n))


def kept(order: Order, density: float) -> int:
    """How many elements are kept by magnitude, with all that tie with the smallest."""
    return order.n if density >= 1 else order.reaching(kept_count(density, order.n))


def _may_cancel(weights: Sequence[float]) -> bool:
    """Whether some of the weights, as float32 sums them, could sum to 0."""
    if min(weights) > 0 or max(weights) < 0:
        return False
    sizes = [abs(weight) for weight in weights]
    slack = 1e-6 * sum(sizes)
    sums = (sum(some) for k in range(2, len(weights) + 1) for some in combinations(weights, k))
    return len(weights) > 10 or any(abs(total) <= slack for total in sums)


def _cut(kernel: TaskVectors, item: Ingredients, i: int, statistics: Statistics, numbers: Numbers) -> None:
    """Fill in the thresholds of one expert, and the factor that gives it back its L1 norm."""
    density, n = item.parameters.density[i], item.tensors.numel
    numbers[HIGH, i] = np.inf
    if density >= 1 or n == 0:
        return
    if density * n < 1:
        _say_tiny(statistics, item, density)
    order, count = statistics.magnitudes(item.tensors, i), kept_count(density, n)
    if kernel.sparsifier == "magnitude":
        smallest, dropped = count, 0
    else:
        smallest, dropped = _band(item, i, n, count)
        numbers[HIGH, i] = order.value(dropped + 1)
    numbers[LOW, i] = order.value(smallest)
    if kernel.rescale:
        before = order.l1(n)
        after = order.l1(order.reaching(smallest)) - (order.l1(order.above(dropped + 1)) if dropped else 0.0)
        numbers[FACTOR, i] = _ratio(before, after)


def _band(item: Ingredients, i: int, n: int, count: int) -> tuple[int, int]:
    """Rank of the smallest magnitude that is kept, and how many larger ones are dropped."""
    below = max(0, n - count - int(_per_expert(item, "gamma", 0.01, i) * n))
    return n - below, n - below - count


def _chances(
    kernel: TaskVectors, item: Ingredients, statistics: Statistics, numbers: Numbers
) -> NDArray[np.int32]:
    """Each expert's chances in 2^24ths, and their growth per rank, int32 [2, experts]; fills in the factors.

    What `rescale` multiplies by is the inverse of the share of the L1 norm that is kept on average, for which
    no mask need be drawn beforehand: 1 / density for DARE, as its authors have it.
    """
    chances = np.zeros((2, item.count), dtype=np.int32)
    for i, density in enumerate(item.parameters.density):
        share, spread = density, 0.0
        if kernel.sparsifier == "magprune" and density < 1:
            spread = _per_expert(item, "epsilon", 0.15, i)
            _, norm, ranked = statistics.ranks(item.tensors, i)
            share = density - spread + (2 * spread * ranked / RANKS / norm if norm > 0 else spread)
        chances[:, i] = round((density - spread) * ONE), round(2 * spread * ONE / RANKS)
        numbers[FACTOR, i] = 1 / share
    return chances


def _keys(keys: Sequence[int], chances: NDArray[np.int32]) -> Callable[[int], Mapping[str, Tensor]]:
    def of_block(block: int) -> Mapping[str, Tensor]:
        table = np.zeros((WORDS, len(keys)), dtype=np.int32)
        table[CHANCE], table[SPREAD] = chances
        for i, key in enumerate(keys):
            table[KEY_LOW, i], table[KEY_HIGH, i] = words(key, block)
        return {"words": torch.from_numpy(table)}

    return of_block


def _bound(kernel: TaskVectors, item: Ingredients, numbers: Numbers) -> float:
    """The largest magnitude that can come out, or come about on the way."""
    base, *experts = item.peaks
    factors: list[float] = numbers[FACTOR].tolist() if kernel.rescale else [1.0] * item.count
    terms = [factor * (peak + base) for factor, peak in zip(factors, experts, strict=True)]
    weights = item.parameters.weight
    total = summed = sum(abs(weight) * term for weight, term in zip(weights, terms, strict=True))
    if kernel.normalize and not kernel.consensus:
        total /= abs(float(numbers[DIVISOR, 0]))
    elif kernel.normalize:
        total = max(terms) if min(weights) > 0 or max(weights) < 0 else float("nan")
    return max((base + abs(item.parameters.lambda_) * total) * 1.001, summed)


def _ratio(before: float, after: float) -> float:
    """mergekit's guard: what is next to nothing stays as it is."""
    return 1.0 if before < _LEAST_NORM or after < _LEAST_NORM else before / after


def _per_expert(item: Ingredients, name: str, default: float, i: int) -> float:
    value = item.parameters.get(name, default)
    return float(value[i] if isinstance(value, tuple) else value)


def _say_tiny(statistics: Statistics, item: Ingredients, density: float) -> None:
    if "tiny" not in statistics.said:
        statistics.said.add("tiny")
        logging.getLogger(__name__).warning(
            "%s: density %g of %d elements keeps none; one is kept, here and wherever else none would be",
            item.name,
            density,
            item.tensors.numel,
        )
