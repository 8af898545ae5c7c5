"""A family's models brought to one vocabulary, as overlays; models that have it already stay as they are."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from torch import Tensor

from merging.errors import CheckpointError
from merging.family.overlay import Change, fingerprints, overlay
from merging.family.tokenizer_files import extended_files
from merging.family.vocabulary import BASE, UNION, Alignment, align, read_vocabulary, realign, resized
from merging.layout import HEAD, tied_embedding, vocabulary_tensors
from merging.models.checkpoint import Checkpoint, TensorInfo
from merging.models.fingerprint import survey
from merging.models.own_files import own_files

_WIDEST = 8  # bytes of a number


def align_models(
    models: Sequence[Checkpoint], source: str, cache: Path | None = None, multiple: int = 1
) -> list[Checkpoint]:
    """Models, the base first, with embeddings, head, config and tokenizer for one vocabulary.

    `source` is `base`, `union`, or the path of one of the models. Rows are added up to a `multiple`.

    Raises:
        CheckpointError: a model lacks tokenizer.json or embedding, or tensors differ by more than rows.
        OutputError: the cache cannot be written to.
    """
    plan = _planned(models, source)
    alignment = replace(plan.alignment, padding=-plan.alignment.count % multiple)
    return [
        # A base takes the donor's tokenizer even where the tokens are the same: it is what a merge gets.
        model
        if alignment.keeps(number, _rows(model))
        and plan.vocabularies[number] == alignment.tokens
        and (number > 0 or model is plan.donor)
        else _aligned(models, alignment, plan.donor, plan.texts, number, cache)
        for number, model in enumerate(models)
    ]


def foreseen(models: Sequence[Checkpoint], source: str) -> list[Checkpoint]:
    """Models with the configs and shapes that `align_models` would give them; nothing is read or written.

    Their tensors are still the old ones: these are for questions that are asked before any work.

    Raises:
        CheckpointError: as `align_models`.
    """
    plan = _planned(models, source)
    rows = plan.alignment.count
    return [
        replace(model, tensors=_resized(model, rows), config=_config(model.config, plan.donor.config, rows))
        for model in models
    ]


@dataclass(frozen=True)
class _Plan:
    """What an alignment comes to: one vocabulary, whose config it goes with, and new files by name."""

    vocabularies: Sequence[Mapping[str, int]]
    alignment: Alignment
    donor: Checkpoint
    texts: Mapping[str, str]


def _planned(models: Sequence[Checkpoint], source: str) -> _Plan:
    place = _place(models, source)
    vocabularies = [_vocabulary_of(model) for model in models]
    _check_tensors(models)
    alignment = align(vocabularies, [_rows(model) for model in models], place)
    donor = models[0 if place == UNION else int(place)]
    texts = {}
    if place == UNION:
        texts = extended_files(donor.companions(), [model.folder for model in models], alignment.tokens)
    return _Plan(vocabularies, alignment, donor, texts)


def _resized(model: Checkpoint, rows: int) -> dict[str, TensorInfo]:
    own = dict(model.tensors)
    for name in vocabulary_tensors(own):
        own[name] = replace(own[name], shape=(rows, *own[name].shape[1:]))
    return own


def _aligned(
    models: Sequence[Checkpoint],
    alignment: Alignment,
    donor: Checkpoint,
    texts: Mapping[str, str],
    number: int,
    cache: Path | None,
) -> Checkpoint:
    model = models[number]
    prints = [survey(each, fingerprints(cache)).digest for each in models]
    inputs = {"aligned": prints, "model": number, "donor": models.index(donor), "texts": dict(texts)}
    inputs |= {"padding": alignment.padding} if alignment.padding else {}
    rows = alignment.count
    names = [] if alignment.keeps(number, _rows(model)) else vocabulary_tensors(model.tensors)
    sizes = [rows * math.prod(model.tensors[name].shape[1:]) * _WIDEST for name in names]
    change = Change(
        inputs,
        _tensors(models, alignment, number, names),
        sum(sizes),
        _config(model.config, donor.config, rows),
        donor.companions(),
        texts,
        own_files(model),
    )
    return overlay(model, change, cache)


def _tensors(
    models: Sequence[Checkpoint], alignment: Alignment, number: int, names: Sequence[str]
) -> Iterator[tuple[str, Tensor]]:
    for name in names:
        yield name, realign([_read(model, name) for model in models], alignment, number)


def _read(model: Checkpoint, name: str) -> Tensor:
    """A head that is not stored is the embedding it is tied to."""
    return model.tensor(name if name in model.tensors else tied_embedding(model.tensors) or name)


def _config(config: Mapping[str, Any], donor: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """The model's config with the size of the new vocabulary, and the donor's numbers of special tokens."""
    own = {key: value for key, value in config.items() if not key.endswith("_token_id")}
    special = {key: value for key, value in donor.items() if key.endswith("_token_id")}
    return resized({**own, **special}, rows)


def _place(models: Sequence[Checkpoint], source: str) -> int | str:
    if source == UNION:
        return UNION
    if source == BASE:
        return 0
    wanted = Path(source).expanduser().resolve()
    for number, model in enumerate(models):
        if wanted == model.path.resolve():
            return number
    raise CheckpointError(
        f"tokenizer_source: {source!r} is neither base nor union, nor one of the models"
        f" {', '.join(str(model.path) for model in models)}"
    )


def _vocabulary_of(model: Checkpoint) -> dict[str, int]:
    vocabulary = read_vocabulary(model.folder)
    if vocabulary is None:
        raise CheckpointError(
            f"{model.folder / 'tokenizer.json'}: missing, so the vocabulary cannot be aligned; save the"
            " model's fast tokenizer there with transformers, or merge without tokenizer_source"
        )
    return vocabulary


def _rows(model: Checkpoint) -> int:
    embedding = tied_embedding(model.tensors)
    if embedding is None:
        raise CheckpointError(
            f"{model.path}: has no token embedding, so its vocabulary cannot be aligned; merge"
            " without tokenizer_source"
        )
    return model.tensors[embedding].shape[0]


def _check_tensors(models: Sequence[Checkpoint]) -> None:
    """Vocabulary tensors may differ by their rows only, and in each model all have the same rows."""
    base = models[0]
    for model in models:
        rows = _rows(model)
        for name in vocabulary_tensors({**base.tensors, **model.tensors}):
            info, other = model.tensors.get(name), base.tensors.get(name)
            if info is None or other is None:
                if name != HEAD:
                    lacking = model if info is None else base
                    raise CheckpointError(
                        f"{lacking.path}: lacks {name}; only fine-tunes of one base can be aligned and merged"
                    )
            elif info.shape != (rows, *other.shape[1:]):
                raise CheckpointError(
                    f"{model.origin(name)}: {name}: shape {list(info.shape)}, expected"
                    f" {[rows, *other.shape[1:]]}; only fine-tunes of the base can be aligned and merged"
                )
