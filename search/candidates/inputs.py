"""The models that a mergekit config names: read by the dialect first, then made ready in one go."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from merging.family.prepare import open_model
from merging.family.vocabulary import BASE, UNION
from merging.mergekit.tokens import Tokens
from merging.models.checkpoint import TensorInfo, is_adapter
from merging.recipe import ModelRef, Recipe
from search.candidates.models import Found, Opened, find, open_found
from search.errors import SearchError


@dataclass(frozen=True)
class Input:
    """One name of the file: a whole model, a LoRA adapter of the base, or `model+adapter`."""

    model: Found | None
    adapter: Found | None
    tensors: Mapping[str, TensorInfo]

    @property
    def found(self) -> Found:
        """What is merged: the adapter where there is one."""
        found = self.adapter or self.model
        assert found is not None, "an input is a model or an adapter"
        return found


@dataclass(frozen=True)
class Models:
    """Gives the dialect each model's tensors by name; which model it is by content is known only later.

    What it returns refers to a model by its name in the file, until `open_all` has made the family ready.
    """

    config: Path
    allow_pickle: bool = False
    known: dict[str, Input] = field(default_factory=dict)

    def __call__(self, name: str) -> tuple[ModelRef, Mapping[str, TensorInfo]]:
        """The model under this name, whose own layers and tensors the config speaks of."""
        if name not in self.known:
            self.known[name] = self._read(name)
        return ModelRef(name, name), self.known[name].tensors

    def folders(self) -> list[Path]:
        """Where the models and adapters lie that were asked for."""
        found = [each for known in self.known.values() for each in (known.model, known.adapter)]
        return [each.folder for each in found if each is not None]

    def open_all(self, recipe: Recipe, tokens: Tokens) -> Opened:
        """The family of a recipe that refers to models by name, in its order.

        Raises:
            SearchError: a LoRA of another model than the base.
            CheckpointError, OutputError: as `merging.prepare`.
        """
        base = self._base(recipe)
        experts = [self._expert(ref.path, base) for ref in recipe.experts]
        source = self._source(tokens.source)
        return open_found(base, experts, source, self.allow_pickle, tokens.pad_to_multiple_of)

    def _source(self, tokenizer_source: str | None) -> Found | str | None:
        if tokenizer_source is None or tokenizer_source in (BASE, UNION):
            return tokenizer_source
        self(tokenizer_source)
        return self.known[tokenizer_source].found

    def _base(self, recipe: Recipe) -> Found:
        """A LoRA cannot be merged into, but where the base only gives config and tokenizer, its model can."""
        name = recipe.base.path
        given = self.known[name]
        assert given.model is not None, "the dialect asks for the base first"
        if given.adapter is not None and recipe.base not in recipe.experts:
            raise SearchError(
                f"{self.config}: base_model: {name!r} is a model with a LoRA; merge the adapter into it first"
                " (peft's merge_and_unload), and name the result"
            )
        return given.model

    def _expert(self, name: str, base: Found) -> Found:
        given = self.known[name]
        own_model = given.model if given.adapter is not None else None
        if own_model is not None and own_model.folder.resolve() != base.folder.resolve():
            raise SearchError(
                f"{self.config}: {name!r}: a LoRA of another model than the base {base.name!r}; merge the"
                " adapter into its model first (peft's merge_and_unload), and name the result"
            )
        return given.found

    def _read(self, name: str) -> Input:
        model, adapter = self._split(name)
        found = self._find(model)
        if adapter is None and is_adapter(found.folder):
            return Input(None, found, self._tensors_of_base(name))
        tensors = open_model(found.folder, allow_pickle=self.allow_pickle).tensors
        if adapter is None:
            return Input(found, None, tensors)
        own = self._find(adapter)
        if not is_adapter(own.folder):
            raise SearchError(
                f"{self.config}: {name!r}: {own.folder} is no LoRA adapter; name a model of its own without"
                " the +"
            )
        return Input(found, own, tensors)

    def _tensors_of_base(self, name: str) -> Mapping[str, TensorInfo]:
        """Those of the first model, which the dialect asks for before all experts."""
        if not self.known:
            raise SearchError(
                f"{self.config}: {name!r} is a LoRA adapter, and nothing says of which model; write"
                " MODEL+ADAPTER, or name the model as base_model or config_source"
            )
        return next(iter(self.known.values())).tensors

    def _split(self, name: str) -> tuple[str, str | None]:
        return split(name, lambda part: is_folder(part, self._here(part)), f"{self.config}: ")

    def _find(self, name: str) -> Found:
        return find(name, self._here(name), self.allow_pickle)

    def _here(self, name: str) -> Path:
        """mergekit takes paths from the working directory; the file's own folder is where copies work."""
        return Path.cwd() if is_folder(name, Path.cwd()) else self.config.resolve().parent


def split(name: str, is_there: Callable[[str], bool], where: str = "") -> tuple[str, str | None]:
    """Model and adapter of `model+adapter`; a folder whose own name has a + is that folder.

    Raises:
        SearchError: there are several ways to read it; the message begins with `where`.
    """
    if "+" not in name or is_there(name):
        return name, None
    ways = [(name[:i], name[i + 1 :]) for i, letter in enumerate(name) if letter == "+"]
    there = [way for way in ways if all(map(is_there, way))]
    if len(ways) > 1 and len(there) != 1:
        raise SearchError(
            f"{where}{name!r} has more than one +, and which one stands before a LoRA is unclear;"
            " give folders without a + in their names"
        )
    return (there or ways)[0]


def is_folder(name: str, here: Path) -> bool:
    """Whether a name is that of a folder or file, as seen from here."""
    try:
        return (here / Path(name).expanduser()).exists()
    except (RuntimeError, OSError):  # ~ of a user whom nobody knows, too long a name; locate says so
        return False
