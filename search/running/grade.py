"""`crucible grade`: answers that were made elsewhere, judged as a study judges its candidates'."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from evaluators.benchmarks.catalogue import benchmark_of, grader_of
from evaluators.benchmarks.graders import Grade, grade_by
from evaluators.benchmarks.items import Item
from evaluators.benchmarks.rows import Row, read_rows, text, whole
from evaluators.errors import SliceError, TaskError
from evaluators.score import wilson

COMPLETION = {"item": whole(), "completion": text()}


@dataclass(frozen=True)
class Graded:
    """One verdict for each completion, in the order of their file."""

    task: str
    items: tuple[int, ...]
    grades: tuple[Grade, ...]
    verdict: str | None = None
    """The filter that was asked for."""

    def to_json(self) -> dict[str, Any]:
        """As `crucible grade --json` prints it; `flexible` is there where the task has such a verdict."""
        accuracy = wilson(sum(grade.correct for grade in self.grades), len(self.grades))
        found: dict[str, Any] = {
            "task": self.task,
            "accuracy": accuracy.mean,
            "n": accuracy.n,
            "low": accuracy.low,
            "high": accuracy.high,
        }
        if self.verdict is not None:
            found["verdict"] = self.verdict
        if self._flexible:
            found["flexible_accuracy"] = sum(self._flexible) / len(self._flexible)
        return found | {"items": [_entry(*each) for each in zip(self.items, self.grades, strict=True)]}

    def to_text(self) -> str:
        """A line or two for a person."""
        correct, n = sum(grade.correct for grade in self.grades), len(self.grades)
        accuracy = wilson(correct, n)
        by = "" if self.verdict is None else f", {self.verdict}"
        said = (
            f"{self.task}{by}: {correct} of {n} correct, {accuracy.mean:.1%}"
            f" (95% interval {accuracy.low:.1%} to {accuracy.high:.1%})"
        )
        if not self._flexible:
            return said
        return f"{said}\n  flexible-extract: {sum(self._flexible)} of {n}, {sum(self._flexible) / n:.1%}"

    @property
    def _flexible(self) -> list[bool]:
        return [grade.flexible for grade in self.grades if grade.flexible is not None]


def grade(task: str, data: Path, completions: Path, verdict: str | None = None) -> Graded:
    """Judge each completion against the item on its 0-based line of `data`, as it is: no stop strings.

    `verdict` is one of the task's filters, None its usual one.
    Raises TaskError or SliceError in one line; EngineError where model-written code cannot be run.
    """
    benchmark = benchmark_of(task)
    if benchmark.scoring != "generate":
        raise TaskError(f"task '{task}' is answered by choosing; there is no text to grade")
    grader = grader_of(task, verdict)
    rows = {row.index: row for row in _read(data, benchmark.schema)}
    answers = _read(completions, COMPLETION)
    asked = [_asked(rows, answer, data, completions) for answer in answers]
    grades = grade_by(grader, asked, [answer.doc["completion"] for answer in answers])
    return Graded(task, tuple(item.index for item in asked), tuple(grades), verdict)


def _read(file: Path, schema: Any) -> tuple[Row, ...]:
    rows = read_rows(file, schema)
    if not rows:
        raise SliceError(f"{file}: holds no line; write one object a line with {', '.join(schema)}")
    return rows


def _asked(rows: dict[int, Row], answer: Row, data: Path, completions: Path) -> Item:
    index = answer.doc["item"]
    if index not in rows:
        raise SliceError(
            f"{completions} line {answer.index + 1}: item {index} is no line of {data}, whose items are"
            f" {min(rows)} to {max(rows)}"
        )
    return Item(index, "", rows[index].doc)


def _entry(item: int, grade: Grade) -> dict[str, Any]:
    entry = {"item": item, "correct": grade.correct, "extracted": grade.extracted}
    return entry if grade.flexible is None else entry | {"flexible": grade.flexible}
