"""Texts to tokens and back, by lm-eval's rules, for every engine that has a tokenizer.

The rules are those of lm-eval 0.4.13: `HFLM.tok_batch_encode` for prompts, `TemplateLM._encode_pair` and
`TemplateLM.loglikelihood` for pairs, `HFLM._loglikelihood_tokens` for what gives way when a text is too long.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from evaluators.errors import EngineError

logger = logging.getLogger(__name__)

Token = TypeVar("Token", int, str)


@dataclass(frozen=True)
class Pair:
    """A context and its continuation as tokens; neither is empty."""

    context: tuple[int, ...]
    continuation: tuple[int, ...]


@dataclass
class Cuts:
    """How many texts were too long for the model's context; the first ones are logged."""

    count: int = 0

    def see(self, what: str, lengths: Sequence[int], room: int) -> None:
        """Count the lengths over `room` tokens, and say so the first time there are any."""
        cut = sum(length > room for length in lengths)
        if cut and not self.count:
            logger.warning("%d of %d %s have over %d tokens and are cut", cut, len(lengths), what, room)
        self.count += cut


def encode_prompts(tokenizer: Any, prompts: Sequence[str]) -> list[list[int]]:
    """The tokens of each prompt; prompts that bring their own start token get no second one."""
    bos = tokenizer.bos_token
    extra = {"add_special_tokens": False} if bos and prompts and prompts[0].startswith(bos) else {}
    return _tokens(tokenizer, prompts, **extra)


def keep_last(encoded: Sequence[list[Token]], context: int, max_tokens: int, cuts: Cuts) -> list[list[Token]]:
    """The end of each prompt, so long that an answer of `max_tokens` fits into the context with it.

    Raises EngineError when the answer leaves no room for a prompt.
    """
    room = context - max_tokens
    if room < 1:
        raise EngineError(f"the model's context is {context} tokens; lower max_tokens")
    cuts.see("prompts", [len(ids) for ids in encoded], room)
    return [ids[-room:] for ids in encoded]


def encode_pairs(tokenizer: Any, pairs: Sequence[tuple[str, str]]) -> list[Pair]:
    """The tokens of (context, continuation) pairs, each different text encoded once.

    Spaces that end a context begin the continuation; a continuation is what the whole text has after as many
    tokens as the context alone takes; without a context, the model's start (else end) token takes its place.
    Raises EngineError for a continuation without a token of its own.
    """
    moved = [move_spaces(context, continuation) for context, continuation in pairs]
    plain = [text for context, text in moved if not context]
    framed = [text for context, text in moved if context for text in (context, context + text)]
    alone = dict(zip(plain, _tokens(tokenizer, plain, add_special_tokens=False), strict=True))
    known = _with_start(tokenizer, list(dict.fromkeys(framed)))
    prefix = prefix_token(tokenizer)
    found = []
    for context, text in moved:
        if context:
            pair = _split(prefix, known[context], known[context + text])
        else:
            pair = _start(prefix, alone[text])
        if not pair.continuation:
            raise EngineError(
                f"the continuation {text[:40]!r} has no token of its own after {context[-40:]!r}"
            )
        found.append(pair)
    return found


def move_spaces(context: str, continuation: str) -> tuple[str, str]:
    """The pair with the white space that ends the context at the beginning of the continuation."""
    bare = context.rstrip()
    return bare, context[len(bare) :] + continuation


def window(pair: Pair, room: int) -> list[int]:
    """The pair's last `room` tokens.

    Raises EngineError if they do not hold the continuation and a token before it.
    """
    if len(pair.continuation) >= room:
        raise EngineError(f"a continuation of {len(pair.continuation)} tokens does not fit in {room - 1}")
    return [*pair.context, *pair.continuation][-room:]


def prefix_token(tokenizer: Any) -> int:
    """What a text without a context begins with: the start token, else the end token."""
    token = tokenizer.bos_token_id
    return int(tokenizer.eos_token_id if token is None else token)


def stop_strings(tokenizer: Any, stop: Sequence[str]) -> list[str]:
    """What ends an answer: the task's strings, and the tokenizer's end of text."""
    return [string for string in (*stop, tokenizer.eos_token) if string]


def cut_at_stop(text: str, stop: Sequence[str]) -> str:
    """The text before its stop strings."""
    # One string after another, as lm-eval does: it matters where two of them overlap.
    for string in stop:
        text = text.split(string)[0]
    return text


def _split(prefix: int, context: list[int], whole: list[int]) -> Pair:
    return Pair(tuple(context) or (prefix,), tuple(whole[len(context) :]))


def _start(prefix: int, ids: list[int]) -> Pair:
    if ids[:1] == [prefix]:
        return Pair((prefix,), tuple(ids[1:]))
    return Pair((prefix,), tuple(ids))


def _with_start(tokenizer: Any, texts: list[str]) -> dict[str, list[int]]:
    """Tokens with the start token that the tokenizer adds, except where a text brings its own."""
    start = tokenizer.decode(prefix_token(tokenizer))
    own = [text for text in texts if start and text.startswith(start)]
    rest = [text for text in texts if not (start and text.startswith(start))]
    return {
        **dict(zip(own, _tokens(tokenizer, own, add_special_tokens=False), strict=True)),
        **dict(zip(rest, _tokens(tokenizer, rest), strict=True)),
    }


def _tokens(tokenizer: Any, texts: Sequence[str], **options: bool) -> list[list[int]]:
    if not texts:
        return []
    ids: list[list[int]] = tokenizer(list(texts), verbose=False, **options)["input_ids"]
    return ids
