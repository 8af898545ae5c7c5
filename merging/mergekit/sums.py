"""Sums as mergekit takes them: torch's own, in the dtype of the arithmetic, but always on one thread.

torch splits a sum between threads, and its last bits follow their number. On one thread they are those of
mergekit run with `OMP_NUM_THREADS=1`, whatever the rest of the process does. Long sums of bfloat16 or float16
are as rough as there: rounded to that dtype, from float32 partial sums.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor

_CHUNK = 1 << 20
"""Elements that mergekit's slerp takes at a time."""


@contextmanager
def one_thread() -> Iterator[None]:
    """torch's operations on the CPU run on the calling thread alone."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(threads)


def total(tensor: Tensor) -> Tensor:
    """Sum of all elements; shape [], dtype of the tensor (inf where that overflows)."""
    with one_thread():
        return tensor.sum()


def sum_first(tensor: Tensor) -> Tensor:
    """Sum along the first dimension, over experts."""
    with one_thread():
        return tensor.sum(dim=0)


def sum_last(tensor: Tensor) -> Tensor:
    """Sum along the last dimension, which stays with length 1."""
    with one_thread():
        return tensor.sum(dim=-1, keepdim=True)


def length(tensor: Tensor) -> Tensor:
    """Euclidean norm of all elements, computed in float32; shape []."""
    with one_thread():
        norm: Tensor = torch.linalg.vector_norm(tensor.float())
        return norm


def length_last(tensor: Tensor) -> Tensor:
    """Euclidean norm along the last dimension, which stays with length 1; dtype of the tensor."""
    with one_thread():
        norms: Tensor = torch.linalg.vector_norm(tensor, dim=-1, keepdim=True)
        return norms


def dot(a: Tensor, b: Tensor) -> Tensor:
    """Sum of products; shape [], dtype of the tensors."""
    with one_thread():
        return torch.dot(a.flatten(), b.flatten())


def length_by_chunks(tensor: Tensor) -> Tensor:
    """Euclidean norm of all elements by way of the norms of chunks; shape [], dtype of the tensor."""
    return length(torch.stack([length(chunk) for chunk in torch.split(tensor.flatten(), _CHUNK)]))


def dot_by_chunks(a: Tensor, b: Tensor) -> Tensor:
    """Sum of products by way of the sums of chunks; shape [], dtype of the tensors."""
    chunks = zip(torch.split(a.flatten(), _CHUNK), torch.split(b.flatten(), _CHUNK), strict=True)
    return total(torch.stack([total(x * y) for x, y in chunks]))
