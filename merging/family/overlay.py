"""Models made ready once: what differs from the files on disk lies in a cache, named by its digest."""

from __future__ import annotations

import fcntl
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import save_file

from merging.errors import CheckpointError, OutputError
from merging.models.checkpoint import Checkpoint, TensorInfo, read_config, read_header
from merging.models.fingerprint import cache_root, canonical_digest, digest_files
from merging.models.writer import SHARD_BYTES, ensure_writable

_FORMAT = 2

_LIST = "contents.json"
"""Names and sizes of a prepared folder's files: what cleans caches may have taken some of them."""


@dataclass(frozen=True)
class Change:
    """What a model needs before it can be merged; `inputs` is plain data that settles all the rest.

    `tensors` is iterated only where the cache has none of this yet, and takes at most `nbytes`. Companions
    are copied, `texts` written over them.
    """

    inputs: Any
    tensors: Iterable[tuple[str, torch.Tensor]] = ()
    nbytes: int = 0
    config: Mapping[str, Any] = field(default_factory=dict)
    companions: Iterable[Path] = ()
    texts: Mapping[str, str] = field(default_factory=dict)
    own: Sequence[Path] = ()
    """Files that go along with the config, as `own_files` tells."""


def overlay(model: Checkpoint, change: Change, cache: Path | None = None) -> Checkpoint:
    """The model with a change: new tensors from the cache, made first if need be, the others where they lie.

    Two processes may ask for the same at once: one makes it, the other waits. `cache` replaces the
    user's own.

    Raises:
        OutputError: the cache cannot be written to, or its disk is too small.
    """
    own = [digest_files(change.own, fingerprints(cache))] if change.own else []
    place = (cache or cache_root()) / "prepared" / canonical_digest([_FORMAT, change.inputs, *own])
    tensors = _opened(place)
    if tensors is None:
        with _alone(place):
            tensors = _opened(place)  # another process may have made it meanwhile
            if tensors is None:
                _make(place, change)
                tensors = _opened(place)
    assert tensors is not None, f"{place} was made, yet cannot be read"
    return replace(
        model, tensors={**model.tensors, **tensors}, config=read_config(place), config_folder=place
    )


def fingerprints(cache: Path | None) -> Path | None:
    """Where fingerprints are remembered, given the folder of the whole cache."""
    return None if cache is None else cache / "fingerprints"


def _opened(place: Path) -> dict[str, TensorInfo] | None:
    """The tensors of a finished folder; None where there is none, or a damaged one."""
    try:
        listed = json.loads((place / _LIST).read_text(encoding="utf-8"))
        if listed != _contents(place):
            return None
        headers = [read_header(file) for file in sorted(place.glob("*.safetensors"))]
    except (CheckpointError, OSError, ValueError):
        return None
    return {name: info for header in headers for name, info in header.items()}


def _make(place: Path, change: Change) -> None:
    """Fill a folder beside the place, which becomes it at the end; remains of killed attempts go."""
    part = place.with_name(f".{place.name}.part")
    try:
        for remains in (part, place):
            if remains.exists():
                shutil.rmtree(remains)
        ensure_writable(part, change.nbytes)
        part.mkdir(parents=True)
        _fill(part, change)
        (part / _LIST).write_text(json.dumps(_contents(part)), encoding="utf-8")
        _sync(*part.iterdir(), part)
        part.rename(place)
        _sync(place.parent)
    except (OSError, SafetensorError) as error:
        raise _unwritable(place, error) from None
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _fill(folder: Path, change: Change) -> None:
    shard: dict[str, torch.Tensor] = {}
    written = 0
    for name, tensor in change.tensors:
        if shard and sum(each.nbytes for each in shard.values()) + tensor.nbytes > SHARD_BYTES:
            save_file(shard, folder / f"{written:05d}.safetensors", metadata={"format": "pt"})
            shard, written = {}, written + 1
        # Tied weights share their memory, which the format refuses.
        shard[name] = tensor.clone(memory_format=torch.contiguous_format)
    if shard:
        save_file(shard, folder / f"{written:05d}.safetensors", metadata={"format": "pt"})
    for file in (*change.companions, *change.own):
        shutil.copyfile(file, folder / file.name)
    for name, text in change.texts.items():
        (folder / name).write_text(text, encoding="utf-8")
    (folder / "config.json").write_text(json.dumps(change.config, indent=2) + "\n", encoding="utf-8")


def _contents(folder: Path) -> dict[str, int]:
    return {file.name: file.stat().st_size for file in sorted(folder.iterdir()) if file.name != _LIST}


@contextmanager
def _alone(place: Path) -> Iterator[None]:
    """Hold the lock on a place that is being made; it ends with the process that holds it."""
    try:
        place.parent.mkdir(parents=True, exist_ok=True)
        lock = place.with_name(f".{place.name}.lock").open("w")
        fcntl.flock(lock, fcntl.LOCK_EX)
    except OSError as error:
        raise _unwritable(place, error) from None
    with lock:
        yield


def _unwritable(place: Path, error: Exception) -> OutputError:
    reason = getattr(error, "strerror", None) or error
    return OutputError(f"{place}: cannot be written ({reason}); set XDG_CACHE_HOME to a place that can")


def _sync(*paths: Path) -> None:
    for path in paths:
        descriptor = os.open(path, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)
