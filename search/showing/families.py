"""What `crucible families` tells a person, and a script."""

from __future__ import annotations

import itertools
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.status import Status

from merging.zoo.members import Kindred, Member, Zoo
from search.showing.tables import console

_EVERY = 5.0
"""Seconds between two lines where the output is no terminal."""


@dataclass(frozen=True)
class FamiliesReport:
    """A zoo in families, and the files that were or would be written."""

    zoo: Zoo
    names: Sequence[str]
    """What the families are called, in the zoo's order."""
    places: Mapping[str, str]
    """Where each model is, by its name."""
    studies: Sequence[Path]
    fusion: Path | None
    texts: Mapping[Path, str]
    written: bool

    def to_json(self) -> dict[str, Any]:
        """As `crucible families --json` prints it."""
        zipped = zip(self.zoo.families, self.names, self.studies, strict=True)
        return {
            "families": [_family(family, name, str(study)) for family, name, study in zipped],
            "loners": [loner.member.name for loner in self.zoo.loners],
            "models": {name: self._model(member) for name, member in sorted(self._members().items())},
            "fusion_file": str(self.fusion) if self.fusion else None,
            "written": self.written,
            "bytes_read": self.zoo.bytes_read,
        }

    def to_text(self) -> str:
        """Families, what stands alone, and where the files are, or what would be in them."""
        lines = [line for each in zip(self.zoo.families, self.names, strict=True) for line in _lines(*each)]
        lines += ["alone"] if self.zoo.loners else []
        lines += [f"  {loner.member.name}: {loner.reason}" for loner in self.zoo.loners]
        if self.written:
            return "\n".join((*lines, f"written: {', '.join(map(str, self.texts))}"))
        texts = [
            f"\n# {file}: not written, for no --out was given\n{self.texts[file]}" for file in self.texts
        ]
        return "\n".join((*lines, *texts)).rstrip()

    def _members(self) -> dict[str, Member]:
        own = [member for family in self.zoo.families for member in family.members]
        return {member.name: member for member in (*own, *(loner.member for loner in self.zoo.loners))}

    def _model(self, member: Member) -> dict[str, Any]:
        reasons = {loner.member.name: loner.reason for loner in self.zoo.loners}
        return {
            "model": self.places[member.name],
            "architecture": member.architecture,
            "parameters": member.parameters,
            "adapter_of": member.adapter_of,
            "alone_because": reasons.get(member.name),
        }


def size(parameters: int) -> str:
    """A number of parameters as names of models have it: 0.7m, 135m, 7.2b."""
    value, unit = next(
        ((parameters / scale, unit) for scale, unit in ((1e9, "b"), (1e5, "m")) if parameters >= scale),
        (parameters / 1e3, "k"),
    )
    value = parameters / 1e6 if unit == "m" else value
    return f"{value:.1f}{unit}" if value < 9.95 else f"{value:.0f}{unit}"


@contextmanager
def reading() -> Iterator[_Reading]:
    """Shows on standard error how far a comparison of weights is, if it takes long."""
    out = console(stderr=True)
    with out.status("reading") if out.is_terminal else _Nothing() as status:
        yield _Reading(out, status if isinstance(status, Status) else None)


class _Nothing:
    def __enter__(self) -> None: ...

    def __exit__(self, *_: object) -> None: ...


class _Reading:
    def __init__(self, out: Console, status: Status | None) -> None:
        self._out, self._status, self._last = out, status, time.monotonic()

    def __call__(self, what: str, done: int, total: int, read: int) -> None:
        line = f"comparing {what}: {done}/{total} matrices, {read / 1e6:.0f} MB read"
        if self._status is not None:
            self._status.update(line)
        elif time.monotonic() - self._last > _EVERY:
            self._last = time.monotonic()
            self._out.print(line, highlight=False, soft_wrap=True)


def _family(family: Kindred, name: str, study: str) -> dict[str, Any]:
    base = family.base_member
    return {
        "name": name,
        "architecture": base.architecture,
        "parameters": base.parameters,
        "base": base.name,
        "base_found_by": family.base.found_by,
        "base_sure": family.base.sure,
        "base_reason": family.base.reason,
        "members": [member.name for member in family.members],
        "tokenizer_source": family.tokenizer_source,
        "study_file": study,
        "pairs": list(_pairs(family)),
        "warnings": list(family.warnings),
    }


def _pairs(family: Kindred) -> Iterator[dict[str, Any]]:
    likeness, base = family.likeness, family.base.place
    for a, b in itertools.combinations(range(len(family.members)), 2):
        task = None if base in (a, b) else likeness.task_cosine(base, a, b)
        yield {
            "a": family.members[a].name,
            "b": family.members[b].name,
            "cosine": round(likeness.cosine(a, b), 6),
            "distance": round(likeness.distance(a, b), 6),
            "task_cosine": None if task is None else round(task, 6),
        }


def _lines(family: Kindred, name: str) -> Iterator[str]:
    base, each = family.base, family.base_member
    members = ", ".join(member.name for member in family.members)
    yield f"{name}: {members} ({each.architecture}, {size(each.parameters).upper()} parameters each)"
    yield f"  base      {each.name}, found by {base.found_by}, {base.sure}: {base.reason}"
    for pair in _pairs(family):
        task = pair["task_cosine"]
        beside = "" if task is None else f", task vectors {task:+.2f}"
        figures = f"cosine {pair['cosine']:.4f}, apart {pair['distance']:.4f}{beside}"
        yield f"  pair      {pair['a']}, {pair['b']}: {figures}"
    for warning in family.warnings:
        yield f"  warning   {warning}"
