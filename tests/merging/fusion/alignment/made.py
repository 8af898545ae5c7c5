"""Tokenizers of every style, small and real: trained in the test on the tiny experts' own texts."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast

from merging.fusion.alignment.vocabulary import Vocabulary, open_vocabulary

TINY = Path(__file__).parents[4] / "examples" / "tiny"
MORE = (
    "Zwölf Größen kosten 3 €, naïve café 東京タワー 🙂👩‍👩‍👧 and more.",
    "  Leading spaces,\r\nCRLF, tabs\tand trailing spaces.   ",
)
BYTES = [f"<0x{byte:02X}>" for byte in range(256)]
_WORDS = r"\p{N}{1,3}| ?\p{L}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"


def corpus() -> list[str]:
    """Questions, answers and programs of the tiny experts, and some text of other scripts."""
    rows = [json.loads(line) for name in ("gsm8k", "math", "code") for line in _lines(name)]
    return [text for row in rows for text in row.values() if isinstance(text, str)] + list(MORE) * 20


def _lines(name: str) -> list[str]:
    return (TINY / f"{name}.jsonl").read_text().splitlines()[:150]


def byte_level(size: int = 600, normalizer: Any = None, trained: bool = True) -> Tokenizer:
    """GPT-2's style; Qwen's with an NFC normalizer."""
    tokenizer = Tokenizer(models.BPE())
    if normalizer is not None:
        tokenizer.normalizer = normalizer
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=size if trained else 259, initial_alphabet=alphabet, special_tokens=["<eos>", "<pad>"]
    )
    tokenizer.train_from_iterator(corpus() if trained else [], trainer)
    return tokenizer


def tiktoken(size: int = 700) -> Tokenizer:
    """Words cut by a pattern, then bytes: what transformers makes of tiktoken's files."""
    tokenizer = Tokenizer(models.BPE())
    words = pre_tokenizers.Split(Regex(_WORDS), "isolated")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [words, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=size,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        special_tokens=["<|end|>", "<|im_end|>"],
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def sentencepiece(size: int = 500, prepend: str = "first") -> Tokenizer:
    """Llama 2's and Gemma's style: ▁ for spaces, a byte where no piece fits."""
    tokenizer = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme=prepend, split=True)
    tokenizer.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse()]
    )
    trainer = trainers.BpeTrainer(
        vocab_size=size, special_tokens=["<unk>", "<s>", "</s>", *BYTES], limit_alphabet=80
    )
    tokenizer.train_from_iterator(corpus(), trainer)
    state = json.loads(tokenizer.to_str())
    state["added_tokens"] = state["added_tokens"][:3]  # bytes are no special tokens: models emit them
    return Tokenizer.from_str(json.dumps(state))


def unigram(size: int = 400) -> Tokenizer:
    """T5's style: NFKC, and runs of spaces made one."""
    tokenizer = Tokenizer(models.Unigram())
    tokenizer.normalizer = normalizers.Sequence(
        [normalizers.NFKC(), normalizers.Replace(Regex(" {2,}"), " ")]
    )
    tokenizer.pre_tokenizer = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.decoder = decoders.Metaspace()
    trainer = trainers.UnigramTrainer(vocab_size=size, special_tokens=["<unk>", "</s>"], unk_token="<unk>")
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def wordpiece(size: int = 700) -> Tokenizer:
    """BERT's style: lower case, no accents, words without their spaces."""
    tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
    tokenizer.normalizer = normalizers.BertNormalizer()
    tokenizer.pre_tokenizer = pre_tokenizers.BertPreTokenizer()
    tokenizer.decoder = decoders.WordPiece()
    trainer = trainers.WordPieceTrainer(vocab_size=size, special_tokens=["[UNK]", "[SEP]"])
    tokenizer.train_from_iterator(corpus(), trainer)
    return tokenizer


def characters(alphabet: str, unk: str | None = "�") -> Tokenizer:
    """The tiny family's style: one token a character."""
    tokens = [*([unk] if unk else []), *sorted(set(alphabet))]
    tokenizer = Tokenizer(models.BPE(vocab={t: i for i, t in enumerate(tokens)}, merges=[], unk_token=unk))
    tokenizer.decoder = decoders.Fuse()
    return tokenizer


STYLES: Mapping[str, tuple[Callable[[], Tokenizer], Mapping[str, str]]] = {
    "byte_level": (byte_level, {"eos_token": "<eos>", "pad_token": "<pad>"}),
    "bytes": (lambda: byte_level(trained=False), {"eos_token": "<eos>"}),
    "nfc": (lambda: byte_level(500, normalizers.NFC()), {"eos_token": "<eos>"}),
    "tiktoken": (tiktoken, {"eos_token": "<|end|>"}),
    "sentencepiece": (sentencepiece, {"eos_token": "</s>", "bos_token": "<s>", "unk_token": "<unk>"}),
    "unigram": (unigram, {"eos_token": "</s>", "unk_token": "<unk>"}),
    "wordpiece": (wordpiece, {"eos_token": "[SEP]", "unk_token": "[UNK]"}),
}


def saved(tokenizer: Tokenizer, folder: Path, template: str | None = None, **named: str) -> Vocabulary:
    """A tokenizer as a model folder holds it, opened as users' are."""
    whole = PreTrainedTokenizerFast(tokenizer_object=tokenizer, **named)
    whole.chat_template = template
    whole.save_pretrained(folder)
    return open_vocabulary(folder)


def special(*spellings: str) -> list[AddedToken]:
    return [AddedToken(spelling, special=True) for spelling in spellings]
