"""A checkpoint on disk: safetensors, one file or sharded, mapped lazily and checked before any work."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError, safe_open

from merging.errors import CheckpointError
from merging.layout import is_table, layer_order
from merging.shown import shown

WEIGHTS = "model.safetensors"
INDEX = "model.safetensors.index.json"
ADAPTER_CONFIG = "adapter_config.json"
COMPANIONS = (
    "added_tokens.json",
    "chat_template.jinja",
    "chat_template.json",
    "generation_config.json",
    "merges.txt",
    "special_tokens_map.json",
    "spiece.model",
    "tokenizer.json",
    "tokenizer.model",
    "tokenizer_config.json",
    "vocab.json",
    "vocab.txt",
)
"""Files beside the weights that make a checkpoint usable: tokenizer, chat template, generation config."""

_DTYPES = {"F64": "float64", "F32": "float32", "BF16": "bfloat16", "F16": "float16"}
_BYTES = {"F64": 8, "F32": 4, "BF16": 2, "F16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
_LONGEST_HEADER = 100_000_000  # the format's own limit


Part = tuple[int | slice, ...]
"""Which of a tensor's numbers, by its axes, the first first."""


@dataclass(frozen=True)
class TensorInfo:
    """What a header says of a tensor; the dtype by torch's name where it can be merged."""

    dtype: str
    shape: tuple[int, ...]
    file: Path

    @property
    def numel(self) -> int:
        """Number of elements."""
        return math.prod(self.shape)

    @property
    def nbytes(self) -> int:
        """Bytes in its file; 0 for the formats of quantized weights."""
        return self.numel * getattr(torch, self.dtype, torch.empty(0)).itemsize


@dataclass(frozen=True)
class Checkpoint:
    """A model folder; iterating yields (name, tensor) in layer order, each mapped from its file.

    A model made ready for merging is an overlay: tensors that had to change lie in other files than the rest,
    and `config_folder` holds the config and the tokenizer files that go with them. `path` is still the folder
    that its user named.
    """

    path: Path
    tensors: Mapping[str, TensorInfo]
    config: Mapping[str, Any]
    config_folder: Path | None = None

    @property
    def folder(self) -> Path:
        """Where config and tokenizer lie, as an engine wants them."""
        return self.config_folder or self.path

    def origin(self, name: str) -> Path:
        """Where its user finds a tensor: its file, or the folder of a model whose tensor was made ready."""
        file = self.tensors[name].file
        return self.path if file.parent == self.config_folder else file

    def tensor(self, name: str) -> torch.Tensor:
        """One tensor on the CPU, in its stored dtype."""
        return self._handle(self.tensors[name].file).get_tensor(name)  # type: ignore[no-any-return]

    def part(self, name: str, part: Part) -> torch.Tensor:
        """Some of one tensor on the CPU, in its stored dtype; only that is read."""
        return self._handle(self.tensors[name].file).get_slice(name)[part]  # type: ignore[no-any-return]

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        for name in layer_order(self.tensors):
            yield name, self.tensor(name)

    def companions(self) -> list[Path]:
        """Tokenizer files, chat template and generation config, as far as they exist."""
        return [self.folder / name for name in COMPANIONS if (self.folder / name).is_file()]

    def files(self) -> list[Path]:
        """Every file that makes up this model, sorted."""
        weights = {info.file for info in self.tensors.values()}
        return sorted({*weights, self.folder / "config.json", *self.companions()})

    @cached_property
    def _handles(self) -> dict[Path, Any]:
        return {}

    def _handle(self, file: Path) -> Any:
        if file not in self._handles:
            try:
                self._handles[file] = safe_open(file, framework="pt", device="cpu")
            except SafetensorError as error:  # what `read_header` lets pass
                raise CheckpointError(f"{file}: no whole safetensors file ({error}); copy it again") from None
        return self._handles[file]

    def __getstate__(self) -> dict[str, Any]:
        """Maps do not travel between processes; they are made anew on first use."""
        return {key: value for key, value in self.__dict__.items() if key != "_handles"}


def open_checkpoint(folder: Path) -> Checkpoint:
    """Open a model folder, reading headers only; masks and tables that models compute are left out.

    Raises:
        CheckpointError: the folder, its config or weights are missing, cut short or not what the index says.
    """
    if not folder.is_dir():
        raise CheckpointError(f"{folder}: no such model folder; check the path")
    if is_adapter(folder):
        raise CheckpointError(f"{folder}: is an adapter, not a model; name it among the experts of its base")
    config = read_config(folder)
    if (folder / WEIGHTS).is_file():
        tensors = read_header(folder / WEIGHTS)
    elif (folder / INDEX).is_file():
        tensors = _read_shards(folder)
    elif any(folder.glob("*.bin")) or any(folder.glob("*.pt")):
        raise CheckpointError(
            f"{folder}: only pickled weights (.bin) found; save it again as safetensors, or allow it with"
            " --allow-pickle"
        )
    else:
        raise CheckpointError(f"{folder}: neither {WEIGHTS} nor {INDEX} found; is this a model folder?")
    return Checkpoint(
        folder, {name: info for name, info in tensors.items() if not is_table(name, info.shape)}, config
    )


