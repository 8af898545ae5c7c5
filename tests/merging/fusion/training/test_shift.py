"""By hand: a source's distribution at step i teaches token i + 1; the variants in public code do not.

They are those of FuseLLM's and FuseChat's published trainers, cut down to one sequence: logits at p are
compared with what is stored at p, the mask is the attention mask, and where alignment fails the target is
one-hot on the current token.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn.functional import cross_entropy

from merging.fusion.training.batch import collate
from merging.fusion.training.example import Example
from merging.fusion.training.loss import loss
from merging.fusion.training.settings import Objective
from tests.merging.fusion.training.made import carried

PROMPT, RESPONSE, PADDING, SIZE = [5, 6], [1, 2, 4], 2, 8
TOKENS = [*PROMPT, *RESPONSE]
TEACHER = [{token: 0.9} for token in RESPONSE]
"""Row i is that from which response token i is drawn: a teacher who is nearly sure of each."""

Divergence = Callable[[Tensor], Tensor]
"""Of logits [1, tokens + padding, SIZE]."""


def ours(logits: Tensor) -> Tensor:
    source = carried(TEACHER, gold=[0.9] * len(RESPONSE))
    short = Example(np.array(TOKENS), len(PROMPT), carried=(source,))
    batch = collate([short], Objective("min_ce_token", lambda_=0), max_length=100)
    return loss(logits[:, : batch.ids.shape[1]], batch, Objective("min_ce_token", lambda_=0)).divergence


def dense(shift: int) -> Tensor:
    """The teacher's rows as [T, V], the row of token p at p + shift, nothing elsewhere."""
    rows = torch.zeros(len(TOKENS) + PADDING, SIZE)
    for i, token in enumerate(RESPONSE):
        rows[len(PROMPT) + i + shift] = 0.1 / (SIZE - 1)
        rows[len(PROMPT) + i + shift, token] = 0.9
    return rows


def unshifted_rows(logits: Tensor) -> Tensor:
    """The row of token p beside the output at p, which is about the next."""
    return cross_entropy(logits[0], dense(shift=0), reduction="sum")


def one_hot_of_the_current_token(logits: Tensor) -> Tensor:
    """Where there is no row, p's own token is taught at p."""
    current = torch.nn.functional.one_hot(torch.tensor([*TOKENS, 0, 0]), SIZE).float()
    mask = torch.tensor([*[0.0] * len(PROMPT), *[1.0] * len(RESPONSE), *[0.0] * PADDING])
    return (cross_entropy(logits[0], current, reduction="none") * mask).sum()


def attention_mask_unshifted(logits: Tensor) -> Tensor:
    """Rows are where they belong, but all real tokens count: the prompt's, and the last, with no row."""
    rows = dense(shift=-1)
    rows[rows.sum(dim=-1) == 0, 0] = 1
    mask = torch.tensor([*[1.0] * len(TOKENS), *[0.0] * PADDING])
    return (cross_entropy(logits[0], rows, reduction="none") * mask).sum()


def assert_teaches_the_next_token(divergence: Divergence) -> None:
    """Outputs before response tokens, and no others, are pulled to these tokens."""
    logits = torch.zeros(1, len(TOKENS) + PADDING, SIZE, requires_grad=True)
    (gradient,) = torch.autograd.grad(divergence(logits), logits)
    learning = (gradient[0].abs().sum(dim=-1) > 1e-6).nonzero().flatten().tolist()
    assert learning == [1, 2, 3]
    assert gradient[0, learning].argmin(dim=-1).tolist() == RESPONSE


def test_the_distribution_at_step_i_teaches_token_i_plus_1() -> None:
    assert_teaches_the_next_token(ours)


@pytest.mark.parametrize("variant", [unshifted_rows, one_hot_of_the_current_token, attention_mask_unshifted])
def test_the_variants_of_public_code_teach_something_else(variant: Divergence) -> None:
    with pytest.raises(AssertionError):
        assert_teaches_the_next_token(variant)


def test_a_student_that_is_taught_this_way_says_what_the_teacher_says() -> None:
    logits = torch.zeros(1, len(TOKENS) + PADDING, SIZE, requires_grad=True)
    optimizer = torch.optim.Adam([logits], lr=0.3)
    for _ in range(200):
        optimizer.zero_grad()
        ours(logits).backward()
        optimizer.step()
    said = logits[0].softmax(dim=-1)
    assert [round(said[p - 1, token].item(), 2) for p, token in enumerate(TOKENS)][2:] == [0.9, 0.9, 0.9]


def test_labels_are_shifted_the_same_way() -> None:
    def labels(logits: Tensor) -> Tensor:
        batch = collate([Example(np.array(TOKENS), len(PROMPT))], Objective("labels"), max_length=100)
        return loss(logits[:, : batch.ids.shape[1]], batch, Objective("labels")).ce

    assert_teaches_the_next_token(labels)
    logits = torch.randn(1, len(TOKENS) + PADDING, SIZE, generator=torch.Generator().manual_seed(0))
    expected = cross_entropy(logits[0, 1:4], torch.tensor(RESPONSE), reduction="sum")
    torch.testing.assert_close(labels(logits), expected)
