"""A teacher's row i is what response token i is drawn from, whatever stands beside it in a batch."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from transformers import AutoModelForCausalLM

from merging.errors import CheckpointError, DataError
from merging.fusion.distributions import teacher as module
from merging.fusion.distributions.data import Top
from merging.fusion.distributions.teacher import Request, TransformersTeacher, top_of
from tests.merging.fusion.toys import SIZE, follower, write_rule_model

TINY = Path(__file__).parents[4] / "examples" / "tiny" / "base"


def request(prompt: list[int], response: list[int]) -> Request:
    return np.array(prompt, np.int32), np.array(response, np.int32)


@pytest.fixture(scope="module")
def rule(tmp_path_factory: pytest.TempPathFactory) -> TransformersTeacher:
    return TransformersTeacher(write_rule_model(tmp_path_factory.mktemp("rule") / "model"))


def lesson(rows: NDArray[np.int32], asked: Request) -> bool:
    """Whether each row [n, k] is headed by the follower of the token BEFORE response token i."""
    before = np.concatenate(asked)[len(asked[0]) - 1 : -1]
    return [int(token) for token in rows[:, 0]] == [follower(int(token)) for token in before]


ASKED = request([4, 9], [1, 30, 2, 9, 9, 5])
"""A response that does not follow the rule, so that what is said and what comes differ everywhere."""


def test_the_distribution_at_step_i_teaches_the_token_after_it(rule: TransformersTeacher) -> None:
    (top,) = rule([ASKED], 3)
    assert lesson(top.ids, ASKED)
    assert all(
        follower(int(token)) != after for token, after in zip(ASKED[1][:-1], ASKED[1][1:], strict=True)
    )


def _unshifted(top: Top) -> NDArray[np.int32]:
    """The logits at a token's own position, as an unshifted mask selects them."""
    return np.roll(top.ids, -1, axis=0)


def _late(top: Top) -> NDArray[np.int32]:
    return np.roll(top.ids, 1, axis=0)


def _one_hot_of_the_current(top: Top) -> NDArray[np.int32]:
    """The token that stands in the row's place, taken for what is to be said there."""
    return np.append(ASKED[0][-1:], ASKED[1][:-1])[:, None]


@pytest.mark.parametrize("variant", [_unshifted, _late, _one_hot_of_the_current])
def test_the_variants_of_public_code_that_are_off_by_one_fail_that_lesson(
    rule: TransformersTeacher, variant: Callable[[Top], NDArray[np.int32]]
) -> None:
    (top,) = rule([ASKED], 3)
    assert not lesson(variant(top), ASKED)


def test_a_response_that_follows_the_rule_is_nearly_sure_and_one_that_breaks_it_once_is_not_there(
    rule: TransformersTeacher,
) -> None:
    chain = [4]
    for _ in range(6):
        chain.append(follower(chain[-1]))
    broken = [*chain[:4], (chain[4] + 1) % SIZE, *chain[5:]]
    by_chance = broken[5] == follower(broken[4])
    right, wrong = rule([request(chain[:1], chain[1:]), request(broken[:1], broken[1:])], 4)
    assert (right.gold > -0.01).all()
    assert [gold > -0.01 for gold in wrong.gold] == [True, True, True, False, by_chance, True]


def test_rows_are_the_softmax_of_the_whole_model_and_the_tail_is_the_rest() -> None:
    asked = request([40, 41, 42, 43], [50, 51, 52, 53, 54])
    (top,) = TransformersTeacher(TINY)([asked], 7)
    model = AutoModelForCausalLM.from_pretrained(TINY, dtype=torch.float32)
    with torch.inference_mode():
        whole = model(torch.from_numpy(np.concatenate(asked).astype(np.int64))[None]).logits[0].double()
    expected = whole.log_softmax(-1)[3:-1].numpy()
    assert np.allclose(top.gold, expected[np.arange(5), asked[1]], atol=1e-4)
    assert np.allclose(top.logprobs, -np.sort(-expected, axis=1)[:, :7], atol=1e-4)
    assert np.allclose(top.logprobs, np.take_along_axis(expected, top.ids.astype(np.int64), 1), atol=1e-4)
    rest = -np.sort(-expected, axis=1)[:, 7:]
    assert np.allclose(top.tail, np.log(np.exp(rest).sum(axis=1)), atol=1e-4)
    assert (top.ids.dtype, top.logprobs.dtype, top.tail.dtype, top.gold.dtype) == (
        np.int32, np.float32, np.float32, np.float32,
    )  # fmt: skip


