"""The bytes that each token of a vocabulary stands for, whatever alphabet its makers wrote them in.

Byte-level (GPT-2, tiktoken): every byte has a printable character. Sentencepiece: `▁` for a space, `<0x0A>`
for a byte. WordPiece and BPE with affixes: a mark on pieces that go on a word, or that end one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

_FALLBACK = re.compile(r"<0x([0-9A-Fa-f]{2})>")
_SENTENCEPIECE = "▁"


@dataclass(frozen=True)
class Writing:
    """How a tokenizer writes down bytes in its vocabulary."""

    byte_level: bool = False
    space: str = ""
    """What stands for a space; "" where a space is itself."""
    fallback: bool = False
    """Whether `<0x0A>` is a byte."""
    continues: str = ""
    """Prefix of pieces that go on a word, such as ## of WordPiece."""
    ends: str = ""
    """Suffix of pieces that end a word, such as </w>."""

    def bytes_of(self, token: str) -> bytes:
        """What a token of the vocabulary (no added one) stands for in running text."""
        if self.byte_level:
            return _undone(token)
        if self.fallback and (byte := _FALLBACK.fullmatch(token)):
            return bytes([int(byte[1], 16)])
        bare = token.removeprefix(self.continues).removesuffix(self.ends)
        return (bare.replace(self.space, " ") if self.space else bare).encode("utf-8", "replace")

    def is_fallback(self, token: str) -> bool:
        """Whether a token is a byte that other tokens may spell too."""
        return self.fallback and _FALLBACK.fullmatch(token) is not None


SENTENCEPIECE = Writing(space=_SENTENCEPIECE, fallback=True)
"""What tokenizers without a backend that could be asked write, if not plain text."""


def writing_of(backend: Any) -> Writing:
    """How the `tokenizers.Tokenizer` writes its vocabulary."""
    parts = [part for name in ("normalizer", "pre_tokenizer") for part in _parts(getattr(backend, name))]
    decoders = list(_parts(backend.decoder))
    model = backend.model
    wordpiece = type(model).__name__ == "WordPiece"
    return Writing(
        byte_level=any(part["type"] == "ByteLevel" for part in parts or decoders),
        space=next(filter(None, map(_space, parts)), next(filter(None, map(_written_space, decoders)), "")),
        fallback=bool(getattr(model, "byte_fallback", False))
        or any(part["type"] == "ByteFallback" for part in decoders),
        continues=getattr(model, "continuing_subword_prefix", None) or ("##" if wordpiece else ""),
        ends=getattr(model, "end_of_word_suffix", None) or "",
    )


def _parts(component: Any) -> Iterator[Mapping[str, Any]]:
    """A component of a tokenizer as data, sequences opened up."""
    if component is None:
        return
    waiting = [json.loads(component.__getstate__())]
    while waiting:
        part = waiting.pop(0)
        inner = next((part[key] for key in ("normalizers", "pretokenizers", "decoders") if key in part), None)
        if inner is None:
            yield part
        else:
            waiting[:0] = inner


def _space(part: Mapping[str, Any]) -> str:
    """What a normalizer or pre-tokenizer puts in a space's place."""
    if part["type"] == "Metaspace":
        return str(part["replacement"])
    spaces = part["type"] == "Replace" and part["pattern"].get("String") == " "
    return str(part["content"]) if spaces else ""


def _written_space(part: Mapping[str, Any]) -> str:
    """What a decoder turns back into a space."""
    if part["type"] == "Metaspace":
        return str(part["replacement"])
    spaces = part["type"] == "Replace" and part["content"] == " "
    return str(part["pattern"].get("String", "")) if spaces else ""


def _alphabet() -> dict[str, int]:
    """GPT-2's characters for bytes: printable ones stand for themselves, the others for 256 and following."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    rest = [byte for byte in range(256) if byte not in set(plain)]
    return {chr(byte): byte for byte in plain} | {chr(256 + n): byte for n, byte in enumerate(rest)}


_BYTES = _alphabet()


def _undone(token: str) -> bytes:
    try:
        return bytes(map(_BYTES.__getitem__, token))
    except KeyError:  # no token that text is made of: an added one that the model's vocabulary lists too
        return token.encode("utf-8", "replace")
