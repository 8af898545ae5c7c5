"""The loss and its gradients, against a naive dense implementation by the formulas, in float64."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from merging.fusion.training.batch import collate
from merging.fusion.training.example import Example
from merging.fusion.training.functions import FUNCTIONS, NAMES
from merging.fusion.training.loss import Loss, log1mexp, loss
from merging.fusion.training.settings import Objective
from tests.merging.fusion.training.made import (
    SIZE,
    carried,
    example,
    naive_divergence,
    outputs_before,
    probabilities,
)

EVIDENCE = {"math": [0.5, 0.25, 0.75]}


def examples(seed: int, count: int = 3) -> list[Example]:
    rng = np.random.default_rng(seed)
    return [example(rng, int(rng.integers(1, 5)), int(rng.integers(1, 7))) for _ in range(count)]


def student(made: list[Example], seed: int, scale: float = 2.0) -> Tensor:
    """Logits at every token, the last included, of an imaginary student."""
    width = max(len(each.ids) for each in made)
    logits = scale * torch.randn(len(made), width, SIZE, generator=torch.Generator().manual_seed(seed))
    return logits.requires_grad_()


def found(logits: Tensor, made: list[Example], objective: Objective) -> Loss:
    batch = collate(made, objective, max_length=100)
    return loss(logits[:, : batch.ids.shape[1]], batch, objective)


def assert_same(ours: Tensor, naive: Tensor, logits: Tensor) -> None:
    torch.testing.assert_close(ours.double(), naive, rtol=2e-4, atol=2e-4)
    (mine,) = torch.autograd.grad(ours, logits, retain_graph=True)
    (oracle,) = torch.autograd.grad(naive, logits)
    torch.testing.assert_close(mine, oracle, rtol=2e-3, atol=2e-4)


@given(st.integers(0, 10_000))
def test_labels(seed: int) -> None:
    made = examples(seed)
    logits = student(made, seed)
    naive = torch.stack(
        [
            -probabilities(logits, made[b], b, i)[made[b].ids[made[b].start + i]].log()
            for b, i in outputs_before(logits, made)
        ]
    ).sum()
    ours = found(logits, made, Objective("labels"))
    assert ours.tokens == sum(each.count for each in made)
    assert ours.divergence == 0
    assert_same(ours.total(1.0), naive, logits)


@given(st.integers(0, 10_000), st.sampled_from(sorted(FUNCTIONS)), st.sampled_from([1.0, 2.0, 0.7]))
def test_distributions(seed: int, name: str, soft: float) -> None:
    made = examples(seed)
    logits = student(made, seed)
    objective = Objective(name, lambda_=0.25, temperature=soft, evidence=EVIDENCE)
    fused = [FUNCTIONS[name](each, EVIDENCE, soft) for each in made]
    naive = logits.sum().double() * 0
    for b, i in outputs_before(logits, made):
        if fused[b].known[i]:
            mass, tail = np.exp(fused[b].logprobs[i].astype(float)), float(np.exp(fused[b].tail[i]))
            said = probabilities(logits, made[b], b, i)
            naive = naive + naive_divergence(said, fused[b].ids[i].tolist(), mass.tolist(), tail, soft)
    assert_same(found(logits, made, objective).divergence, naive, logits)


@given(st.integers(0, 10_000), st.sampled_from([1.0, 100.0]))
def test_chunks(seed: int, soft: float) -> None:
    made = examples(seed)
    logits = student(made, seed)
    naive = logits.sum().double() * 0
    for b, each in enumerate(made):
        source = max(each.teachers, key=lambda teacher: teacher.logprob / teacher.nbytes)
        product = torch.ones((), dtype=torch.float64)
        for i in range(each.count):
            product = product * probabilities(logits, each, b, i)[each.ids[each.start + i]]
            if source.chunk_end[i]:
                if np.isfinite(source.chunk_logprob[i]):
                    p = math.exp(float(source.chunk_logprob[i])) ** (1 / soft)
                    q = product ** (1 / soft)
                    naive = naive - soft * (p * q.log() + (1 - p) * (1 - q).log())
                product = torch.ones((), dtype=torch.float64)
    objective = Objective("alm", lambda_=0.5, divergence="ce", chunk_temperature=soft)
    assert_same(found(logits, made, objective).divergence, naive, logits)


@given(st.integers(0, 10_000))
def test_sorted_probabilities(seed: int) -> None:
    made = examples(seed)
    logits = student(made, seed)
    naive = logits.sum().double() * 0
    for b, i in outputs_before(logits, made):
        said = probabilities(logits, made[b], b, i).sort(descending=True).values
        for source in made[b].raw:
            kept = torch.from_numpy(np.exp(source.logprobs[i].astype(float)))
            tail = math.exp(float(source.tail[i]))
            apart = (said[: len(kept)] - kept).abs().sum() + (said[len(kept) :].sum() - tail).abs()
            naive = naive + apart / len(made[b].raw)
    assert_same(found(logits, made, Objective("uld", lambda_=0.5)).divergence, naive, logits)


def test_the_rival_stops_at_the_shorter_of_two_responses() -> None:
    made = examples(1, count=1)[0]
    assert made.count >= 3
    short = replace(
        made, raw=tuple(replace(top, logprobs=top.logprobs[:2], tail=top.tail[:2]) for top in made.raw)
    )
    logits = student([made], 1)
    (gradient,) = torch.autograd.grad(found(logits, [short], Objective("uld", lambda_=0)).divergence, logits)
    learning = gradient[0].abs().sum(dim=-1).nonzero().flatten().tolist()
    assert learning == [made.start - 1, made.start]


def test_distributions_beside_chunks_are_their_sum() -> None:
    made = examples(3)
    logits = student(made, 3)
    parts = [found(logits, made, Objective(name, lambda_=0)).divergence for name in ("alm", "average")]
    both = found(logits, made, Objective("alm+average", lambda_=0)).divergence
    torch.testing.assert_close(both, parts[0] + parts[1])


def test_lambda_weighs_labels_against_divergence() -> None:
    made = examples(4)
    parts = found(student(made, 4), made, Objective("average", lambda_=0.75))
    torch.testing.assert_close(parts.total(0.75), 0.75 * parts.ce + 0.25 * parts.divergence)
    assert Objective("average", lambda_=0.75).label_share == 0.75
    assert Objective("labels", lambda_=0.75).label_share == 1


def test_cross_entropy_differs_from_kl_by_what_no_student_can_change() -> None:
    made = examples(5)
    logits = student(made, 5)
    for name in ("min_ce_token", "alm"):
        kl, ce = (found(logits, made, Objective(name, 0.5, divergence=kind)) for kind in ("kl", "ce"))
        assert ce.divergence > kl.divergence
        gradients = [torch.autograd.grad(each.divergence, logits, retain_graph=True)[0] for each in (kl, ce)]
        torch.testing.assert_close(*gradients)


def test_a_student_that_agrees_diverges_by_nothing() -> None:
    agreed = {1: 0.5, 2: 0.25, 3: 0.125}
    made = Example(np.array([0, 1]), 1, carried=(carried([agreed], gold=[0.5], chunk_ends={0: 0.5}),))
    logits = torch.full((1, 2, SIZE), math.log(0.125 / (SIZE - 3)))
    for token, probability in agreed.items():
        logits[0, 0, token] = math.log(probability)
    for name in ("min_ce_token", "average", "alm", "alm+min_ce_sequence"):
        for soft in (1.0, 3.0):
            assert found(logits, [made], Objective(name, 0, temperature=soft)).divergence.abs() < 1e-5


def test_unknown_rows_and_spans_teach_nothing() -> None:
    silent = carried([None, None], chunk_ends={1: np.nan})
    made = Example(np.array([0, 1, 2]), 1, carried=(silent,))
    logits = student([made], 0)
    for name in ("min_ce_token", "min_ce_sequence", "average", "alm", "alm+average"):
        parts = found(logits, [made], Objective(name, lambda_=0.5))
        assert parts.divergence == 0
        (gradient,) = torch.autograd.grad(parts.total(0.0), logits)
        assert gradient.abs().sum() == 0


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("scale", [0.0, 30.0, 1e4])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16])
def test_nothing_is_ever_nan(name: str, scale: float, dtype: torch.dtype) -> None:
    """Students who are sure of something, right or wrong, and teachers who rule things out."""
    sure = carried(
        [{1: 1.0}, {2: 1.0, 3: 0.0}, {4: 0.5, 5: 0.5}], gold=[1.0, 0.0, 0.5], chunk_ends={0: 1.0, 2: 1e-30}
    )
    made = Example(np.array([0, 1, 2, 4]), 1, "math", (sure,), raw=examples(1)[0].raw)
    logits = (
        (torch.randn(1, 4, SIZE, generator=torch.Generator().manual_seed(1)) * scale)
        .to(dtype)
        .requires_grad_()
    )
    total = found(logits, [made], Objective(name, 0.5, evidence={"math": [1.0]})).total(0.5)
    (gradient,) = torch.autograd.grad(total, logits)
    assert math.isfinite(total.item())
    assert gradient.isfinite().all()
    assert gradient.dtype == dtype


def test_bfloat16_logits_are_compared_in_float32() -> None:
    made = examples(6)
    coarse = student(made, 6).detach().bfloat16()
    objective = Objective("alm+average", lambda_=0.5)
    narrow, wide = (found(each, made, objective) for each in (coarse, coarse.float()))
    assert narrow.ce.dtype == torch.float32
    torch.testing.assert_close(narrow.total(0.5), wide.total(0.5), rtol=0, atol=0)


def test_a_vocabulary_that_is_kept_whole_leaves_no_rest() -> None:
    everything = {token: 1 / SIZE for token in range(SIZE)}
    made = Example(np.array([0, 1]), 1, carried=(carried([everything], gold=[1 / SIZE]),))
    logits = student([made], 7)
    (gradient,) = torch.autograd.grad(
        found(logits, [made], Objective("average", 0, temperature=1)).divergence, logits
    )
    expected = logits[0, 0].softmax(dim=-1) - 1 / SIZE
    torch.testing.assert_close(gradient[0, 0], expected.detach(), rtol=1e-3, atol=1e-4)


def test_log1mexp_is_exact_near_0_and_far_from_it() -> None:
    x = torch.tensor([-1e-7, -1e-4, -0.1, -0.6931, -0.7, -5.0, -80.0, -1e4], requires_grad=True)
    exact = [math.log(-math.expm1(v)) if v > -1 else math.log1p(-math.exp(v)) for v in x.tolist()]
    torch.testing.assert_close(log1mexp(x), torch.tensor(exact), rtol=1e-5, atol=0)
    (gradient,) = torch.autograd.grad(log1mexp(x).sum(), x)
    slopes = [-math.exp(value) / -math.expm1(value) for value in x.tolist()]
    torch.testing.assert_close(gradient, torch.tensor(slopes), rtol=1e-4, atol=0)
