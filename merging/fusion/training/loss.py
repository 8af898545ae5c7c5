"""λ·CE(label) + (1 − λ)·divergence from what is taught, summed over response tokens, in float32.

A source's kept ids and its tail are k + 1 outcomes; the student's are the same ids' log-probabilities and
what it leaves for all others. So nothing of a source is ever as wide as a vocabulary.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
from torch import Tensor

from merging.fusion.training.batch import Batch, Chunks, FusedRows, Sorted
from merging.fusion.training.settings import Objective

NOTHING = -1e4
"""The logarithm of no mass: exp of it is 0, and unlike -inf it has gradients."""
_LEAST_REST = 1e-6
"""What float32 can tell of 1 minus a sum of probabilities; less counts as this much."""
_LEAST_DOUBT = 1e-7
"""The same for one span's probability."""


@dataclass(frozen=True)
class Loss:
    """Sums over `tokens` response tokens: cross-entropy of labels, divergence from what is taught."""

    ce: Tensor
    divergence: Tensor
    tokens: int

    def total(self, label_share: float) -> Tensor:
        """What is minimised, still a sum."""
        return label_share * self.ce + (1 - label_share) * self.divergence


def loss(logits: Tensor, batch: Batch, objective: Objective) -> Loss:
    """Compare outputs [B, T or its last `batch.kept`, V] of any dtype with the batch.

    Tokens about which nothing is known add nothing to the divergence.
    """
    rows = logits[:, -batch.kept :][batch.example, batch.column].float()
    total = rows.logsumexp(dim=-1)
    gold = rows.gather(-1, batch.label[:, None]).squeeze(-1) - total
    divergence = rows.new_zeros(())
    if batch.fused is not None:
        divergence = divergence + distribution_divergence(rows, total, batch.fused, objective)
    if batch.chunks is not None:
        divergence = divergence + chunk_divergence(gold, batch.chunks, objective)
    for rivals in batch.sorted:
        divergence = divergence + sorted_distance(rows, total, rivals) / len(batch.sorted)
    return Loss(-gold.sum(), divergence, len(batch.label))


def distribution_divergence(rows: Tensor, total: Tensor, fused: FusedRows, objective: Objective) -> Tensor:
    """KL(fused ‖ student) or their cross-entropy over k + 1 outcomes, summed over the rows that are known.

    `rows` [N, V] are logits and `total` [N] their logsumexp. A temperature T softens the student's outcomes
    as it has softened what is taught, and the sum is scaled by T², so that λ keeps its meaning (Hinton et
    al., arXiv 1503.02531).
    """
    soft = objective.temperature
    absent = fused.ids < 0
    kept = (rows.gather(-1, fused.ids.clamp(min=0)) - total[:, None]).masked_fill(absent, NOTHING)
    student = torch.cat([kept, _rest(kept)[:, None]], dim=-1)
    taught = torch.cat([fused.logprobs, fused.tail[:, None]], dim=-1).clamp(min=NOTHING)
    taught = taught.masked_fill(~fused.known[:, None], 0)
    if soft != 1:
        student = (student / soft).log_softmax(dim=-1)
    each = taught.exp() * ((taught if objective.divergence == "kl" else 0) - student)
    return soft**2 * torch.where(fused.known, each.sum(dim=-1), 0).sum()


def chunk_divergence(gold: Tensor, chunks: Chunks, objective: Objective) -> Tensor:
    """Approximate likelihood matching (Minixhofer et al., arXiv 2503.20083), summed over spans.

    Binary cross-entropy between p^(1/τ), p being a span's probability, of source and student; `gold` [N] are
    the student's log-probabilities of its tokens. Scaled by τ, which its gradient shrinks by.
    """
    soft, count = objective.chunk_temperature, len(chunks.logprob)
    sums = gold.new_zeros(count + 1).index_add(0, chunks.of_row, gold)[:count]
    student = sums.clamp(max=-_LEAST_DOUBT) / soft
    taught = chunks.logprob.clamp(min=NOTHING, max=-_LEAST_DOUBT) / soft
    each = -(taught.exp() * student - taught.expm1() * log1mexp(student))
    if objective.divergence == "kl":
        each = each + taught.exp() * taught - taught.expm1() * log1mexp(taught)
    return soft * each.sum()


def sorted_distance(rows: Tensor, total: Tensor, rivals: Sorted) -> Tensor:
    """Universal logit distillation (Boizard et al., arXiv 2402.12030): L1 of sorted probabilities, summed.

    Token by token by number, whatever its text; what the source did not keep is one more probability.
    """
    student = (rows[rivals.rows] - total[rivals.rows, None]).exp()
    width = min(rivals.probs.shape[1], student.shape[1])
    likeliest = student.topk(width, dim=-1).values
    taught, beyond = rivals.probs[:, :width], rivals.probs[:, width:].sum(dim=-1)
    rest = (1 - likeliest.sum(dim=-1) - rivals.tail - beyond).abs()
    return (likeliest - taught).abs().sum() + rest.sum()


def log1mexp(x: Tensor) -> Tensor:
    """log(1 − exp(x)) for x < 0, exact near 0 and far from it, with finite gradients (Mächler 2012)."""
    near = x > -math.log(2)
    below = torch.where(near, -1.0, x)
    return torch.where(near, (-torch.where(near, x, -1.0).expm1()).log(), (-below.exp()).log1p())


def _rest(kept: Tensor) -> Tensor:
    """The logarithm of the mass outside kept outcomes [N, k]."""
    if kept.shape[-1] == 0:
        return kept.new_zeros(len(kept))
    return log1mexp(kept.logsumexp(dim=-1).clamp(max=math.log1p(-_LEAST_REST)))
