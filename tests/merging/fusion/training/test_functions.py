"""Fusion functions: who teaches, and what, at each token."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merging.errors import TrainingError
from merging.fusion.training.example import Example
from merging.fusion.training.functions import FUNCTIONS, NAMES, Fused, added_up, mixture, parts
from tests.merging.fusion.training.made import SIZE, carried, example

IDS = np.array([7, 1, 2])
NONE: dict[str, list[float]] = {}
EVIDENCE = {"math": [0.5, 0.25, 0.75], "code": [0.0, 1.0, 0.5]}


def rows(fused: Fused) -> list[dict[int, float] | None]:
    """Probabilities by token, -1 for the tail, rounded; None where nothing is taught."""
    return [
        {
            **{int(i): round(float(np.exp(p)), 3) for i, p in zip(ids, logprobs, strict=True) if i >= 0},
            -1: round(float(np.exp(tail)), 3),
        }
        if known
        else None
        for ids, logprobs, tail, known in zip(fused.ids, fused.logprobs, fused.tail, fused.known, strict=True)
    ]


def test_min_ce_by_sequence_follows_who_finds_the_response_likeliest_per_byte() -> None:
    # the first has the higher log-probability, but of fewer bytes of text: its tokenizer left some out
    worse = carried([{1: 0.9}, {2: 0.9}], logprob=-4, nbytes=4)
    better = carried([{1: 0.5, 3: 0.25}, None], logprob=-6, nbytes=8)
    taught = FUNCTIONS["min_ce_sequence"](Example(IDS, 1, carried=(worse, better)), NONE, 1.0)
    assert rows(taught) == [{1: 0.5, 3: 0.25, -1: 0.25}, None]


def test_min_ce_by_token_follows_who_finds_each_token_likeliest() -> None:
    one = carried([{1: 0.9}, {2: 0.1}], gold=[0.9, 0.1])
    other = carried([{1: 0.5, 3: 0.25}, {2: 0.5, 4: 0.5}], gold=[0.5, 0.5])
    taught = FUNCTIONS["min_ce_token"](Example(IDS, 1, carried=(one, other)), NONE, 1.0)
    assert rows(taught) == [{1: 0.9, -1: 0.1}, {2: 0.5, 4: 0.5, -1: 0.0}]


def test_min_ce_by_token_asks_what_a_row_says_not_what_came_of_a_span() -> None:
    """A source whose span came out likely, but whose row names little of it, would teach its tail."""
    lucky = carried([{1: 0.01}, {3: 0.2}], gold=[0.99, 0.99])
    plain = carried([{1: 0.4}, {2: 0.3}], gold=[0.4, 0.3])
    taught = FUNCTIONS["min_ce_token"](Example(IDS, 1, carried=(lucky, plain)), NONE, 1.0)
    assert rows(taught)[0] == {1: 0.4, -1: 0.6}
    # the row that does not name token 2 leaves 0.8 to all others, of which it may be any
    unnamed = carried([{1: 0.4}, {3: 0.9}], gold=[0.4, 0.95])
    taught = FUNCTIONS["min_ce_token"](Example(IDS, 1, carried=(unnamed, plain)), NONE, 1.0)
    assert rows(taught)[1] == {2: 0.3, -1: 0.7}


def test_min_ce_by_token_asks_only_who_knows_the_row() -> None:
    sure_of_the_text_alone = carried([None, None], gold=[0.9, 0.9])
    knows = carried([{1: 0.1}, None], gold=[np.nan, 0.1])
    taught = FUNCTIONS["min_ce_token"](Example(IDS, 1, carried=(sure_of_the_text_alone, knows)), NONE, 1.0)
    assert rows(taught) == [{1: 0.1, -1: 0.9}, None]


@pytest.mark.parametrize("name", ["min_ce_sequence", "min_ce_token"])
def test_the_unfused_target_competes(name: str) -> None:
    source = carried([{1: 0.2}, {2: 0.2}], gold=[0.2, 0.2], logprob=-9)
    own = carried([{1: 0.8}, {2: 0.8}], gold=[0.8, 0.8], logprob=-1)
    taught = FUNCTIONS[name](Example(IDS, 1, carried=(source,), own=own), NONE, 1.0)
    assert rows(taught) == [{1: 0.8, -1: 0.2}, {2: 0.8, -1: 0.2}]


def test_an_average_by_reward_weighs_by_softmax_of_minus_ce() -> None:
    one = carried([{1: 1.0}, {1: 1.0}], logprob=0, nbytes=8)
    other = carried([{2: 1.0}, {2: 1.0}], logprob=-8 * np.log(3), nbytes=8)  # a third per byte
    taught = FUNCTIONS["average"](Example(IDS, 1, carried=(one, other)), NONE, 1.0)
    assert rows(taught) == [{1: 0.75, 2: 0.25, -1: 0.0}] * 2


def test_evidence_weighs_by_accuracy_on_the_slice() -> None:
    sources = (carried([{1: 1.0}, {1: 1.0}]), carried([{2: 1.0}, {2: 0.8}]), carried([{1: 0.5}, None]))
    weigh = FUNCTIONS["evidence"]
    # 0.5 : 0.25 : 0.75, and the third does not know the second row
    expected = [{1: 0.583, 2: 0.167, -1: 0.25}, {1: 0.667, 2: 0.267, -1: 0.067}]
    assert rows(weigh(Example(IDS, 1, "math", sources), EVIDENCE, 1.0)) == expected
    # 0 : 1 : 0.5
    assert rows(weigh(Example(IDS, 1, "code", sources), EVIDENCE, 1.0)) == [
        {1: 0.167, 2: 0.667, -1: 0.167},
        {2: 0.8, -1: 0.2},
    ]


def test_evidence_of_other_slices_weighs_by_the_mean() -> None:
    sources = (carried([{1: 1.0}, {1: 1.0}]), carried([{2: 1.0}, {2: 1.0}]))
    unnamed = FUNCTIONS["evidence"](Example(IDS, 1, None, sources), {"a": [0.1, 0.5], "b": [0.3, 0.7]}, 1.0)
    assert rows(unnamed) == [{1: 0.25, 2: 0.75, -1: 0.0}] * 2


def test_nobody_who_solves_the_slice_teaches_nothing() -> None:
    sources = (carried([{1: 1.0}, {1: 1.0}]), carried([{2: 1.0}, {2: 1.0}]))
    assert rows(FUNCTIONS["evidence"](Example(IDS, 1, "math", sources), {"math": [0.0, 0.0]}, 1.0)) == [
        None,
        None,
    ]


def test_evidence_must_be_of_all_that_teach() -> None:
    with pytest.raises(TrainingError, match="evidence of 3 models for 1 that teach"):
        FUNCTIONS["evidence"](Example(IDS, 1, "math", (carried([{1: 1.0}, None]),)), EVIDENCE, 1.0)


def test_ids_of_several_teachers_are_added_up() -> None:
    ids, mass = added_up(
        np.array([[3, -1, 3, 2], [1, 1, 1, 1]], np.int32), np.array([[0.1, 0, 0.2, 0.3], [0.25] * 4])
    )
    found = [
        {i: round(m, 6) for i, m in zip(*row, strict=True) if i >= 0}
        for row in zip(ids.tolist(), mass, strict=True)
    ]
    assert found == [{2: 0.3, 3: 0.3}, {1: 1.0}]


@given(st.integers(0, 10_000), st.sampled_from(sorted(FUNCTIONS)), st.sampled_from([1.0, 4.0, 0.7]))
def test_what_is_taught_is_a_distribution(seed: int, name: str, soft: float) -> None:
    rng = np.random.default_rng(seed)
    made = example(rng, prompt=2, response=int(rng.integers(1, 9)))
    taught = FUNCTIONS[name](made, EVIDENCE, soft)
    assert taught.ids.shape == taught.logprobs.shape == (made.count, taught.ids.shape[1])
    mass = np.exp(taught.logprobs).sum(axis=1) + np.exp(taught.tail)
    np.testing.assert_allclose(mass[taught.known], 1, atol=1e-5)
    for ids, logprobs in zip(taught.ids[taught.known], taught.logprobs[taught.known], strict=True):
        kept = ids[ids >= 0]
        assert len(set(kept)) == len(kept)
        assert kept.max(initial=0) < SIZE
        assert np.isneginf(logprobs[ids < 0]).all()
    assert (taught.known <= np.any([each.known for each in made.teachers], axis=0)).all()


@given(st.integers(0, 10_000))
def test_a_mixture_is_the_dense_average(seed: int) -> None:
    rng = np.random.default_rng(seed)
    made = example(rng, prompt=1, response=5, sources=3, own=False)
    weights = rng.random(3)
    mixed = mixture(made.carried, weights)
    for row in range(5):
        shares = np.array([w * source.known[row] for w, source in zip(weights, made.carried, strict=True)])
        assert mixed.known[row] == (shares.sum() > 0)
        if shares.sum() > 0:
            expected = np.zeros(SIZE)
            for share, source in zip(shares / shares.sum(), made.carried, strict=True):
                if share > 0:
                    np.add.at(expected, source.ids[row], share * np.exp(source.logprobs[row]))
            found = np.zeros(SIZE)
            np.add.at(found, mixed.ids[row], np.exp(mixed.logprobs[row]))
            np.testing.assert_allclose(found, expected, atol=1e-6)


def test_a_temperature_flattens_each_teacher_before_they_are_mixed() -> None:
    """Mixed first, the 0.01 of one who does not know the response would come to nearly half."""
    knows, does_not = carried([{1: 1.0}] * 2, logprob=0), carried([{2: 1.0}] * 2, logprob=-1)
    mixed = mixture((knows, does_not), np.array([0.99, 0.01]), temperature=4.0)
    assert rows(mixed) == [{1: 0.99, 2: 0.01, -1: 0.0}] * 2
    unsure = carried([{1: 0.81, 2: 0.16}] * 2, logprob=0)
    for name in FUNCTIONS:
        soft = FUNCTIONS[name](Example(IDS, 1, "math", (unsure,)), {"math": [1.0]}, 2.0)
        # square roots 0.9, 0.4 and 0.1732 of the tail, over their sum
        assert rows(soft) == [{1: 0.611, 2: 0.272, -1: 0.118}] * 2


def test_a_function_is_made_of_parts() -> None:
    assert NAMES == (
        "labels", "min_ce_sequence", "min_ce_token", "average", "evidence", "alm", "alm+min_ce_sequence",
        "alm+min_ce_token", "alm+average", "alm+evidence", "uld",
    )  # fmt: skip
    found = {name: (parts(name).distributions, parts(name).chunks, parts(name).sorted) for name in NAMES}
    assert found["labels"] == (None, False, False)
    assert found["average"] == ("average", False, False)
    assert found["alm"] == (None, True, False)
    assert found["alm+evidence"] == ("evidence", True, False)
    assert found["uld"] == (None, False, True)


@pytest.mark.parametrize("name", ["mince", "alm+uld", "alm+labels", "uld+alm", "+alm", ""])
def test_other_names_are_refused(name: str) -> None:
    with pytest.raises(TrainingError, match=r"fusion\.function: there is no .*choose one of labels, min_ce"):
        parts(name)
