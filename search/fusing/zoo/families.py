"""`crucible families`: a zoo of checkpoints in families, with a study file for each and a fusion file."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

from merging.zoo.grouping import Watch, group
from merging.zoo.members import Kindred
from search.fusing.zoo.files import FUSION, Judged, Places, fusion_text, study_text, write_new
from search.fusing.zoo.given import gather, opened
from search.showing.families import FamiliesReport, size
from studies.store.connect import DEFAULT_STORAGE


def find_families(
    names: Sequence[str],
    out: Path | None = None,
    slices: Path | None = None,
    storage: str | None = None,
    allow_pickle: bool = False,
    watch: Watch | None = None,
) -> FamiliesReport:
    """Group models, given by folders and hub ids as seen from here, and write the files if `out` is given.

    `slices` is a study whose items the new studies shall be judged by.

    Raises:
        ValueError kin: a model or file that cannot be read, is given twice, or is there already.
    """
    folder = Path.cwd() if out is None else out
    judged = None if slices is None else Judged.of(slices, folder)
    given = gather(names, Path.cwd(), allow_pickle)
    whole, adapters = opened(given, allow_pickle)
    zoo = group(whole, adapters, allow_pickle, watch)
    named = family_names(zoo.families)
    url = storage or (judged.storage if judged else DEFAULT_STORAGE)
    places = Places(folder, {each.name: each for each in given}, url, allow_pickle)
    studies = [folder / f"{name}.yaml" for name in named]
    texts = {
        file: study_text(family, name, places, judged)
        for file, family, name in zip(studies, zoo.families, named, strict=True)
    }
    fusion = folder / FUSION if zoo.families or len(zoo.loners) > 1 else None
    if fusion is not None:
        loners = [loner.member for loner in zoo.loners]
        texts[fusion] = fusion_text([file.name for file in studies], loners, places, judged is not None)
    if out is not None:
        write_new(texts)
    where = {each.name: each.model for each in given}
    return FamiliesReport(zoo, named, where, studies, fusion, texts, out is not None)


def family_names(families: Sequence[Kindred]) -> list[str]:
    """What families are called: by architecture and size, with a number where that is not enough."""
    plain = [f"{f.base_member.architecture}-{size(f.base_member.parameters)}" for f in families]
    seen: Counter[str] = Counter()
    names = []
    for name in plain:
        seen[name] += 1
        names.append(name if plain.count(name) == 1 else f"{name}-{seen[name]}")
    return names
