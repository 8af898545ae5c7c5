"""Checkpoints and small files on disk: written under a temporary name, synced, then renamed."""

from __future__ import annotations

import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import torch
from safetensors.torch import save_file

from merging.checkpoint import INDEX, WEIGHTS, Checkpoint
from merging.errors import OutputError

SHARD_BYTES = 5_000_000_000
_ROOM_FOR_REST = 1 << 20  # headers, index, config


def write_checkpoint(
    source: Iterable[tuple[str, torch.Tensor]],
    out: Path,
    donor: Checkpoint,
    dtype: str,
    shard_bytes: float = SHARD_BYTES,
    extra: Mapping[str, str] | None = None,
) -> Path:
    """Write a model as a standard checkpoint, holding one shard in memory; `extra` are small files by name.

    Config (with `dtype`), tokenizer, chat template and generation config come from the donor.

    Raises:
        OutputError: `out` is a file or holds something, cannot be written to, or the disk is too small.
    """
    out = out.absolute()
    ensure_writable(out, checkpoint_bytes(donor, dtype))
    with _temporary_folder(out) as folder:
        _write_weights(_cast(source, dtype), folder, shard_bytes)
        _write_text(folder / "config.json", json.dumps(_with_dtype(donor.config, dtype), indent=2) + "\n")
        for file in donor.companions():
            shutil.copyfile(file, folder / file.name)
        for name, text in (extra or {}).items():
            _write_text(folder / name, text)
    return out


def checkpoint_bytes(donor: Checkpoint, dtype: str) -> int:
    """Bytes that a checkpoint of the donor's tensors takes in this dtype."""
    numbers = sum(info.numel for info in donor.tensors.values())
    files = sum(file.stat().st_size for file in donor.companions())
    return numbers * _torch_dtype(dtype).itemsize + files + _ROOM_FOR_REST


def ensure_writable(out: Path, needed: int) -> None:
    """Refuse a place for a folder of `needed` bytes before any work is spent on it.

    Raises:
        OutputError: `out` is a file or holds something, cannot be written to, or the disk is too small.
    """
    if out.is_dir() and any(out.iterdir()):
        raise OutputError(f"{out}: the folder is not empty; choose another, or empty it first")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; choose a folder that does not exist yet")
    parent = _existing(out.absolute())
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{out}: {parent} cannot be written to; choose another place")
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise OutputError(
            f"{out}: needs {_size(needed)}, {parent} has {_size(free)} free; make room or go elsewhere"
        )


def save_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all, replacing what was there; raises OutputError."""
    temporary = path.with_name(f".{path.name}.tmp-{os.getpid()}")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        _write_text(temporary, text)
        temporary.replace(path)
        _sync_folder(path.parent)
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None
    finally:
        with suppress(OSError):  # it was renamed, or never made
            temporary.unlink()


@contextmanager
def _temporary_folder(out: Path) -> Iterator[Path]:
    """A sibling of `out` that becomes it on success, and is gone after any failure."""
    folder = out.with_name(f".{out.name}.tmp-{os.getpid()}")
    try:
        folder.mkdir(parents=True)
        yield folder
        for file in folder.iterdir():
            _sync(file)
        _sync_folder(folder)
        folder.rename(out)
        _sync_folder(out.parent)
    except OSError as error:
        raise OutputError(
            f"{out}: cannot be written ({error.strerror or error}); nothing was left there"
        ) from None
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _write_weights(source: Iterable[tuple[str, torch.Tensor]], folder: Path, shard_bytes: float) -> None:
    """Fill shards in the order of the source; their names carry a total that is known only at the end."""
    shards: list[list[str]] = []
    total = 0
    for shard in _shards(source, shard_bytes):
        save_file(shard, folder / f"{len(shards)}.part", metadata={"format": "pt"})
        shards.append(list(shard))
        total += sum(tensor.nbytes for tensor in shard.values())
    if len(shards) == 1:
        (folder / "0.part").rename(folder / WEIGHTS)
        return
    files = [f"model-{i + 1:05d}-of-{len(shards):05d}.safetensors" for i in range(len(shards))]
    for i, file in enumerate(files):
        (folder / f"{i}.part").rename(folder / file)
    weight_map = {name: file for file, names in zip(files, shards, strict=True) for name in names}
    index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
    _write_text(folder / INDEX, json.dumps(index, indent=2) + "\n")


def _shards(
    source: Iterable[tuple[str, torch.Tensor]], shard_bytes: float
) -> Iterator[dict[str, torch.Tensor]]:
    shard: dict[str, torch.Tensor] = {}
    size = 0
    for name, tensor in source:
        if shard and size + tensor.nbytes > shard_bytes:
            yield shard
            shard, size = {}, 0
        shard[name] = tensor
        size += tensor.nbytes
    assert shard, "a source without tensors"
    yield shard


def _cast(source: Iterable[tuple[str, torch.Tensor]], dtype: str) -> Iterator[tuple[str, torch.Tensor]]:
    for name, tensor in source:
        yield name, tensor.detach().to("cpu", _torch_dtype(dtype)).contiguous()


def _with_dtype(config: Mapping[str, Any], dtype: str) -> dict[str, Any]:
    """The config, telling the dtype under the key that it uses: `torch_dtype` before transformers 5."""
    keys = [key for key in ("dtype", "torch_dtype") if key in config] or ["dtype"]
    return {**config, **dict.fromkeys(keys, dtype)}


def _torch_dtype(name: str) -> torch.dtype:
    dtype = getattr(torch, name)
    assert isinstance(dtype, torch.dtype)
    return dtype


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def _sync(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _size(count: float) -> str:
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
