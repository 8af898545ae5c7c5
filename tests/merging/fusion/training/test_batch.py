"""Examples side by side: what is cut, muted and padded, and that none of it changes what is learnt."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from merging.fusion.training.batch import chunks, collate, sorted_rows
from merging.fusion.training.example import Example
from merging.fusion.training.functions import NAMES
from merging.fusion.training.loss import loss
from merging.fusion.training.model import keeps_last, load
from merging.fusion.training.settings import Objective
from tests.merging.fusion.training.made import carried, example, top

TINY = Path(__file__).parents[4] / "examples" / "tiny" / "base"
LABELS = Objective("labels")


def test_rows_pair_each_response_token_with_the_output_before_it() -> None:
    made = [Example(np.array([9, 8, 1, 2]), 2), Example(np.array([7, 3, 4, 5, 6]), 1)]
    batch = collate(made, LABELS, max_length=100)
    assert batch.ids.tolist() == [[9, 8, 1, 0], [7, 3, 4, 5]]
    assert batch.kept == 4
    assert list(zip(batch.example.tolist(), batch.column.tolist(), batch.label.tolist(), strict=True)) == [
        (0, 1, 1), (0, 2, 2), (1, 0, 3), (1, 1, 4), (1, 2, 5), (1, 3, 6),
    ]  # fmt: skip


def test_outputs_at_prompts_that_all_share_are_not_asked_for() -> None:
    batch = collate([Example(np.arange(8), 5), Example(np.arange(7), 6)], LABELS, max_length=100)
    assert (batch.ids.shape, batch.kept, batch.column.tolist()) == ((2, 7), 3, [0, 1, 2, 1])


def test_what_exceeds_the_length_is_cut_from_tokens_and_sources_alike() -> None:
    source = carried([{1: 0.9}, {2: 0.9}, {3: 0.9}], gold=[0.9] * 3, chunk_ends={0: 0.5, 2: 0.5})
    made = Example(np.array([0, 0, 1, 2, 3]), 2, carried=(source,), raw=(top(np.random.default_rng(0), 3),))
    for objective in (Objective("min_ce_token"), Objective("alm"), Objective("uld")):
        batch = collate([made, made], objective, max_length=4)
        assert batch.label.tolist() == [1, 2, 1, 2]
    assert collate([made], Objective("min_ce_token"), 4).fused.ids.tolist() == [[1], [2]]  # type: ignore[union-attr]
    # the span from the second token on was cut: its second half is not there to be found likely
    assert collate([made], Objective("alm"), 4).chunks.of_row.tolist() == [0, 1]  # type: ignore[union-attr]
    assert [each.rows.tolist() for each in collate([made], Objective("uld"), 4).sorted] == [[0, 1]]


def test_a_prompt_that_is_too_long_leaves_nothing_to_learn() -> None:
    batch = collate([Example(np.arange(8), 6), Example(np.arange(4), 2)], LABELS, max_length=5)
    assert (batch.example.tolist(), batch.label.tolist()) == ([1, 1], [2, 3])
    assert batch.ids.shape == (2, 4)


def test_mute_examples_are_there_and_teach_nothing() -> None:
    made = [example(np.random.default_rng(seed), 2, 3) for seed in range(3)]
    for name in NAMES:
        objective = Objective(name, 0.5, evidence={"math": [1, 1, 1]})
        batch = collate(made, objective, max_length=100, mute=2)
        assert (len(batch.ids), len(batch.label)) == (3, 3)
        logits = torch.randn(3, batch.ids.shape[1], 12, requires_grad=True)
        loss(logits, batch, objective).total(0.5).backward()
        assert logits.grad is not None
        assert logits.grad[1:].abs().sum() == 0


def test_all_mute_still_has_gradients_of_nothing() -> None:
    """A process without examples takes part in the exchange of gradients."""
    made = example(np.random.default_rng(0), 2, 3)
    for name in NAMES:
        objective = Objective(name, 0.5, evidence={"math": [1, 1, 1]})
        batch = collate([made], objective, max_length=100, mute=1)
        logits = torch.randn(1, batch.ids.shape[1], 12, requires_grad=True)
        loss(logits, batch, objective).total(0.5).backward()
        assert logits.grad is not None
        assert logits.grad.abs().sum() == 0


def test_spans_are_numbered_over_the_batch_and_unknown_ones_left_out() -> None:
    one = carried([{1: 1.0}] * 4, chunk_ends={1: 0.5, 2: np.nan, 3: 0.25})
    other = carried([{1: 1.0}] * 3, chunk_ends={0: 0.125})
    made = chunks([one, other], [4, 3])
    assert made.of_row.tolist() == [0, 0, 3, 1, 2, 3, 3]  # 3 is none
    torch.testing.assert_close(made.logprob.exp(), torch.tensor([0.5, 0.25, 0.125]))


def test_spans_are_those_of_who_finds_a_response_likeliest() -> None:
    """Averaged over all, spans of sources who do not know a response would teach that it is unlikely."""
    ids = np.array([0, 1, 2])
    knows = carried([{1: 1.0}] * 2, chunk_ends={1: 0.9}, logprob=-0.1)
    does_not = carried([{1: 1.0}] * 2, chunk_ends={0: 0.01, 1: 0.01}, logprob=-9)
    made = [Example(ids, 1, carried=pair) for pair in ((knows, does_not), (does_not, knows))]
    made.append(Example(ids, 1, carried=(does_not,), own=knows))
    taught = collate(made, Objective("alm"), max_length=100).chunks
    assert taught is not None
    assert taught.of_row.tolist() == [0, 0, 1, 1, 2, 2]
    torch.testing.assert_close(taught.logprob.exp(), torch.full((3,), 0.9))


def test_sorted_probabilities_go_by_number_up_to_the_shorter_end() -> None:
    rng = np.random.default_rng(0)
    made = sorted_rows([top(rng, 2, width=3), top(rng, 9, width=4)], [4, 3])
    assert made.rows.tolist() == [0, 1, 4, 5, 6]
    assert made.probs.shape == (5, 4)
    assert made.probs[:2, 3].tolist() == [0, 0]
    assert (made.probs[:, :-1] >= made.probs[:, 1:]).all()
    torch.testing.assert_close(made.probs.sum(dim=1) + made.tail, torch.ones(5))


@pytest.mark.parametrize("narrow", [False, True], ids=["all outputs", "the last outputs"])
def test_padding_without_a_mask_changes_no_loss(narrow: bool) -> None:
    model = load(TINY, None)
    assert keeps_last(model)
    rng = np.random.default_rng(0)
    made = [Example(rng.integers(3, 99, n), n // 3) for n in (60, 25, 9)]
    with torch.no_grad():

        def ce(group: list[Example]) -> float:
            batch = collate(group, LABELS, max_length=100)
            keep = {"logits_to_keep": batch.kept} if narrow else {}
            return loss(model(input_ids=batch.ids, **keep).logits, batch, LABELS).ce.item()

        assert ce(made) == pytest.approx(sum(ce([each]) for each in made), rel=1e-5)
        by_transformers = [
            model(
                input_ids=torch.from_numpy(each.ids)[None],
                labels=torch.tensor([[-100] * each.start + each.ids[each.start :].tolist()]),
            ).loss.item()
            * each.count
            for each in made
        ]
        assert ce(made) == pytest.approx(sum(by_transformers), rel=1e-5)
