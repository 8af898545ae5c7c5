"""Models of a study that were asked its items before, under other names: their answers count as their own."""

from __future__ import annotations

from collections.abc import Mapping

from search.proposals.baselines import baselines
from search.running.measure import Bench
from search.running.workshop import Workshop
from studies.store.rows import Filed

Known = Mapping[str, Mapping[tuple[str, str], Filed]]
"""By the name of a base or expert, then by a slice's name and split: where that model's answers are filed."""


def adopt_known(workshop: Workshop, bench: Bench, known: Known) -> None:
    """File what is known of the base and the experts under their recipes in this study.

    The models must be the same to the last number, in the study's dtype, and have been asked by an engine
    that answers alike.
    """
    parts = {(part.name, part.split): bench.key(part) for part in workshop.slices}
    for entrant in baselines(workshop.space):
        if entrant.kind not in ("base", "expert") or entrant.name not in known:
            continue
        bench.store.add_recipe(entrant.recipe)
        bench.store.adopt(
            [
                (source, Filed(entrant.recipe.digest, parts[part]))
                for part, source in known[entrant.name].items()
                if part in parts
            ]
        )
