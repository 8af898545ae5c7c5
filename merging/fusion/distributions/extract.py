"""A source is asked once: its distributions go to disk shard by shard, and a killed extraction goes on."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import fields
from importlib.metadata import version
from pathlib import Path

import numpy as np

from merging.errors import OutputError
from merging.fusion.distributions.data import Top
from merging.fusion.distributions.shards import (
    MANIFEST,
    Extracted,
    Manifest,
    open_extracted,
    read_manifest,
    shard_bytes,
    shard_file,
    write_manifest,
    write_shard,
)
from merging.fusion.distributions.teacher import Request, Teacher
from merging.models.writer import readable_size, remove_remains

STEP = 64
"""Examples that a teacher is asked for at a time: progress is told, and batches are made, within them."""
_LIBRARIES = ("torch", "transformers", "safetensors", "numpy")
Progress = Callable[[int, int], None]
"""Told how many examples are there, and of how many."""


def extract(
    teacher: Teacher,
    requests: Sequence[Request],
    folder: Path,
    *,
    source: str,
    k: int = 10,
    shard: int = 256,
    progress: Progress | None = None,
) -> Extracted:
    """Ask the teacher for all requests, and keep its answers in `folder`; what is there is not asked again.

    `source` is the digest of the teacher's model. Asked a second time, it only looks whether all is there:
    the teacher is not called, so one that loads on demand is not loaded.

    Raises:
        OutputError: the folder holds something else, another process is at it, it cannot be written to, or
            the disk is too small; nothing has been asked then.
        CheckpointError, DataError: as the teacher says.
    """
    manifest = Manifest(
        source=source,
        data=digest_requests(requests),
        engine=teacher.description,
        k=k,
        shard=shard,
        examples=len(requests),
        tokens=sum(len(response) for _, response in requests),
    )
    with _alone(folder):
        _claim(folder, manifest)
        absent = [i for i in range(manifest.shards) if not shard_file(folder, i).exists()]
        _check_room(folder, [requests[j] for i in absent for j in manifest.span(i)], len(absent), k)
        done = manifest.examples - sum(len(manifest.span(i)) for i in absent)
        report = progress or (lambda *_: None)
        report(done, manifest.examples)
        for number in absent:
            tops = []
            for some in _measured(teacher, [requests[i] for i in manifest.span(number)], k):
                tops += some
                report(done + len(tops), manifest.examples)
            write_shard(folder, number, tops)
            done += len(tops)
    return open_extracted(folder)


def digest_requests(requests: Sequence[Request]) -> str:
    """SHA-256 of all tokens, and of where prompts and responses end."""
    digest = hashlib.sha256()
    for prompt, response in requests:
        digest.update(np.array([len(prompt), len(response)], "<i8").tobytes())
        digest.update(np.concatenate([prompt, response]).astype("<i4").tobytes())
    return digest.hexdigest()


def extraction_bytes(requests: Sequence[Request], k: int, shard: int = 256) -> int:
    """What the distributions of these requests take on disk."""
    return _needed(requests, -(-len(requests) // shard), k)


def _measured(teacher: Teacher, requests: Sequence[Request], k: int) -> Iterator[list[Top]]:
    for first in range(0, len(requests), STEP):
        asked = requests[first : first + STEP]
        tops = teacher(asked, k)
        assert [len(top.gold) for top in tops] == [len(response) for _, response in asked]
        yield tops


def _claim(folder: Path, manifest: Manifest) -> None:
    """Make the folder this extraction's, or see that it is."""
    remove_remains(folder)
    held = read_manifest(folder)
    if held is None:
        strange = sorted(file.name for file in folder.iterdir() if not file.name.startswith("."))
        if strange:
            raise OutputError(f"{folder}: holds {strange[0]}, but no {MANIFEST}; name another folder")
        write_manifest(folder, manifest, {name: version(name) for name in _LIBRARIES})
        return
    for name in (field.name for field in fields(Manifest)):
        ours, theirs = getattr(manifest, name), getattr(held, name)
        if ours != theirs:
            raise OutputError(
                f"{folder}: holds distributions of another {name}, {_short(theirs)} instead of"
                f" {_short(ours)}; name another folder, or remove this one"
            )


def _check_room(folder: Path, requests: Sequence[Request], shards: int, k: int) -> None:
    needed, free = _needed(requests, shards, k), shutil.disk_usage(folder).free
    if needed > free:
        raise OutputError(
            f"{folder}: a disk too small for the distributions: they need {readable_size(needed)},"
            f" {readable_size(free)} are free; make room, or lower top_k"
        )


def _needed(requests: Sequence[Request], shards: int, k: int) -> int:
    if not requests:
        return 0
    tokens = sum(len(response) for _, response in requests)
    return shard_bytes(tokens, len(requests), k) + (shards - 1) * shard_bytes(0, 0, k)


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Hold the folder, which is made if need be, so that no other process measures the same."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise OutputError(f"{folder}: cannot be written ({error.strerror}); choose another place") from None
    try:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise OutputError(f"{folder}: another process is extracting into it; wait for it") from None
        except OSError:
            pass  # a disk without locks: two processes there only do the same work twice
        yield
    finally:
        os.close(descriptor)


def _short(value: object) -> str:
    return value[:12] if isinstance(value, str) and len(value) == 64 else str(value)
