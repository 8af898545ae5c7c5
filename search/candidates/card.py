"""The model card of a checkpoint: `README.md` in the hub's format, the same bytes for the same merge."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from huggingface_hub.repocard_data import EvalResult, ModelCardData

from merging.recipe import ModelRef, Recipe
from search.candidates.candidate import RECIPE_IN_CHECKPOINT
from search.candidates.glossary import BASE
from search.candidates.licenses import License, agreed, license_notes
from search.candidates.originals import is_folder, name_of, with_originals

CARD = "README.md"


@dataclass(frozen=True)
class Judged:
    """What is known of a merge beside how it is made: by its study, and by its models' own cards."""

    title: str | None = None
    verdict: Sequence[str] = ()
    """Paragraphs of Markdown."""
    again: Sequence[str] = ()
    """Commands that make it again, beside `crucible merge`."""
    names: Mapping[str, str] = field(default_factory=dict)
    """What the study calls the models, by fingerprint."""
    results: Sequence[EvalResult] = ()
    datasets: Sequence[str] = ()
    """Ids on the hub whose items were asked."""


def model_card(
    recipe: Recipe, config: str, judged: Judged | None = None, licenses: Sequence[License] = ()
) -> str:
    """The card of a recipe's checkpoint: front matter, models, config, verdict, and how to make it again.

    `config` is Markdown; `licenses` are those of the base and of each expert.
    """
    recipe, judged = with_originals(recipe), judged or Judged()
    parts = [
        _front_matter(recipe, judged, licenses),
        f"# {judged.title or _title(recipe)}",
        f"Merged with Crucible by `{recipe.method}`, in {recipe.dtype}.",
        "## Models",
        *_models(recipe, judged.names),
        "## Recipe",
        f"Digest `{recipe.digest}`; in full in `{RECIPE_IN_CHECKPOINT}`.",
        config,
        *(["## Verdict", *judged.verdict] if judged.verdict else []),
        *_licenses(licenses),
        "## How to make it again",
        _again(judged.again),
    ]
    return "\n\n".join(parts) + "\n"


def front_matter(data: ModelCardData) -> str:
    """The block of YAML that the hub reads, with which a card begins."""
    return f"---\n{data.to_yaml()}\n---"


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


def _front_matter(recipe: Recipe, judged: Judged, licenses: Sequence[License]) -> str:
    """What the hub reads; it takes ids for models and datasets, not folders and files of one machine."""
    refs = list(dict.fromkeys(ref.path for ref in (recipe.base, *recipe.experts) if not is_folder(ref)))
    relation = {"base_model_relation": "merge"} if refs else {}
    data = ModelCardData(
        base_model=refs or None,
        **relation,
        **_agreed(licenses),
        datasets=list(judged.datasets) or None,
        library_name="transformers",
        pipeline_tag="text-generation",
        tags=["merge", "crucible", recipe.method],
        **measured(judged.title or _title(recipe), judged.results),
    )
    return front_matter(data)


def measured(name: str, results: Sequence[EvalResult]) -> dict[str, Any]:
    """What a card's front matter says of results; nothing where there are none."""
    if not results:
        return {}
    return {"model_name": name, "eval_results": list(results), "metrics": ["accuracy"]}


def _agreed(licenses: Sequence[License]) -> dict[str, Any]:
    found = agreed(licenses)
    if found is None:
        return {}
    ids = found.ids[0] if len(found.ids) == 1 else list(found.ids)
    return {"license": ids, "license_name": found.name, "license_link": found.link}


def _licenses(licenses: Sequence[License]) -> list[str]:
    if not licenses:
        return []
    rows = ((each.model, each.said, ", ".join(each.files) or "none") for each in licenses)
    listed = table(("model", "license on its card", "license files"), rows)
    return ["## Licenses", listed, *license_notes(licenses)]


def _called(ref: ModelRef, names: Mapping[str, str]) -> str:
    name = name_of(ref)
    called = names.get(ref.fingerprint, name)
    return name if called in (BASE, name) else f"{called} ({name})"


def _title(recipe: Recipe) -> str:
    return f"{recipe.method} of {', '.join(name_of(ref) for ref in recipe.experts)}"


def _models(recipe: Recipe, names: Mapping[str, str]) -> list[str]:
    refs = [("base", recipe.base), *(("expert", ref) for ref in recipe.experts)]
    rows = [(_called(ref, names), role, f"`{ref.fingerprint[:12]}`") for role, ref in refs]
    listed = [table(("model", "role", "content"), rows)]
    if any(is_folder(ref) for _, ref in refs):
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
