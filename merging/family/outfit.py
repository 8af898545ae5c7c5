"""What a merged model has beside its weights: config, chat template, and the tokens that end its answers.

By default these are the base's, except that a model which learned to stop at another token must still stop:
where models differ in that, a merge stops at all of theirs.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from merging.errors import CheckpointError
from merging.family.chat_template import read_template, template_files
from merging.family.configs import is_tied, stated_tie
from merging.family.harmless import LENGTHS
from merging.family.overlay import Change, fingerprints, overlay
from merging.family.vocabulary import read_vocabulary
from merging.models.checkpoint import Checkpoint, is_adapter, read_config, read_json
from merging.models.fingerprint import canonical_digest, digest_files
from merging.models.own_files import own_files
from merging.shown import shown

GENERATION = "generation_config.json"
_IN_TOKENIZER = "tokenizer_config.json"
_COPY = "copy the model's again"
Translation = Callable[[tuple[int, ...]], tuple[int, ...]]
_FROM_CONFIG = ("bos_token_id", "eos_token_id", "pad_token_id")


@dataclass(frozen=True)
class Outfit:
    """Whose config and tokenizer files a merge takes, and the texts that stand for some of them, by name."""

    donor: Checkpoint
    texts: Mapping[str, str] = field(default_factory=dict)

    def folder(self, cache: Path | None = None) -> Path:
        """A folder that holds config and tokenizer files as a merge would have them, for an engine.

        Raises:
            OutputError: one must be made, and the cache cannot be written to.
        """
        if not self.texts:
            return self.donor.folder
        files = self.donor.companions()
        inputs = {
            "outfit": dict(self.texts),
            "config": dict(self.donor.config),
            "companions": digest_files(files, fingerprints(cache)),
        }
        change = Change(
            inputs, config=self.donor.config, companions=files, texts=self.texts, own=own_files(self.donor)
        )
        return overlay(self.donor, change, cache).folder


def outfit(models: Sequence[Checkpoint], chosen: int | None = None) -> Outfit:
    """What a merge of these models has beside its weights, the base being the first.

    `chosen` is the place of the model whose it all is; without one it is the base's, but for what ends
    answers where models differ in that.

    Raises:
        CheckpointError: a file of these cannot be read, or ends answers with what is no token's number.
    """
    base, donor = models[0], models[chosen or 0]
    texts: dict[str, str] = {}
    ends = output_ends(models, chosen)
    if ends != _own_ends(donor):
        said = _generation(home(donor, base) if chosen else donor)
        texts[GENERATION] = json.dumps({**said, "eos_token_id": _as_stated(ends)}, indent=2) + "\n"
    if chosen:
        texts |= _template_of(donor, base)
        if stated_tie(donor.config) != stated_tie(base.config):  # its weights lie as the base's do
            donor = replace(donor, config={**donor.config, "tie_word_embeddings": is_tied(base.config)})
    return Outfit(donor, texts)


def output_ends(models: Sequence[Checkpoint], chosen: int | None) -> tuple[int, ...]:
    """The numbers of the tokens that end a merged model's answers."""
    if chosen is not None:
        return _translated(models[chosen], models)(_ends_at_home(models[chosen], models[0]))
    found = ends_of(models)
    if len({frozenset(ends) for ends in found}) == 1:
        return _own_ends(models[0])
    return (*found[0], *sorted({token for ends in found for token in ends} - set(found[0])))


def ends_of(models: Sequence[Checkpoint]) -> list[tuple[int, ...]]:
    """For each model, the numbers of the tokens that end its answers, as the merged vocabulary counts.

    They are those of its generation config, else of its config, and the tokenizer's end token.
    """
    homes = [home(model, models[0]) for model in models]
    stated = [
        (_ends_at_home(model, models[0]), _end_token(each.folder))
        for model, each in zip(models, homes, strict=True)
    ]
    plain = all(model.folder == each.folder for model, each in zip(models, homes, strict=True))
    if plain and len(set(stated)) == 1:
        return [ends for ends, _ in stated]  # the same of all, so no vocabulary need be read
    found = []
    for model, each, (ends, token) in zip(models, homes, stated, strict=True):
        number = (read_vocabulary(each.folder) or {}).get(token or "")
        all_ends = ends if number is None else tuple(dict.fromkeys((*ends, number)))
        found.append(_translated(model, models)(all_ends))
    return found


