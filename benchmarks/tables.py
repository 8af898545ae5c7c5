"""The results as Markdown, for people."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from benchmarks.cold import ColdResult, Growth
from benchmarks.peers import PeerResult
from benchmarks.results import COLD_GOALS, MOST_MEMORY, WARM_GOALS, Results
from benchmarks.samples import Ratio, ratio
from benchmarks.warm import WarmResult


def to_markdown(results: Results) -> str:
    """The whole page."""
    parts = [_head(results), _warm(results.warm), _cold(results.cold), _growth(results.growth)]
    return "\n\n".join(part for part in (*parts, _peers(results.peers), _notes(results)) if part) + "\n"


def _head(results: Results) -> str:
    machine = results.machine
    gpu = f", {machine.gpu}" if machine.gpu else ""
    state = "" if results.complete else " **This run is not complete.**"
    return (
        f"# {machine.cpu}, {machine.cores} cores, {machine.memory_bytes / 2**30:.0f} GiB{gpu}\n\n"
        f"{machine.date}, Python {machine.python}, torch {machine.torch} ({machine.compiler_isa}),"
        f" {machine.system}. Written by `make bench`; times are medians, with the range in brackets.{state}"
    )


def _warm(rows: Sequence[WarmResult]) -> str:
    title = "## Warm candidates\n\nAgainst `copy_` of as many bytes as the candidate reads and writes."
    header = ("method", "device", "traffic", "copy", "candidate", "candidate / copy", "limit", "first run")
    return _section(title, header, map(_warm_row, rows))


def _warm_row(row: WarmResult) -> tuple[str, ...]:
    times = ratio(row.candidate, row.copy)
    disturbed = f" (others kept {row.neighbours:.1f} cores busy)" if row.disturbed else ""
    limit = "" if row.limit is None else f"≤ {row.limit:g} {_mark(times.value <= row.limit)}"
    seconds = (f"{row.copy.median:.4g} s", f"{row.candidate.median:.4g} s")
    traffic = f"{row.traffic / 1e9:.2f} GB"
    return (
        f"`{row.method}`",
        row.device,
        traffic,
        *seconds,
        str(times) + disturbed,
        limit,
        f"{row.first:.1f} s",
    )


def _cold(rows: Sequence[ColdResult]) -> str:
    title = "## Cold: `crucible merge`, from process start to a checkpoint on disk"
    header = ("method", "very first run", "later runs", "processor time", "peak anonymous memory")
    return _section(title, header, map(_cold_row, rows))


def _cold_row(row: ColdResult) -> tuple[str, ...]:
    low, high = row.later.spread
    memory = f"{_megabytes(row.peak_anonymous)} (first run {_megabytes(row.peak_anonymous_first)})"
    return (
        f"`{row.method}`",
        f"{row.first:.1f} s",
        f"{row.later.median:.2f} s ({low:.2f}–{high:.2f})",
        f"{row.processor.median:.2f} s",
        memory,
    )


def _growth(rows: Sequence[Growth]) -> str:
    title = "## Peak anonymous memory by number of experts"
    counts = sorted({count for row in rows for count in row.bytes_by_experts})
    cells = [
        (f"`{row.method}`", *(_megabytes(row.bytes_by_experts[count]) for count in counts)) for row in rows
    ]
    return _section(title, ("method", *(f"{count} experts" for count in counts)), cells)


def _peers(rows: Sequence[PeerResult]) -> str:
    title = "## Against mergekit 0.1.5, the same configs in turns"
    header = (
        "method", "warm", "mergekit's `run_merge`", "times faster", "`crucible merge`", "`mergekit-yaml`",
        "times faster",
    )  # fmt: skip
    return _section(title, header, map(_peer_row, rows))


def _peer_row(row: PeerResult) -> tuple[str, ...]:
    warm, cold = ratio(row.merge, row.warm), ratio(row.whole, row.cold)
    return (
        f"`{row.method}`",
        f"{row.warm.median:.3f} s",
        f"{row.merge.median:.1f} s",
        _goal(warm, WARM_GOALS.get(row.method)),
        f"{row.cold.median:.2f} s",
        f"{row.whole.median:.1f} s",
        _goal(cold, COLD_GOALS.get(row.method)),
    )


def _goal(times: Ratio, least: float | None) -> str:
    return str(times) if least is None else f"{times}, ≥ {least:g} {_mark(times.value >= least)}"


def _notes(results: Results) -> str:
    return "\n".join(f"- {note}" for note in results.notes)


def _megabytes(count: int) -> str:
    return f"{count / 1e6:.0f} MB{'' if count <= MOST_MEMORY else ' ✗'}"


def _mark(met: bool) -> str:
    return "✓" if met else "✗"


def _section(title: str, header: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A title over a table; nothing without rows."""
    lines = [f"| {' | '.join(row)} |" for row in rows]
    return (
        "\n".join((title, "", f"| {' | '.join(header)} |", "|---" * len(header) + "|", *lines))
        if lines
        else ""
    )
