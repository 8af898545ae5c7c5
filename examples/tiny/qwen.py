"""The second tiny family: Qwen2's architecture, wider and shallower, with a byte-level BPE tokenizer."""

from __future__ import annotations

import random
from collections.abc import Iterator

import math_problems
import programs
import word_problems
from checkpoint import CONTEXT
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import PreTrainedTokenizerFast, Qwen2Config, Qwen2ForCausalLM

END = "<|endoftext|>"
SIZE = 512
"""Tokens: the end, 256 bytes, and merges."""
SPLIT = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}|"
    r" ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""Qwen2's own rule: words with the space before them, digits one by one."""


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Train the tokenizer on texts of the three tasks; the same each time."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(SPLIT), behavior="isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False),
        ]
    )
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=SIZE,
        special_tokens=[END],
        initial_alphabet=sorted(pre_tokenizers.ByteLevel.alphabet()),
        show_progress=False,
    )
    tokenizer.train_from_iterator(_texts(), trainer)
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        eos_token=END,
        pad_token=END,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        model_max_length=CONTEXT,
    )


def build_model() -> Qwen2ForCausalLM:
    """Make an untrained model of 3 layers of width 160, about 0.9M parameters in float32."""
    return Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=SIZE,
            hidden_size=160,
            intermediate_size=416,
            num_hidden_layers=3,
            num_attention_heads=5,
            num_key_value_heads=1,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            use_sliding_window=False,
            bos_token_id=None,
            eos_token_id=0,
            pad_token_id=0,
        )
    )


def _texts() -> Iterator[str]:
    rng = random.Random("tokenizer")
    for _ in range(2000):
        for task in (word_problems, math_problems, programs):
            example = task.make(rng)
            yield example.prompt + example.completion