def is_adapter(folder: Path) -> bool:
    """Whether a folder holds a PEFT adapter rather than a whole model."""
    whole = any((folder / name).is_file() for name in (WEIGHTS, INDEX))
    return (folder / ADAPTER_CONFIG).is_file() and not whole


def read_config(folder: Path) -> dict[str, Any]:
    """A model folder's config.json; raises CheckpointError where it is missing or damaged."""
    file = folder / "config.json"
    config = read_json(file, "copy the model's config.json there")
    for name in ("text_config", "rope_parameters"):
        if not isinstance(config.get(name) or {}, dict):
            raise CheckpointError(
                f"{file}: {name}: expected an object, found {shown(config[name])}; copy the model's again"
            )
    for where, part in (("", config), ("text_config.", config.get("text_config") or {})):
        size = part.get("vocab_size")
        if size is not None and not _is_count(size):
            raise CheckpointError(
                f"{file}: {where}vocab_size: expected a whole number, found {shown(size)}; copy the"
                " model's again"
            )
    return config


def _is_count(value: Any) -> bool:
    return type(value) is int and value >= 0


def _read_shards(folder: Path) -> dict[str, TensorInfo]:
    index = folder / INDEX
    weight_map = read_json(index, "download it again").get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(file, str) for file in weight_map.values()):
        raise CheckpointError(f"{index}: has no weight_map from tensors to files; download it again")
    headers: dict[str, dict[str, TensorInfo]] = {}
    for file in sorted(set(weight_map.values())):
        if Path(file).name != file or not (folder / file).is_file():
            raise CheckpointError(f"{folder / file}: named in {INDEX} but not there; download the shard")
        headers[file] = read_header(folder / file)
    for name, file in weight_map.items():
        if name not in headers[file]:
            raise CheckpointError(
                f"{folder / file}: lacks {name}, which {INDEX} says it holds; download both again"
            )
    return {name: headers[file][name] for name, file in weight_map.items()}


def read_header(file: Path) -> dict[str, TensorInfo]:
    """What a safetensors file holds, by name; raises CheckpointError unless it is whole."""
    try:
        size = file.stat().st_size
        with file.open("rb") as stream:
            length = int.from_bytes(stream.read(8), "little")
            header = stream.read(length) if 8 + length <= size and length <= _LONGEST_HEADER else b""
    except OSError as error:
        raise CheckpointError(f"{file}: cannot be read ({error.strerror}); see to its permissions") from None
    try:
        entries = {name: entry for name, entry in json.loads(header).items() if name != "__metadata__"}
        promised = 8 + length + max((_end(name, entry) for name, entry in entries.items()), default=0)
    except (ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
        detail = f" ({error})" if header else ""
        raise CheckpointError(
            f"{file}: no whole safetensors file, its header cannot be read{detail}; copy it again"
        ) from None
    if size != promised:
        raise CheckpointError(f"{file}: is {size} bytes long, its header promises {promised}; copy it again")
    return {
        name: TensorInfo(_DTYPES.get(entry["dtype"], entry["dtype"]), tuple(entry["shape"]), file)
        for name, entry in entries.items()
    }


def _end(name: str, entry: Mapping[str, Any]) -> int:
    start, end = entry["data_offsets"]
    if not all(map(_is_count, (start, end, *entry["shape"]))) or not isinstance(entry["dtype"], str):
        raise ValueError(f"the shape, dtype or data_offsets of {shown(name)} are no such thing")
    expected = math.prod(entry["shape"]) * _BYTES.get(entry["dtype"], 0)
    if expected and end - start != expected:
        raise ValueError(f"{name} has {end - start} bytes, its shape needs {expected}")
    return int(end)


def read_json(file: Path, remedy: str) -> dict[str, Any]:
    """A JSON object from a file; raises CheckpointError, which ends in `remedy`."""
    try:
        data = json.loads(file.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise CheckpointError(f"{file}: missing; {remedy}") from None
    except (OSError, ValueError, RecursionError) as error:
        raise CheckpointError(f"{file}: cannot be read as JSON ({error}); {remedy}") from None
    if not isinstance(data, dict):
        raise CheckpointError(f"{file}: expected a JSON object; {remedy}")
    return data
