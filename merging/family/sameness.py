"""Whether models belong together: the same tensors, architecture and vocabulary."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import torch

from merging.errors import CheckpointError, VocabularyError
from merging.family.code import check_code
from merging.family.configs import Mismatch, is_tied, mismatch, stated_tie
from merging.family.parts import check_beside, check_wrapping
from merging.family.vocabulary import read_vocabulary, vocab_size
from merging.layout import HEAD, tied_embedding, vocabulary_tensors
from merging.models.checkpoint import Checkpoint
from merging.shown import shown

MERGEABLE = ("bfloat16", "float16", "float32", "float64")

_QUANTIZED = ("quantization_config", "compression_config")
_ALIGN = "set tokenizer_source to base or union to align the vocabularies"


def check_family(base: Checkpoint, experts: Sequence[Checkpoint]) -> None:
    """Refuse experts whose weights cannot be added to the base's.

    Reads no weights but doubtful heads, and what lies beside a language model.

    Raises:
        CheckpointError: names folder, tensor or field, what the base has, what was found, and the remedy;
            a VocabularyError where it is the vocabulary that differs.
    """
    for model in (base, *experts):
        check_dtypes(model)
    for expert in experts:
        check_wrapping(base, expert)
        _check_vocabulary(base, expert)
        check_but_vocabulary(base, expert)


def check_but_vocabulary(base: Checkpoint, expert: Checkpoint) -> None:
    """Refuse an expert for any reason but its tokens, as `check_family` does of models that have the same.

    Raises:
        CheckpointError: as `check_family`.
    """
    _check_config(base, expert)
    check_code(base, expert)
    _check_names(base, expert)
    _check_shapes(base, expert)
    check_beside(base, expert)


def check_dtypes(model: Checkpoint) -> None:
    """Refuse a model with quantized or other tensors that are no floating point; raises CheckpointError."""
    for name, info in model.tensors.items():
        if info.dtype not in MERGEABLE:
            raise CheckpointError(
                f"{model.origin(name)}: {name}: dtype {info.dtype}, expected one of {', '.join(MERGEABLE)};"
                " use a checkpoint that is not quantized"
            )


def check_plain(model: Checkpoint) -> None:
    """Refuse a model whose config has loaders quantize it, whatever its tensors look like.

    Raises:
        CheckpointError: names the config and how the model is quantized.
    """
    for where, part in (("", model.config), ("text_config.", model.config.get("text_config") or {})):
        for field in _QUANTIZED:
            if said := part.get(field):
                how = said.get("quant_method", "an unnamed method") if isinstance(said, dict) else said
                raise CheckpointError(
                    f"{model.folder / 'config.json'}: {where}{field}: {shown(how)}: loaders make something"
                    " else of these weights than they say; use a checkpoint that is not quantized, or remove"
                    " the field if its weights are plain again"
                )


def _check_vocabulary(base: Checkpoint, expert: Checkpoint) -> None:
    sizes = [vocab_size(model.config) for model in (base, expert)]
    if None not in sizes and sizes[0] != sizes[1]:
        raise VocabularyError(
            f"{expert.path}: vocab_size {sizes[1]}, the base {base.path} has {sizes[0]}; {_ALIGN}"
        )
    expected, found = (read_vocabulary(model.folder) for model in (base, expert))
    if expected is not None and found is not None and expected != found:
        raise VocabularyError(
            f"{expert.folder / 'tokenizer.json'}: {_first_difference(expected, found)}; {_ALIGN}"
        )


def _first_difference(base: Mapping[str, int], expert: Mapping[str, int]) -> str:
    differing = [token for token in {**base, **expert} if base.get(token) != expert.get(token)]
    token = min(differing, key=lambda t: (base.get(t, expert.get(t, 0)), t))
    numbers = [f"is number {v[token]}" if token in v else "is missing" for v in (base, expert)]
    return f"token {token!r} {numbers[1]}, in the base it {numbers[0]} ({len(differing)} tokens differ)"


def _check_config(base: Checkpoint, expert: Checkpoint) -> None:
    """Refuse a config under which the same weights compute something else than under the base's."""
    found = mismatch(base.config, expert.config) or _tied_apart(base, expert)
    if found is not None:
        also = f" ({found.others} more fields differ)" if found.others else ""
        raise CheckpointError(
            f"{expert.folder / 'config.json'}: {found.field}: {found.expert}, the base {base.path} has"
            f" {found.base}{also}; only fine-tunes of the base can be merged with it"
        )


def _tied_apart(base: Checkpoint, expert: Checkpoint) -> Mismatch | None:
    """A head tied by one config only; harmless where the other model stores one equal to its embedding."""
    if stated_tie(base.config) == stated_tie(expert.config):
        return None
    tied = [is_tied(model.config) for model in (base, expert)]
    if tied[0] == tied[1]:
        return None
    loose, bound = (expert, base) if tied[0] else (base, expert)
    embedding = tied_embedding(loose.tensors)
    if embedding is not None and HEAD in loose.tensors:
        # A head of its own against none: `_check_names` looks, and has the remedy.
        equal = HEAD not in bound.tensors or torch.equal(loose.tensor(HEAD), loose.tensor(embedding))
        if equal:
            return None
    return Mismatch("tie_word_embeddings", str(tied[1]), str(tied[0]))


def _check_names(base: Checkpoint, expert: Checkpoint) -> None:
    missing = sorted(base.tensors.keys() - expert.tensors.keys())
    extra = sorted(expert.tensors.keys() - base.tensors.keys())
    if HEAD in (*missing, *extra):
        owner, other = (base, expert) if HEAD in missing else (expert, base)
        _check_tied(owner, other)
    missing, extra = ([name for name in names if name != HEAD] for names in (missing, extra))
    if missing or extra:
        word, name = ("lacks", missing[0]) if missing else ("has an extra", extra[0])
        raise CheckpointError(
            f"{expert.path}: {word} {name} ({len(missing)} missing, {len(extra)} extra against the base"
            f" {base.path}); only fine-tunes of the base can be merged with it"
        )


def _check_tied(owner: Checkpoint, other: Checkpoint) -> None:
    """A head that only one model stores must be that model's own embedding, as the other's is."""
    embedding = tied_embedding(owner.tensors)
    if embedding is None or not torch.equal(owner.tensor(HEAD), owner.tensor(embedding)):
        raise CheckpointError(
            f"{owner.path}: {HEAD} differs from its embedding, while {other.path} stores no head"
            " and ties the two; save both with the head untied, or both tied"
        )


def _check_shapes(base: Checkpoint, expert: Checkpoint) -> None:
    for name, info in base.tensors.items():
        found = expert.tensors.get(name)
        if found is not None and found.shape != info.shape:
            rows = name in vocabulary_tensors([name]) and found.shape[1:] == info.shape[1:]
            kind = VocabularyError if rows else CheckpointError
            remedy = _ALIGN if rows else "only fine-tunes of the base can be merged with it"
            raise kind(
                f"{expert.origin(name)}: {name}: shape {list(found.shape)}, the base {base.path} has"
                f" {list(info.shape)}; {remedy}"
            )
