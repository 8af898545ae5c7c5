"""A model's tokenizer as fusion sees it: the bytes of every token, the tokens with a role, and encoding."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property, partial
from pathlib import Path
from typing import Any

import numpy as np

from merging.errors import CheckpointError
from merging.fusion.alignment.encoded import Encoded, Pieces, place
from merging.fusion.alignment.pieces import SENTENCEPIECE, Writing, writing_of
from merging.fusion.alignment.roles import roles_of

_FILES = (
    "tokenizer*",
    "vocab*",
    "merges.txt",
    "added_tokens.json",
    "special_tokens_map.json",
    "chat_template*",
    "*.model",
    "*.tiktoken",
    "tekken.json",
)
_REFUSALS = (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError, RuntimeError)


@dataclass(frozen=True)
class Vocabulary:
    """The tokens of one model."""

    folder: Path
    tokens: tuple[str | None, ...] = field(repr=False)
    """By id, as the tokenizer writes them; None where an id stands for nothing."""
    pieces: tuple[bytes | None, ...] = field(repr=False)
    """By id, the bytes that it stands for in running text; None: special tokens, and ids without a token."""
    spare: frozenset[int] = field(repr=False)
    """Ids of single bytes that other tokens may spell too (`<0x0A>`), used only where no other fits."""
    roles: Mapping[str, int]
    """Special tokens by what they are for: bos, eos, turn_end, unk, pad."""
    digest: str
    """SHA-256 over the tokenizer's files."""
    tokenizer: Any = field(repr=False, compare=False)
    """transformers' own."""

    @property
    def size(self) -> int:
        """Ids run from 0 to size - 1; a model's embedding may have more rows."""
        return len(self.pieces)

    def encode(self, text: str) -> Encoded:
        """A text's tokens and where they end; the spelling of a special token is text like any other."""
        return self.encode_many([text])[0]

    def encode_many(self, texts: Sequence[str]) -> list[Encoded]:
        """`encode` for many texts, faster."""
        backend = getattr(self.tokenizer, "backend_tokenizer", None)
        if backend is None:
            return [self._encode_slowly(text) for text in texts]
        backend.encode_special_tokens = True  # transformers switches it with every call of its own
        backend.no_truncation()
        backend.no_padding()
        found = backend.encode_batch_fast(list(texts), add_special_tokens=False)
        return [
            place(self._flat, np.array(each.ids, np.int32), text, partial(_offsets, backend, text))
            for text, each in zip(texts, found, strict=True)
        ]

    def _encode_slowly(self, text: str) -> Encoded:
        """With a tokenizer in Python; it says no offsets, so tokens that do not spell the text are lost."""
        ids = self.tokenizer.encode(text, add_special_tokens=False, split_special_tokens=True)
        return place(self._flat, np.array(ids, np.int32), text, None)

    @cached_property
    def _flat(self) -> Pieces:
        return Pieces.of(self.pieces)


def _offsets(backend: Any, text: str) -> Sequence[tuple[int, int]]:
    found: Sequence[tuple[int, int]] = backend.encode(text, add_special_tokens=False).offsets
    return found


def open_vocabulary(folder: Path) -> Vocabulary:
    """Read a model folder's tokenizer, of any kind that transformers opens without code of the model's own.

    Raises:
        CheckpointError: there is none, or none that can be opened.
    """
    tokenizer = _open(folder)
    backend = getattr(tokenizer, "backend_tokenizer", None)
    writing = SENTENCEPIECE if backend is None else writing_of(backend)
    tokens = _by_id(tokenizer)
    special, added = _special(tokenizer, backend), tokenizer.added_tokens_decoder
    literal = {number: str(token.content) for number, token in added.items() if not token.normalized}
    pieces = tuple(
        None if token is None or number in special else _piece(writing, token, literal.get(number))
        for number, token in enumerate(tokens)
    )
    spare = frozenset(
        number
        for number, token in enumerate(tokens)
        if token is not None and pieces[number] is not None and writing.is_fallback(token)
    )
    return Vocabulary(folder, tokens, pieces, spare, roles_of(tokenizer), _digest(folder), tokenizer)


def _open(folder: Path) -> Any:
    from transformers import AutoTokenizer

    try:
        return AutoTokenizer.from_pretrained(folder, local_files_only=True, trust_remote_code=False)
    except _REFUSALS as error:
        reason = " ".join(str(error).split())[:120]
        found = f"its tokenizer cannot be opened ({reason})" if _files(folder) else "no tokenizer"
        raise CheckpointError(
            f"{folder}: {found}; copy the model's tokenizer.json and tokenizer_config.json there"
        ) from error


def _by_id(tokenizer: Any) -> tuple[str | None, ...]:
    vocabulary = tokenizer.get_vocab()
    tokens: list[str | None] = [None] * (max(vocabulary.values(), default=-1) + 1)
    for token, number in vocabulary.items():
        tokens[number] = token
    return tuple(tokens)


def _special(tokenizer: Any, backend: Any) -> set[int]:
    """Ids that never stand for text: special tokens, and what stands for text that has no token."""
    added = {number for number, token in tokenizer.added_tokens_decoder.items() if token.special}
    model = getattr(backend, "model", None)
    named = getattr(model, "unk_token", None)
    unknown = {getattr(model, "unk_id", None), backend.token_to_id(named) if named else None}
    return {*added, *tokenizer.all_special_ids, *(number for number in unknown if number is not None)}


def _piece(writing: Writing, token: str, literal: str | None) -> bytes:
    """Tokens that were added are matched in the text as they are written."""
    return writing.bytes_of(token) if literal is None else literal.encode("utf-8", "replace")


def _files(folder: Path) -> list[Path]:
    """The files that make up a tokenizer."""
    return sorted({file for each in _FILES for file in folder.glob(each) if file.is_file()})


def _digest(folder: Path) -> str:
    digest = hashlib.sha256()
    for file in _files(folder):
        digest.update(f"{file.name}\0{file.stat().st_size}\0".encode())
        digest.update(file.read_bytes())
    return digest.hexdigest()
