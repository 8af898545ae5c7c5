"""Pickled weights, for those who allow them: read by torch's weights-only unpickler, which runs no code."""

from __future__ import annotations

import pickle
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merging.errors import CheckpointError
from merging.layout import HEAD, is_table, layer_order, tied_embedding
from merging.models.checkpoint import read_json

PICKLE = "pytorch_model.bin"
PICKLE_INDEX = "pytorch_model.bin.index.json"
_SUFFIXES = (".bin", ".pt", ".pth")
_OTHERS = ("training_args", "optimizer", "scheduler", "rng_state", "scaler", "adapter_model")
"""Pickles that trainers leave beside the weights."""


def pickle_files(folder: Path) -> list[Path]:
    """The pickles that hold a model's weights, index first if there is one; [] where there are none.

    Raises:
        CheckpointError: a shard is missing, or several files could be the model.
    """
    index = folder / PICKLE_INDEX
    if index.is_file() and not (folder / PICKLE).is_file():
        return [index, *(folder / name for name in _shards(index))]
    found = sorted(
        file for file in folder.iterdir() if file.suffix in _SUFFIXES and not file.name.startswith(_OTHERS)
    )
    if (folder / PICKLE) in found:
        return [folder / PICKLE]
    if len(found) > 1:
        names = ", ".join(file.name for file in found)
        raise CheckpointError(f"{folder}: {names}: which is the model? Name the one {PICKLE}")
    return found


def read_pickle(file: Path) -> dict[str, Tensor]:
    """Tensors by name from one pickle, mapped where its format allows.

    Raises:
        CheckpointError: it is damaged, holds more than tensors, or would run code.
    """
    data = _load(file)
    for key in ("state_dict", "model"):
        if isinstance(data, Mapping) and isinstance(data.get(key), Mapping):
            data = data[key]
    if not isinstance(data, Mapping) or not all(isinstance(value, Tensor) for value in data.values()):
        raise CheckpointError(f"{file}: holds more than named tensors; save the weights again as safetensors")
    for name, tensor in data.items():
        if tensor.layout != torch.strided or tensor.device.type != "cpu" or tensor.is_quantized:
            raise CheckpointError(
                f"{file}: {name}: expected plain numbers, found a tensor that is sparse, quantized or without"
                " data; save the weights again as safetensors"
            )
    return {str(name): tensor.detach() for name, tensor in data.items()}


def read_pickles(files: list[Path], tied: bool) -> Iterator[tuple[str, Tensor]]:
    """(name, tensor) of a whole model in layer order; the head of a `tied` model is left out.

    Raises:
        CheckpointError: a file cannot be read, or does not hold what the index says.
    """
    tensors: dict[str, Tensor] = {}
    promised: Mapping[str, str] = {}
    for file in files:
        if file.name == PICKLE_INDEX:
            promised = _weight_map(file)
        else:
            tensors.update(read_pickle(file))
    for name, shard in promised.items():
        if name not in tensors:
            raise CheckpointError(
                f"{files[0].with_name(shard)}: lacks {name}, which {PICKLE_INDEX} says it holds;"
                " download both again"
            )
    embedding = tied_embedding(tensors)
    for name in layer_order(tensors):
        double = name == HEAD and embedding is not None and tied and _one(tensors[name], tensors[embedding])
        if not double and not is_table(name, tensors[name].shape):
            yield name, tensors[name]


def _load(file: Path) -> Any:
    try:
        try:
            return torch.load(file, map_location="cpu", weights_only=True, mmap=True)
        except RuntimeError as error:
            if "mmap" not in str(error):
                raise
            return torch.load(file, map_location="cpu", weights_only=True)  # from before torch 1.6
    except pickle.UnpicklingError as error:
        reason = str(error).partition("\n")[0].strip()
        raise CheckpointError(
            f"{file}: holds more than weights, and is not read ({reason[:200]}); save it again as safetensors"
        ) from None
    except (RuntimeError, OSError, EOFError, ValueError, KeyError) as error:
        reason = str(error).partition("\n")[0].strip()
        raise CheckpointError(f"{file}: cannot be read ({reason[:200]}); copy it again") from None


def _one(head: Tensor, embedding: Tensor) -> bool:
    return head.data_ptr() == embedding.data_ptr() and head.shape == embedding.shape


def _shards(index: Path) -> list[str]:
    names = sorted(set(_weight_map(index).values()))
    for name in names:
        if Path(name).name != name or not (index.parent / name).is_file():
            raise CheckpointError(
                f"{index.parent / name}: named in {index.name} but not there; download the shard"
            )
    return names


def _weight_map(index: Path) -> dict[str, str]:
    weight_map = read_json(index, "download it again").get("weight_map")
    if not isinstance(weight_map, dict) or not all(isinstance(file, str) for file in weight_map.values()):
        raise CheckpointError(f"{index}: has no weight_map from tensors to files; download it again")
    return weight_map
