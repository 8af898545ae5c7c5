"""A row in one model's tokens: the prompt as its engine is asked, and the response as it would write it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from merging.errors import CheckpointError, DataError
from merging.fusion.alignment.encoded import Encoded
from merging.fusion.alignment.vocabulary import Vocabulary, open_vocabulary
from merging.fusion.texts import Format, Row

_NO_DAY = "1 Jan 2000"
"""What templates get that ask for the day: tokens that change overnight could not be resumed."""


@dataclass(frozen=True, eq=False)
class Exchange:
    """A prompt int32 [p], at least one token, and the response, closed by the token that ends it.

    `kept` of the response's tokens fit into the length that was asked for; `response` is whole, so that it
    can be aligned with another model's.
    """

    prompt: NDArray[np.int32]
    response: Encoded
    kept: int

    @property
    def cut(self) -> bool:
        """Whether something of the response did not fit."""
        return self.kept < len(self.response)

    @property
    def kept_ids(self) -> NDArray[np.int32]:
        """The kept tokens of the response int32 [kept]."""
        return self.response.ids[: self.kept]

    @property
    def request(self) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
        """What a teacher is asked."""
        return self.prompt, self.kept_ids

    @property
    def ids(self) -> NDArray[np.int64]:
        """Prompt and response int64, as the model reads them; the response begins at `len(prompt)`."""
        return np.concatenate([self.prompt, self.kept_ids]).astype(np.int64)


@dataclass(frozen=True)
class Writer:
    """Writes rows as one model reads them."""

    vocabulary: Vocabulary
    format: Format
    end: int
    """The token that ends a response: end of text, or of the turn."""

    def write(self, rows: Sequence[Row], max_length: int) -> list[Exchange]:
        """Each row as tokens, at most `max_length` of them.

        Too long a row loses the end of its response first, until that is half of the length, and then the
        beginning of its prompt. A chat model's response is stripped of white space around it, as templates
        do; plain text is left as it is.

        Raises:
            DataError: the chat template refuses a row, or `max_length` holds no prompt and response.
        """
        if max_length < 2:
            raise DataError(f"max_length: {max_length} tokens hold no prompt and response; raise it")
        prompts, texts = self._chat(rows) if self.format == "chat" else self._plain(rows)
        return [
            _fitted(prompt, text.closed(self.end), max_length)
            for prompt, text in zip(prompts, texts, strict=True)
        ]

    def _plain(self, rows: Sequence[Row]) -> tuple[list[list[int]], list[Encoded]]:
        """The prompt alone, as an engine is asked; the response as it goes on from there."""
        instructions = [row.instruction for row in rows]
        prompts = [self._started(ids) for ids in _tokens(self._tokenizer, instructions, True)]
        heads = self.vocabulary.encode_many(instructions)
        wholes = self.vocabulary.encode_many([row.instruction + row.response for row in rows])
        alone = self.vocabulary.encode_many([row.response for row in rows])
        texts = [_rest(*each) for each in zip(heads, wholes, alone, strict=True)]
        return prompts, texts

    def _chat(self, rows: Sequence[Row]) -> tuple[list[list[int]], list[Encoded]]:
        asked = [self._turn([_said("user", row.instruction)], True) for row in rows]
        prompts = [self._started(ids) for ids in _tokens(self._tokenizer, asked, False)]
        return prompts, self.vocabulary.encode_many([row.response.strip() for row in rows])

    @property
    def _tokenizer(self) -> Any:
        return self.vocabulary.tokenizer

    def _started(self, ids: list[int]) -> list[int]:
        """A prompt that holds something to go on from, and no end that a tokenizer puts behind every text."""
        start = self._tokenizer.bos_token_id
        if len(ids) > 1 and ids[-1] == self._tokenizer.eos_token_id and self.format == "plain":
            ids = ids[:-1]
        return ids or [int(self.end if start is None else start)]

    def _turn(self, messages: list[dict[str, str]], go_on: bool) -> str:
        return _render(self._tokenizer, self.vocabulary.folder, messages, go_on)


def open_writer(folder: Path, format: Format, vocabulary: Vocabulary | None = None) -> Writer:
    """How rows are put to the model in `folder`.

    Raises:
        CheckpointError: it has no usable tokenizer, no token that ends a response, or no chat template where
            the format is chat.
    """
    vocabulary = vocabulary or open_vocabulary(folder)
    roles = vocabulary.roles
    if format == "chat" and not has_template(vocabulary):
        raise CheckpointError(f"{folder}: has no chat template; add a chat_template.jinja, or write `plain`")
    end = roles.get("turn_end", roles.get("eos")) if format == "chat" else roles.get("eos")
    if end is None:
        raise CheckpointError(
            f"{folder}: its tokenizer names no end of text, so no response could end; add eos_token to"
            " tokenizer_config.json"
        )
    return Writer(vocabulary, format, end)


def has_template(vocabulary: Vocabulary) -> bool:
    """Whether a model is told by a chat template who speaks."""
    return getattr(vocabulary.tokenizer, "chat_template", None) is not None


def _fitted(prompt: Sequence[int], response: Encoded, most: int) -> Exchange:
    kept = min(len(response), max(most - len(prompt), most // 2))
    return Exchange(np.asarray(prompt, np.int32)[-(most - kept) :], response, kept)


def _rest(head: Encoded, whole: Encoded, alone: Encoded) -> Encoded:
    """What the whole text has behind its head; the tail's own tokens where one lies across the border."""
    n = len(head)
    if not np.array_equal(whole.ids[:n], head.ids) or not np.array_equal(whole.ends[:n], head.ends):
        return alone
    ends, nbytes = whole.ends[n:] - head.nbytes, whole.nbytes - head.nbytes
    return Encoded(whole.ids[n:], ends, nbytes, whole.known[n:], whole.exact[n:])


def _render(tokenizer: Any, folder: Path | str, messages: list[dict[str, str]], go_on: bool) -> str:
    from jinja2.exceptions import TemplateError

    options = {"tokenize": False, "add_generation_prompt": go_on, "strftime_now": lambda _: _NO_DAY}
    try:
        return str(tokenizer.apply_chat_template(messages, **options))
    except (TemplateError, ValueError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise DataError(
            f"{folder}: its chat template refuses a question and its answer ({reason}); write `format: plain`"
        ) from None


def _said(role: str, content: str) -> dict[str, str]:
    return {"role": role, "content": content}


def _tokens(tokenizer: Any, texts: Sequence[str], special: bool) -> list[list[int]]:
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(list(texts), add_special_tokens=special, verbose=False)["input_ids"]
    return ids
