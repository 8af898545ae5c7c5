"""Spans end exactly where tokens of both sides end."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merging.fusion.alignment.encoded import Encoded
from merging.fusion.alignment.spans import MOST_TOKENS, align
from merging.fusion.alignment.vocabulary import Vocabulary
from tests.merging.fusion.alignment.test_vocabulary import TEXTS

PAIRS = list(combinations(("byte_level", "bytes", "tiktoken", "sentencepiece", "nfc", "unigram", "tiny"), 2))
CUTS = st.lists(st.integers(0, 12), max_size=8).map(lambda cuts: [*sorted(cuts), 12])


def cut(*ends: int, nbytes: int | None = None, unknown: tuple[int, ...] = ()) -> Encoded:
    """Tokens that end there; those at the places in `unknown` stand for nothing."""
    known = np.array([place not in unknown for place in range(len(ends))], np.bool_)
    return Encoded(
        np.arange(len(ends), dtype=np.int32),
        np.array(ends, np.int64),
        ends[-1] if nbytes is None else nbytes,
        known,
        known,
    )


def test_a_span_ends_where_both_sides_do() -> None:
    spans = align(cut(2, 3, 7, 9, 12), cut(3, 5, 7, 12))
    assert spans.a.tolist() == [[0, 2], [2, 3], [3, 5]]
    assert spans.b.tolist() == [[0, 1], [1, 3], [3, 4]]
    assert spans.text.tolist() == [[0, 3], [3, 7], [7, 12]]
    assert spans.sizes.tolist() == [[2, 1], [1, 2], [2, 1]]


def test_equal_tokenizations_are_aligned_one_to_one() -> None:
    spans = align(cut(2, 3, 7), cut(2, 3, 7))
    assert spans.a.tolist() == spans.b.tolist() == [[0, 1], [1, 2], [2, 3]]


@given(ours=CUTS, theirs=CUTS)
def test_spans_are_the_finest_that_both_sides_share(ours: list[int], theirs: list[int]) -> None:
    spans = align(cut(*ours), cut(*theirs))
    assert spans.text[:, 1].tolist() == sorted(set(ours) & set(theirs))
    for ends, side in ((ours, spans.a), (theirs, spans.b)):
        assert side[:, 0].tolist() == [0, *side[:-1, 1].tolist()]
        assert [ends[last - 1] for last in side[:, 1]] == spans.text[:, 1].tolist()
        assert side[-1, 1] == len(ends)


def test_what_follows_the_last_shared_end_is_in_no_span() -> None:
    spans = align(cut(2, 5, nbytes=8), cut(2, 8))
    assert spans.text.tolist() == [[0, 2]]


def test_an_empty_text_has_no_spans() -> None:
    empty = cut(nbytes=0)
    assert len(align(empty, empty)) == 0
    assert align(empty, empty).aligned.tolist() == []
    assert align(empty, cut(0)).sizes.tolist() == []


def test_closed_texts_end_in_a_span_of_their_own() -> None:
    spans = align(cut(2, 3).closed(7), cut(3).closed(9))
    assert spans.a.tolist() == [[0, 2], [2, 3]]
    assert spans.b.tolist() == [[0, 1], [1, 2]]
    assert spans.aligned.all()


def test_a_span_is_known_where_all_its_tokens_are() -> None:
    spans = align(cut(2, 3, 7, 9, unknown=(1,)), cut(3, 7, 8, 9, unknown=(3,)))
    assert spans.text.tolist() == [[0, 3], [3, 7], [7, 9]]
    assert spans.known.tolist() == spans.aligned.tolist() == spans.exact.tolist() == [False, True, False]


def test_a_span_of_too_many_tokens_on_both_sides_is_not_aligned() -> None:
    def comb(first: int, teeth: int) -> Encoded:
        return cut(*range(first, 2 * teeth - 2 + first, 2), 2 * teeth)

    for teeth, aligned in ((MOST_TOKENS, True), (MOST_TOKENS + 1, False)):
        spans = align(comb(1, teeth), comb(2, teeth))
        assert spans.sizes.tolist() == [[teeth, teeth]]
        assert spans.aligned.tolist() == [aligned]
    assert align(cut(*range(1, 200)), cut(199)).aligned.tolist() == [True]


def test_texts_that_differ_are_our_own_mistake() -> None:
    with pytest.raises(AssertionError, match="3 and 4 bytes"):
        align(cut(3), cut(4))


@pytest.mark.parametrize("style", ["byte_level", "sentencepiece", "unigram", "tiny"])
@given(text=TEXTS)
def test_a_tokenizer_is_aligned_with_itself_token_by_token(
    style: str, text: str, styles: Mapping[str, Vocabulary]
) -> None:
    encoded = styles[style].encode(text)
    spans = align(encoded, encoded)
    assert spans.a.tolist() == spans.b.tolist()
    if encoded.exact.all() and (np.diff(encoded.ends, prepend=0) > 0).all():
        assert spans.a.tolist() == [[i, i + 1] for i in range(len(encoded))]


@given(text=TEXTS, pair=st.sampled_from(PAIRS))
def test_where_spans_are_exact_both_sides_spell_the_text(
    text: str, pair: tuple[str, str], styles: Mapping[str, Vocabulary]
) -> None:
    ours, theirs = (styles[name] for name in pair)
    check_exact(text, ours, theirs)


def check_exact(text: str, ours: Vocabulary, theirs: Vocabulary) -> int:
    """Compare the bytes of both sides with the text's, span by span; how many spans are exact."""
    data = text.encode()
    a, b = ours.encode(text), theirs.encode(text)
    spans = align(a, b)
    exact = np.flatnonzero(spans.exact)
    for i in exact:
        start, end = spans.text[i]
        for vocabulary, encoded, (first, last) in ((ours, a, spans.a[i]), (theirs, b, spans.b[i])):
            piece = b"".join(vocabulary.pieces[token] or b"" for token in encoded.ids[first:last])
            if start == 0 and len(piece) == end - start + 1:
                assert piece[:1] == b" "  # a space that the tokenizer put in front of the text
                piece = piece[1:]
            assert piece == data[start:end]
    return len(exact)
