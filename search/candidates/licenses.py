"""What the cards of a merge's models say of their licenses; nothing is ever inferred."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from merging.recipe import Recipe
from merging.worker import MergeWorker
from search.candidates.originals import as_found, name_of

_FRONT = re.compile(r"\s*---\r?\n(.*?)\r?\n---[ \t]*(?:\r?\n|$)", re.DOTALL)
_MOST = 1 << 18
"""Characters of a card that are looked at."""
_FILES = ("LICENSE*", "LICENCE*", "COPYING*", "USE_POLICY*")


@dataclass(frozen=True)
class License:
    """What one model says: on its card, in the hub's words, or by files that lie beside its weights."""

    model: str
    ids: tuple[str, ...] = ()
    """As the card has them, such as `apache-2.0`; of a list all. None: the card says nothing."""
    name: str | None = None
    link: str | None = None
    files: tuple[str, ...] = ()

    @property
    def said(self) -> str:
        """The license in words."""
        named = f"{', '.join(self.ids)}" + (f" ({self.name})" if self.name else "")
        return named or "not said"


def read_license(model: str, folder: Path) -> License:
    """The license of the model in a folder, as far as its own card and files say one."""
    said = _front_matter(folder / "README.md")
    files = sorted({file.name for pattern in _FILES for file in folder.glob(pattern)})
    link = _text(said.get("license_link"))
    return License(model, _ids(said.get("license")), _text(said.get("license_name")), link, tuple(files))


def licenses_of(recipe: Recipe, worker: MergeWorker) -> list[License]:
    """What base and experts say, each once."""
    known = as_found(recipe, worker)
    refs, models = (known.base, *known.experts), (worker.base, *worker.experts)
    found = {ref: read_license(name_of(ref), model.path) for ref, model in zip(refs, models, strict=True)}
    return list(found.values())


def agreed(licenses: Sequence[License]) -> License | None:
    """What every model says alike; None where any says nothing or something else, and where there is none."""
    told = {(each.ids, each.name, each.link) for each in licenses}
    return licenses[0] if len(told) == 1 and licenses[0].ids else None


def license_notes(licenses: Sequence[License]) -> list[str]:
    """What follows of them for the merge, in Markdown: sentences that claim no more than the cards do."""
    if found := agreed(licenses):
        return [f"The cards of all models say {found.said}, and so does this one."]
    notes = []
    told = {each.model: each.said for each in licenses if each.ids}
    if len(set(told.values())) > 1:
        listed = "; ".join(f"{model}: {said}" for model, said in told.items())
        notes.append(f"**The licenses differ** ({listed}).")
    if silent := [each.model for each in licenses if not each.ids]:
        notes.append(f"No card that says a license lies beside {', '.join(silent)}.")
    notes.append(
        "This card claims no license: whether the merge may be published, and under which, is for whoever"
        " publishes it to find out from the models' own pages."
    )
    return [" ".join(notes)]


def _front_matter(card: Path) -> Mapping[str, Any]:
    """What the hub reads of a card; nothing where there is none, or none that can be read."""
    try:
        with card.open(encoding="utf-8-sig", errors="replace") as file:
            found = _FRONT.match(file.read(_MOST))
        said = yaml.safe_load(found[1]) if found else None
    except (OSError, yaml.YAMLError, ValueError):  # ValueError: a date that is none
        return {}
    return said if isinstance(said, Mapping) else {}


def _ids(said: object) -> tuple[str, ...]:
    given = said if isinstance(said, list) else [said]
    return tuple(each.strip().lower() for each in given if isinstance(each, str) and each.strip())


def _text(said: object) -> str | None:
    return said.strip() if isinstance(said, str) and said.strip() else None
