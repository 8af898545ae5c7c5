"""What is known so far, on disk after every row: `results.json`, and `results.md` for people."""

from __future__ import annotations

import json
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks.gpu.part import Row, Status


@dataclass(frozen=True)
class Part:
    """One part, or as much of it as is done."""

    name: str
    what: str
    status: Status | None
    """None while it runs."""
    reason: str
    seconds: float
    share: float
    """Seconds that it was given."""
    rows: tuple[Row, ...] = ()


@dataclass(frozen=True)
class Report:
    """All of one run."""

    settings: Mapping[str, Any]
    machine: Mapping[str, Any]
    parts: tuple[Part, ...] = ()
    seconds: float = 0.0
    complete: bool = False

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return asdict(self)

    def to_markdown(self) -> str:
        """The whole page."""
        head = "\n".join(
            (
                f"# {self.machine.get('gpu') or self.machine.get('cpu') or 'an unknown machine'}",
                "",
                ", ".join(f"{name} {value}" for name, value in self.machine.items() if value is not None),
                "",
                f"Written by `python -m benchmarks.gpu` in {self.seconds:.0f} s:"
                f" {', '.join(f'{name} {value}' for name, value in self.settings.items())}."
                + ("" if self.complete else " **This run is not complete.**"),
            )
        )
        summary = [
            {
                "part": part.name,
                "status": part.status or "running",
                "seconds": part.seconds,
                "share": part.share,
                "reason": part.reason,
            }
            for part in self.parts
        ]
        pages = [f"## {part.name}\n\n{part.what}\n\n{_table(part.rows)}" for part in self.parts if part.rows]
        return "\n\n".join((head, _table(summary), *pages)) + "\n"


def status_of(rows: Sequence[Row]) -> tuple[Status, str]:
    """A part's status and reason by its rows: failed if one failed, skipped if nothing was tried."""
    failed = [row for row in rows if row["status"] == "failed"]
    skipped = [row for row in rows if row["status"] == "skipped"]
    if failed:
        return "failed", f"{_names(failed)}: {failed[0]['reason']}"
    left_out = f"{_names(skipped)} skipped: {skipped[0]['reason']}" if skipped else ""
    return ("ok" if len(skipped) < len(rows) else "skipped"), left_out or ("" if rows else "it said nothing")


def save(report: Report, out: Path) -> None:
    """Write both files, each whole or not at all: power and machines end at any moment."""
    out.mkdir(parents=True, exist_ok=True)
    _replace(out / "results.json", json.dumps(report.to_json(), indent=1) + "\n")
    _replace(out / "results.md", report.to_markdown())


def _replace(file: Path, text: str) -> None:
    temporary = file.with_name(f".{file.name}.{os.getpid()}")
    with temporary.open("w", encoding="utf-8") as stream:
        stream.write(text)
        stream.flush()
        os.fsync(stream.fileno())
    temporary.replace(file)


def _names(rows: Sequence[Row]) -> str:
    names = [str(row["name"]) for row in rows]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")


def _table(rows: Sequence[Mapping[str, Any]]) -> str:
    """One column for each figure that is no list."""
    found = dict.fromkeys(
        name for row in rows for name, value in row.items() if not isinstance(value, list | dict)
    )
    columns = [*(name for name in found if name != "reason"), *(["reason"] if "reason" in found else [])]
    lines = [[_cell(row.get(column)) for column in columns] for row in rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in (columns, ["---"] * len(columns), *lines))


def _cell(value: Any) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "yes" if value else "no"
    return f"{value:.4g}" if isinstance(value, float) else str(value).replace("|", "\\|").replace("\n", " ")
