"""The one way in: models as users have them, made into a family that can be merged, once.

LoRA adapters are applied to the base, pickles (where allowed) converted, vocabularies aligned. Whatever then
differs from the files that users have is kept in the cache, so that the next run starts at once.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch

from merging.errors import CheckpointError
from merging.family.adapters import Update, open_adapter, updated, updates
from merging.family.alignment import align_models
from merging.family.configs import stated_tie
from merging.family.overlay import Change, fingerprints, overlay
from merging.family.sameness import check_dtypes, check_family, check_plain
from merging.family.vocabulary import resized
from merging.layout import HEAD, tied_embedding
from merging.models.checkpoint import (
    ADAPTER_CONFIG,
    COMPANIONS,
    INDEX,
    WEIGHTS,
    Checkpoint,
    is_adapter,
    open_checkpoint,
    read_config,
)
from merging.models.fingerprint import digest_files, survey
from merging.models.own_files import own_files
from merging.models.pickles import pickle_files, read_pickles


@dataclass(frozen=True)
class Family:
    """Models that can be merged: the same tensors, shapes and vocabulary; picklable."""

    base: Checkpoint
    experts: tuple[Checkpoint, ...]

    @property
    def donor(self) -> Checkpoint:
        """The model whose config and tokenizer a merge of the family takes, unless another is asked for."""
        return self.base


def prepare(
    base: Path,
    experts: Sequence[Path],
    *,
    tokenizer_source: str | None = None,
    pad_to_multiple_of: int = 1,
    allow_pickle: bool = False,
    cache: Path | None = None,
) -> Family:
    """Open a base and its experts, whole models or LoRA adapters, and make them a family.

    `tokenizer_source` aligns vocabularies that differ: `base`, `union`, or the path of one of the models; the
    rows of embedding and head are then padded to a multiple. `cache` is a folder to use instead of the
    user's own cache.

    Raises:
        CheckpointError: one line that names file and tensor or field, what was expected, and the remedy.
        OutputError: the cache cannot be written to, or its disk is too small.
    """
    first = open_model(base, allow_pickle=allow_pickle, cache=cache)
    models = [first]
    for expert in experts:
        if is_adapter(expert):
            models.append(open_adapted(first, expert, allow_pickle, cache))
        else:
            models.append(open_model(expert, allow_pickle=allow_pickle, cache=cache))
    if tokenizer_source is not None:
        models = align_models(models, tokenizer_source, cache, pad_to_multiple_of)
    check_family(models[0], models[1:])
    return Family(models[0], tuple(models[1:]))


def open_model(folder: Path, *, allow_pickle: bool = False, cache: Path | None = None) -> Checkpoint:
    """Open one whole model, converting pickles where they are allowed.

    A head that a tied model stores beside its equal embedding is left out: loaders would ignore it.

    Raises:
        CheckpointError, OutputError: as `prepare`.
    """
    whole = any((folder / name).is_file() for name in (WEIGHTS, INDEX))
    pickles = allow_pickle and not whole and folder.is_dir() and not is_adapter(folder)
    files = pickle_files(folder) if pickles else []
    model = _converted(folder, files, cache) if files else open_checkpoint(folder)
    if not model.tensors:
        raise CheckpointError(f"{folder}: its files hold no weights; copy the model again")
    check_dtypes(model)
    check_plain(model)
    return _without_double_head(model)


def _converted(folder: Path, files: list[Path], cache: Path | None) -> Checkpoint:
    plain = Checkpoint(folder, {}, read_config(folder))
    inputs = {
        "pickles": digest_files(files, fingerprints(cache)),
        "config": plain.config,
        "companions": digest_files(plain.companions(), fingerprints(cache)),
    }
    change = Change(
        inputs,
        read_pickles(files, tied=stated_tie(plain.config) is True),
        sum(file.stat().st_size for file in files),
        plain.config,
        plain.companions(),
        own=own_files(plain),
    )
    return overlay(plain, change, cache)


def open_adapted(base: Checkpoint, folder: Path, allow_pickle: bool, cache: Path | None = None) -> Checkpoint:
    """The base as an adapter leaves it, under the adapter's path.

    Raises:
        CheckpointError, OutputError: as `prepare`.
    """
    adapter = open_adapter(folder, allow_pickle)
    changes = updates(adapter, base)
    companions = _companions(base, folder)
    own = [adapter.folder / ADAPTER_CONFIG, adapter.file]
    inputs = {
        "adapter": digest_files(own, fingerprints(cache)),
        "base": survey(base, fingerprints(cache)).digest,
        "companions": digest_files(companions, fingerprints(cache)),
    }
    embedding = tied_embedding(changes)
    whole = None if embedding is None else changes[embedding].whole
    config = base.config if whole is None else resized(base.config, whole.shape[0])
    change = Change(
        inputs,
        updated(adapter, base, changes),
        _nbytes(base, changes),
        config,
        companions,
        own=own_files(base),
    )
    return _without_double_head(overlay(replace(base, path=folder), change, cache))


def _companions(base: Checkpoint, folder: Path) -> list[Path]:
    """Trainers save the tokenizer beside the adapter, some do not."""
    own = [folder / name for name in COMPANIONS if (folder / name).is_file()]
    if folder / "tokenizer.json" not in own:
        return base.companions()
    own_names = {file.name for file in own}
    generation = [file for file in base.companions() if file.name == "generation_config.json"]
    return own + [file for file in generation if file.name not in own_names]


def _nbytes(base: Checkpoint, changes: Mapping[str, Update]) -> int:
    """Room for the changed tensors, whatever their dtype."""
    whole = (change.whole.numel() for change in changes.values() if change.whole is not None)
    return 8 * sum(whole) + sum(base.tensors[name].nbytes for name in changes if name in base.tensors)


def _without_double_head(model: Checkpoint) -> Checkpoint:
    """The embedding alone, where a config ties the head to it and the head is stored, too."""
    embedding = tied_embedding(model.tensors)
    if HEAD not in model.tensors or embedding is None or stated_tie(model.config) is not True:
        return model
    head, rows = (model.tensors[name] for name in (HEAD, embedding))
    if (head.shape, head.dtype) != (rows.shape, rows.dtype):
        return model
    if not torch.equal(model.tensor(HEAD), model.tensor(embedding)):
        return model
    return replace(model, tensors={name: info for name, info in model.tensors.items() if name != HEAD})
