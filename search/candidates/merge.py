"""`crucible merge`: from a config file, mergekit's or a recipe, straight to a checkpoint."""

from __future__ import annotations

import os
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from merging.errors import CandidateError, OutputError, RecipeError
from merging.family.chat_template import most_common, read_template, template_files
from merging.family.differences import TEMPLATE, Difference, differences
from merging.family.prepare import Family
from merging.mergekit.read import Config, load_config
from merging.models.checkpoint import is_adapter, read_header
from merging.models.writer import ensure_writable
from merging.recipe import Recipe
from merging.recipe.rules import place_of
from merging.shown import shown
from merging.worker import MergeWorker
from search.candidates.candidate import SMALL, chosen_model, write_candidate
from search.candidates.card import CARD, fenced, model_card
from search.candidates.inputs import Models
from search.candidates.licenses import licenses_of
from search.candidates.models import open_worker
from search.candidates.originals import as_found


@dataclass(frozen=True)
class Merged:
    """A checkpoint that was written."""

    path: Path
    digest: str
    tensors: int
    nbytes: int
    dtype: str
    seconds: float
    differences: tuple[Difference, ...] = ()
    """In what the models differ that a user of the merge would want to know."""

    def to_json(self) -> dict[str, Any]:
        """As `crucible merge --json` prints it."""
        return {
            **vars(self),
            "path": str(self.path),
            "differences": [each.to_json() for each in self.differences],
        }

    def to_text(self) -> str:
        """One line for a person, and one for each difference."""
        size = f"{self.nbytes / 1e9:.2f} GB" if self.nbytes >= 1e8 else f"{self.nbytes / 1e6:.2f} MB"
        written = f"{self.path} ({self.tensors} tensors, {size}, {self.dtype}, {self.seconds:.1f} s)"
        return "\n".join((written, *(f"  differs   {each.to_text()}" for each in self.differences)))


def merge(
    config: Path,
    out: Path,
    compat: str | None = None,
    allow_pickle: bool = False,
    quiet: bool = False,
    config_source: str | None = None,
) -> Merged:
    """Write the checkpoint that a config file describes; `compat` is `Recipe.compat`, whatever the file says.

    So is `config_source`: the model whose config the output has, by its name in the file or its folder's.

    Model paths in it are taken from the working directory, as mergekit does, else from the file's own folder.

    Raises:
        ValueError kin: one line that names the file, the field or tensor, and the remedy.
    """
    began = time.monotonic()
    ensure_writable(out, SMALL)
    models = Models(config, allow_pickle)
    wanted = load_config(config, models, compat)
    _check_outside(out, wanted.recipe, models)
    names = [Path(ref.path).name for ref in (wanted.recipe.base, *wanted.recipe.experts)]
    place = _place(config_source, wanted)
    recipe, worker = _opened(wanted, models)
    if place is not None:
        recipe = replace(recipe, config_source=place_of((recipe.base, *recipe.experts)[place]))
    found = differences((worker.base, *worker.experts), names, chosen_model(recipe))
    licenses = licenses_of(recipe, worker)
    card = model_card(as_found(recipe, worker), fenced(wanted.text, "yaml"), licenses=licenses)
    extra = {**_template(wanted.chat_template, worker), CARD: card}
    try:
        written = write_candidate(recipe, worker, out, extra, quiet)
    except CandidateError as error:
        raise CandidateError(f"{config}: {error}") from error
    files = list(written.glob("*.safetensors"))
    return Merged(
        path=out,
        digest=recipe.digest,
        tensors=sum(len(read_header(file)) for file in files),
        nbytes=sum(file.stat().st_size for file in files),
        dtype=recipe.dtype,
        seconds=time.monotonic() - began,
        differences=tuple(each for each in found if wanted.chat_template is None or each.field != TEMPLATE),
    )


def _place(asked: str | None, wanted: Config) -> int | None:
    """The place, the base's being 0, of the model that the option names, else the file."""
    refs = (wanted.recipe.base, *wanted.recipe.experts)
    if asked is None:
        named = wanted.config_source
        return None if named is None else [ref.path for ref in refs].index(named)
    for known in ([ref.path for ref in refs], [Path(ref.path).name for ref in refs], ["base"]):
        if asked in known:
            return known.index(asked)
    raise RecipeError(
        f"--config-source {shown(asked)} is none of the merge's models"
        f" {', '.join(dict.fromkeys(ref.path for ref in refs))}"
    )


def _check_outside(out: Path, recipe: Recipe, models: Models) -> None:
    """Refuse a place inside a model's folder, of which the merge would become a part."""
    refs = () if models.known else (recipe.base, *recipe.experts)
    for folder in (*models.folders(), *(Path(ref.path).expanduser() for ref in refs if ref.revision is None)):
        if Path(os.path.realpath(out)).is_relative_to(folder.resolve()):
            raise OutputError(f"{out}: lies in the folder of a model, {folder}; choose another place")


def _opened(wanted: Config, models: Models) -> tuple[Recipe, MergeWorker]:
    """The recipe, with its models made ready; mergekit's configs name them, recipes know them by content."""
    recipe = wanted.recipe
    if not models.known:
        recipe = replace(recipe, allow_pickle=recipe.allow_pickle or models.allow_pickle)
        return recipe, open_worker(recipe)
    opened = models.open_all(recipe, wanted.tokens)
    base, *experts = opened.refs
    recipe = replace(
        recipe,
        base=base,
        experts=tuple(experts),
        tokenizer_source=opened.tokenizer_source,
        pad_to_multiple_of=wanted.tokens.pad_to_multiple_of,
        allow_pickle=models.allow_pickle,
    )
    return recipe, opened.worker


def _template(wanted: str | None, worker: MergeWorker) -> dict[str, str]:
    """The files that a chat template changes; none where it stays as it is."""
    family = Family(worker.base, tuple(worker.experts))
    if wanted == "auto":
        # Aligned models have the donor's files; their users' folders say what they were trained on.
        folders = dict.fromkeys(model.path for model in (family.base, *family.experts))
        own = [_folder_of_template(folder, family.base.path) for folder in folders]
        wanted = most_common(own)
    return {} if wanted is None else template_files(family.donor, wanted)


def _folder_of_template(folder: Path, base: Path) -> Path:
    """An adapter without a template was trained on its base's."""
    return base if is_adapter(folder) and read_template(folder) is None else folder
