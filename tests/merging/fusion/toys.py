"""Vocabularies, responses and models small enough to know by heart."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch
from transformers import LlamaConfig, LlamaForCausalLM

from merging.fusion.alignment.encoded import Encoded
from merging.fusion.alignment.vocabulary import Vocabulary
from merging.fusion.distributions.data import Top
from merging.fusion.distributions.teacher import rank
from merging.fusion.exchange import Exchange

END = 0
"""The token that ends a response in every toy vocabulary; it stands for no text."""


def toy_vocabulary(pieces: Sequence[bytes], end: int = END) -> Vocabulary:
    """The pieces in order, with the end of text put in at id `end`."""
    held: list[bytes | None] = list(pieces)
    held.insert(end, None)
    tokens = tuple("<end>" if piece is None else piece.decode("latin-1") for piece in held)
    return Vocabulary(Path("toy"), tokens, tuple(held), frozenset(), {"eos": end}, "toy", None)


def toy_exchange(vocabulary: Vocabulary, parts: Sequence[bytes], kept: int | None = None) -> Exchange:
    """A response whose text is cut into these pieces."""
    ids = np.array([vocabulary.pieces.index(part) for part in parts], np.int32)
    ends = np.cumsum([len(part) for part in parts], dtype=np.int64)
    every = np.ones(len(ids), np.bool_)
    end = vocabulary.roles["eos"]
    text = Encoded(ids, ends, sum(map(len, parts)), every, every).closed(end)
    return Exchange(np.array([end], np.int32), text, len(text) if kept is None else kept)


def toy_top(exchange: Exchange, size: int, k: int, seed: int = 0, sharpness: float = 2.0) -> Top:
    """Random distributions over `size` tokens for the kept response."""
    random = torch.Generator().manual_seed(seed)
    logits = torch.randn(exchange.kept, size, generator=random) * sharpness
    ids, logprobs, tail, gold = rank(logits, torch.from_numpy(exchange.kept_ids.astype(np.int64)), k)
    return Top(ids.numpy().astype(np.int32), logprobs.numpy(), tail.numpy(), gold.numpy())


def said(probabilities: Sequence[dict[int, float]], gold: Sequence[int], k: int) -> Top:
    """Distributions written out: each row's probabilities by id, of which the likeliest k are kept."""
    rows = [sorted(row.items(), key=lambda pair: -pair[1]) for row in probabilities]
    ids = [[token for token, _ in row[:k]] + [-1] * (k - len(row)) for row in rows]
    kept = [[p for _, p in row[:k]] + [0.0] * (k - len(row)) for row in rows]
    with np.errstate(divide="ignore"):
        return Top(
            np.array(ids, np.int32),
            np.log(np.array(kept, np.float32)),
            np.log(np.maximum(0.0, 1.0 - np.array(kept).sum(axis=1))).astype(np.float32),
            np.log(np.array([row[g] for row, g in zip(probabilities, gold, strict=True)], np.float32)),
        )


SIZE = 32


def follower(token: int) -> int:
    """What the rule model says after a token, whatever came before."""
    return (7 * token + 3) % SIZE


def write_rule_model(folder: Path) -> Path:
    """A Llama that is nearly sure of `follower(token)` after `token`: it adds nothing to what it reads."""
    config = LlamaConfig(
        vocab_size=SIZE,
        hidden_size=SIZE,
        intermediate_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=2,
        max_position_embeddings=64,
        tie_word_embeddings=False,
    )
    model = LlamaForCausalLM(config)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            weight.fill_(1.0 if "norm" in name else 0.0)
        model.model.embed_tokens.weight.copy_(torch.eye(SIZE))
        for token in range(SIZE):
            model.lm_head.weight[follower(token), token] = 2.0
    model.save_pretrained(folder)
    return folder
