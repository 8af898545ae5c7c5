"""Checkpoints and small files on disk: written under a temporary name, synced, then renamed."""

from __future__ import annotations

import fcntl
import glob
import json
import os
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from secrets import token_hex

from torch import Tensor

from merging.errors import OutputError
from merging.layout import layer_order
from merging.models.checkpoint import INDEX, WEIGHTS, Checkpoint
from merging.models.output_config import output_config
from merging.models.own_files import own_files
from merging.models.safetensors_file import Shapes, data_bytes, reserve, write_file

SHARD_BYTES = 5_000_000_000
_ROOM_FOR_REST = 1 << 20  # headers, index, config


def write_checkpoint(
    source: Iterable[tuple[str, Tensor]],
    out: Path,
    donor: Checkpoint,
    dtype: str,
    shard_bytes: float = SHARD_BYTES,
    extra: Mapping[str, str] | None = None,
    *,
    shapes: Shapes | None = None,
    depth: int | None = None,
    origins: Sequence[int] | None = None,
) -> Path:
    """Write a model as a standard checkpoint, tensor by tensor; `extra` are small files by name.

    `shapes` names the tensors in the order in which they come: the donor's, in layer order, if not given.
    Config (with `dtype`), tokenizer, chat template, generation config and code come from the donor. Where
    layers are stacked, `depth` is their number, and `origins` tells which of the donor's layers each is like.

    Raises:
        OutputError: `out` is a file or holds something, cannot be written to, or the disk is too small.
    """
    shapes = shapes or donor_shapes(donor)
    out = ensure_writable(out, checkpoint_bytes(donor, dtype, shapes))
    config = output_config(donor.config, dtype, depth, origins)
    with _temporary_folder(out) as folder:
        _write_weights(source, folder, _shards(shapes, dtype, shard_bytes), dtype)
        _write_text(folder / "config.json", json.dumps(config, indent=2) + "\n")
        for file in (*donor.companions(), *own_files(donor)):
            shutil.copyfile(file, folder / file.name)
        for name, text in (extra or {}).items():
            _write_text(folder / name, text)
    return out


def checkpoint_bytes(donor: Checkpoint, dtype: str, shapes: Shapes | None = None) -> int:
    """Bytes that a checkpoint of tensors of these shapes, the donor's if not given, takes in this dtype."""
    files = sum(file.stat().st_size for file in donor.companions())
    return data_bytes(shapes or donor_shapes(donor), dtype) + files + _ROOM_FOR_REST


def donor_shapes(donor: Checkpoint) -> dict[str, tuple[int, ...]]:
    """Shapes of a checkpoint's tensors, in layer order."""
    return {name: donor.tensors[name].shape for name in layer_order(donor.tensors)}


def ensure_writable(out: Path, needed: int) -> Path:
    """Refuse a place for a folder of `needed` bytes before any work is spent on it; returns where links lead.

    Raises:
        OutputError: `out` is a file or holds something, cannot be written to, or the disk is too small.
    """
    try:
        out = out.resolve()
        taken = out.is_dir() and any(out.iterdir())
    except RuntimeError:
        raise OutputError(f"{out}: its links lead nowhere; choose another folder") from None
    except OSError as error:  # too long a name, a folder that may not be read
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another place") from None
    if taken:
        raise OutputError(f"{out}: the folder is not empty; choose another, or empty it first")
    if out.exists() and not out.is_dir():
        raise OutputError(f"{out}: is a file; choose a folder that does not exist yet")
    if out.is_mount():
        raise OutputError(f"{out}: is where a disk is mounted, which cannot be replaced; name a folder in it")
    parent = _existing(out.parent)
    if not parent.is_dir() or not os.access(parent, os.W_OK | os.X_OK):
        raise OutputError(f"{out}: {parent} cannot be written to; choose another place")
    free = shutil.disk_usage(parent).free
    if free < needed:
        raise OutputError(
            f"{out}: needs {readable_size(needed)}, {parent} has {readable_size(free)} free; make room or go"
            " elsewhere"
        )
    return out


def save_text(path: Path, text: str) -> None:
    """Write a small file whole or not at all, replacing what was there; raises OutputError."""
    try:
        with whole_file(path) as temporary:
            temporary.write_text(text, encoding="utf-8")
    except OSError as error:
        raise OutputError(f"{path}: cannot be written ({error.strerror}); choose another place") from None


