"""`crucible merge`: from a config file, mergekit's or a recipe, straight to a checkpoint."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from merging.checkpoint import Checkpoint, TensorInfo, open_checkpoint
from merging.dialect import Tokens, load_config
from merging.fingerprint import survey
from merging.locate import locate
from merging.recipe import ModelRef
from merging.writer import ensure_writable
from search.errors import SearchError
from search.export import SMALL, write_candidate
from search.models import open_worker, reference


def merge(config: Path, out: Path, compat: str | None = None) -> Path:
    """Write the checkpoint that a config file describes; `compat` is `Recipe.compat`, whatever the file says.

    Model paths in it are taken from the working directory, as mergekit does, else from the file's own folder.

    Raises:
        MergingError: one line that names the file, the field or tensor, and the remedy.
    """
    ensure_writable(out, SMALL)
    wanted = load_config(config, Models(config.resolve().parent), compat)
    if wanted.tokens not in (Tokens(), Tokens(source="base")):
        raise SearchError(
            f"{config}: tokenizer_source, tokenizer, chat_template: a merge keeps the base's; leave them out"
        )
    recipe = wanted.recipe
    return write_candidate(recipe, open_worker(recipe), out)


@dataclass(frozen=True)
class Models:
    """Opens each model that a config names, once."""

    folder: Path
    opened: dict[str, tuple[ModelRef, Checkpoint]] = field(default_factory=dict)

    def __call__(self, name: str) -> tuple[ModelRef, Mapping[str, TensorInfo]]:
        """The model by content, and its tensors by name."""
        if name not in self.opened:
            here = Path.cwd() if (Path.cwd() / Path(name).expanduser()).exists() else self.folder
            model = open_checkpoint(locate(name, here))
            self.opened[name] = reference(name, model, survey(model).digest, here), model
        ref, model = self.opened[name]
        return ref, model.tensors
