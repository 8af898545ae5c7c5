"""What is known of a landscape: verdicts on answers, outcomes of recipes; on disk if there is a folder."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from hashlib import sha256
from pathlib import Path
from typing import Any


class Memory:
    """Lines of JSON, which several processes may add to; each reads them once."""

    def __init__(self, folder: Path | None) -> None:
        """Read what there is."""
        self._folder = folder
        self._read_to = 0
        self._verdicts: dict[str, bool] = {}
        self._outcomes: dict[tuple[str, str], dict[int, bool]] = {}
        if folder is not None:
            folder.mkdir(parents=True, exist_ok=True)
            self.refresh()
            for line in _lines(folder / "outcomes.jsonl"):
                known = self._outcomes.setdefault((line["recipe"], line["split"]), {})
                known.update(
                    zip(_numbers(line["items"]), (each == "1" for each in line["right"]), strict=True)
                )

    def refresh(self) -> None:
        """Read the verdicts that other processes have written since."""
        file = None if self._folder is None else self._folder / "verdicts.jsonl"
        if file is None or not file.is_file():
            return
        with file.open("rb") as lines:
            lines.seek(self._read_to)
            *whole, _ = lines.read().split(b"\n")
        self._read_to += sum(len(line) + 1 for line in whole)
        for line in map(json.loads, whole):
            self._verdicts[line["answer"]] = line["right"]

    def verdict(self, item: str, text: str) -> bool | None:
        """Whether the text is a right answer to the item, if that is known."""
        return self._verdicts.get(_short(item, text))

    def judged(self, item: str, text: str, right: bool) -> None:
        """Keep a verdict."""
        self._verdicts[_short(item, text)] = right
        self._write("verdicts.jsonl", {"answer": _short(item, text), "right": right})

    def outcomes(self, recipe: str, split: str) -> dict[int, bool]:
        """What is known of a recipe's answers, by the items' numbers; it grows with what is kept."""
        return self._outcomes.setdefault((recipe, split), {})

    def keep(self, recipe: str, split: str, right: Mapping[int, bool]) -> None:
        """Keep which items a recipe's merge answers rightly."""
        self.outcomes(recipe, split).update(right)
        digits = "".join(str(int(each)) for each in right.values())
        items = [*right]
        line = {"recipe": recipe, "split": split, "items": _shortened(items), "right": digits}
        self._write("outcomes.jsonl", line)

    def _write(self, name: str, line: Mapping[str, Any]) -> None:
        if self._folder is None:
            return
        data = (json.dumps(line, separators=(",", ":")) + "\n").encode()
        file = os.open(self._folder / name, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            os.write(file, data)  # in one piece, so that lines of several processes stay apart
        finally:
            os.close(file)


def _short(item: str, text: str) -> str:
    return sha256(f"{item}\n\n{text}".encode()).hexdigest()[:24]


def _shortened(items: list[int]) -> list[int] | int:
    """Numbers from 0 on without a gap are written as how many they are."""
    return len(items) if items == [*range(len(items))] else items


def _numbers(items: list[int] | int) -> Sequence[int]:
    return range(items) if isinstance(items, int) else items


def _lines(file: Path) -> list[dict[str, Any]]:
    """The lines of a file that are whole: the last one may have been cut off."""
    if not file.is_file():
        return []
    return [json.loads(line) for line in file.read_text().splitlines(keepends=True) if line.endswith("\n")]
