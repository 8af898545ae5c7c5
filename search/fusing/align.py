"""Whether two models can be fused, told from their tokenizers and the text at hand before any training."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.benchmarks.rows import read_rows
from merging.fusion.alignment.report import FLOOR, Report, survey
from merging.fusion.alignment.vocabulary import open_vocabulary
from merging.models.locate import locate_tokenizer
from search.errors import SearchError


@dataclass(frozen=True)
class Aligned:
    """A report on two models, with the names that the user gave them."""

    a: str
    b: str
    data: str
    report: Report

    def to_json(self) -> dict[str, Any]:
        """As `crucible align --json` prints it."""
        return self.report.to_json() | {"floor": FLOOR, "can_be_fused": self.report.coverage >= FLOOR}

    def to_text(self) -> str:
        """A few lines for a person."""
        found = self.report
        kinds = (found.one_to_one, found.one_to_many, found.many_to_one, found.many_to_many)
        names = ("1 to 1", "1 to several", "several to 1", "several to several")
        spans = ", ".join(f"{n:,} {name}" for n, name in zip(kinds, names, strict=True))
        lines = (
            f"{found.characters:,} characters of {self.data}: {found.tokens[0]:,} tokens of {self.a} (A),"
            f" {found.tokens[1]:,} of {self.b} (B), {found.seconds:.1f} s",
            f"  aligned spans, tokens of A to tokens of B: {spans}",
            f"  {self._judged()}",
        )
        return "\n".join(lines)

    def check(self, floor: float = FLOOR) -> None:
        """Refuse a pair that cannot be fused.

        Raises:
            SearchError: coverage is below the floor.
        """
        if self.report.coverage < floor:
            raise SearchError(
                f"{self.a} and {self.b}: {self._covered()}, below the floor of {floor:.0%} ({self._why()});"
                " leave one of the models out, or lower alignment.floor"
            )

    def _judged(self) -> str:
        if self.report.coverage >= FLOOR:
            return f"{self._covered()}: the two can be fused (floor {FLOOR:.0%})"
        return f"{self._covered()}: too few to be fused (floor {FLOOR:.0%}); {self._why()}"

    def _covered(self) -> str:
        found = self.report
        changed = found.aligned - found.exact
        of_these = f", {_share(changed, found)} only by a tokenizer's own offsets" if changed else ""
        return f"{_share(found.aligned, found)} of the characters in aligned spans{of_these}"

    def _why(self) -> str:
        found = self.report
        return (
            f"{_share(found.unknown, found)} unknown to one of the tokenizers,"
            f" {_share(found.too_long, found)} in spans of too many tokens"
        )


def align(a: str, b: str, data: Path) -> Aligned:
    """Align two models' tokenizers over all strings of a JSONL file.

    Raises:
        CheckpointError: a model without a tokenizer.
        SliceError, SearchError: data that is not JSONL, or holds no text.
    """
    texts = read_texts(data)
    ours, theirs = (open_vocabulary(locate_tokenizer(ref, Path.cwd())) for ref in (a, b))
    return Aligned(a, b, str(data), survey(ours, theirs, texts))


def read_texts(data: Path) -> list[str]:
    """Every string in the objects of a JSONL file, however deep, in order; names of fields are none.

    Raises:
        SliceError: the file cannot be read, or is not JSONL.
        SearchError: it holds no text, or text that is not Unicode.
    """
    texts = []
    for row in read_rows(data, None):
        for text in _strings(row.doc):
            try:
                text.encode()
            except UnicodeEncodeError:
                raise SearchError(
                    f"{data} line {row.index + 1}: half a surrogate pair in a string; write whole characters"
                ) from None
            texts.append(text)
    if not any(texts):
        raise SearchError(f"{data}: no text: none of its objects has a string; give items or instructions")
    return texts


def _strings(value: object) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, dict):
        for each in value.values():
            yield from _strings(each)
    elif isinstance(value, list):
        for each in value:
            yield from _strings(each)


def _share(part: int, found: Report) -> str:
    """Rounded down, so that 100% means all."""
    return f"{int(1000 * part / max(1, found.characters)) / 10:.1f}%"
