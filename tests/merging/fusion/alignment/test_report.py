"""How much of a text two tokenizers share."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import permutations
from pathlib import Path

import pytest

from merging.fusion.alignment.report import FLOOR, survey
from merging.fusion.alignment.vocabulary import Vocabulary
from tests.merging.fusion.alignment.made import characters, corpus, saved
from tests.merging.fusion.alignment.test_spans import check_exact

SHARED = Path(__file__).parents[5] / "shared" / "data"
SUBWORDS = ("byte_level", "bytes", "tiktoken", "sentencepiece")


def test_one_tokenizer_is_all_one_to_one(styles: Mapping[str, Vocabulary]) -> None:
    own = styles["byte_level"]
    found = survey(own, own, ["How many?", "", "né 🙂"])
    assert found.coverage == 1.0
    assert (found.texts, found.characters) == (3, 13)
    assert found.tokens == (found.one_to_one, found.one_to_one)
    assert found.one_to_many == found.many_to_one == found.many_to_many == 0


@pytest.mark.parametrize(("ours", "theirs"), list(permutations(SUBWORDS, 2)))
def test_tokenizers_trained_on_the_same_text_share_nearly_all_of_it(
    ours: str, theirs: str, styles: Mapping[str, Vocabulary]
) -> None:
    found = survey(styles[ours], styles[theirs], corpus())
    assert found.coverage >= 0.95
    assert found.exact == found.aligned
    kinds = found.one_to_one + found.one_to_many + found.many_to_one + found.many_to_many
    assert found.one_to_one > 0
    assert kinds <= min(found.tokens)


@pytest.mark.parametrize(("ours", "theirs"), [("byte_level", "sentencepiece"), ("tiktoken", "sentencepiece")])
def test_exact_spans_have_equal_bytes_over_all_of_the_data(
    ours: str, theirs: str, styles: Mapping[str, Vocabulary]
) -> None:
    assert sum(check_exact(text, styles[ours], styles[theirs]) for text in corpus()) > 1000


def test_kinds_are_counted_and_swap_with_the_sides(tmp_path: Path, styles: Mapping[str, Vocabulary]) -> None:
    plain = saved(characters("ab c"), tmp_path, unk_token="�")
    words = styles["bytes"]
    assert survey(plain, words, ["ab", "c"]).one_to_one == 3
    found, swapped = survey(plain, words, ["é"]), survey(words, plain, ["é"])
    assert found.coverage == swapped.coverage == 0.0  # unknown to the characters


def test_one_token_may_meet_several(tmp_path: Path, styles: Mapping[str, Vocabulary]) -> None:
    plain, split = saved(characters("aé"), tmp_path, unk_token="�"), styles["bytes"]
    found, swapped = survey(plain, split, ["aéa"]), survey(split, plain, ["aéa"])
    assert (found.one_to_one, found.one_to_many, found.many_to_one) == (2, 1, 0)
    assert (swapped.one_to_one, swapped.one_to_many, swapped.many_to_one) == (2, 0, 1)
    assert found.coverage == swapped.coverage == 1.0


def test_text_without_a_token_covers_nothing(tmp_path: Path, styles: Mapping[str, Vocabulary]) -> None:
    plain = saved(characters("abc"), tmp_path, unk_token="�")
    found = survey(plain, styles["bytes"], ["ab🙂c", "�"])
    assert (found.characters, found.aligned, found.unknown, found.too_long) == (5, 3, 2, 0)
    assert found.coverage == 0.6


def test_a_changed_spelling_is_aligned_but_not_exact(styles: Mapping[str, Vocabulary]) -> None:
    found = survey(styles["wordpiece"], styles["byte_level"], ["How many"])
    assert found.coverage == 1.0
    assert found.exact < found.aligned == 8


def test_boundaries_that_never_meet_cover_nothing(tmp_path: Path) -> None:
    """Tokens of two characters, the one side's beginning a character after the other's."""
    odd, even = (pairs_of_letters(tmp_path / name, first) for name, first in (("odd", 1), ("even", 0)))
    text = "a" * 40
    found = survey(odd, even, [text])
    assert (found.coverage, found.too_long) == (0.0, 40)
    assert survey(odd, even, ["aaaa"]).coverage == 1.0  # short enough to say something of its tokens


def pairs_of_letters(folder: Path, first: int) -> Vocabulary:
    from tokenizers import Regex, Tokenizer, models, pre_tokenizers

    vocab = {"a": 0, "aa": 1}
    tokenizer = Tokenizer(models.BPE(vocab=vocab, merges=[("a", "a")]))
    if first:
        tokenizer.pre_tokenizer = pre_tokenizers.Split(Regex("^a"), "isolated")
    return saved(tokenizer, folder)


def test_no_text_is_covered_entirely(styles: Mapping[str, Vocabulary]) -> None:
    found = survey(styles["byte_level"], styles["sentencepiece"], ["", ""])
    assert (found.characters, found.coverage, found.to_json()["exact"]) == (0, 1.0, 1.0)


def test_json_has_what_scripts_read(styles: Mapping[str, Vocabulary]) -> None:
    found = survey(styles["tiny"], styles["byte_level"], ["1+1", "é"]).to_json()
    assert found.pop("seconds") > 0
    assert found == {
        "characters": 4,
        "coverage": 0.75,
        "one_to_one": found["one_to_one"],
        "one_to_many": 0,
        "many_to_one": found["many_to_one"],
        "many_to_many": 0,
        "exact": 0.75,
        "unknown": 0.25,
        "too_long": 0.0,
        "texts": 2,
        "tokens": found["tokens"],
    }


@pytest.mark.parametrize("name", ["gsm8k_test.jsonl", "math500_first250.jsonl"])
def test_real_benchmark_text_is_shared_and_exact(name: str, styles: Mapping[str, Vocabulary]) -> None:
    file = SHARED / name
    if not file.is_file():
        pytest.skip(f"no benchmark data in {SHARED}")
    from search.fusing.align import read_texts

    texts = read_texts(file)
    ours, theirs = styles["tiktoken"], styles["sentencepiece"]
    found = survey(ours, theirs, texts)
    assert found.coverage >= 0.95 > FLOOR
    assert found.exact == found.aligned
    assert sum(check_exact(text, ours, theirs) for text in texts) > 10_000
