"""The forward pass of a small Llama in float32: each prefix of a batch once, and keys kept to go on."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn.functional import linear, scaled_dot_product_attention, silu
from transformers import LlamaConfig

Keys = list[tuple[Tensor, Tensor]]
"""Keys and values by layer, each [rows, heads, positions, width]."""


@dataclass(frozen=True)
class Layer:
    """Weights of one layer; the norms' scales are part of the matrices that follow them."""

    qkv: Tensor
    o: Tensor
    gate_up: Tensor
    down: Tensor


@dataclass(frozen=True)
class Batch:
    """Texts as a tree of prefixes: [nodes] that differ, and where each row finds its own."""

    tokens: Tensor
    positions: Tensor
    index: Tensor
    """[rows, positions]: the node at each; beyond a row's end any."""
    row: Tensor
    """[nodes]: a row that goes through the node."""
    lengths: Tensor
    """[rows]."""

    @classmethod
    def of(cls, texts: Sequence[Sequence[int]]) -> Batch:
        """The tree of these rows of tokens."""
        known: dict[tuple[int, int], int] = {}
        tokens: list[int] = []
        positions: list[int] = []
        first: list[int] = []
        index = torch.zeros(len(texts), max(map(len, texts)), dtype=torch.long)
        for number, text in enumerate(texts):
            node, path = -1, []
            for position, token in enumerate(text):
                node = known.setdefault((node, token), len(tokens))
                if node == len(tokens):
                    tokens.append(token)
                    positions.append(position)
                    first.append(number)
                path.append(node)
            index[number, : len(text)] = torch.tensor(path)
        lengths = torch.tensor([len(text) for text in texts])
        return cls(torch.tensor(tokens), torch.tensor(positions), index, torch.tensor(first), lengths)

    def followed(self, tokens: Tensor, counts: Tensor) -> tuple[Batch, Tensor]:
        """The rows with so many of the tokens behind each; and the nodes at the old ends and from there on.

        `tokens` are those of the first row, then the second's; `counts` are [rows]. What follows rows that
        differ is never shared.
        """
        rows = torch.arange(len(counts)).repeat_interleave(counts)
        steps = torch.arange(len(tokens)) - (counts.cumsum(0) - counts).repeat_interleave(counts)
        positions = self.lengths[rows] + steps
        lengths = self.lengths + counts
        index = self.index.new_zeros(len(counts), int(lengths.max()))
        index[:, : self.index.shape[1]] = self.index[:, : index.shape[1]]
        index[rows, positions] = torch.arange(len(tokens)) + len(self.tokens)
        whole = Batch(
            torch.cat([self.tokens, tokens]),
            torch.cat([self.positions, positions]),
            index,
            torch.cat([self.row, rows]),
            lengths,
        )
        places = torch.arange(index.shape[1])
        wanted = index[(places >= self.lengths[:, None] - 1) & (places < lengths[:, None])]
        return whole, wanted

    @property
    def first(self) -> Tensor:
        """[nodes]: a place (row * positions + position) that is at the node."""
        return self.row * self.index.shape[1] + self.positions


