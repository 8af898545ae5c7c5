"""A model as a reader of prompts: its tokenizer and its context, known before any engine starts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.engines.encoding import encode_prompts
from evaluators.errors import SliceError, TaskError

_CONTEXT_FIELDS = ("n_positions", "max_position_embeddings", "n_ctx")


@dataclass(frozen=True)
class Reader:
    """How long texts are for a model, and how it is told who speaks."""

    folder: Path
    tokenizer: Any
    context: int
    """Tokens that prompt and answer share."""

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """Tokens of each text, as an engine would encode it as a prompt."""
        return [len(ids) for ids in encode_prompts(self.tokenizer, texts)]

    def chat(self, messages: Sequence[Mapping[str, str]], add_generation_prompt: bool = True) -> str:
        """The messages in the model's chat template, as lm-eval's `hf` model puts them there.

        A template that refuses a system message gets none. Raises TaskError for a model without a template,
        or with one that drops the beginning of an answer that the model is to go on with.
        """
        from jinja2.exceptions import TemplateError

        if self.tokenizer.chat_template is None:
            raise TaskError(
                f"chat_template: the tokenizer in {self.folder} has none; leave chat_template out, or add a"
                " chat_template.jinja to the model"
            )
        options = {"add_generation_prompt": add_generation_prompt, "tokenize": False}
        options["continue_final_message"] = not add_generation_prompt
        try:
            try:
                text = self.tokenizer.apply_chat_template(list(messages), **options)
            except TemplateError:
                spoken = [message for message in messages if message["role"] != "system"]
                text = self.tokenizer.apply_chat_template(spoken, **options)
        except ValueError as error:
            raise TaskError(
                f"chat_template: the template in {self.folder} drops the answer's beginning, which this task"
                " gives; leave chat_template out, or mend the template"
            ) from error
        return str(text)


def open_reader(folder: Path) -> Reader:
    """The tokenizer and the context length of a model; its weights are not looked at.

    Raises SliceError for a folder without a usable config or tokenizer.
    """
    from transformers import AutoConfig, AutoTokenizer

    local = {"local_files_only": True, "trust_remote_code": False}
    try:
        config = AutoConfig.from_pretrained(folder, **local)
        tokenizer = AutoTokenizer.from_pretrained(folder, **local)
    except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
        reason = " ".join(str(error).split())[:200]
        raise SliceError(f"{folder}: no config or tokenizer to read prompts with ({reason})") from error
    return Reader(folder, tokenizer, context_of(config, tokenizer))


def context_of(config: Any, tokenizer: Any) -> int:
    """How many tokens a model takes, by its config or else by its tokenizer."""
    text = getattr(config, "text_config", None) or config
    known = (getattr(text, field, None) for field in _CONTEXT_FIELDS)
    return int(next((n for n in known if n), tokenizer.model_max_length))
