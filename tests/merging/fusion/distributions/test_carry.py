"""Distributions carried to another tokenizer's tokens keep what they say, where that can be known."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from merging.fusion.alignment.encoded import Encoded
from merging.fusion.alignment.spans import align
from merging.fusion.distributions.carry import carry
from merging.fusion.distributions.data import Carried, Top
from merging.fusion.distributions.mapping import ByteMap, IdMap, Mapping
from merging.fusion.exchange import Exchange
from tests.merging.fusion.toys import said, toy_exchange, toy_top, toy_vocabulary

LETTERS = [bytes([c]) for c in range(ord("a"), ord("z") + 1)]
WORDS = [b"the", b"then", b"there", b"to", b"t", b"h", b"e", b"n", b"en", b"re", b"r", b"o"]


def carried(top: Top, source: Exchange, target: Exchange, mapping: Mapping) -> Carried:
    return carry(top, source, target, align(source.response, target.response), mapping)


def row(found: Carried, i: int) -> dict[int, float]:
    pairs = zip(found.ids[i].tolist(), np.exp(found.logprobs[i]).tolist(), strict=True)
    return {token: p for token, p in pairs if token >= 0}


@st.composite
def segmented(draw: st.DrawFn) -> tuple[list[bytes], list[bytes]]:
    """One text of a few letters, cut at random on two sides."""
    text = draw(st.text("abc", min_size=1, max_size=30)).encode()

    def cut() -> list[bytes]:
        marks = sorted(draw(st.sets(st.integers(1, max(1, len(text) - 1)), max_size=len(text))))
        return [part for a, b in zip([0, *marks], [*marks, len(text)], strict=True) if (part := text[a:b])]

    return cut(), cut()


def sides(ours: list[bytes], theirs: list[bytes]) -> tuple[Exchange, Exchange, ByteMap]:
    """Vocabularies of the letters and of all pieces that occur; the ends have different ids."""
    a = toy_vocabulary(sorted({b"a", b"b", b"c", *ours}))
    b = toy_vocabulary(sorted({b"a", b"b", b"c", *theirs}, reverse=True), end=2)
    return toy_exchange(a, ours), toy_exchange(b, theirs), ByteMap(a, b)


def exact_map(mapping: ByteMap) -> IdMap:
    ids = [
        -1 if piece is None or piece not in mapping.target.pieces else mapping.target.pieces.index(piece)
        for piece in mapping.source.pieces
    ]
    return IdMap(np.array(ids, np.int32), end=(mapping.source.roles["eos"], mapping.target.roles["eos"]))


@pytest.mark.parametrize("by", ["ids", "bytes"])
@pytest.mark.parametrize("permute", [False, True])
def test_with_the_same_pieces_the_distribution_is_the_same(by: str, permute: bool) -> None:
    a = toy_vocabulary(WORDS)
    order = np.random.default_rng(3).permutation(a.size) if permute else np.arange(a.size)
    pieces = [a.pieces[i] for i in np.argsort(order)]
    end = pieces.index(None)
    b = toy_vocabulary([piece for piece in pieces if piece is not None], end=end)
    parts = [b"then", b"to", b"the", b"re"]
    source, target = toy_exchange(a, parts), toy_exchange(b, parts)
    top = toy_top(source, a.size, k=6)
    mapping: Mapping = ByteMap(a, b) if by == "bytes" else IdMap(order.astype(np.int32))
    found = carried(top, source, target, mapping)
    assert found.known.all()
    assert found.chunk_end.all()
    assert np.allclose(found.gold, top.gold, atol=1e-6)
    assert np.allclose(found.chunk_logprob, top.gold, atol=1e-6)
    for i in range(len(top.gold)):
        expected = dict(zip(order[top.ids[i]].tolist(), np.exp(top.logprobs[i]).tolist(), strict=True))
        expected[int(order[source.response.ids[i]])] = float(np.exp(top.gold[i]))
        assert row(found, i) == pytest.approx(expected, rel=1e-5)
        listed = source.response.ids[i] in top.ids[i]
        left = np.exp(top.tail[i]) - (0.0 if listed else np.exp(top.gold[i]))
        assert np.exp(found.tail[i]) == pytest.approx(left, abs=1e-6)


@given(segmented(), st.integers(1, 6), st.integers(0, 5))
def test_every_row_sums_to_one_and_holds_each_token_once(
    cuts: tuple[list[bytes], list[bytes]], k: int, seed: int
) -> None:
    source, target, by_bytes = sides(*cuts)
    top = toy_top(source, by_bytes.source.size, k, seed)
    for mapping in (by_bytes, exact_map(by_bytes)):
        found = carried(top, source, target, mapping)
        assert np.allclose(np.exp(found.logprobs).sum(axis=1) + np.exp(found.tail), 1.0, atol=1e-5)
        assert (np.isneginf(found.logprobs) == (found.ids < 0)).all()
        for i in range(len(found.ids)):
            ids = found.ids[i][found.ids[i] >= 0]
            assert len(set(ids.tolist())) == len(ids)
            assert found.known[i] or not len(ids)


@given(segmented(), st.integers(1, 6), st.integers(0, 5))
def test_what_came_is_as_likely_in_the_targets_tokens_as_in_the_sources(
    cuts: tuple[list[bytes], list[bytes]], k: int, seed: int
) -> None:
    source, target, by_bytes = sides(*cuts)
    top = toy_top(source, by_bytes.source.size, k, seed)
    spans = align(source.response, target.response)
    for mapping in (by_bytes, exact_map(by_bytes)):
        found = carry(top, source, target, spans, mapping)
        for (a0, a1), (b0, b1) in zip(spans.a, spans.b, strict=True):
            whole = top.gold[a0:a1].sum()
            if min(a1 - a0, b1 - b0) > 8:  # no longer counted as aligned
                assert np.isnan(found.gold[b0:b1]).all()
                continue
            assert found.gold[b0:b1].sum() == pytest.approx(whole, abs=1e-4)
            assert found.chunk_logprob[b1 - 1] == pytest.approx(whole, abs=1e-4)
        assert (found.gold[~np.isnan(found.gold)] <= 1e-5).all()
        assert found.logprob == pytest.approx(float(top.gold.sum()), abs=1e-4)
        assert found.nbytes == sum(map(len, cuts[0]))


@given(segmented(), st.integers(0, 5))
def test_a_target_of_single_letters_gets_the_sources_own_marginals(
    cuts: tuple[list[bytes], list[bytes]], seed: int
) -> None:
    parts = cuts[0]
    a, b = toy_vocabulary(sorted({b"a", b"b", b"c", *parts})), toy_vocabulary([b"c", b"b", b"a"])
    source = toy_exchange(a, parts)
    target = toy_exchange(b, [bytes([c]) for part in parts for c in part])
    top = toy_top(source, a.size, a.size, seed)
    found = carried(top, source, target, ByteMap(a, b))
    if not found.known.all():
        assert max(map(len, parts)) > 8 or len(parts) > 8
        return
    at = 0
    for s, part in enumerate(parts):
        chances = dict(zip(top.ids[s].tolist(), np.exp(top.logprobs[s].astype(float)).tolist(), strict=True))
        for depth in range(len(part)):
            live = {t: p for t, p in chances.items() if (a.pieces[t] or b"").startswith(part[:depth])}
            if depth == 0:
                live = chances
            expected: dict[int, float] = {}
            for token, p in live.items():
                rest = (a.pieces[token] or b"")[depth:]
                after = 0 if a.pieces[token] is None else b.pieces.index(rest[:1]) if rest else -1
                expected[after] = expected.get(after, 0.0) + p / sum(live.values())
            ended = expected.pop(-1, 0.0)
            assert row(found, at) == pytest.approx(expected, abs=1e-5)
            assert np.exp(found.tail[at]) == pytest.approx(ended, abs=1e-5)
            at += 1


def test_inside_a_long_token_the_candidates_that_begin_alike_go_on() -> None:
    a, b = (
        toy_vocabulary([b"the", b"then", b"to", b"a"]),
        toy_vocabulary([b"t", b"h", b"e", b"n", b"o", b"a"]),
    )
    source, target = toy_exchange(a, [b"then"]), toy_exchange(b, [b"t", b"h", b"e", b"n"])
    top = said([{1: 0.4, 2: 0.2, 3: 0.1, 4: 0.3}, {0: 1.0}], [2, 0], k=4)
    found = carried(top, source, target, ByteMap(a, b))
    t, h, e, n, o, other, end = 1, 2, 3, 4, 5, 6, 0
    assert row(found, 0) == pytest.approx({t: 0.7, other: 0.3})
    assert row(found, 1) == pytest.approx({h: 0.6 / 0.7, o: 0.1 / 0.7})
    assert row(found, 2) == pytest.approx({e: 1.0})
    assert row(found, 3) == pytest.approx({n: 0.2 / 0.6})  # `the` may have ended: what follows is not known
    assert np.exp(found.tail[3]) == pytest.approx(0.4 / 0.6)
    assert row(found, 4) == pytest.approx({end: 1.0})
    assert np.exp(found.gold) == pytest.approx([0.7, 0.6 / 0.7, 1.0, 0.2 / 0.6, 1.0])
    assert found.chunk_end.tolist() == [False, False, False, True, True]


def test_inside_a_token_a_source_is_no_surer_than_what_it_has_not_kept_lets_it_be() -> None:
    a, b = toy_vocabulary([b"the", b"a", b"o"]), toy_vocabulary([b"t", b"h", b"e", b"a", b"o"])
    source, target = toy_exchange(a, [b"the"]), toy_exchange(b, [b"t", b"h", b"e"])
    top = said([{2: 0.6, 1: 0.1, 3: 0.3}, {0: 1.0}], [1, 0], k=1)  # `a` alone is kept, and `the` came
    found = carried(top, source, target, ByteMap(a, b))
    assert row(found, 0) == pytest.approx({4: 0.6, 1: 0.1})
    for inside in (1, 2):  # 0.1 went on as it did, and 0.3 of which nothing is known may have
        assert row(found, inside) == pytest.approx({1 + inside: 0.1 / 0.4})
        assert np.exp(found.tail[inside]) == pytest.approx(0.3 / 0.4)
    assert np.exp(found.gold) == pytest.approx([0.1, 1.0, 1.0, 1.0])  # a span is as likely as it was


def test_a_candidate_counts_for_the_longest_of_the_targets_tokens_that_it_begins_with() -> None:
    a, b = toy_vocabulary([b"there", b"then", b"thaw"]), toy_vocabulary([b"t", b"th", b"the", b"re", b"n"])
    source, target = toy_exchange(a, [b"there"]), toy_exchange(b, [b"the", b"re"])
    top = said([{1: 0.5, 2: 0.3, 3: 0.2}, {0: 1.0}], [1, 0], k=3)
    found = carried(top, source, target, ByteMap(a, b))
    assert row(found, 0) == pytest.approx({3: 0.8, 2: 0.2})
    assert row(found, 1) == pytest.approx({4: 0.5 / 0.8, 5: 0.3 / 0.8})


@pytest.mark.parametrize("by", ["ids", "bytes"])
def test_where_the_target_has_the_longer_token_the_path_is_multiplied_and_the_rest_is_tail(by: str) -> None:
    a, b = toy_vocabulary([b"th", b"en", b"ere", b"o"]), toy_vocabulary([b"then", b"o", b"th"])
    source, target = toy_exchange(a, [b"th", b"en", b"o"]), toy_exchange(b, [b"then", b"o"])
    top = said([{1: 0.7, 4: 0.2, 0: 0.1}, {2: 0.6, 3: 0.4}, {4: 1.0}, {0: 1.0}], [1, 2, 4, 0], k=3)
    mapping: Mapping = ByteMap(a, b) if by == "bytes" else exact_map(ByteMap(a, b))
    found = carried(top, source, target, mapping)
    assert row(found, 0) == pytest.approx({1: 0.42, 2: 0.2, 0: 0.1})
    assert np.exp(found.tail[0]) == pytest.approx(0.28)
    assert np.exp(found.gold) == pytest.approx([0.42, 1.0, 1.0])
    assert np.exp(found.chunk_logprob[0]) == pytest.approx(0.42)


def test_spans_of_several_tokens_on_both_sides_are_read_through_bytes() -> None:
    a, b = toy_vocabulary([b"ab", b"cd", b"cx", b"b"]), toy_vocabulary([b"a", b"bc", b"d", b"b", b"x", b"c"])
    source, target = toy_exchange(a, [b"ab", b"cd"]), toy_exchange(b, [b"a", b"bc", b"d"])
    top = said([{1: 0.5, 4: 0.5}, {2: 0.6, 3: 0.2, 1: 0.2}, {0: 1.0}], [1, 2, 0], k=3)
    found = carried(top, source, target, ByteMap(a, b))
    assert row(found, 0) == pytest.approx({1: 0.5, 4: 0.5})
    assert row(found, 1) == pytest.approx({2: 0.8})  # `ab` goes on with `c`: sure of `b`, 0.8 of `c`
    assert row(found, 2) == pytest.approx({3: 0.75, 5: 0.25})
    assert np.exp(found.gold[:3]) == pytest.approx([0.5, 0.8, 0.75])


def test_a_table_of_ids_knows_nothing_inside_a_token_but_how_likely_it_was() -> None:
    a, b = toy_vocabulary([b"then", b"o"]), toy_vocabulary([b"th", b"en", b"o"])
    source, target = toy_exchange(a, [b"then", b"o"]), toy_exchange(b, [b"th", b"en", b"o"])
    top = said([{1: 0.7, 2: 0.3}, {2: 0.9, 0: 0.1}, {0: 1.0}], [1, 2, 0], k=2)
    found = carried(top, source, target, IdMap(np.array([0, -1, 3], np.int32)))
    assert found.known.tolist() == [True, False, True, True]
    assert row(found, 0) == pytest.approx({1: 0.7, 3: 0.3})
    assert row(found, 1) == {}
    assert row(found, 2) == pytest.approx({3: 0.9, 0: 0.1})
    assert np.exp(found.gold) == pytest.approx([0.7, 1.0, 0.9, 1.0])


@pytest.mark.parametrize("by", ["ids", "bytes"])
def test_ends_are_paired_by_their_role_wherever_they_are_expected(by: str) -> None:
    a, b = toy_vocabulary([b"a", b"b"]), toy_vocabulary([b"a", b"b"], end=2)
    source, target = toy_exchange(a, [b"a", b"b"]), toy_exchange(b, [b"a", b"b"])
    top = said([{0: 0.5, 1: 0.3, 2: 0.2}, {2: 0.6, 0: 0.4}, {0: 0.8, 1: 0.2}], [1, 2, 0], k=3)
    mapping: Mapping = ByteMap(a, b) if by == "bytes" else exact_map(ByteMap(a, b))
    found = carried(top, source, target, mapping)
    assert row(found, 0) == pytest.approx({2: 0.5, 0: 0.3, 1: 0.2})
    assert row(found, 2) == pytest.approx({2: 0.8, 0: 0.2})


def test_turns_end_as_they_do_in_chats_though_the_ends_of_text_are_others() -> None:
    a, b = toy_vocabulary([b"a", b"b"]), toy_vocabulary([b"a", b"b"])
    source, target = toy_exchange(a, [b"a"]), toy_exchange(b, [b"a"])
    top = said([{1: 1.0}, {0: 0.6, 2: 0.4}], [1, 0], k=2)
    for mapping in (ByteMap(a, b, end=(0, 0)), IdMap(np.array([-1, 1, 2], np.int32), end=(0, 0))):
        assert row(carried(top, source, target, mapping), 1) == pytest.approx({0: 0.6, 2: 0.4})


def test_ids_beyond_the_vocabulary_are_tail() -> None:
    a = toy_vocabulary([b"a", b"b"])
    both = toy_exchange(a, [b"a"])
    top = said([{1: 0.5, 7: 0.3, 2: 0.2}, {0: 1.0}], [1, 0], k=3)
    for mapping in (ByteMap(a, a), IdMap(np.arange(3, dtype=np.int32))):
        found = carried(top, both, both, mapping)
        assert row(found, 0) == pytest.approx({1: 0.5, 2: 0.2})
        assert np.exp(found.tail[0]) == pytest.approx(0.3)


def test_what_came_counts_though_it_is_not_among_the_likeliest() -> None:
    a = toy_vocabulary([b"a", b"b", b"c"])
    both = toy_exchange(a, [b"c"])
    top = said([{1: 0.6, 2: 0.3, 3: 0.1}, {0: 1.0}], [3, 0], k=1)
    found = carried(top, both, both, ByteMap(a, a))
    assert row(found, 0) == pytest.approx({1: 0.6, 3: 0.1})
    assert np.exp(found.tail[0]) == pytest.approx(0.3, abs=1e-6)


@pytest.mark.parametrize("read", [1, 2, 3, 4])
def test_what_a_source_has_not_read_is_unknown(read: int) -> None:
    a, b = toy_vocabulary([b"ab", b"cd", b"e"]), toy_vocabulary(LETTERS)
    source = toy_exchange(a, [b"ab", b"cd", b"e"], kept=read)
    target = toy_exchange(b, [b"a", b"b", b"c", b"d", b"e"])
    found = carried(toy_top(source, a.size, 3), source, target, ByteMap(a, b))
    seen = [0, 2, 4, 5, 6][read]
    assert found.known.tolist() == [True] * seen + [False] * (6 - seen)
    assert np.isnan(found.gold).tolist() == [False] * seen + [True] * (6 - seen)
    assert found.nbytes == [0, 2, 4, 5, 5][read]


@pytest.mark.parametrize("kept", [1, 2, 3])
def test_what_the_target_does_not_keep_is_left_out(kept: int) -> None:
    a, b = toy_vocabulary(LETTERS), toy_vocabulary([b"ab", b"cd"])
    source, target = toy_exchange(a, [b"a", b"b", b"c", b"d"]), toy_exchange(b, [b"ab", b"cd"], kept=kept)
    found = carried(toy_top(source, a.size, 3), source, target, ByteMap(a, b))
    assert len(found.ids) == len(found.gold) == len(found.chunk_end) == kept
    assert found.known.all()


def test_text_that_a_tokenizer_does_not_know_is_unknown() -> None:
    a = toy_vocabulary([b"a", b"b", b"c"])
    both = toy_exchange(a, [b"a", b"b", b"c"])
    known = both.response.known.copy()
    known[1] = False
    response = both.response
    blind = Exchange(
        both.prompt, Encoded(response.ids, response.ends, response.nbytes, known, response.exact), both.kept
    )
    found = carried(toy_top(both, 4, 2), blind, both, ByteMap(a, a))
    assert found.known.tolist() == [True, False, True, True]
    assert np.isnan(found.gold).tolist() == [False, True, False, False]


def test_a_space_put_in_front_of_the_text_is_no_part_of_it() -> None:
    a, b = toy_vocabulary([b" then", b" to", b"n"]), toy_vocabulary([b"t", b"h", b"e", b"n", b"o", b" "])
    plain = toy_exchange(a, [b" then"]).response
    ahead = Encoded(plain.ids, np.array([4, 5]), 5, plain.known, plain.exact)
    source = Exchange(np.array([0], np.int32), ahead, 2)
    target = toy_exchange(b, [b"t", b"h", b"e", b"n"])
    top = said([{1: 0.6, 2: 0.3, 3: 0.1}, {0: 1.0}], [1, 0], k=3)
    found = carried(top, source, target, ByteMap(a, b))
    assert row(found, 0) == pytest.approx({1: 0.9, 4: 0.1})
    assert row(found, 1) == pytest.approx({2: 0.6 / 0.9, 5: 0.3 / 0.9})
    assert np.exp(found.gold[:2]) == pytest.approx([0.9, 0.6 / 0.9])
