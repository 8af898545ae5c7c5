"""Log-likelihoods of continuations from one forward pass of a causal transformers model."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from inspect import signature
from typing import Any

import torch

from evaluators.engines.encoding import Cuts, Pair, window
from evaluators.engines.engine import Likelihood
from evaluators.errors import NotFinite


@dataclass(frozen=True)
class Row:
    """What the model reads once, and every continuation that is scored from that."""

    tokens: tuple[int, ...]
    continuations: tuple[tuple[int, tuple[int, ...]], ...]
    """(position of the pair among those asked, its tokens, of which the last is not read)."""


def to_rows(pairs: Sequence[Pair], context: int, cuts: Cuts) -> list[Row]:
    """Pairs as rows; those alike up to their last token share one.

    The last token is only predicted, so a pair may have one token more than the context (as in lm-eval).
    Raises EngineError for a continuation that is longer than the context.
    """
    cuts.see("pairs", [len(pair.context) + len(pair.continuation) for pair in pairs], context + 1)
    grouped: dict[tuple[int, ...], list[tuple[int, tuple[int, ...]]]] = {}
    for i, pair in enumerate(pairs):
        grouped.setdefault(tuple(window(pair, context + 1)[:-1]), []).append((i, pair.continuation))
    return [Row(tokens, tuple(continuations)) for tokens, continuations in grouped.items()]


@torch.inference_mode()
def score_batch(model: Any, pad: int, rows: Sequence[Row]) -> list[list[tuple[int, Likelihood]]]:
    """Per row, each of its pairs' position and likelihood; log-softmax in float32.

    Rows are padded on the right, which a causal model never looks at, and only the logits of the
    continuations are computed. Raises EngineError where a log-probability is not finite.
    """
    width = max(len(row.tokens) for row in rows)
    first = min(len(row.tokens) - max(len(ids) for _, ids in row.continuations) for row in rows)
    padded = [[*row.tokens, *[pad] * (width - len(row.tokens))] for row in rows]
    ids = torch.tensor(padded, device=model.device)
    keep = (
        {"logits_to_keep": width - first} if "logits_to_keep" in signature(model.forward).parameters else {}
    )
    logits = model(input_ids=ids, use_cache=False, **keep).logits[:, first - width :]
    return [_score_row(row, logits[i, : len(row.tokens) - first].float()) for i, row in enumerate(rows)]


def _score_row(row: Row, logits: torch.Tensor) -> list[tuple[int, Likelihood]]:
    """`logits` [position, token] end with those that predict the last token of the continuations."""
    logprobs = logits.log_softmax(dim=-1)
    return [(i, _likelihood(logprobs[-len(ids) :], ids)) for i, ids in row.continuations]


def _likelihood(logprobs: torch.Tensor, ids: tuple[int, ...]) -> Likelihood:
    wanted = torch.tensor(ids, device=logprobs.device)
    total = float(logprobs.gather(1, wanted[:, None]).sum())
    if not total > float("-inf"):
        raise NotFinite(f"the log-probability of {len(ids)} tokens is {total}; the weights overflow")
    return Likelihood(min(total, 0.0), len(ids), bool((logprobs.argmax(dim=-1) == wanted).all()))
