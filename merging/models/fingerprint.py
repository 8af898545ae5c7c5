"""What a model is, whatever its folder is called: digests of its weights, config and tokenizer files.

The weights are read once, and that one read also looks for NaN and Inf. The result is cached per folder, and
holds as long as no file's size, time or inode has changed.
"""

from __future__ import annotations

import contextlib
import hashlib
import json
import math
import os
import stat
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from merging.errors import CheckpointError, OutputError
from merging.models.checkpoint import Checkpoint
from merging.models.writer import save_text

_VOLATILE = ("_name_or_path", "transformers_version")
_FORMAT = 1


@dataclass(frozen=True)
class Fingerprint:
    """Digests of a model's parts: `weights`, `config.json` and each companion file, by name."""

    parts: Mapping[str, str]

    @property
    def digest(self) -> str:
        """SHA-256 over all parts."""
        return canonical_digest(dict(self.parts))


def survey(checkpoint: Checkpoint, cache: Path | None = None) -> Fingerprint:
    """Fingerprint a model, checking every number in it; `cache` is the folder of remembered fingerprints.

    How weights are spread over files does not count, nor do the config's version stamps.

    Raises:
        CheckpointError: a tensor holds NaN or Inf.
    """
    memory = (cache or cache_root() / "fingerprints") / f"{_name(checkpoint)}.json"
    return Fingerprint(_remembered(memory, checkpoint.files(), lambda: _parts(checkpoint)))


def digest_files(files: Sequence[Path], cache: Path | None = None) -> dict[str, str]:
    """SHA-256 of each file by name, whatever its content means; remembered as a model's fingerprint is."""
    if not files:
        return {}
    places = _canonical([str(file.resolve()) for file in files])
    memory = (cache or cache_root() / "fingerprints") / f"{_short(places)}.json"
    return _remembered(memory, files, lambda: {file.name: _file_digest(file) for file in files})


def cache_root() -> Path:
    """The folder for what can be made again, where the desktop says."""
    root = os.environ.get("XDG_CACHE_HOME")
    return (Path(root) if root else _own_cache()) / "crucible"


def _own_cache() -> Path:
    """`~/.cache`, or a folder among the temporary files for a user without a home, as in containers."""
    try:
        return Path.home() / ".cache"
    except RuntimeError:
        pass
    # Everybody can write beside it, so what someone else put there under this name must not be read from.
    folder = Path(tempfile.gettempdir()) / f"crucible-{os.getuid()}"
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
        found = folder.lstat()
    except OSError as error:
        raise OutputError(f"{folder}: cannot be made ({error.strerror}); set XDG_CACHE_HOME") from None
    if not stat.S_ISDIR(found.st_mode) or found.st_uid != os.getuid() or found.st_mode & 0o077:
        raise OutputError(f"{folder}: is not this user's alone; set XDG_CACHE_HOME to a folder that is")
    return folder


def canonical_digest(data: Any) -> str:
    """SHA-256 of plain data, the same however its mappings are ordered."""
    return hashlib.sha256(_canonical(data).encode()).hexdigest()


def _parts(checkpoint: Checkpoint) -> dict[str, str]:
    config = {key: value for key, value in checkpoint.config.items() if key not in _VOLATILE}
    files = {file.name: _file_digest(file) for file in checkpoint.companions()}
    return {
        "weights": canonical_digest(_tensor_digests(checkpoint)),
        "config.json": canonical_digest(config),
        **files,
    }


def _tensor_digests(checkpoint: Checkpoint) -> list[tuple[str, str, tuple[int, ...], str]]:
    digests = []
    for name, info in sorted(checkpoint.tensors.items()):
        tensor = checkpoint.tensor(name)
        check_finite(tensor, name, checkpoint.origin(name))
        data = tensor.contiguous().reshape(-1).view(torch.uint8).numpy().data
        digests.append((name, info.dtype, info.shape, hashlib.blake2b(data, digest_size=32).hexdigest()))
    return digests


def check_finite(tensor: torch.Tensor, name: str, file: Path) -> None:
    """Refuse NaN and Inf; raises CheckpointError naming file and tensor."""
    if tensor.is_floating_point() and tensor.numel() and not _is_finite(tensor):
        count = int((~torch.isfinite(tensor)).sum())
        raise CheckpointError(
            f"{file}: {name}: {count} of {tensor.numel()} numbers are NaN or Inf; use a sound copy"
        )


def _is_finite(tensor: torch.Tensor) -> bool:
    """One pass over the tensor, and nothing written: `isfinite` of each element takes five times as long."""
    return all(math.isfinite(extreme) for extreme in torch.aminmax(tensor))  # NaN is both


def _remembered(memory: Path, files: Sequence[Path], make: Callable[[], dict[str, str]]) -> dict[str, str]:
    """What was made of these files before, else what `make` makes now."""
    stamp = _stamp(files)
    parts = _recall(memory, stamp)
    if parts is None:
        parts = make()
        # The cache only saves time: a read-only home must not stop a merge.
        with contextlib.suppress(OutputError):
            save_text(memory, json.dumps({"stamp": stamp, "parts": parts}, indent=1))
    return parts


def _recall(memory: Path, stamp: list[list[Any]]) -> dict[str, str] | None:
    try:
        remembered = json.loads(memory.read_text(encoding="utf-8"))
        return dict(remembered["parts"]) if remembered["stamp"] == stamp else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _stamp(files: Sequence[Path]) -> list[list[Any]]:
    stats = [(file.name, file.stat()) for file in files]
    return [
        [_FORMAT],
        *([name, found.st_size, found.st_mtime_ns, found.st_ctime_ns, found.st_ino] for name, found in stats),
    ]


def _name(checkpoint: Checkpoint) -> str:
    """Says which tensor is read from which file: an overlay is another model than its folder."""
    files = {file: str(file.resolve()) for file in {info.file for info in checkpoint.tensors.values()}}
    where = {name: (files[info.file], info.dtype, info.shape) for name, info in checkpoint.tensors.items()}
    return _short(_canonical([str(checkpoint.folder.resolve()), where]))


def _short(text: str) -> str:
    return hashlib.sha256(os.fsencode(text)).hexdigest()[:32]


def _file_digest(file: Path) -> str:
    try:
        with file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror}); see to its permissions") from None


def _canonical(data: Any) -> str:
    return json.dumps(data, sort_keys=True, separators=(",", ":"))
