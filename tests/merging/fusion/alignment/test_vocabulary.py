"""Tokens as bytes, and where each of them ends in the text."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers
from transformers import ByT5Tokenizer

from merging.errors import CheckpointError
from merging.fusion.alignment.encoded import Encoded
from merging.fusion.alignment.vocabulary import Vocabulary, open_vocabulary
from tests.merging.fusion.alignment.made import byte_level, characters, saved, sentencepiece, special

EXACT = ("byte_level", "bytes", "tiktoken", "sentencepiece")
ODD = st.sampled_from(
    [
        "",
        " ",
        "  x ",
        "a\0b",
        "\r\n\r\n",
        "e\u0301",
        "👩‍👩‍👧",
        "ﬁ½",
        "▁",
        "İ",
        "<0x0A>",
        "</s><eos>",
        "\u200b",
        "ABC",
    ]
)
TEXTS = st.lists(st.one_of(st.text(max_size=12), ODD), max_size=5).map("".join)


def spelled(vocabulary: Vocabulary, encoded: Encoded, text: str) -> list[tuple[bytes, bytes]]:
    """Each exact token's bytes, less a space put in front, and the text's at its place."""
    data, starts = text.encode(), [0, *encoded.ends.tolist()][: len(encoded)]
    found = []
    for number, start, end, exact in zip(
        encoded.ids.tolist(), starts, encoded.ends.tolist(), encoded.exact.tolist(), strict=True
    ):
        if exact:
            piece = vocabulary.pieces[number] or b""
            added = len(piece) - (end - start)
            assert added == 0 or (added == 1 and piece[:1] == b" ")
            found.append((piece[added:], data[start:end]))
    return found


@pytest.mark.parametrize("style", ["byte_level", "bytes", "tiktoken"])
def test_every_byte_has_a_token_and_no_two_the_same_bytes(
    style: str, styles: Mapping[str, Vocabulary]
) -> None:
    pieces = [piece for piece in styles[style].pieces if piece is not None]
    assert {bytes([byte]) for byte in range(256)} <= set(pieces)
    assert len(set(pieces)) == len(pieces)


def test_sentencepiece_writes_spaces_and_bytes_its_own_way(styles: Mapping[str, Vocabulary]) -> None:
    vocabulary = styles["sentencepiece"]
    by_token = dict(zip(vocabulary.tokens, vocabulary.pieces, strict=True))
    assert by_token["▁"] == b" "
    assert by_token["<0x0A>"] == b"\n"
    assert by_token["<0xE2>"] == b"\xe2"
    assert {vocabulary.tokens[i] for i in vocabulary.spare} == {f"<0x{byte:02X}>" for byte in range(256)}


def test_pieces_of_a_word_lose_their_mark(styles: Mapping[str, Vocabulary]) -> None:
    vocabulary = styles["wordpiece"]
    by_token = dict(zip(vocabulary.tokens, vocabulary.pieces, strict=True))
    assert by_token["##s"] == by_token["s"] == b"s"


def test_a_suffix_that_ends_words_is_no_text(tmp_path: Path) -> None:
    model = models.BPE(vocab={"a": 0, "b</w>": 1}, merges=[], end_of_word_suffix="</w>")
    tokenizer = Tokenizer(model)
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    tokenizer.decoder = decoders.BPEDecoder(suffix="</w>")
    assert saved(tokenizer, tmp_path).pieces == (b"a", b"b")


@pytest.mark.parametrize("style", EXACT)
@given(text=TEXTS)
def test_tokens_that_spell_the_text_end_where_their_bytes_do(
    style: str, text: str, styles: Mapping[str, Vocabulary]
) -> None:
    vocabulary = styles[style]
    encoded = vocabulary.encode(text)
    assert encoded.nbytes == len(text.encode())
    assert all(ours == theirs for ours, theirs in spelled(vocabulary, encoded, text))
    if style != "sentencepiece" or ("▁" not in text and "</s>" not in text):
        assert encoded.exact.all()
        assert b"".join(piece for piece, _ in spelled(vocabulary, encoded, text)) == text.encode()


@pytest.mark.parametrize("style", ["nfc", "unigram", "wordpiece", "tiny"])
@given(text=TEXTS)
def test_tokenizers_that_change_the_text_say_where_tokens_lie_and_which_are_exact(
    style: str, text: str, styles: Mapping[str, Vocabulary]
) -> None:
    vocabulary = styles[style]
    encoded = vocabulary.encode(text)
    ends = [0, *encoded.ends.tolist(), encoded.nbytes]
    assert ends == sorted(ends)
    assert all(ours == theirs for ours, theirs in spelled(vocabulary, encoded, text))
    assert (encoded.known | ~encoded.exact).all()
    assert [vocabulary.pieces[i] is not None for i in encoded.ids] == encoded.known.tolist()


def test_a_token_that_splits_a_character_ends_inside_it(styles: Mapping[str, Vocabulary]) -> None:
    assert styles["bytes"].encode("a€b").ends.tolist() == [1, 2, 3, 4, 5]
    assert styles["sentencepiece"].encode("☃").ends.tolist()[-3:] == [1, 2, 3]


def test_a_space_that_is_put_in_front_is_evened_out(styles: Mapping[str, Vocabulary]) -> None:
    vocabulary = styles["sentencepiece"]
    encoded = vocabulary.encode("How")
    assert b"".join(vocabulary.pieces[i] or b"" for i in encoded.ids) == b" How"
    assert encoded.ends[-1] == 3
    assert encoded.exact.all()


def test_a_space_of_the_texts_own_is_kept(tmp_path: Path) -> None:
    vocabulary = saved(sentencepiece(prepend="never"), tmp_path)
    assert vocabulary.encode(" How").ends[-1] == 4
    assert vocabulary.encode(" How").exact.all()


def test_one_changed_letter_leaves_the_rest_exact(tmp_path: Path) -> None:
    vocabulary = saved(characters("abcé"), tmp_path, unk_token="�")
    encoded = vocabulary.encode("aébxc")
    assert encoded.ends.tolist() == [1, 3, 4, 5, 6]
    assert encoded.known.tolist() == encoded.exact.tolist() == [True, True, True, False, True]


def test_composed_letters_are_found_by_offsets(styles: Mapping[str, Vocabulary]) -> None:
    text = "cafe\u0301 au lait"
    encoded = styles["nfc"].encode(text)
    assert encoded.known.all()
    assert not encoded.exact.all()
    ends = encoded.ends.tolist()
    assert len(text.encode()) in ends
    assert len("cafe\u0301".encode()) in ends
    after = [
        exact
        for end, exact in zip(ends, encoded.exact.tolist(), strict=True)
        if end > len("cafe\u0301".encode())
    ]
    assert all(after)


def test_lower_case_is_no_exact_spelling(styles: Mapping[str, Vocabulary]) -> None:
    encoded = styles["wordpiece"].encode("How many")
    assert encoded.known.all()
    assert not encoded.exact[0]
    assert encoded.ends[-1] == 8


def test_a_special_tokens_spelling_is_text(styles: Mapping[str, Vocabulary]) -> None:
    for style, spelling in (("byte_level", "<eos>"), ("tiktoken", "<|im_end|>"), ("sentencepiece", "</s>")):
        vocabulary = styles[style]
        assert vocabulary.roles["eos"] not in vocabulary.encode(f"a{spelling}b").ids
        vocabulary.tokenizer(f"a{spelling}b")  # which takes it for the special token, and must not stick
        assert vocabulary.roles["eos"] not in vocabulary.encode(f"a{spelling}b").ids
        assert vocabulary.encode(f"a{spelling}b").exact.all()


def test_nothing_is_cut_off_or_filled_up(tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.enable_truncation(4)
    tokenizer.enable_padding(length=64)
    vocabulary = saved(tokenizer, tmp_path)
    text = "A long enough text, with words."
    assert vocabulary.encode(text).ends[-1] == len(text)
    assert vocabulary.encode(text).exact.all()


def test_a_tokenizer_in_python_is_placed_by_bytes_alone(tmp_path: Path) -> None:
    ByT5Tokenizer().save_pretrained(tmp_path)
    vocabulary = open_vocabulary(tmp_path)
    assert vocabulary.encode("ab").ends.tolist() == [1, 2]
    assert vocabulary.encode("</s>").exact.all()
    lost = vocabulary.encode("né")  # whose bytes it writes as characters of their own
    assert lost.ends.tolist() == [3, 3, 3]
    assert not lost.known.any()


def test_an_empty_text_has_no_tokens(styles: Mapping[str, Vocabulary]) -> None:
    for vocabulary in styles.values():
        encoded = vocabulary.encode("")
        assert encoded.nbytes == 0
        assert encoded.ends.tolist() in ([], [0])


def test_many_texts_are_encoded_as_one_by_one(styles: Mapping[str, Vocabulary]) -> None:
    texts = ["How many?", "", "né 🙂", "  x"]
    for vocabulary in styles.values():
        for together, alone in zip(vocabulary.encode_many(texts), map(vocabulary.encode, texts), strict=True):
            assert together.ids.tolist() == alone.ids.tolist()
            assert together.ends.tolist() == alone.ends.tolist()


def test_a_closed_text_has_one_more_token_of_one_byte(styles: Mapping[str, Vocabulary]) -> None:
    vocabulary = styles["tiny"]
    closed = vocabulary.encode("12").closed(vocabulary.roles["eos"])
    assert closed.ids.tolist()[-1] == vocabulary.roles["eos"]
    assert closed.ends.tolist() == [1, 2, 3]
    assert closed.nbytes == 3


def test_roles_are_the_tokenizers_own(styles: Mapping[str, Vocabulary]) -> None:
    assert styles["sentencepiece"].roles == {"eos": 2, "bos": 1, "unk": 0}
    assert styles["tiny"].roles == {"eos": 1, "unk": 2, "pad": 0}
    assert styles["tiny"].pieces[:3] == (None, None, None)


def test_a_chats_end_of_turn_is_what_its_template_writes_after_an_answer(tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.add_special_tokens(special("<a>", "<over>", "<|im_end|>"))
    template = "{% for m in messages %}<a>{{ m['content'] }}<over>\n{% endfor %}"
    vocabulary = saved(tokenizer, tmp_path, template, eos_token="<eos>")
    assert vocabulary.roles["turn_end"] == tokenizer.token_to_id("<over>")


def test_a_chats_end_of_turn_without_a_template_is_a_well_known_one(tmp_path: Path) -> None:
    tokenizer = byte_level()
    tokenizer.add_special_tokens(special("<|im_end|>"))
    vocabulary = saved(tokenizer, tmp_path)
    assert vocabulary.roles == {"turn_end": tokenizer.token_to_id("<|im_end|>")}


def test_a_digest_is_of_the_tokenizers_files_alone(tmp_path: Path) -> None:
    first = saved(byte_level(), tmp_path / "a")
    second = saved(byte_level(), tmp_path / "b")
    (tmp_path / "b" / "config.json").write_text('{"model_type": "llama"}')
    assert first.digest == second.digest == open_vocabulary(tmp_path / "b").digest
    assert saved(byte_level(500), tmp_path / "c").digest != first.digest


@pytest.mark.parametrize(
    ("files", "reason"),
    [
        ({}, "no tokenizer; copy the model's tokenizer.json and tokenizer_config.json there"),
        ({"config.json": '{"model_type": "llama"}'}, "no tokenizer; copy"),
        ({"tokenizer.json": "{"}, "its tokenizer cannot be opened"),
        (
            {"tokenizer.json": "[]", "config.json": '{"model_type": "llama"}'},
            "its tokenizer cannot be opened",
        ),
        ({"tokenizer.json": '{"model": {"type": "None"}}'}, "its tokenizer cannot be opened"),
        (
            {
                "tokenizer_config.json": json.dumps(
                    {"tokenizer_class": "Own", "auto_map": {"AutoTokenizer": ["own.Own", None]}}
                )
            },
            "its tokenizer cannot be opened .*custom code",
        ),
    ],
)
def test_a_folder_without_a_usable_tokenizer_is_named_in_one_line(
    files: Mapping[str, str], reason: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(CheckpointError, match=reason) as error:
        open_vocabulary(tmp_path)
    assert str(error.value).startswith(str(tmp_path))
    assert "\n" not in str(error.value)
