"""A small Llama's passes over tensors of fixed shapes, which stay where they are: so a GPU can replay them.

Everything is float32. Pairs that the rotary embedding turns lie side by side, as complex numbers, for which
rows of the query and key matrices are put in another order: dot products stay the same.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.nn.functional import linear, rms_norm, scaled_dot_product_attention, silu

from benchmarks.landscape.llama import Batch, TinyLlama


@dataclass(frozen=True)
class Shape:
    """Sizes of a model."""

    layers: int
    heads: int
    width: int
    """Of a head."""
    hidden: int
    inner: int
    vocabulary: int
    eps: float

    @classmethod
    def of(cls, model: TinyLlama) -> Shape:
        """The sizes of this model."""
        vocabulary, hidden = model.embedding.shape
        inner = model.layers[0].down.shape[1]
        return cls(
            len(model.layers), model.heads, hidden // model.heads, hidden, inner, vocabulary, model.eps
        )

    @property
    def matrices(self) -> list[tuple[int, int]]:
        """Shapes of all weights: the embedding, the head, then layer by layer."""
        d, inner = self.hidden, self.inner
        return [(self.vocabulary, d)] * 2 + [(3 * d, d), (d, d), (2 * inner, d), (d, inner)] * self.layers


class Weights:
    """Room for a model's weights on a device, filled anew for each candidate."""

    def __init__(self, shape: Shape, turns: Tensor, device: str) -> None:
        """`turns` are complex, [positions, width / 2]."""
        self.shape, self.turns = shape, turns.to(device)
        sizes = [rows * columns for rows, columns in shape.matrices]
        self._flat = torch.zeros(sum(sizes), device=device)
        parts = torch.split(self._flat, sizes)
        self.all = [
            part.view(rows, columns) for part, (rows, columns) in zip(parts, shape.matrices, strict=True)
        ]
        self.embedding, self.head = self.all[:2]
        self.layers = [tuple(self.all[i : i + 4]) for i in range(2, len(self.all), 4)]

    @torch.no_grad()
    def load(self, model: TinyLlama) -> None:
        """Take the weights of a model on the CPU, in one piece."""
        parts = [model.embedding, model.head]
        for layer in model.layers:
            parts += [self._paired(layer.qkv), layer.o, layer.gate_up, layer.down]
        self._flat.copy_(torch.cat([part.flatten() for part in parts]))

    def _paired(self, qkv: Tensor) -> Tensor:
        """Rows of queries and keys in the order of pairs."""
        shape, d = self.shape, self.shape.hidden
        halves = qkv[: 2 * d].view(2 * shape.heads, 2, shape.width // 2, d)
        return torch.cat([halves.transpose(1, 2).reshape(2 * d, d), qkv[2 * d :]])

    def qkv(self, layer: int, x: Tensor, turns: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Of each row of x, [rows, heads, width]; `turns` are [rows, 1, 1, width / 2]."""
        heads = self.shape.heads
        found = linear(self.normed(x), self.layers[layer][0]).view(len(x), 3, heads, -1)
        pairs = torch.view_as_complex(found[:, :2].view(len(x), 2, heads, -1, 2))
        turned = torch.view_as_real(pairs * turns).flatten(-2)
        return turned[:, 0], turned[:, 1], found[:, 2]

    def rest(self, layer: int, x: Tensor, seen: Tensor) -> Tensor:
        """What a layer does after its attention."""
        _, o, gate_up, down = self.layers[layer]
        x = torch.addmm(x, seen, o.t())
        gate, up = linear(self.normed(x), gate_up).chunk(2, -1)
        return torch.addmm(x, silu(gate) * up, down.t())

    def normed(self, x: Tensor) -> Tensor:
        """Without a scale, which is part of the next matrix."""
        return rms_norm(x, (self.shape.hidden,), None, self.shape.eps)


class Prompts:
    """The pass over prompts that never change: it leaves their keys where `Steps` look for them."""

    def __init__(self, weights: Weights, texts: Sequence[Sequence[int]], keys: Tensor, device: str) -> None:
        """`keys` are [layers, 2, rows, heads, room, width]."""
        tree = Batch.of(texts)
        self._weights, self._keys = weights, keys
        self._tokens, self._index = tree.tokens.to(device), tree.index.to(device)
        self._first = tree.first.to(device)
        self._turns = weights.turns[tree.positions.to(device)][:, None, None]

    @torch.no_grad()
    def __call__(self) -> None:
        """Fill the keys."""
        w, rest = self._weights, self._weights.rest
        x, most = w.embedding[self._tokens], self._index.shape[1]
        for layer in range(w.shape.layers):
            q, k, v = (each[self._index].transpose(1, 2) for each in w.qkv(layer, x, self._turns))
            self._keys[layer, 0, :, :, :most].copy_(k)
            self._keys[layer, 1, :, :, :most].copy_(v)
            if layer < w.shape.layers - 1:  # after the last nothing is wanted but its keys
                seen = scaled_dot_product_attention(q, k, v, is_causal=True)
                x = rest(layer, x, seen.transpose(1, 2).flatten(0, 1)[self._first].flatten(1))


class Steps:
    """A pass over the next tokens of so many rows."""

    def __init__(self, weights: Weights, rows: int, steps: int, keys: Tensor, device: str) -> None:
        """`keys` are [layers, 2, rows, heads, room, width]."""
        self.rows, self.steps, self._weights, self._keys = rows, steps, weights, keys
        self.given = torch.zeros(rows, steps + 1, dtype=torch.long, device=device)
        """Each row's place of its first token, then the tokens."""
        self._ahead = torch.arange(steps, device=device)
        self._line = torch.arange(rows, device=device)[:, None]
        self._places = torch.arange(keys.shape[4], device=device)

    @torch.no_grad()
    def __call__(self) -> Tensor:
        """The likeliest next token after each token, [rows, steps]; their keys are added."""
        w, room = self._weights, len(self._places)
        positions = (self.given[:, :1] + self._ahead).clamp(max=room - 1)  # the last place is nobody's
        x = w.embedding[self.given[:, 1:]].flatten(0, 1)
        turns = w.turns[positions.flatten()][:, None, None]
        unseen = (self._places > positions[:, :, None])[:, None]
        mask = torch.zeros(unseen.shape, device=unseen.device).masked_fill(unseen, float("-inf"))
        for layer in range(w.shape.layers):
            q, k, v = (each.view(self.rows, self.steps, w.shape.heads, -1) for each in w.qkv(layer, x, turns))
            known, values = self._keys[layer, 0], self._keys[layer, 1]
            known[self._line, :, positions] = k
            values[self._line, :, positions] = v
            seen = scaled_dot_product_attention(q.transpose(1, 2), known, values, attn_mask=mask)
            x = w.rest(layer, x, seen.transpose(1, 2).reshape(self.rows * self.steps, -1))
        return linear(w.normed(x), w.head).argmax(-1).view(self.rows, self.steps)


@dataclass
class Recorded:
    """A pass that is recorded when it is first run, and replayed from then on; without graphs just run."""

    run: Callable[[], Tensor | None]
    graphs: bool
    _graph: torch.cuda.CUDAGraph | None = field(default=None, repr=False)
    _result: Tensor | None = field(default=None, repr=False)

    def __call__(self) -> Tensor | None:
        """The pass's result, which the next call overwrites."""
        if not self.graphs:
            return self.run()
        if self._graph is None:
            self._record()
        assert self._graph is not None
        self._graph.replay()
        return self._result

    def _record(self) -> None:
        side = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            self.run()  # libraries make their room here
            self.run()
        torch.cuda.current_stream().wait_stream(side)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # What a graph keeps is read before the next one runs, so all may work in the same memory.
        with torch.cuda.graph(graph, pool=_pool()):
            self._result = self.run()
        self._graph = graph


@cache
def _pool() -> Any:
    return torch.cuda.graph_pool_handle()
