"""Examples laid out as the tensors that a step works on.

Rows that teach are those of responses, one after another; nothing of a prompt or of padding has one. Token p
is taught by the output at p − 1: this is the only place where the two are paired.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor

from merging.fusion.distributions.data import Carried, Top
from merging.fusion.training.example import Example
from merging.fusion.training.functions import FUNCTIONS, Fused, parts, surest, widened
from merging.fusion.training.settings import Objective

Tensors = TypeVar("Tensors", "FusedRows", "Chunks", "Sorted")


@dataclass(frozen=True, eq=False)
class FusedRows:
    """What is taught, as in `Fused`: `ids` int64 [N, k], `logprobs` [N, k], `tail` and `known` [N]."""

    ids: Tensor
    logprobs: Tensor
    tail: Tensor
    known: Tensor


@dataclass(frozen=True, eq=False)
class Chunks:
    """Spans, of one teacher a response: that of each row, int64 [N], C where none; `logprob` float32 [C]."""

    of_row: Tensor
    logprob: Tensor


@dataclass(frozen=True, eq=False)
class Sorted:
    """One source's probabilities `probs` [R, k], falling, of rows `rows` int64 [R]; the rest `tail` [R]."""

    rows: Tensor
    probs: Tensor
    tail: Tensor


@dataclass(frozen=True, eq=False)
class Batch:
    """`ids` int64 [B, T], padded at the right, without last tokens; outputs at the last `kept` places learn.

    Row r of N teaches `label[r]`, int64, to the output of `example[r]` at `column[r]` of these places.
    """

    ids: Tensor
    kept: int
    example: Tensor
    column: Tensor
    label: Tensor
    fused: FusedRows | None = None
    chunks: Chunks | None = None
    sorted: tuple[Sorted, ...] = ()

    def to(self, device: torch.device) -> Batch:
        """The batch on a device."""
        changed: dict[str, Any] = {
            name: getattr(self, name).to(device) for name in ("ids", "example", "column", "label")
        }
        changed["fused"] = self.fused and _moved(self.fused, device)
        changed["chunks"] = self.chunks and _moved(self.chunks, device)
        changed["sorted"] = tuple(_moved(each, device) for each in self.sorted)
        return Batch(kept=self.kept, **changed)


def collate(examples: Sequence[Example], objective: Objective, max_length: int, mute: int = 0) -> Batch:
    """Lay examples out, each cut to `max_length` tokens; the last `mute` of them teach nothing.

    There is no attention mask: what is right of a token is hidden from it anyway, so any id pads.
    """
    cut = [example.ids[:max_length] for example in examples]
    counts = [max(0, len(ids) - example.start) for ids, example in zip(cut, examples, strict=True)]
    counts[len(counts) - mute :] = [0] * mute
    first = min(example.start for example in examples) - 1
    width = max(first + 1, max(map(len, cut)) - 1)
    ids = np.zeros((len(examples), width), dtype=np.int64)
    for row, each in zip(ids, cut, strict=True):
        row[: len(each) - 1] = each[:-1]
    starts = [example.start for example in examples]
    column = [np.arange(n) + start - 1 - first for n, start in zip(counts, starts, strict=True)]
    label = [each[start : start + n] for each, start, n in zip(cut, starts, counts, strict=True)]
    return Batch(
        ids=torch.from_numpy(ids),
        kept=width - first,
        example=torch.from_numpy(np.repeat(np.arange(len(examples)), counts)),
        column=torch.from_numpy(np.concatenate(column)),
        label=torch.from_numpy(np.concatenate(label).astype(np.int64)),
        **_taught(examples, counts, objective),
    )


def _taught(examples: Sequence[Example], counts: Sequence[int], objective: Objective) -> dict[str, Any]:
    """What the objective needs beside labels."""
    needed, taught = parts(objective.function), dict[str, Any]()
    if objective.label_share == 1:
        return taught
    if needed.distributions is not None:
        fuse = FUNCTIONS[needed.distributions]
        fused = [fuse(each, objective.evidence, objective.temperature) for each in examples]
        taught["fused"] = fused_rows(fused, counts)
    if needed.chunks:
        # of all sources at once, those who do not know a slice would teach that its responses are unlikely
        taught["chunks"] = chunks([surest(example) for example in examples], counts)
    if needed.sorted:
        raw = zip(*(example.raw for example in examples), strict=True)
        taught["sorted"] = tuple(sorted_rows(source, counts) for source in raw)
    return taught


def fused_rows(fused: Sequence[Fused], counts: Sequence[int]) -> FusedRows:
    """The first rows of each example, as many as its count, one example after another."""
    width = max(each.ids.shape[1] for each in fused)
    pairs = list(zip(fused, counts, strict=True))
    ids = np.concatenate([widened(each.ids[:n], width, -1) for each, n in pairs])
    logprobs = np.concatenate([widened(each.logprobs[:n], width, -np.inf) for each, n in pairs])
    return FusedRows(
        ids=torch.from_numpy(ids.astype(np.int64)),
        logprobs=torch.from_numpy(logprobs.astype(np.float32)),
        tail=torch.from_numpy(np.concatenate([each.tail[:n] for each, n in pairs]).astype(np.float32)),
        known=torch.from_numpy(np.concatenate([each.known[:n] for each, n in pairs])),
    )


def chunks(teachers: Sequence[Carried], counts: Sequence[int]) -> Chunks:
    """The spans of one teacher for each example; what it does not know, or was cut, is none."""
    of_row, logprobs, found = list[np.ndarray](), list[np.ndarray](), 0
    for each, n in zip(teachers, counts, strict=True):
        ends = np.flatnonzero(each.chunk_end[:n])
        logprob = each.chunk_logprob[ends]
        known = np.isfinite(logprob)
        numbers = np.where(known, np.cumsum(known) - 1 + found, -1)
        # a row belongs to the first span that ends there or later
        of_row.append(np.append(numbers, -1)[np.searchsorted(ends, np.arange(n))])
        logprobs.append(logprob[known])
        found += int(known.sum())
    rows = np.concatenate(of_row).astype(np.int64)
    return Chunks(
        of_row=torch.from_numpy(np.where(rows < 0, found, rows)),
        logprob=torch.from_numpy(np.concatenate(logprobs).astype(np.float32)),
    )


def sorted_rows(source: Sequence[Top], counts: Sequence[int]) -> Sorted:
    """One source's probabilities beside the target's tokens by number alone, up to the shorter's end."""
    firsts = np.cumsum([0, *counts[:-1]])
    lengths = [min(len(top.tail), n) for top, n in zip(source, counts, strict=True)]
    width = max(top.logprobs.shape[1] for top in source)
    pairs = list(zip(source, lengths, strict=True))
    logprobs = np.concatenate([widened(top.logprobs[:n], width, -np.inf) for top, n in pairs])
    probs = np.exp(-np.sort(-logprobs.astype(np.float32), axis=1))
    tail = np.exp(np.concatenate([top.tail[:n] for top, n in pairs]).astype(np.float32))
    rows = np.concatenate([first + np.arange(n) for first, n in zip(firsts, lengths, strict=True)])
    return Sorted(*map(torch.from_numpy, (rows.astype(np.int64), probs, tail)))


def _moved(tensors: Tensors, device: torch.device) -> Tensors:
    return type(tensors)(*(getattr(tensors, each.name).to(device) for each in fields(tensors)))
