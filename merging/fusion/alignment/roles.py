"""Special tokens by what they are for, so that two models' can be paired whatever they are called."""

from __future__ import annotations

from typing import Any

ROLES = ("eos", "turn_end", "bos", "unk", "pad")
"""In the order of pairing: a token of several roles is paired by the first that both sides have."""
TURN_ENDS = (
    "<|im_end|>",
    "<end_of_turn>",
    "<|eot_id|>",
    "<|end|>",
    "<|eot|>",
    "<|end_of_turn|>",
    "<turn|>",
    "<|return|>",
)
"""What ends an answer in chats, where no template of the tokenizer's own says it."""
_ANSWER = "crucible"
_TALK = [{"role": "user", "content": "?"}, {"role": "assistant", "content": _ANSWER}]


def roles_of(tokenizer: Any) -> dict[str, int]:
    """Ids by role, of those roles that a tokenizer has."""
    named = {role: getattr(tokenizer, f"{role}_token_id", None) for role in ("eos", "bos", "unk", "pad")}
    found: dict[str, int | None] = {**named, "turn_end": _turn_end(tokenizer)}
    return {role: number for role in ROLES if (number := found[role]) is not None}


def _turn_end(tokenizer: Any) -> int | None:
    """What the chat template writes after an answer, if that is one special token; else a well-known one."""
    special = {t.content: number for number, t in tokenizer.added_tokens_decoder.items() if t.special}
    after = _after_answer(tokenizer)
    if after is not None:
        ahead = [token for token in special if after.startswith(token)]
        return special[max(ahead, key=len)] if ahead else None
    return next((special[token] for token in TURN_ENDS if token in special), None)


def _after_answer(tokenizer: Any) -> str | None:
    """The rest of a chat after its last answer; None without a template, or with one that tells nothing."""
    if not getattr(tokenizer, "chat_template", None):
        return None
    from jinja2 import TemplateError

    try:
        chat = str(tokenizer.apply_chat_template(_TALK, tokenize=False))
    except (TemplateError, ValueError, TypeError, KeyError):  # of its own making: it wants other messages
        return None
    _, found, after = chat.rpartition(_ANSWER)
    return after.lstrip() if found else None
