"""What a model is, whatever its folder is called: digests of its weights, config and tokenizer files.

The weights are read once, and that one read also looks for NaN and Inf. The result is cached per folder, and
holds as long as no file's size, time or inode has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from merging.checkpoint import Checkpoint
from merging.errors import CheckpointError, OutputError
from merging.writer import save_text

_VOLATILE = ("_name_or_path", "transformers_version")
_FORMAT = 1


@dataclass(frozen=True)
class Fingerprint:
    """Digests of a model's parts: `weights`, `config.json` and each companion file, by name."""

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over all parts."""
        return hashlib.sha256(_canonical(dict(self.parts)).encode()).hexdigest()


def survey(checkpoint: Checkpoint, cache: Path | None = None) -> Fingerprint:
    """Fingerprint a model, checking every number in it; `cache` is the folder of remembered fingerprints.

    How weights are spread over files does not count, nor do the config's version stamps.

    Raises:
        CheckpointError: a tensor holds NaN or Inf.
    """
    memory = (cache or _default_cache()) / f"{_name(checkpoint)}.json"
    stamp = _stamp(checkpoint)
    parts = _recall(memory, stamp)
    if parts is None:
        parts = _parts(checkpoint)
        # The cache only saves time: a read-only home must not stop a merge.
        with contextlib.suppress(OutputError):
            save_text(memory, json.dumps({"stamp": stamp, "parts": parts}, indent=1))
    return Fingerprint(parts)


def _parts(checkpoint: Checkpoint) -> dict[str, str]:
    config = {key: value for key, value in checkpoint.config.items() if key not in _VOLATILE}
    files = {file.name: hashlib.sha256(file.read_bytes()).hexdigest() for file in checkpoint.companions()}
    weights = hashlib.sha256(_canonical(_tensor_digests(checkpoint)).encode()).hexdigest()
    return {
        "weights": weights,
        "config.json": hashlib.sha256(_canonical(config).encode()).hexdigest(),
        **files,
    }


def _tensor_digests(checkpoint: Checkpoint) -> list[tuple[str, str, tuple[int, ...], str]]:
    digests = []
    for name, info in sorted(checkpoint.tensors.items()):
        tensor = checkpoint.tensor(name)
        _check_finite(tensor, name, info.file)
        data = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data
        digests.append((name, info.dtype, info.shape, hashlib.blake2b(data, digest_size=32).hexdigest()))
    return digests


def _check_finite(tensor: torch.Tensor, name: str, file: Path) -> None:
    if tensor.is_floating_point() and not (finite := torch.isfinite(tensor)).all():
        count = int((~finite).sum())
        raise CheckpointError(
            f"{file}: {name}: {count} of {tensor.numel()} numbers are NaN or Inf; use a sound copy"
        )


def _recall(memory: Path, stamp: list[list[Any]]) -> dict[str, str] | None:
    try:
        remembered = json.loads(memory.read_text(encoding="utf-8"))
        return dict(remembered["parts"]) if remembered["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stamp(checkpoint: Checkpoint) -> list[list[Any]]:
    stats = [(file.name, file.stat()) for file in checkpoint.files()]
    return [
        [_FORMAT],
        *([name, stat.st_size, stat.st_mtime_ns, stat.st_ctime_ns, stat.st_ino] for name, stat in stats),
    ]


def _name(checkpoint: Checkpoint) -> str:
    return hashlib.sha256(os.fsencode(checkpoint.path.resolve())).hexdigest()[:32]


def _default_cache() -> Path:
    root = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(root) / "crucible" / "fingerprints"


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
