"""Two real models end to end: `python -m benchmarks.fusion.real_pair SOURCE TARGET --data ROWS.jsonl`.

SOURCE and TARGET are folders of models of any architectures; nothing is fetched. Aligns their tokenizers on a
few rows, extracts the source's distributions, carries them to the target's tokens, and trains the target for
ten steps, with the time and the peak memory of each. Rows have `instruction` and `response`, or `question`
and `answer`.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from time import perf_counter
from typing import Any, TypeVar

from benchmarks.machine import describe_machine
from merging.fusion.alignment.report import survey
from merging.fusion.alignment.spans import align
from merging.fusion.distributions.carry import carry
from merging.fusion.distributions.data import Carried, Top
from merging.fusion.distributions.extract import extract
from merging.fusion.distributions.mapping import ByteMap
from merging.fusion.distributions.shards import Extracted
from merging.fusion.distributions.teacher import TransformersTeacher
from merging.fusion.exchange import Exchange, Writer, open_writer
from merging.fusion.texts import Row
from merging.fusion.training.example import Example
from merging.fusion.training.settings import Lora, Objective, Settings
from merging.fusion.training.train import train

STEPS, BATCH, K = 10, 2, 10
RESULTS = Path(__file__).parents[1] / "results"
Made = TypeVar("Made")


@dataclass
class Stages:
    """Seconds of each stage, and the process's peak memory when it ended: no stage can lower it."""

    seconds: dict[str, float] = field(default_factory=dict)
    peak_bytes: dict[str, int] = field(default_factory=dict)

    def timed(self, name: str, work: Callable[[], Made]) -> Made:
        """Do the work of a stage."""
        began = perf_counter()
        made = work()
        self.seconds[name] = perf_counter() - began
        self.peak_bytes[name] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
        return made


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the table and write it beside other results."""
    given = _parse(arguments)
    with TemporaryDirectory() as folder:
        found = measure(given, read_rows(given.data, STEPS * BATCH), Path(folder))
    table = to_markdown(found)
    given.out.mkdir(parents=True, exist_ok=True)
    name = given.out / f"{describe_machine().slug}-real-pair"
    name.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    name.with_suffix(".md").write_text(table)
    sys.stdout.write(table)
    return 0


def measure(given: argparse.Namespace, rows: Sequence[Row], work: Path) -> dict[str, Any]:
    """All stages, one after another, in the folder `work`."""
    stages, longest = Stages(), given.max_length
    a, b = stages.timed("open", lambda: (_writer(given.source), _writer(given.target)))
    texts = [row.instruction + row.response for row in rows]
    report = stages.timed("align", lambda: survey(a.vocabulary, b.vocabulary, texts))
    ours, theirs = stages.timed("encode", lambda: (a.write(rows, longest), b.write(rows, longest)))
    tops = stages.timed("extract", lambda: _extract(given.source, ours, work / "distributions"))
    mapping = ByteMap(a.vocabulary, b.vocabulary)
    carried = stages.timed("carry", lambda: _carry(tops, ours, theirs, mapping))
    examples = [
        Example(each.ids, len(each.prompt), row.slice, (said,))
        for each, row, said in zip(theirs, rows, carried, strict=True)
    ]
    settings, steps = _settings(given), list[dict[str, float]]()
    stages.timed(
        "train",
        lambda: train(
            given.target, examples, work / "fused", settings, record=lambda _, row: steps.append(row)
        ),
    )
    return {
        "machine": asdict(describe_machine()),
        "models": [given.source.name, given.target.name],
        "data": f"{given.data.resolve().parent.name}/{given.data.name}",
        "settings": settings.to_json(),
        "rows": _counted(ours, carried),
        "alignment": report.to_json(),
        "disk_bytes": sum(file.stat().st_size for file in (work / "distributions").iterdir()),
        "seconds": stages.seconds,
        "peak_bytes": stages.peak_bytes,
        "steps": steps,
    }


def read_rows(file: Path, count: int) -> list[Row]:
    """The shortest of the file's rows, `count` of them, in the file's order."""
    said = [json.loads(line) for line in file.read_text(encoding="utf-8").splitlines() if line.strip()]
    rows = [
        Row(each["instruction"], each["response"])
        if "instruction" in each
        else Row(f"Question: {each['question']}\nAnswer:", f" {each['answer']}")
        for each in said
    ]
    kept = sorted(range(len(rows)), key=lambda i: len(rows[i].instruction + rows[i].response))[:count]
    return [rows[i] for i in sorted(kept)]


def to_markdown(found: Mapping[str, Any]) -> str:
    """The stages as a table, and what they worked on."""
    source, target = found["models"]
    counts, covered, steps = found["rows"], found["alignment"]["coverage"], found["steps"]
    lines = [
        f"{source} teaches {target}: {counts['rows']} rows of {found['data']},"
        f" {counts['source_tokens']:,} response tokens of the source's, {counts['target_tokens']:,} of the"
        f" target's; {covered:.1%} of the characters aligned, {counts['known']:.1%} of the"
        " target's tokens with a distribution;"
        f" {found['disk_bytes'] / 1e3:.0f} kB on disk.",
        "",
        "| stage | seconds | peak memory, GB |",
        "|---|---|---|",
        *(
            f"| {name} | {seconds:.2f} | {found['peak_bytes'][name] / 1e9:.2f} |"
            for name, seconds in found["seconds"].items()
        ),
        "",
        f"Loss from {steps[0]['loss']:.3f} to {steps[-1]['loss']:.3f} in {len(steps)} steps of {BATCH}.",
    ]
    return "\n".join(lines) + "\n"


def _writer(folder: Path) -> Writer:
    return open_writer(folder, "plain")


def _extract(source: Path, written: Sequence[Exchange], folder: Path) -> Extracted:
    requests = [each.request for each in written]
    return extract(TransformersTeacher(source), requests, folder, source=source.name, k=K)


def _carry(
    tops: Sequence[Top], source: Sequence[Exchange], target: Sequence[Exchange], mapping: ByteMap
) -> list[Carried]:
    return [
        carry(top, a, b, align(a.response, b.response), mapping)
        for top, a, b in zip(tops, source, target, strict=True)
    ]


def _settings(given: argparse.Namespace) -> Settings:
    return Settings(
        objective=Objective(function="min_ce_token"),
        epochs=1,
        batch=BATCH,
        micro_batch=given.micro_batch,
        rate=1e-5,
        max_length=given.max_length,
        lora=Lora() if given.lora else None,
    )


def _counted(source: Sequence[Exchange], carried: Sequence[Carried]) -> dict[str, float]:
    tokens = sum(len(each.known) for each in carried)
    return {
        "rows": len(carried),
        "source_tokens": sum(each.kept for each in source),
        "target_tokens": tokens,
        "known": sum(int(each.known.sum()) for each in carried) / tokens,
    }


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="benchmarks.fusion.real_pair", description=__doc__)
    parser.add_argument("source", type=Path)
    parser.add_argument("target", type=Path)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--max-length", type=int, default=512)
    parser.add_argument("--micro-batch", type=int, default=1)
    parser.add_argument("--lora", action="store_true", help="train adapters instead of all weights")
    parser.add_argument("--out", type=Path, default=RESULTS)
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
