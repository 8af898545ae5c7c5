"""`crucible export`: a candidate written, proven to be the one that was measured, converted and published."""

from __future__ import annotations

import shlex
import shutil
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from secrets import token_hex

from merging.errors import OutputError
from merging.models.writer import ensure_writable, sync_tree
from merging.recipe import load_recipe
from search.candidates.candidate import RECIPE_IN_CHECKPOINT, SMALL
from search.candidates.card import CARD
from search.candidates.export import export_best
from search.candidates.originals import is_folder
from search.errors import SearchError
from search.exporting.gguf import NAMES, convert, find_converter, tensors_in, to_type
from search.exporting.hub import Destination, by_hand, check_destination, push
from search.exporting.prove import UNVERIFIED, Unproven, prove, questions_of
from search.exporting.wanted import GGUF, WHOLE, Taken, Wanted


def take(url: str, study: str, wanted: Wanted) -> Taken:
    """Write a candidate in the form that is wanted; a checkpoint gets its name once it was proven.

    Raises:
        ValueError kin: what the user can put right. A checkpoint whose answers are not those on record stays
            under a name that says so; one that the hub refuses stays where it was asked for.
    """
    wanted.check()
    converter = _converter(study, wanted) if wanted.form == GGUF else None
    if wanted.form not in WHOLE:
        row, path = export_best(url, study, wanted.out, wanted.form, wanted.trial, wanted.candidate)
        return Taken(row, path)
    if wanted.hub is not None:
        check_destination(wanted.hub)
    taken = _written(url, study, wanted, converter)
    return taken if wanted.hub is None else _pushed(taken, wanted.hub, f"{study}: {taken.row.name}")


def _written(url: str, study: str, wanted: Wanted, converter: Sequence[str] | None) -> Taken:
    questions = questions_of(url, study, wanted.proof)
    out = ensure_writable(wanted.out, SMALL)
    with _unverified(out) as place:
        row, _ = export_best(url, study, place, "checkpoint", wanted.trial, wanted.candidate)
        said = [prove(url, study, row, place, wanted.proof, questions)]
        if converter is None:
            _rename(place, out)
        else:
            said.append(_converted(converter, place, out, wanted.gguf.kind))
    return Taken(row, wanted.out, said)


@contextmanager
def _unverified(out: Path) -> Iterator[Path]:
    """A folder beside `out` for a checkpoint that is still to be proven; it stays where it is not."""
    place = out.with_name(f"{out.name}{UNVERIFIED}")
    if place.exists():
        raise OutputError(f"{place}: is left of an export that was not verified; look at it, then remove it")
    try:
        yield place
    except Unproven:
        raise
    except OutputError as error:  # of the place that was asked for, as far as its user knows
        shutil.rmtree(place, ignore_errors=True)
        raise OutputError(str(error).replace(str(place), str(out))) from None
    except BaseException:
        shutil.rmtree(place, ignore_errors=True)
        raise
    shutil.rmtree(place, ignore_errors=True)  # after a conversion; else it is renamed


def _rename(place: Path, out: Path) -> None:
    try:
        place.rename(out)
        sync_tree(out.parent, deep=False)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another place") from None


def _converter(study: str, wanted: Wanted) -> list[str]:
    """The converter's command line; raises SearchError with what to type where there is none."""
    if (found := find_converter(wanted.gguf.converter)) is not None:
        return found
    file = wanted.out / f"{wanted.out.name}.gguf"
    raise SearchError(
        f"--format gguf: {NAMES[0]} is not on PATH; name it with --converter, or type: crucible export"
        f" {shlex.quote(study)} --format checkpoint --out {shlex.quote(str(wanted.out))} &&"
        f" {to_type(wanted.out, file, wanted.gguf.kind)}"
    )


def _converted(converter: Sequence[str], place: Path, out: Path, kind: str) -> str:
    """Leave `out` with the GGUF file, the card and the recipe of a checkpoint; whole, or not at all."""
    work = out.with_name(f".{out.name}.tmp-{token_hex(4)}")
    try:
        work.mkdir()
        file = convert(converter, place, work / f"{out.name}.gguf", kind)
        for name in (CARD, RECIPE_IN_CHECKPOINT):
            if (place / name).is_file():
                shutil.copyfile(place / name, work / name)
        sync_tree(work)
        tensors = tensors_in(file)
        _rename(work, out)
    except OSError as error:
        raise OutputError(f"{out}: cannot be written ({error.strerror}); choose another place") from None
    finally:
        shutil.rmtree(work, ignore_errors=True)
    return f"converted: {out.name}.gguf, {tensors} tensors; the file itself was asked nothing"


def _pushed(taken: Taken, to: Destination, title: str) -> Taken:
    try:
        url = push(taken.path, to, title)
    except SearchError as error:
        kept = f"{taken.path} is kept; to go on: {by_hand(taken.path, to)}"
        raise SearchError(f"{error}; {kept}") from None
    seen = "for everybody to see" if to.public else "private"
    said = [*taken.said, f"pushed: {url} ({seen})"]
    if _names_folders(taken.path / RECIPE_IN_CHECKPOINT):
        said.append("note: its card and recipe name folders of this machine: models that are not on the hub")
    return replace(taken, said=said)


def _names_folders(recipe: Path) -> bool:
    """Whether a recipe that goes along says where models lie on this machine."""
    if not recipe.is_file():
        return False
    made = load_recipe(recipe.read_text(encoding="utf-8"), str(recipe))
    return any(map(is_folder, (made.base, *made.experts)))
