"""Chat templates as chat models have them, and tokenizers that have them."""

from __future__ import annotations

from pathlib import Path

from tests.evaluators.conftest import pico_tokenizer

CHATML = (
    "{% for message in messages %}<|im_start|>{{ message['role'] }}\n{{ message['content'] }}<|im_end|>\n"
    "{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}"
)
TRIMMING = (
    "{{ '<|begin|>' }}{% for message in messages %}<|start|>{{ message['role'] }}<|end|>\n\n"
    "{{ message['content'] | trim }}<|eot|>{% endfor %}"
    "{% if add_generation_prompt %}<|start|>assistant<|end|>\n\n{% endif %}"
)
"""As Llama 3 has it: white space around a message is cut off."""


def save_tokenizer(folder: Path, template: str) -> Path:
    """A tokenizer that has this template, and the config that a reader of prompts wants beside it."""
    folder.mkdir(parents=True, exist_ok=True)
    pico_tokenizer().save_pretrained(folder)
    (folder / "chat_template.jinja").write_text(template)
    (folder / "config.json").write_text('{"model_type": "llama", "max_position_embeddings": 4096}')
    return folder
