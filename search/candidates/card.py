"""The model card of a checkpoint: `README.md` in the hub's format, the same bytes for the same merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from huggingface_hub.repocard_data import ModelCardData

from merging.recipe import ModelRef, Recipe
from search.candidates.candidate import RECIPE_IN_CHECKPOINT
from search.candidates.glossary import BASE

CARD = "README.md"


def model_card(
    recipe: Recipe,
    config: str,
    title: str | None = None,
    verdict: Sequence[str] = (),
    again: Sequence[str] = (),
    names: Mapping[str, str] | None = None,
) -> str:
    """The card of a recipe's checkpoint: front matter, models, config, verdict, and how to make it again.

    `config` and the `verdict`'s paragraphs are Markdown; `again` are commands beside `crucible merge`;
    `names` is what a study calls the models, by fingerprint.
    """
    parts = [
        _front_matter(recipe),
        f"# {title or _title(recipe)}",
        f"Merged with Crucible by `{recipe.method}`, in {recipe.dtype}.",
        "## Models",
        *_models(recipe, names or {}),
        "## Recipe",
        f"Digest `{recipe.digest}`; in full in `{RECIPE_IN_CHECKPOINT}`.",
        config,
        *(["## Verdict", *verdict] if verdict else []),
        "## How to make it again",
        _again(again),
    ]
    return "\n\n".join(parts) + "\n"


def fenced(text: str, language: str = "") -> str:
    """A block of code, in a fence that the text does not hold."""
    fence = "```"
    while fence in text:
        fence += "`"
    return f"{fence}{language}\n{text.strip()}\n{fence}"


def table(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    """A table, whose first column is text and the others what stands to the right of it."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(_cell(str(cell)) for cell in line)} |" for line in lines)


def _front_matter(recipe: Recipe) -> str:
    """What the hub reads; it takes ids for models, not folders of one machine."""
    refs = dict.fromkeys(ref.path for ref in (recipe.base, *recipe.experts) if not _is_folder(ref))
    tags = ["merge", "crucible", recipe.method]
    data = ModelCardData(base_model=list(refs) or None, library_name="transformers", tags=tags)
    return f"---\n{data.to_yaml()}\n---"


def _is_folder(ref: ModelRef) -> bool:
    return ref.revision is None and ref.path.startswith((".", "/", "~"))


def _name(ref: ModelRef) -> str:
    if _is_folder(ref):
        return Path(ref.path).name
    return f"{ref.path}@{ref.revision}" if ref.revision else ref.path


def _called(ref: ModelRef, names: Mapping[str, str]) -> str:
    name = _name(ref)
    called = names.get(ref.fingerprint, name)
    return name if called in (BASE, name) else f"{called} ({name})"


def _title(recipe: Recipe) -> str:
    return f"{recipe.method} of {', '.join(_name(ref) for ref in recipe.experts)}"


def _models(recipe: Recipe, names: Mapping[str, str]) -> list[str]:
    refs = [("base", recipe.base), *(("expert", ref) for ref in recipe.experts)]
    rows = [(_called(ref, names), role, f"`{ref.fingerprint[:12]}`") for role, ref in refs]
    listed = [table(("model", "role", "content"), rows)]
    if any(_is_folder(ref) for _, ref in refs):
        listed.append(
            "Models named without an owner were folders. Before this card is published, add their ids on the"
            " hub to `base_model` above."
        )
    return listed


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")


def _again(commands: Sequence[str]) -> str:
    listed = "\n".join((f"crucible merge {RECIPE_IN_CHECKPOINT} OUT_DIR", *commands))
    return f"{fenced(listed)}\n\nThe same weights, as long as the models are where the recipe says they are."
