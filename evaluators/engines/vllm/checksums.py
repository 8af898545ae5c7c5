"""Checksums of weights that survive what vLLM does to them: fusing, stacking, padding, splitting.

The checksum of a tensor is the sum of its elements' bit patterns, modulo 2^64. It does not depend on their
order, zeros (padding) add nothing, and parts add up to the whole: the sum over a layer's parameters, on all
workers, is the sum over the layer's tensors in the checkpoint.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import torch
from torch import Tensor

Sums = dict[str, int]

_BITS = {1: torch.int8, 2: torch.int16, 4: torch.int32, 8: torch.int64}


def sum_of(tensor: Tensor) -> int:
    """The tensor's checksum."""
    return int(tensor.detach().contiguous().view(_BITS[tensor.itemsize]).sum(dtype=torch.int64))


def held(model: Any, dtype: torch.dtype, rank: int, group: Callable[[str], str]) -> Sums:
    """What this worker holds of the model, by group; what several workers hold counts on one of them."""
    sums: Sums = {}
    for name, parameter in _own_parts(model, rank):
        sums[group(name)] = sums.get(group(name), 0) + sum_of(parameter.to(dtype))
    return sums


def differing(sent: Sums, parts: list[Sums]) -> list[str]:
    """The groups that do not hold what was sent; `the model` where vLLM names them in another way."""
    have: Sums = {}
    for part in parts:
        for name, value in part.items():
            have[name] = have.get(name, 0) + value
    if sent.keys() == have.keys():
        return [name for name in sent if (sent[name] - have[name]) % 2**64]
    return ["the model"] if (sum(sent.values()) - sum(have.values())) % 2**64 else []


def _own_parts(model: Any, rank: int) -> Iterator[tuple[str, Tensor]]:
    seen: set[int] = set()
    for prefix, module in model.named_modules():
        for attribute, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                yield from (
                    (f"{prefix}.{attribute}", part) for part in _counted(module, attribute, parameter, rank)
                )


def _counted(module: Any, attribute: str, parameter: Tensor, rank: int) -> Iterator[Tensor]:
    """The rows of a parameter that this worker answers for."""
    from vllm.model_executor.layers.linear import (
        ColumnParallelLinear,
        QKVParallelLinear,
        RowParallelLinear,
    )
    from vllm.model_executor.layers.vocab_parallel_embedding import VocabParallelEmbedding

    if isinstance(module, QKVParallelLinear):
        queries = module.num_heads * module.head_size
        yield parameter[:queries]
        if rank % module.num_kv_head_replicas == 0:
            yield parameter[queries:]
        return
    split = isinstance(module, ColumnParallelLinear | VocabParallelEmbedding) or (
        isinstance(module, RowParallelLinear) and attribute == "weight"
    )
    if split or "MoE" in type(module).__name__ or rank == 0:
        yield parameter
