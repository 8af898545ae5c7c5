"""The tiny Llama and its character tokenizer, and how the two are stored."""

from __future__ import annotations

import json
import string
from pathlib import Path

import torch
from tokenizers import Tokenizer, decoders, models
from transformers import (
    AutoModelForCausalLM,
    AutoTokenizer,
    GenerationConfig,
    LlamaConfig,
    LlamaForCausalLM,
    PreTrainedModel,
    PreTrainedTokenizerFast,
)

# the special tokens lie outside printable ASCII, so that any printable text is only itself
PAD, EOS, UNKNOWN = "\u2400", "\u2404", "\ufffd"
PRINTABLE = "\n" + "".join(sorted(set(string.printable) - set(string.whitespace) | {" "}))
VOCABULARY = {token: number for number, token in enumerate([PAD, EOS, UNKNOWN, *PRINTABLE])}
CONTEXT = 512


def build_tokenizer() -> PreTrainedTokenizerFast:
    """Make a tokenizer of one token a character; text comes back from it exactly, all spaces included."""
    tokenizer = Tokenizer(models.BPE(vocab=VOCABULARY, merges=[], unk_token=UNKNOWN))
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer,
        pad_token=PAD,
        eos_token=EOS,
        unk_token=UNKNOWN,
        clean_up_tokenization_spaces=False,
        padding_side="left",
        model_max_length=CONTEXT,
    )


def build_model() -> LlamaForCausalLM:
    """Make an untrained model of 4 layers of width 128, about 0.7M parameters in float32."""
    return LlamaForCausalLM(
        LlamaConfig(
            vocab_size=len(VOCABULARY),
            hidden_size=128,
            intermediate_size=288,
            num_hidden_layers=4,
            num_attention_heads=4,
            num_key_value_heads=4,
            max_position_embeddings=CONTEXT,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=VOCABULARY[EOS],
            pad_token_id=VOCABULARY[PAD],
        )
    )


def load_model(folder: Path) -> PreTrainedModel:
    """Load a stored model in float32."""
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    return model


def load_tokenizer(folder: Path) -> PreTrainedTokenizerFast:
    """Load a stored tokenizer."""
    return AutoTokenizer.from_pretrained(folder)


def save(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, folder: Path) -> None:
    """Store a model in bfloat16 with its tokenizer, as a Hugging Face checkpoint; `model` is rounded too."""
    ends, pads = tokenizer.eos_token_id, tokenizer.pad_token_id
    model.generation_config = GenerationConfig(do_sample=False, eos_token_id=ends, pad_token_id=pads)
    model.to(torch.bfloat16).save_pretrained(folder)
    model.to(torch.float32)
    tokenizer.save_pretrained(folder)
    _name_tokenizer_class(folder / "tokenizer_config.json")


def _name_tokenizer_class(path: Path) -> None:
    # transformers 5 writes a class name that 4 does not know; both know this one
    settings = json.loads(path.read_text())
    settings["tokenizer_class"] = "PreTrainedTokenizerFast"
    path.write_text(json.dumps(settings, indent=2, sort_keys=True) + "\n")