def test_what_stands_beside_a_request_does_not_count(monkeypatch: pytest.MonkeyPatch) -> None:
    random = np.random.default_rng(0)
    asked = [
        request(random.integers(3, 99, p).tolist(), random.integers(3, 99, n).tolist())
        for p, n in [(1, 9), (20, 1), (7, 30), (3, 3), (40, 12)]
    ]
    teacher = TransformersTeacher(TINY, batch_size=3)
    together = teacher(asked, 5)
    monkeypatch.setattr(module, "LOGITS", 1)  # no batch of two
    monkeypatch.setattr(module, "_CHUNK", 4 * 99 * 4)  # four rows are ranked at a time
    alone = [teacher([each], 5)[0] for each in asked]
    for a, b, each in zip(together, alone, asked, strict=True):
        assert a.ids.shape == (len(each[1]), 5)
        assert np.allclose(a.logprobs, b.logprobs, atol=1e-4)
        assert np.allclose(a.gold, b.gold, atol=1e-4)
        assert np.allclose(a.tail, b.tail, atol=1e-4)


def test_more_tokens_than_the_vocabulary_has_leave_no_tail(rule: TransformersTeacher) -> None:
    (top,) = rule([ASKED], 100)
    assert top.ids.shape == (6, SIZE)
    assert (np.sort(top.ids, axis=1) == np.arange(SIZE)).all()
    assert np.isneginf(top.tail).all()


def test_it_says_how_it_computes_before_it_is_loaded() -> None:
    teacher = TransformersTeacher(TINY, device="cpu")
    assert teacher.description == "transformers/float32"
    assert TransformersTeacher(TINY, dtype="bfloat16").description == "transformers/bfloat16"
    assert teacher.context == 512
    assert "model" not in vars(teacher)


def test_what_it_cannot_answer_it_refuses_in_one_line(tmp_path: Path, rule: TransformersTeacher) -> None:
    with pytest.raises(DataError, match=r"has 66 tokens, but the model reads 64; lower max_length"):
        rule([request([1], [2] * 65)], 3)
    assert len(rule([request([1], [2] * 64)], 3)[0].gold) == 64
    with pytest.raises(CheckpointError, match=r"nowhere: no model that transformers loads"):
        TransformersTeacher(tmp_path / "nowhere")([ASKED], 3)
    with pytest.raises(DataError, match="dtype 'int8' is none; write auto, float32"):
        _ = TransformersTeacher(TINY, dtype="int8").description


def test_logits_that_are_not_finite_are_no_distribution(tmp_path: Path) -> None:
    folder = write_rule_model(tmp_path / "broken")
    teacher = TransformersTeacher(folder)
    with torch.no_grad():
        teacher.model.lm_head.weight[3, 3] = torch.inf
    with pytest.raises(CheckpointError, match="its logits are NaN or Inf; use a sound copy or float32"):
        teacher([ASKED], 3)


def test_log_probabilities_from_elsewhere_are_given_their_tail() -> None:
    top = top_of([[3, 1], [2, 0]], np.log([[0.5, 0.25], [0.75, 0.25]]), np.log([0.1, 0.75]))
    assert np.allclose(np.exp(top.tail), [0.25, 0.0])
    assert top.ids.tolist() == [[3, 1], [2, 0]]
    assert np.allclose(np.exp(top.gold), [0.1, 0.75])
