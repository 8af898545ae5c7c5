"""Examples made by hand or by chance, and a naive dense implementation of the loss as an oracle."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from merging.fusion.distributions.data import Carried, Top
from merging.fusion.training.example import Example

SIZE = 12
"""Tokens of the made-up vocabulary."""


def carried(
    rows: Sequence[dict[int, float] | None],
    gold: Sequence[float] | None = None,
    chunk_ends: dict[int, float] | None = None,
    logprob: float = -4.0,
    nbytes: int = 8,
) -> Carried:
    """What a source says, by probabilities: None is unknown; `chunk_ends` maps last tokens to theirs."""
    width = max((len(row) for row in rows if row), default=1)
    ids = np.full((len(rows), width), -1, dtype=np.int32)
    mass = np.zeros((len(rows), width))
    for place, row in enumerate(rows):
        for column, (token, probability) in enumerate((row or {}).items()):
            ids[place, column], mass[place, column] = token, probability
    ends = np.zeros(len(rows), dtype=bool)
    chunk_logprob = np.full(len(rows), np.nan, dtype=np.float32)
    for end, probability in (chunk_ends or {}).items():
        ends[end], chunk_logprob[end] = True, np.log(probability)
    with np.errstate(divide="ignore"):
        return Carried(
            ids=ids,
            logprobs=np.log(mass).astype(np.float32),
            tail=np.log(np.clip(1 - mass.sum(axis=1), 0, 1)).astype(np.float32),
            known=np.array([row is not None for row in rows]),
            gold=np.log(np.full(len(rows), np.nan) if gold is None else gold).astype(np.float32),
            chunk_end=ends,
            chunk_logprob=chunk_logprob,
            logprob=logprob,
            nbytes=nbytes,
        )


def by_chance(rng: np.random.Generator, count: int, width: int = 4) -> Carried:
    """A source that keeps up to `width` of SIZE tokens, does not know every row, every gold or every span."""
    rows: list[dict[int, float] | None] = []
    for _ in range(count):
        kept = rng.permutation(SIZE)[: rng.integers(1, width + 1)]
        mass = rng.dirichlet(np.ones(len(kept) + 1))
        known = rng.random() > 0.2
        rows.append(dict(zip(kept.tolist(), mass.tolist(), strict=False)) if known else None)
    gold = np.where(rng.random(count) > 0.2, rng.uniform(0.01, 1, count), np.nan)
    ends = np.flatnonzero(rng.random(count) > 0.5)
    chunks = {int(end): (float(rng.uniform(0.01, 1)) if rng.random() > 0.2 else np.nan) for end in ends}
    return carried(rows, gold.tolist(), chunks, logprob=float(-rng.uniform(0.1, 9)), nbytes=int(count))


def top(rng: np.random.Generator, count: int, width: int = 4) -> Top:
    """A source on its own tokens: only the probabilities count."""
    mass = np.sort(rng.dirichlet(np.ones(width + 1), size=count)[:, :width], axis=1)[:, ::-1]
    ids = np.tile(np.arange(width, dtype=np.int32), (count, 1))
    tail = np.log(1 - mass.sum(axis=1)).astype(np.float32)
    return Top(ids, np.log(mass).astype(np.float32), tail, np.zeros(count, dtype=np.float32))


def example(
    rng: np.random.Generator, prompt: int, response: int, sources: int = 2, own: bool = True
) -> Example:
    """Tokens by chance, and as many sources."""
    return Example(
        ids=rng.integers(0, SIZE, prompt + response),
        start=prompt,
        slice="math",
        carried=tuple(by_chance(rng, response) for _ in range(sources)),
        own=by_chance(rng, response) if own else None,
        raw=tuple(top(rng, response + 1) for _ in range(sources)),
    )


def outputs_before(logits: Tensor, examples: Sequence[Example]) -> list[tuple[int, int]]:
    """(example, response token) for each row that teaches, in order; `logits` are [B, T, V]."""
    assert len(logits) == len(examples)
    return [(b, i) for b, each in enumerate(examples) for i in range(each.count)]


def probabilities(logits: Tensor, each: Example, b: int, i: int) -> Tensor:
    """What the student says of response token i of example b: the output one before it, as float64 [V]."""
    return logits[b, each.start + i - 1].double().softmax(dim=-1)


def naive_divergence(
    student: Tensor, ids: Sequence[int], mass: Sequence[float], tail: float, soft: float
) -> Tensor:
    """KL over kept ids and rest, as its definition has it, from dense [V]; what is taught is soft."""
    kept = [(token, p) for token, p in zip(ids, mass, strict=True) if token >= 0]
    rest = torch.ones_like(student)
    rest[[token for token, _ in kept]] = 0
    said = torch.stack([*(student[token] for token, _ in kept), (student * rest).sum()]) ** (1 / soft)
    taught = torch.tensor([*(p for _, p in kept), tail], dtype=torch.float64)
    said, taught = said / said.sum(), taught / taught.sum()
    parts = [p * (p.log() - q.log()) for p, q in zip(taught, said, strict=True) if p > 0]
    return soft**2 * torch.stack(parts).sum()
