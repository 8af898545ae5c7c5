"""What a mergekit config says of tokenizer and chat template, as plain data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from merging.errors import RecipeError
from merging.mergekit.frame import check_keys, mapping_of, model_name
from merging.shown import shown


@dataclass(frozen=True)
class Tokens:
    """Which vocabulary and chat template the merged model gets.

    `source` is None (the base model's files as they are, nothing aligned), `base`, `union`, or the name of a
    model as in the file. `chat_template` is None (as it is), `auto` (the most common one), or a jinja text.
    """

    source: str | None = None
    pad_to_multiple_of: int | None = None
    chat_template: str | None = None


def read_tokens(config: Mapping[str, Any]) -> Tokens:
    """Raises RecipeError for what mergekit would do and we do not."""
    source, pad = _source(config.get("tokenizer_source"), "tokenizer_source"), None
    if "tokenizer" in config:
        if source is not None:
            raise RecipeError("tokenizer: stands beside tokenizer_source; keep one of them")
        block = mapping_of(config["tokenizer"], "tokenizer")
        check_keys(block, ("source", "tokens", "pad_to_multiple_of"), "tokenizer")
        if block.get("tokens"):
            raise RecipeError(
                "tokenizer.tokens: settings of single tokens are not done here; leave them out, then every"
                " token's row is merged as the others are"
            )
        source = _source(block.get("source") or "union", "tokenizer.source")
        pad = block.get("pad_to_multiple_of")
        if pad is not None and (type(pad) is not int or pad < 1):
            raise RecipeError(
                f"tokenizer.pad_to_multiple_of: expected a whole number above 0, found {shown(pad)}"
            )
    return Tokens(source, pad, _chat_template(config.get("chat_template")))


def _source(value: Any, where: str) -> str | None:
    return None if value is None else model_name(value, where)


def _chat_template(value: Any) -> str | None:
    if value is None or value == "auto":
        return value  # type: ignore[no-any-return]
    if not isinstance(value, str) or "{" not in value:
        raise RecipeError(
            f"chat_template: {shown(value)} is no jinja text; templates by name are not shipped here, so"
            " give the text itself, or auto"
        )
    if any("\ud800" <= letter <= "\udfff" for letter in value):
        raise RecipeError("chat_template: holds half of a surrogate pair, which is no text; write the letter")
    return value
