"""Fusion functions: of what several teachers say of a response, the one thing that the student is taught.

Each is pure, and sees one example: MinCE by sequence is FuseLLM's (arXiv 2401.10491), `average` is FuseChat's
AvgCE (arXiv 2408.07990). Cross-entropies are per byte of text, so that tokenizers do not decide who is best.
`labels` and `uld` need none of them: the loss takes what it needs from the examples. `alm` needs who is best.

A temperature softens each teacher before any are mixed: softened afterwards, the little that one who does not
know a slice adds to a mixture would become nearly as likely as the right token.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from merging.errors import TrainingError
from merging.fusion.distributions.data import Bools, Carried, Floats, Ints
from merging.fusion.training.example import Example

Number = TypeVar("Number", bound=np.generic)
Evidence = Mapping[str, Sequence[float]]
"""Accuracy of each teacher by slice."""


@dataclass(frozen=True, eq=False)
class Fused:
    """What is taught at each of n response tokens, softened: `ids` int32 [n, k], -1 where a row holds fewer.

    `logprobs` float32 [n, k], -inf there; `tail` float32 [n], the logarithm of the mass outside the kept ids;
    `known` bool [n], false where nothing is taught.
    """

    ids: Ints
    logprobs: Floats
    tail: Floats
    known: Bools


def surest(example: Example) -> Carried:
    """The teacher who finds the whole response likeliest."""
    return min(example.teachers, key=lambda teacher: teacher.entropy_per_byte)


def min_ce_sequence(example: Example, evidence: Evidence, temperature: float) -> Fused:
    """What the teacher says who finds the whole response likeliest."""
    best = surest(example)
    return softened(best.ids, best.logprobs, best.tail, best.known, temperature)


def min_ce_token(example: Example, evidence: Evidence, temperature: float) -> Fused:
    """At each token, what the teacher says whose row has it likeliest, among those who know the row.

    A row that does not name the token says no more of it than its tail.
    """
    ids, logprobs, tail, known = _stacked(example.teachers)
    named = np.where(ids == example.ids[example.start :, None], logprobs, -np.inf).max(axis=-1)
    gold = np.stack([teacher.gold for teacher in example.teachers])
    unnamed = np.fmin(np.nan_to_num(gold, nan=-1e30), tail)
    likely = np.where(np.isfinite(named), named, unnamed)
    likely = np.where(known, np.maximum(likely, -1e30), -np.inf)
    best, row = likely.argmax(axis=0), np.arange(example.count)
    return softened(ids[best, row], logprobs[best, row], tail[best, row], known[best, row], temperature)


def average(example: Example, evidence: Evidence, temperature: float) -> Fused:
    """The teachers' average, weighted by softmax(−CE) over the whole response."""
    rewards = np.array([-teacher.entropy_per_byte for teacher in example.teachers])
    return mixture(example.teachers, np.exp(rewards - rewards.max()), temperature)


def evidence_weighted(example: Example, evidence: Evidence, temperature: float) -> Fused:
    """The teachers' average, weighted by their accuracy on the example's slice.

    By the mean over slices where the example is of none that there is evidence of.
    """
    accuracies = evidence.get(example.slice or "")
    weights = np.mean(list(evidence.values()), axis=0) if accuracies is None else np.asarray(accuracies)
    if len(weights) != len(example.teachers):
        raise TrainingError(
            f"fusion.function: evidence of {len(weights)} models for {len(example.teachers)} that teach; give"
            " each its accuracy"
        )
    return mixture(example.teachers, weights, temperature)


FUNCTIONS: Mapping[str, Callable[[Example, Evidence, float], Fused]] = {
    "min_ce_sequence": min_ce_sequence,
    "min_ce_token": min_ce_token,
    "average": average,
    "evidence": evidence_weighted,
}
NAMES = ("labels", *FUNCTIONS, "alm", *(f"alm+{name}" for name in FUNCTIONS), "uld")
"""All that a fusion's `function` may be."""


@dataclass(frozen=True)
class Parts:
    """What a function needs of the examples: a fusion of distributions, chunks, sorted probabilities."""

    distributions: str | None = None
    chunks: bool = False
    sorted: bool = False

    @property
    def any(self) -> bool:
        """Whether anything but labels is taught."""
        return self.distributions is not None or self.chunks or self.sorted


