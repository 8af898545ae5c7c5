"""Models whose vocabularies differ: one output vocabulary, and where each model keeps each token's row.

A row that a model lacks is filled as mergekit 0.1.5 does: with the base's row if the base has the token, else
with the average over the models that have it. A token that no model has a row for gets zeros.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import reduce
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from merging.errors import CheckpointError
from merging.shown import shown

UNION = "union"
BASE = "base"
_MOST_TOKENS = 1 << 22
"""Several times the largest vocabulary that is in use; every number up to the highest becomes a row."""


@dataclass(frozen=True)
class Alignment:
    """The output vocabulary, and per model the row of each output row's token, -1 where it has none."""

    tokens: Mapping[str, int]
    rows: tuple[tuple[int, ...], ...]
    padding: int = 0
    """Rows after these that stand for no token; each is the mean of a model's others, as in mergekit."""

    @property
    def count(self) -> int:
        """Rows of the output."""
        return len(self.rows[0]) + self.padding

    def keeps(self, model: int, rows: int) -> bool:
        """Whether a model's tensors of so many rows are the output's as they stand."""
        return not self.padding and self.rows[model] == tuple(range(rows))


def read_vocabulary(folder: Path) -> dict[str, int] | None:
    """Token to number from a folder's tokenizer.json, added tokens included; None where there is none.

    Raises:
        CheckpointError: the file is no tokenizer.
    """
    tokenizer = read_tokenizer(folder)
    if tokenizer is None:
        return None
    try:
        vocabulary = tokenizer["model"]["vocab"]
        if isinstance(vocabulary, list):  # Unigram: [token, score] by number
            vocabulary = {entry[0]: number for number, entry in enumerate(vocabulary)}
        added = {token["content"]: token["id"] for token in tokenizer.get("added_tokens") or ()}
        found = {**vocabulary, **added}
        for token, number in found.items():
            if not isinstance(token, str) or type(number) is not int:
                raise ValueError(f"token {shown(token)} has the number {shown(number)}")
    except (ValueError, KeyError, TypeError, IndexError) as error:
        raise _no_tokenizer(folder, error) from None
    for token, number in found.items():
        if not 0 <= number < _MOST_TOKENS:
            raise CheckpointError(
                f"{folder / 'tokenizer.json'}: token {shown(token)} has the number {number}, expected one"
                f" from 0 to {_MOST_TOKENS - 1}; copy the model's tokenizer again"
            )
    return found


def read_tokenizer(folder: Path) -> dict[str, Any] | None:
    """A folder's tokenizer.json as data; None where there is none."""
    try:
        tokenizer = json.loads((folder / "tokenizer.json").read_text(encoding="utf-8"))
    except FileNotFoundError:
        return None
    except (OSError, ValueError, RecursionError) as error:
        raise _no_tokenizer(folder, error) from None
    if not isinstance(tokenizer, dict):
        raise _no_tokenizer(folder, TypeError("a JSON object was expected"))
    return tokenizer


def vocab_size(config: Mapping[str, Any]) -> int | None:
    """Number of rows that a config promises; models of several kinds of input say it of their text part."""
    size = config.get("vocab_size", (config.get("text_config") or {}).get("vocab_size"))
    return None if size is None else int(size)


def resized(config: Mapping[str, Any], rows: int) -> dict[str, Any]:
    """A config that promises so many rows, wherever it says so."""
    changed = dict(config)
    if "vocab_size" in (config.get("text_config") or {}):
        changed["text_config"] = {**config["text_config"], "vocab_size": rows}
    if "vocab_size" in config or "text_config" not in changed:
        changed["vocab_size"] = rows
    return changed


