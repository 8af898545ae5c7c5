"""One safetensors file of tensors of one dtype, written as they come, once their shapes are known.

The format: eight bytes with the length of a JSON header; the header, filled up with spaces so that data
starts at a multiple of eight; then the tensors' bytes without gaps.
"""

from __future__ import annotations

import errno
import json
import math
import os
import sys
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from io import BufferedRandom
from pathlib import Path

import torch
from torch import Tensor

Shapes = Mapping[str, tuple[int, ...]]
"""Shapes by name, in the order in which tensors come."""

_NAMES = {"float64": "F64", "float32": "F32", "bfloat16": "BF16", "float16": "F16"}
_CHUNK = 1 << 20
"""Elements that are cast at once: whole tensors would leave holes in the heap, each as large as one."""

_CANNOT = (errno.EOPNOTSUPP, errno.EINVAL, errno.ENOSYS)


def dtype_of(name: str) -> torch.dtype:
    """Torch's dtype of this name."""
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def data_bytes(shapes: Shapes, dtype: str) -> int:
    """Bytes of these tensors, without a header."""
    return sum(math.prod(shape) for shape in shapes.values()) * dtype_of(dtype).itemsize


def header(shapes: Shapes, dtype: str) -> bytes:
    """What a file begins with, its own length included."""
    entries: dict[str, object] = {"__metadata__": {"format": "pt"}}
    end = 0
    for name, shape in shapes.items():
        start, end = end, end + math.prod(shape) * dtype_of(dtype).itemsize
        entries[name] = {"dtype": _NAMES[dtype], "shape": list(shape), "data_offsets": [start, end]}
    text = json.dumps(entries, separators=(",", ":")).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def reserve(path: Path, shapes: Shapes, dtype: str) -> None:
    """Make a file and have the disk keep its room, so that a full one shows before any work is done."""
    size = len(header(shapes, dtype)) + data_bytes(shapes, dtype)
    with path.open("wb") as stream:
        if not hasattr(os, "posix_fallocate"):  # macOS
            return
        try:
            os.posix_fallocate(stream.fileno(), 0, size)
        except OSError as error:
            if error.errno not in _CANNOT:
                raise


def write_file(path: Path, shapes: Shapes, dtype: str, source: Iterator[tuple[str, Tensor]]) -> None:
    """Fill a reserved file with the source's next tensors, which must be those planned.

    Each is written while the next is made, so a source may take turns with two buffers, but not use one.
    """
    with path.open("r+b") as stream, ThreadPoolExecutor(max_workers=1) as writer:
        written = writer.submit(stream.write, header(shapes, dtype))
        for name, shape in shapes.items():
            found, tensor = next(source, ("nothing more", torch.empty(0)))
            assert found == name, f"{name} was planned, the source gave {found}"
            assert tensor.shape == shape, f"{name}: {shape} was planned, the source gave {tensor.shape}"
            written.result()
            written = writer.submit(_write, stream, tensor, dtype)
        written.result()


def _write(stream: BufferedRandom, tensor: Tensor, dtype: str) -> int:
    flat = tensor.detach().reshape(-1)
    return sum(stream.write(_bytes(part, dtype)) for part in torch.split(flat, _CHUNK))


def _bytes(flat: Tensor, dtype: str) -> memoryview:
    """The memory of a vector, which is a copy only where it is cast or comes from another device."""
    assert sys.byteorder == "little", "the format is little-endian"
    return flat.to("cpu", dtype_of(dtype)).view(torch.uint8).numpy().data  # numpy has no bfloat16
