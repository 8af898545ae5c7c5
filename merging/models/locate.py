"""Where a model is: a local folder, or a copy of a hub model that is fetched when it is not there yet."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from merging.errors import CheckpointError
from merging.models.checkpoint import ADAPTER_CONFIG, COMPANIONS
from merging.models.naming import folder_of, is_local, is_there
from merging.models.own_files import PROCESSORS

_PATTERNS = (
    "*.safetensors",
    "*.safetensors.index.json",
    "config.json",
    ADAPTER_CONFIG,
    *COMPANIONS,
    *PROCESSORS,
    "*.py",
    "README.md",
    "LICENSE*",
)
"""The last two are no part of a model, but say under which license it may be merged."""
_PICKLES = ("pytorch_model*.bin", "pytorch_model.bin.index.json", "adapter_model.bin")


def locate_tokenizer(ref: str, relative_to: Path) -> Path:
    """The folder of a model whose weights are not needed: of a hub model they are not fetched.

    Raises:
        CheckpointError: as `locate`.
    """
    if is_local(ref, relative_to):
        return locate(ref, relative_to)
    return _download(ref, relative_to, [each for each in _PATTERNS if "safetensors" not in each])


def locate(ref: str, relative_to: Path, allow_pickle: bool = False) -> Path:
    """The folder of a model: `ref` is a path (from `relative_to`) or a hub id `org/name[@revision]`.

    Pickled weights are fetched only where they are allowed, and there is nothing better.

    Raises:
        CheckpointError: there is no such folder, or the hub cannot give the model.
    """
    if is_local(ref, relative_to):
        folder = folder_of(ref, relative_to)
        if not is_there(folder) or not folder.is_dir():
            raise CheckpointError(f"{folder}: no such model folder; check the path")
        return folder.resolve()
    folder = _download(ref, relative_to, _PATTERNS)
    if allow_pickle and not any(folder.glob("*.safetensors")):
        folder = _download(ref, relative_to, (*_PATTERNS, *_PICKLES))
    return folder


def _download(ref: str, relative_to: Path, patterns: Sequence[str]) -> Path:
    from huggingface_hub import snapshot_download

    name, _, revision = ref.partition("@")
    try:
        return Path(snapshot_download(name, revision=revision or None, allow_patterns=list(patterns)))
    except (OSError, ValueError) as error:
        reason = str(error).strip().partition("\n")[0] or type(error).__name__
        raise CheckpointError(
            f"{ref}: no such folder in {relative_to}, and the hub cannot give it: {reason}"
        ) from None