def align(vocabularies: Sequence[Mapping[str, int]], rows: Sequence[int], source: int | str) -> Alignment:
    """Align models, the base first, to the vocabulary of one of them (its place) or to the `union` of all.

    `rows` counts the rows of each model's embedding: a token numbered beyond them is one the model lacks. In
    a union the base's tokens keep their numbers and the others' follow, in the order of models and numbers.
    A number without a token stands for the same number of the models where it has none either.
    """
    if _alike(vocabularies, rows):  # nothing to align, so no padding to cut off either
        return Alignment(dict(vocabularies[0]), (tuple(range(rows[0])),) * len(rows))
    tokens = _union(vocabularies, rows) if source == UNION else dict(vocabularies[int(source)])
    count = max(tokens.values(), default=-1) + 1
    by_number = {number: token for token, number in tokens.items()}
    output = [by_number.get(number) for number in range(count)]
    return Alignment(
        tokens,
        tuple(
            _rows_of(vocabulary, limit, output) for vocabulary, limit in zip(vocabularies, rows, strict=True)
        ),
    )


def realign(tensors: Sequence[Tensor], alignment: Alignment, model: int) -> Tensor:
    """One model's (rows, ...) tensor with the output's rows, given every model's, the base's first.

    Its own rows come through unchanged, in a dtype that holds every model's numbers; averages are taken in
    float32 or better.
    """
    dtype = reduce(torch.promote_types, (tensor.dtype for tensor in tensors))
    own = torch.tensor(alignment.rows[model], dtype=torch.int64)
    (lacking,) = (own < 0).nonzero(as_tuple=True)
    out = tensors[model][own.clamp(min=0)].to(dtype)
    owned = torch.tensor([[rows[i] for i in lacking.tolist()] for rows in alignment.rows], dtype=torch.int64)
    exact = torch.promote_types(dtype, torch.float32)
    out[lacking] = _defaults(tensors, owned, exact).to(dtype)
    if not alignment.padding:
        return out
    mean = out.to(exact).mean(0, keepdim=True).to(dtype)
    return torch.cat([out, mean.expand(alignment.padding, *out.shape[1:])])


def _defaults(tensors: Sequence[Tensor], rows: Tensor, dtype: torch.dtype) -> Tensor:
    """What stands in for a missing row: (tokens, ...) in `dtype`, from rows of shape (models, tokens)."""
    total = torch.zeros(rows.shape[1], *tensors[0].shape[1:], dtype=dtype)
    for tensor, own in zip(tensors, rows, strict=True):
        has = own >= 0
        total[has] += tensor[own[has]].to(dtype)
    owners = (rows >= 0).sum(0).clamp(min=1).reshape(-1, *[1] * (total.dim() - 1))
    mean = total / owners
    in_base = rows[0] >= 0
    mean[in_base] = tensors[0][rows[0][in_base]].to(dtype)
    return mean


def _union(vocabularies: Sequence[Mapping[str, int]], rows: Sequence[int]) -> dict[str, int]:
    tokens = dict(vocabularies[0])
    free = max(tokens.values(), default=-1) + 1
    for vocabulary, limit in zip(vocabularies[1:], rows[1:], strict=True):
        for token, number in sorted(vocabulary.items(), key=lambda entry: entry[1]):
            if token not in tokens and number < limit:
                tokens[token] = free
                free += 1
    return tokens


def _alike(vocabularies: Sequence[Mapping[str, int]], rows: Sequence[int]) -> bool:
    return len(set(rows)) == 1 and all(vocabulary == vocabularies[0] for vocabulary in vocabularies)


def _rows_of(vocabulary: Mapping[str, int], limit: int, output: Sequence[str | None]) -> tuple[int, ...]:
    used = set(vocabulary.values())
    numbers = (
        vocabulary.get(token, -1) if token is not None else -1 if place in used else place
        for place, token in enumerate(output)
    )
    return tuple(number if number < limit else -1 for number in numbers)


def _no_tokenizer(folder: Path, error: Exception) -> CheckpointError:
    return CheckpointError(f"{folder / 'tokenizer.json'}: not a tokenizer ({error!r}); copy it again")