@dataclass(frozen=True)
class TinyLlama:
    """A Llama with as many key heads as heads and tied embeddings, whose weights are used as float32."""

    embedding: Tensor
    layers: tuple[Layer, ...]
    head: Tensor
    cos: Tensor
    sin: Tensor
    heads: int
    eps: float

    @classmethod
    def of(cls, weights: Iterable[tuple[str, Tensor]], config: LlamaConfig) -> TinyLlama:
        """The model of these named tensors."""
        w = {name: tensor.float() for name, tensor in weights}
        layers = tuple(_layer(w, f"model.layers.{i}.") for i in range(config.num_hidden_layers))
        embedding = w["model.embed_tokens.weight"]
        cos, sin = _turns(config)
        heads = config.num_attention_heads
        assert heads == config.num_key_value_heads
        assert config.tie_word_embeddings
        return cls(
            embedding, layers, embedding * w["model.norm.weight"], cos, sin, heads, config.rms_norm_eps
        )

    @torch.inference_mode()
    def begin(self, batch: Batch, wanted: Tensor) -> tuple[Tensor, Keys]:
        """The likeliest next token at each wanted node, [wanted]; and the keys of all rows."""
        x, kept = self.embedding[batch.tokens], []
        first = batch.first
        for number, layer in enumerate(self.layers):
            q, k, v = (each[batch.index].transpose(1, 2) for each in self._qkv(layer, x, batch.positions))
            kept.append((k, v))
            seen = scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).flatten(0, 1)
            if number == len(self.layers) - 1:  # nothing reads the other nodes any more
                x, seen = x[wanted], seen[first[wanted]]
            else:
                seen = seen[first]
            x = self._rest(layer, x, seen.flatten(1))
        return linear(self._normed(x), self.head).argmax(-1), kept

    @torch.inference_mode()
    def go_on(self, tokens: Tensor, starts: Tensor, keys: Keys) -> Tensor:
        """The likeliest next token after each of the tokens, both [rows, steps]; their keys are added.

        A row's first token stands at its `starts`; what keys hold from there on does not count.
        """
        rows, steps = tokens.shape
        positions = starts[:, None] + torch.arange(steps)
        x, line = self.embedding[tokens].flatten(0, 1), torch.arange(rows)[:, None]
        room = keys[0][0].shape[2]
        mask = (torch.arange(room) <= positions[:, :, None])[:, None]
        for layer, (k, v) in zip(self.layers, keys, strict=True):
            q, *new = (
                each.view(rows, steps, self.heads, -1) for each in self._qkv(layer, x, positions.flatten())
            )
            k[line, :, positions], v[line, :, positions] = new
            seen = scaled_dot_product_attention(q.transpose(1, 2), k, v, attn_mask=mask)
            x = self._rest(layer, x, seen.transpose(1, 2).reshape(rows * steps, -1))
        return linear(self._normed(x), self.head).argmax(-1).view(rows, steps)

    def _qkv(self, layer: Layer, x: Tensor, positions: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of each node, [nodes, heads, width]."""
        qkv = linear(self._normed(x), layer.qkv).view(len(x), 3, self.heads, -1)
        qk, half = qkv[:, :2], qkv.shape[-1] // 2
        cos, sin = self.cos[positions, None, None], self.sin[positions, None, None]
        low, high = qk[..., :half], qk[..., half:]
        turned = torch.cat([low * cos - high * sin, high * cos + low * sin], -1)
        return turned[:, 0], turned[:, 1], qkv[:, 2]

    def _rest(self, layer: Layer, x: Tensor, seen: Tensor) -> Tensor:
        """What a layer does after its attention."""
        x = x + linear(seen, layer.o)
        gate, up = linear(self._normed(x), layer.gate_up).chunk(2, -1)
        return x + linear(silu(gate) * up, layer.down)

    def _normed(self, x: Tensor) -> Tensor:
        return x * torch.rsqrt(x.square().mean(-1, keepdim=True) + self.eps)


def _layer(w: dict[str, Tensor], at: str) -> Layer:
    qkv = torch.cat([w[f"{at}self_attn.{name}_proj.weight"] for name in "qkv"])
    gate_up = torch.cat([w[f"{at}mlp.{name}_proj.weight"] for name in ("gate", "up")])
    return Layer(
        qkv * w[f"{at}input_layernorm.weight"],
        w[f"{at}self_attn.o_proj.weight"],
        gate_up * w[f"{at}post_attention_layernorm.weight"],
        w[f"{at}mlp.down_proj.weight"],
    )


def _turns(config: LlamaConfig) -> tuple[Tensor, Tensor]:
    """Cosines and sines of the rotary embedding, [positions, width / 2]."""
    width = config.head_dim
    rate = 1.0 / (config.rope_parameters["rope_theta"] ** (torch.arange(0, width, 2).float() / width))
    angles = torch.arange(config.max_position_embeddings).float()[:, None] * rate
    return angles.cos(), angles.sin()
