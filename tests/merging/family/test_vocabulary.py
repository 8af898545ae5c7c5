from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor

from merging.family.vocabulary import UNION, align, realign, resized, vocab_size

TOKENS = st.lists(st.sampled_from("abcdefghijkl"), unique=True, min_size=1)
SOURCES = st.sampled_from([0, 1, 2, UNION])


def numbered(tokens: Sequence[str]) -> dict[str, int]:
    return {token: number for number, token in enumerate(tokens)}


def rows_of(model: int, count: int) -> Tensor:
    """Rows that tell where they are from."""
    return torch.tensor([[100.0 * (model + 1) + row, -row] for row in range(count)]).reshape(count, 2)


@given(st.tuples(TOKENS, TOKENS, TOKENS), st.tuples(*[st.integers(0, 3)] * 3), SOURCES)
def test_reading_back_by_token_gives_the_models_own_rows_and_the_rules_for_the_rest(
    lists: tuple[list[str], ...], padding: tuple[int, ...], source: int | str
) -> None:
    vocabularies = [numbered(tokens) for tokens in lists]
    tensors = [rows_of(i, len(v) + pad) for i, (v, pad) in enumerate(zip(vocabularies, padding, strict=True))]
    alignment = align(vocabularies, [len(tensor) for tensor in tensors], source)
    wanted = (
        vocabularies[0] | vocabularies[1] | vocabularies[2] if source == UNION else vocabularies[int(source)]
    )
    assert alignment.tokens.keys() == wanted.keys()
    for model, vocabulary in enumerate(vocabularies):
        aligned = realign(tensors, alignment, model)
        for token, number in alignment.tokens.items():
            owners = [own for own in range(3) if token in vocabularies[own]]
            if token in vocabulary:
                expected = tensors[model][vocabulary[token]]
            elif 0 in owners:
                expected = tensors[0][vocabularies[0][token]]
            else:
                expected = torch.stack([tensors[own][vocabularies[own][token]] for own in owners]).mean(0)
            assert torch.equal(aligned[number], expected), token


@given(TOKENS, TOKENS)
def test_in_a_union_the_base_keeps_its_numbers_and_the_rest_follows(
    base: list[str], other: list[str]
) -> None:
    tokens = align([numbered(base), numbered(other)], [len(base), len(other)], UNION).tokens
    assert list(tokens) == base + [token for token in other if token not in base]
    assert list(tokens.values()) == list(range(len(tokens)))


def test_padding_that_was_asked_for_is_the_mean_of_each_models_rows() -> None:
    alignment = replace(align([numbered("ab"), numbered("bc")], [2, 2], UNION), padding=2)
    assert alignment.count == 5
    assert not alignment.keeps(0, 3)
    tensors = [rows_of(0, 2), rows_of(1, 2)]
    plain = realign(tensors, replace(alignment, padding=0), 1)
    padded = realign(tensors, alignment, 1)
    assert torch.equal(padded[:3], plain)
    assert torch.equal(padded[3:], plain.mean(0).expand(2, -1))


def test_padding_goes_unless_there_is_nothing_to_align() -> None:
    same = align([numbered("abc"), numbered("abc")], [8, 8], "union")
    assert same.keeps(0, 8)
    assert same.keeps(1, 8)
    other = align([numbered("abc"), numbered("abcd")], [8, 8], 0)
    assert [len(rows) for rows in other.rows] == [3, 3]
    assert not other.keeps(0, 8)


def test_a_token_without_a_row_in_any_model_gets_zeros() -> None:
    vocabularies = [numbered("abc"), numbered("abc")]
    alignment = align(vocabularies, [2, 1], 0)
    assert alignment.rows == ((0, 1, -1), (0, -1, -1))
    tensors = [rows_of(0, 2), rows_of(1, 1)]
    assert realign(tensors, alignment, 0)[2].tolist() == [0, 0]
    assert realign(tensors, alignment, 1)[1:].tolist() == [[101, -1], [0, 0]]


def test_a_union_takes_no_token_that_its_own_model_has_no_row_for() -> None:
    assert align([numbered("ab"), numbered("abcd")], [2, 3], UNION).tokens == numbered("abc")


def test_numbers_without_a_token_keep_the_rows_that_have_none_either() -> None:
    gap, full = {"a": 0, "b": 2}, numbered("axb")
    alignment = align([gap, full], [3, 3], 0)
    assert alignment.rows == ((0, 1, 2), (0, -1, 2))
    assert torch.equal(realign([rows_of(0, 3), rows_of(1, 3)], alignment, 1)[1], rows_of(0, 3)[1])


@pytest.mark.parametrize(
    ("dtypes", "result"),
    [
        ((torch.bfloat16, torch.bfloat16), torch.bfloat16),
        ((torch.bfloat16, torch.float16), torch.float32),
        ((torch.float32, torch.float64), torch.float64),
    ],
)
def test_no_models_rows_are_rounded(dtypes: tuple[torch.dtype, torch.dtype], result: torch.dtype) -> None:
    tensors = [torch.rand(2, 3, generator=torch.manual_seed(i)).to(dtype) for i, dtype in enumerate(dtypes)]
    alignment = align([numbered("ab"), numbered("bc")], [2, 2], UNION)
    for model in (0, 1):
        aligned = realign(tensors, alignment, model)
        assert aligned.dtype == result
        assert torch.equal(aligned[:2] if model == 0 else aligned[1:], tensors[model].to(result))


def test_biases_have_one_number_per_token() -> None:
    alignment = align([numbered("ab"), numbered("bc")], [2, 2], UNION)
    assert realign([torch.tensor([1.0, 2]), torch.tensor([3.0, 4])], alignment, 0).tolist() == [1, 2, 4]


def test_the_size_is_written_where_the_config_says_it() -> None:
    assert resized({"vocab_size": 3, "x": 1}, 5) == {"vocab_size": 5, "x": 1}
    nested = {"text_config": {"vocab_size": 3, "y": 2}}
    assert resized(nested, 5) == {"text_config": {"vocab_size": 5, "y": 2}}
    assert [vocab_size(nested), vocab_size({"vocab_size": 7}), vocab_size({})] == [3, 7, None]