@contextmanager
def whole_file(path: Path) -> Iterator[Path]:
    """A name to write a file under, which becomes `path` when the block ends well, and is gone otherwise.

    Raises:
        OSError: the folder cannot be made, or the file not be synced or renamed.
    """
    temporary = _temporary(path)
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        yield temporary
        _sync(temporary)
        temporary.replace(path)
        _sync_folder(path.parent)
    finally:
        with suppress(OSError):  # it was renamed, or never made
            temporary.unlink()


def remove_remains(folder: Path) -> None:
    """Remove what killed processes had begun to write in a folder that no other process writes to.

    That is what `whole_file` gives names to, and what safetensors' `save_file` writes under one of its own.
    """
    for pattern in (".*.tmp-*", ".tmp*"):
        for remains in folder.glob(pattern):
            with suppress(OSError):
                remains.unlink()


@contextmanager
def _temporary_folder(out: Path) -> Iterator[Path]:
    """A sibling of `out` that becomes it on success, and is gone after any failure.

    It is locked as long as its process lives: what a killed one has left there is removed by the next.
    """
    folder, above = _temporary(out), _existing(out.parent)
    try:
        _clear_remains(out)
        folder.mkdir(parents=True)
        with _locked(folder, must=False):
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
        _remove_empty(out.parent, above)


def _temporary(path: Path) -> Path:
    """A name of its own beside a path: processes in containers may share their numbers."""
    return path.with_name(f".{path.name}.tmp-{token_hex(4)}")


def _clear_remains(out: Path) -> None:
    for remains in out.parent.glob(f".{glob.escape(out.name)}.tmp-*"):
        with suppress(OSError), _locked(remains, must=True):  # what is being written is locked
            shutil.rmtree(remains, ignore_errors=True)


@contextmanager
def _locked(folder: Path, must: bool) -> Iterator[None]:
    """Hold the lock on a folder; raises OSError if it `must` and another does, or the disk has no locks."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if must:
                raise
        yield
    finally:
        os.close(descriptor)


def _remove_empty(folder: Path, above: Path) -> None:
    """Remove folders that were made for nothing, up to the one that was there before."""
    with suppress(OSError):  # the first that holds something ends it
        while folder != above:
            folder.rmdir()
            folder = folder.parent


def _write_weights(
    source: Iterable[tuple[str, Tensor]], folder: Path, shards: Mapping[str, Shapes], dtype: str
) -> None:
    for file, shapes in shards.items():
        reserve(folder / file, shapes, dtype)
    tensors = iter(source)
    for file, shapes in shards.items():
        write_file(folder / file, shapes, dtype, tensors)
    surplus = next(tensors, None)
    assert surplus is None, f"{surplus and surplus[0]} was not planned"
    if len(shards) > 1:
        weight_map = {name: file for file, shapes in shards.items() for name in shapes}
        total = sum(data_bytes(shapes, dtype) for shapes in shards.values())
        index = {"metadata": {"total_size": total}, "weight_map": dict(sorted(weight_map.items()))}
        _write_text(folder / INDEX, json.dumps(index, indent=2) + "\n")


def _shards(shapes: Shapes, dtype: str, shard_bytes: float) -> dict[str, Shapes]:
    """What goes into which file, filled in the order of the shapes."""
    shards: list[dict[str, tuple[int, ...]]] = [{}]
    size = 0
    for name, shape in shapes.items():
        nbytes = data_bytes({name: shape}, dtype)
        if shards[-1] and size + nbytes > shard_bytes:
            shards.append({})
            size = 0
        shards[-1][name] = shape
        size += nbytes
    if len(shards) == 1:
        return {WEIGHTS: shards[0]}
    return {f"model-{i:05d}-of-{len(shards):05d}.safetensors": shard for i, shard in enumerate(shards, 1)}


def _existing(path: Path) -> Path:
    return next(place for place in (path, *path.parents) if place.exists())


def _write_text(path: Path, text: str) -> None:
    with path.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())


def sync_tree(folder: Path, deep: bool = True) -> None:
    """Have the disk keep a folder's entries, and where `deep` all that is below it."""
    for place in folder.rglob("*") if deep else ():
        _sync_folder(place) if place.is_dir() else _sync(place)
    _sync_folder(folder)


def _sync(file: Path) -> None:
    with file.open("rb") as stream:
        os.fsync(stream.fileno())


def _sync_folder(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def readable_size(count: float) -> str:
    """Bytes as people read them."""
    return f"{count / 1e9:.1f} GB" if count >= 1e8 else f"{count / 1e6:.1f} MB"
