"""Distributions on disk: a folder of shards of so many examples, and a manifest that says whose.

A shard is complete or not there. Its arrays are those of `Top`, example after example, and `offsets` int64
[examples + 1] says where each begins.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, overload

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from merging.errors import OutputError
from merging.fusion.distributions.data import Top
from merging.models.writer import save_text, whole_file

FORMAT = 1
MANIFEST = "manifest.json"
_ARRAYS = ("ids", "logprobs", "tail", "gold")
_HEADER = 4096  # a safetensors header, and the block that a file's end leaves


@dataclass(frozen=True)
class Manifest:
    """What a folder's distributions are of; `source` and `data` are digests of model and tokens."""

    source: str
    data: str
    engine: str
    k: int
    shard: int
    """Examples a shard."""
    examples: int
    tokens: int
    """Rows in all."""
    format: int = FORMAT

    @property
    def shards(self) -> int:
        """How many files there will be."""
        return -(-self.examples // self.shard)

    def span(self, number: int) -> range:
        """The examples of a shard."""
        return range(number * self.shard, min((number + 1) * self.shard, self.examples))


def shard_bytes(tokens: int, examples: int, k: int) -> int:
    """What a shard of so many rows takes on disk: 8 bytes for each of k tokens, 8 for tail and gold."""
    return tokens * (8 * k + 8) + 8 * (examples + 1) + _HEADER


def shard_file(folder: Path, number: int) -> Path:
    """Where a shard lies."""
    return folder / f"shard-{number:05d}.safetensors"


def write_shard(folder: Path, number: int, tops: Sequence[Top]) -> None:
    """Write a shard whole or not at all; raises OutputError."""
    arrays = {name: np.concatenate([getattr(top, name) for top in tops]) for name in _ARRAYS}
    arrays["offsets"] = np.cumsum([0, *(len(top.gold) for top in tops)], dtype=np.int64)
    file = shard_file(folder, number)
    try:
        with whole_file(file) as temporary:
            # Not `save_file`, which writes under a temporary name of its own, and for its owner only.
            temporary.write_bytes(save(arrays))
    except (OSError, SafetensorError) as error:
        raise OutputError(f"{file}: cannot be written ({error}); make room or see to its folder") from None


def write_manifest(folder: Path, manifest: Manifest, versions: dict[str, str]) -> None:
    """Say what the folder holds, and which libraries made it; raises OutputError."""
    save_text(folder / MANIFEST, json.dumps({**asdict(manifest), "versions": versions}, indent=1) + "\n")


def read_manifest(folder: Path) -> Manifest | None:
    """What a folder holds; None where it says nothing. Raises OutputError for a manifest that is none."""
    file = folder / MANIFEST
    if not file.exists():
        return None
    try:
        said: dict[str, Any] = json.loads(file.read_text(encoding="utf-8"))
        said.pop("versions")
        return Manifest(**said)
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise OutputError(f"{file}: is no manifest of distributions ({error}); remove its folder") from None


@dataclass(frozen=True)
class Extracted(Sequence[Top]):
    """The distributions of a complete folder, one Top an example, read from the disk when asked for.

    It holds no file open, so it can be sent to other processes.
    """

    folder: Path
    manifest: Manifest

    def __len__(self) -> int:
        return self.manifest.examples

    @overload
    def __getitem__(self, index: int) -> Top: ...
    @overload
    def __getitem__(self, index: slice) -> list[Top]: ...
    def __getitem__(self, index: int | slice) -> Top | list[Top]:
        """Raises OutputError where a shard is gone or damaged."""
        if isinstance(index, slice):
            return [self[i] for i in range(*index.indices(len(self)))]
        number, place = divmod(range(len(self))[index], self.manifest.shard)
        file = shard_file(self.folder, number)
        try:
            with safe_open(file, framework="numpy") as arrays:
                first, last = arrays.get_slice("offsets")[place : place + 2]
                return Top(*(arrays.get_slice(name)[first:last] for name in _ARRAYS))
        except (OSError, SafetensorError) as error:
            raise OutputError(f"{file}: cannot be read ({error}); remove it and extract again") from None


def open_extracted(folder: Path) -> Extracted:
    """A folder that `extract` has finished.

    Raises:
        OutputError: the folder holds no distributions, or not all of them.
    """
    manifest = read_manifest(folder)
    if manifest is None:
        raise OutputError(f"{folder}: holds no distributions; extract them first")
    absent = [i for i in range(manifest.shards) if not shard_file(folder, i).exists()]
    if absent:
        raise OutputError(
            f"{folder}: lacks {len(absent)} of {manifest.shards} shards; go on extracting into it"
        )
    return Extracted(folder, manifest)
