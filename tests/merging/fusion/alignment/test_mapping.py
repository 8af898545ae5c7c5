"""Which id is which."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rapidfuzz.distance import Levenshtein
from tokenizers import Tokenizer

from merging.fusion.alignment.counts import Counts, count
from merging.fusion.alignment.mapping import WAYS, id_map
from merging.fusion.alignment.nearest import nearest
from merging.fusion.alignment.spans import align
from merging.fusion.alignment.vocabulary import Vocabulary
from tests.merging.fusion.alignment.made import byte_level, corpus, saved
from tests.merging.fusion.alignment.test_spans import cut

SHORT = st.binary(min_size=1, max_size=6)


def vocabulary(*pieces: bytes | None, roles: Mapping[str, int] | None = None) -> Vocabulary:
    """Tokens with these bytes; what is None is special."""
    tokens = tuple(f"<{i}>" if piece is None else piece.decode("latin-1") for i, piece in enumerate(pieces))
    return Vocabulary(Path(), tokens, pieces, frozenset(), roles or {}, "", None)


def counts(*rows: tuple[int, int, int]) -> Counts:
    a, b, n = zip(*rows, strict=True)
    return Counts(np.array(a, np.int32), np.array(b, np.int32), np.array(n, np.int64))


def permuted(tokenizer: Tokenizer, seed: int = 0) -> tuple[Tokenizer, list[int]]:
    """The same tokenizer with its ids dealt anew: the new one of each old one, too."""
    state = json.loads(tokenizer.to_str())
    size = tokenizer.get_vocab_size()
    order = np.random.default_rng(seed).permutation(size).tolist()
    state["model"]["vocab"] = {token: order[i] for token, i in state["model"]["vocab"].items()}
    for each in state["added_tokens"]:
        each["id"] = order[each["id"]]
    state["added_tokens"].sort(key=lambda each: each["id"])
    return Tokenizer.from_str(json.dumps(state)), order


@pytest.mark.parametrize("by", WAYS)
@pytest.mark.parametrize("style", ["byte_level", "sentencepiece", "unigram", "wordpiece", "tiny"])
def test_a_tokenizer_maps_onto_itself_id_by_id(by: str, style: str, styles: Mapping[str, Vocabulary]) -> None:
    own = styles[style]
    seen = count((encoded, encoded) for encoded in own.encode_many(corpus()[:50]))
    assert id_map(own, own, seen, by).tolist() == list(range(own.size))


@pytest.mark.parametrize("by", WAYS)
def test_a_permuted_vocabulary_maps_by_the_permutation(by: str, tmp_path: Path) -> None:
    tokenizer = byte_level()
    shuffled, order = permuted(tokenizer)
    roles = {"eos_token": "<eos>", "pad_token": "<pad>"}
    ours, theirs = saved(tokenizer, tmp_path / "a", **roles), saved(shuffled, tmp_path / "b", **roles)
    texts = corpus()[:50]
    pairs = list(zip(ours.encode_many(texts), theirs.encode_many(texts), strict=True))
    assert id_map(ours, theirs, count(pairs), by).tolist() == order
    for a, b in pairs:
        spans = align(a, b)
        assert (spans.sizes == 1).all()
        assert spans.exact.all()
        assert [order[i] for i in a.ids] == b.ids.tolist()


def test_styles_meet_in_their_bytes(styles: Mapping[str, Vocabulary]) -> None:
    ours, theirs = styles["byte_level"], styles["sentencepiece"]
    found = id_map(ours, theirs)
    pairs = [(ours.pieces[i], theirs.pieces[j]) for i, j in enumerate(found) if j >= 0 and ours.pieces[i]]
    assert len(pairs) > 256
    assert all(a == b for a, b in pairs)
    assert (b" How", b" How") in pairs


def test_a_byte_is_taken_only_where_no_other_token_spells_it() -> None:
    theirs = replace(
        vocabulary(b"\n", b"\t", b"\n"), tokens=("<0x0A>", "<0x09>", "\n"), spare=frozenset({0, 1})
    )
    assert id_map(vocabulary(b"\n", b"\t"), theirs).tolist() == [2, 1]


def test_special_tokens_are_paired_by_role_then_by_spelling() -> None:
    ours = vocabulary(None, None, None, b"x", roles={"eos": 0, "pad": 0, "bos": 1})
    theirs = vocabulary(b"x", None, None, None, roles={"pad": 1, "bos": 2, "eos": 3, "turn_end": 1})
    assert id_map(ours, theirs).tolist() == [3, 2, 2, 0]
    assert id_map(ours, theirs, roles=("pad", "eos", "bos")).tolist() == [1, 2, 2, 0]
    assert id_map(ours, vocabulary(b"x")).tolist() == [-1, -1, -1, 0]


def test_by_edit_distance_the_rest_gets_its_nearest_the_lowest_id_of_several() -> None:
    ours = vocabulary(b" How", b" hours", b"zz", None)
    theirs = vocabulary(b" Now", b" How", b" hour", b" hoursx", b"q")
    assert id_map(ours, theirs).tolist() == [1, -1, -1, -1]
    assert id_map(ours, theirs, by="edit").tolist() == [1, 2, -1, -1]


def test_with_counts_only_tokens_that_occur_are_looked_for() -> None:
    ours, theirs = vocabulary(b"hours", b"days"), vocabulary(b"hour", b"day")
    assert id_map(ours, theirs, counts((1, 0, 3)), by="edit").tolist() == [-1, 1]


def test_by_statistics_the_more_frequent_partner_wins() -> None:
    ours, theirs = vocabulary(b"hello", b"x", b"y"), vocabulary(b"he", b"hell", b"x")
    seen = counts((0, 0, 7), (0, 1, 2), (1, 0, 9))
    assert id_map(ours, theirs, seen, by="statistics").tolist() == [0, 2, -1]
    even = counts((0, 0, 7), (0, 1, 7))
    assert id_map(ours, theirs, even, by="statistics").tolist() == [1, 2, -1]


def test_tokens_count_where_they_begin_at_the_same_byte() -> None:
    seen = count([(cut(2, 5, 9), cut(5, 7, 9)), (cut(2, 3), cut(3))])
    assert list(zip(seen.a, seen.b, seen.n, strict=True)) == [(0, 0, 2), (2, 1, 1)]


def test_counts_are_the_same_in_any_batches() -> None:
    pairs = [(cut(2, 5, 9), cut(5, 7, 9)), (cut(nbytes=0), cut(nbytes=0)), (cut(1, 1, 4), cut(1, 4))] * 3
    whole, parts = count(pairs), count(pairs, batch=2)
    for field in ("a", "b", "n"):
        assert getattr(whole, field).tolist() == getattr(parts, field).tolist()
    assert len(count([])) == 0


def test_unknown_tokens_and_tokens_of_no_bytes_are_not_counted() -> None:
    seen = count([(cut(0, 2, 5, unknown=(2,)), cut(2, 5))])
    assert list(zip(seen.a, seen.b, seen.n, strict=True)) == [(1, 0, 1)]


@given(queries=st.lists(SHORT, max_size=6), choices=st.lists(SHORT, max_size=12))
def test_the_nearest_is_found_as_by_asking_all(queries: list[bytes], choices: list[bytes]) -> None:
    def by_hand(query: bytes) -> int:
        ranked = [
            (Levenshtein.distance(query, choice), i)
            for i, choice in enumerate(choices)
            if Levenshtein.distance(query, choice) < max(len(query), len(choice))
        ]
        return min(ranked, default=(0, -1))[1]

    assert nearest(queries, dict(enumerate(choices))).tolist() == [by_hand(query) for query in queries]


def test_the_nearest_is_found_in_bounded_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    queries, choices = [b"abc", b"bcd", b"xyz"] * 5, {i: b"ab%d" % i for i in range(9)}
    whole = nearest(queries, choices)
    monkeypatch.setattr("merging.fusion.alignment.nearest._AT_ONCE", 10)
    assert nearest(queries, choices).tolist() == whole.tolist()