def parts(function: str) -> Parts:
    """What a function is made of; raises TrainingError for one that there is not."""
    if function not in NAMES:
        raise TrainingError(f"fusion.function: there is no {function}; choose one of {', '.join(NAMES)}")
    chunks, _, beside = function.rpartition("+") if "+" in function else ("", "", function)
    return Parts(
        distributions=beside if beside in FUNCTIONS else None,
        chunks="alm" in (chunks, beside),
        sorted=beside == "uld",
    )


def softened(ids: Ints, logprobs: Floats, tail: Floats, known: Bools, temperature: float) -> Fused:
    """Rows whose outcomes, the tail being one, are raised to 1/temperature, and sum to 1; others stay."""
    outcomes = np.column_stack([logprobs, tail]).astype(np.float64)
    soft = outcomes[known] / temperature
    outcomes[known] = soft - np.logaddexp.reduce(soft, axis=1, keepdims=True)
    said: Floats = outcomes.astype(np.float32)
    return Fused(ids, said[:, :-1], said[:, -1], known)


def mixture(teachers: Sequence[Carried], weights: NDArray[np.float64], temperature: float = 1.0) -> Fused:
    """The weighted average of softened rows, each over those who know it; ids of several are added up.

    What a teacher keeps and another does not is in the other's tail, and stays there. A row that only
    teachers of weight 0 know is unknown.
    """
    soft = [softened(each.ids, each.logprobs, each.tail, each.known, temperature) for each in teachers]
    known = np.stack([teacher.known for teacher in soft])
    shares = known * weights[:, None]
    total = shares.sum(axis=0)
    with np.errstate(divide="ignore"):
        shares = shares / np.where(total > 0, total, 1)
        logs = [
            np.where(share[:, None] > 0, np.exp(teacher.logprobs) * share[:, None], 0)
            for teacher, share in zip(soft, shares, strict=True)
        ]
        ids, mass = added_up(np.concatenate([teacher.ids for teacher in soft], 1), np.concatenate(logs, 1))
        tails = [np.exp(np.where(s > 0, t.tail, -np.inf)) * s for t, s in zip(soft, shares, strict=True)]
        return Fused(ids, _log(mass), _log(np.sum(tails, axis=0)), total > 0)


def added_up(ids: Ints, mass: NDArray[np.floating]) -> tuple[Ints, NDArray[np.float64]]:
    """Ids [n, k] made distinct in each row, the mass of equal ones summed; freed places hold -1 and 0."""
    order = np.argsort(ids, axis=1, kind="stable")
    ids, mass = np.take_along_axis(ids, order, 1), np.take_along_axis(mass, order, 1).astype(np.float64)
    first = np.ones(ids.shape, dtype=bool)
    first[:, 1:] = ids[:, 1:] != ids[:, :-1]
    sums = np.zeros(ids.shape)
    if ids.size:
        sums[first] = np.add.reduceat(mass.ravel(), np.flatnonzero(first.ravel()))
    held = first & (ids >= 0) & (sums > 0)
    return np.where(held, ids, -1).astype(np.int32), np.where(held, sums, 0)


def _stacked(teachers: Sequence[Carried]) -> tuple[Ints, Floats, Floats, Bools]:
    """All teachers' arrays with a first axis for the teacher, as wide as the widest."""
    width = max(teacher.ids.shape[1] for teacher in teachers)
    ids = np.stack([widened(teacher.ids, width, -1) for teacher in teachers])
    logprobs = np.stack([widened(teacher.logprobs, width, -np.inf) for teacher in teachers])
    return ids, logprobs, np.stack([t.tail for t in teachers]), np.stack([t.known for t in teachers])


def widened(rows: NDArray[Number], width: int, filler: float) -> NDArray[Number]:
    """Rows [n, k] made `width` wide with the filler."""
    if rows.shape[1] == width:
        return rows
    return np.pad(rows, ((0, 0), (0, width - rows.shape[1])), constant_values=filler)


def _log(mass: NDArray[np.float64]) -> Floats:
    with np.errstate(divide="ignore"):
        return np.log(mass).astype(np.float32)