def setting(fitted: Outfit, base: Checkpoint) -> str:
    """What tells answers in an outfit from answers in the base's own; empty where they are the same."""
    said = json.loads(fitted.texts[GENERATION]) if GENERATION in fitted.texts else _generation(fitted.donor)
    lengths = [[model.config.get(name) for name in LENGTHS] for model in (fitted.donor, base)]
    if said == _generation(base) and lengths[0] == lengths[1]:
        return ""
    return f"/{canonical_digest([said, lengths[0]])[:12]}"


def home(model: Checkpoint, base: Checkpoint) -> Checkpoint:
    """A model with the config and tokenizer that its user's own folder holds, whatever was made of it.

    A LoRA adapter that brings no tokenizer along was trained with its base's.
    """
    if not is_adapter(model.path):
        return replace(model, config=read_config(model.path), config_folder=None)
    own = (model.path / "tokenizer.json").is_file()
    place = model.path if own else base.path
    return replace(model, path=place, config=read_config(base.path), config_folder=None)


def _ends_at_home(model: Checkpoint, base: Checkpoint) -> tuple[int, ...]:
    """Trainers that save a tokenizer beside an adapter leave the generation config with the base."""
    own = home(model, base)
    lent = is_adapter(model.path) and not (own.folder / GENERATION).is_file()
    return _own_ends(home(base, base) if lent else own)


def _translated(
    model: Checkpoint, models: Sequence[Checkpoint]
) -> Callable[[tuple[int, ...]], tuple[int, ...]]:
    """From a model's own numbers of tokens to the merged vocabulary's; tokens that it lacks are left out."""
    own = home(model, models[0]).folder
    if own == model.folder:
        return tuple
    before, after = read_vocabulary(own), read_vocabulary(model.folder)
    if before == after or before is None or after is None:
        return tuple
    tokens = {number: token for token, number in before.items()}
    return lambda ends: tuple(after[tokens[end]] for end in ends if tokens.get(end) in after)


def _own_ends(model: Checkpoint) -> tuple[int, ...]:
    said = _generation(model).get("eos_token_id")
    listed = said if isinstance(said, list) else [] if said is None else [said]
    if not all(type(token) is int for token in listed):
        raise CheckpointError(
            f"{model.folder / GENERATION}: eos_token_id: expected a token's number, or a list of them, found"
            f" {shown(said)}; {_COPY}"
        )
    return tuple(dict.fromkeys(listed))


def _generation(model: Checkpoint) -> dict[str, Any]:
    """What a model's generation config says; special tokens that it leaves out are those of the config."""
    file = model.folder / GENERATION
    said = read_json(file, _COPY) if file.is_file() else {}
    text = model.config.get("text_config") or {}
    special = {name: model.config.get(name, text.get(name)) for name in _FROM_CONFIG}
    lacking = ("eos_token_id",) if file.is_file() else _FROM_CONFIG
    return {**said, **{n: special[n] for n in lacking if said.get(n) is None and special[n] is not None}}


def _as_stated(ends: Sequence[int]) -> int | list[int] | None:
    return ends[0] if len(ends) == 1 else list(ends) or None


def _end_token(folder: Path) -> str | None:
    file = folder / _IN_TOKENIZER
    said = read_json(file, _COPY).get("eos_token") if file.is_file() else None
    token = said.get("content") if isinstance(said, dict) else said
    return token if isinstance(token, str) else None


def _template_of(donor: Checkpoint, base: Checkpoint) -> dict[str, str]:
    """The files that give a model made ready its own chat template back."""
    own = read_template(home(donor, base).folder)
    return {} if own is None or own == read_template(donor.folder) else template_files(donor, own)
