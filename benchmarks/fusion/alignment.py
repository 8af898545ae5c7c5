"""Aligning two tokenizers: `python -m benchmarks.fusion.alignment A B --data FILE.jsonl…`.

A and B are model folders; nothing is fetched. Says how much of the text is aligned, checks every exact span
against the text itself, and times alignment against a dynamic program on pairs of 2,048 tokens.
"""

from __future__ import annotations

import argparse
import json
import resource
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.fusion.dynamic_program import warp
from benchmarks.machine import describe_machine
from benchmarks.samples import Samples, clock, ratio
from merging.fusion.alignment.counts import count
from merging.fusion.alignment.encoded import Encoded
from merging.fusion.alignment.mapping import id_map
from merging.fusion.alignment.report import survey
from merging.fusion.alignment.spans import MOST_TOKENS, Spans, align
from merging.fusion.alignment.vocabulary import Vocabulary, open_vocabulary
from search.fusing.align import read_texts

TOKENS = 2048
LEAST_COVERAGE = 0.95
LEAST_TIMES = 50.0
Opened = tuple[Vocabulary, Vocabulary]


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure, print the tables and write them beside other results; 0 where both goals are met."""
    given = _parse(arguments)
    pair = open_vocabulary(given.a), open_vocabulary(given.b)
    texts = {file.name: read_texts(file) for file in given.data}
    every = [text for each in texts.values() for text in each]
    found = {
        "machine": asdict(describe_machine()),
        "models": [{"name": each.folder.name, "tokens": each.size} for each in pair],
        "coverage": {name: survey(*pair, each).to_json() for name, each in texts.items()},
        "spans": checked(pair, every),
        "speed": speed(pair, every, given.runs),
        "id_maps": id_maps(pair, every, given.full),
        "peak_bytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024,
    }
    table = to_markdown(found)
    given.out.mkdir(parents=True, exist_ok=True)
    name = given.out / f"{describe_machine().slug}-alignment"
    name.with_suffix(".json").write_text(json.dumps(found, indent=1) + "\n")
    name.with_suffix(".md").write_text(table)
    sys.stdout.write(table)
    return int(not _met(found))


def checked(pair: Opened, texts: Sequence[str]) -> dict[str, int]:
    """Compare both sides' bytes of every exact span with the text's; the longest spans, too."""
    total = {"spans": 0, "exact": 0, "wrong": 0, "longest_bytes": 0, "most_on_shorter_side": 0}
    for text, a, b in zip(texts, *(each.encode_many(texts) for each in pair), strict=True):
        spans, data = align(a, b), text.encode()
        exact = np.flatnonzero(spans.exact)
        total["spans"] += len(spans)
        total["exact"] += len(exact)
        total["wrong"] += sum(not _spells(pair, (a, b), spans, int(i), data) for i in exact)
        if len(spans):
            total["longest_bytes"] = max(total["longest_bytes"], int(np.diff(spans.text).max()))
            total["most_on_shorter_side"] = max(
                total["most_on_shorter_side"], int(spans.sizes.min(axis=1).max())
            )
    return total


def _spells(pair: Opened, sides: tuple[Encoded, Encoded], spans: Spans, i: int, data: bytes) -> bool:
    start, end = map(int, spans.text[i])
    for vocabulary, side, (first, last) in zip(pair, sides, (spans.a[i], spans.b[i]), strict=True):
        spelled = b"".join(vocabulary.pieces[token] or b"" for token in side.ids[first:last])
        if start == 0 and len(spelled) == end + 1:
            spelled = spelled.removeprefix(b" ")  # one that the tokenizer put in front
        if spelled != data[start:end]:
            return False
    return True


def speed(pair: Opened, texts: Sequence[str], runs: int) -> dict[str, Any]:
    """Seconds of both ways on texts of 2,048 tokens of the first tokenizer, in turns."""
    samples: dict[str, list[float]] = {"dynamic_program": [], "spans": [], "encoding_and_spans": []}
    tokens = []
    for text in windows(pair[0], texts, runs):
        a, b = (each.encode(text) for each in pair)
        tokens.append([len(a), len(b)])
        spellings = [[str(v.tokens[i]) for i in side.ids] for v, side in zip(pair, (a, b), strict=True)]
        ways: Mapping[str, Callable[[], object]] = {
            "dynamic_program": partial(warp, *spellings),
            "spans": partial(align, a, b),
            "encoding_and_spans": partial(_encoded_and_aligned, pair, text),
        }
        for name, way in ways.items():
            samples[name].append(clock(way))
    taken = {name: Samples(tuple(seconds)) for name, seconds in samples.items()}
    return {
        "tokens": tokens,
        "seconds": {name: list(each.seconds) for name, each in taken.items()},
        "median": {name: each.median for name, each in taken.items()},
        "times": {
            name: asdict(ratio(taken["dynamic_program"], taken[name]))
            for name in ("spans", "encoding_and_spans")
        },
    }


def _encoded_and_aligned(pair: Opened, text: str) -> Spans:
    return align(*(each.encode(text) for each in pair))


def windows(vocabulary: Vocabulary, texts: Sequence[str], number: int) -> list[str]:
    """Consecutive stretches of all the text, each of 2,048 tokens, cut between characters."""
    whole, found = "\n\n".join(texts[: 400 * number]), []
    for _ in range(number):
        encoded = vocabulary.encode(whole[: TOKENS * 16])
        assert len(encoded) >= TOKENS, "too little text; give more data"
        data = whole.encode()
        piece = data[: int(encoded.ends[TOKENS - 1])].decode(errors="ignore")
        found.append(piece)
        whole = whole[len(piece) :]
    return found


def id_maps(pair: Opened, texts: Sequence[str], full: bool) -> dict[str, Any]:
    """Seconds and shares of the ids that occur, by each way, in both directions."""
    found: dict[str, Any] = {}
    for a, b in (pair, pair[::-1]):
        encoded = [each.encode_many(texts) for each in (a, b)]
        seen = count(zip(*encoded, strict=True))
        occurring = np.unique(seen.a)
        row: dict[str, Any] = {"pairs": len(seen), "occurring": len(occurring)}
        for by in ("exact", "statistics", "edit"):
            seconds = clock(partial(id_map, a, b, seen, by))
            share = float((id_map(a, b, seen, by)[occurring] >= 0).mean())
            row[by] = {"seconds": seconds, "share": share}
        if full:
            row["edit, every id"] = {"seconds": clock(partial(id_map, a, b, by="edit"))}
        found[f"{a.folder.name} to {b.folder.name}"] = row
    return found


def to_markdown(found: Mapping[str, Any]) -> str:
    """The tables, and whether the goals are met."""
    machine, (a, b) = found["machine"], found["models"]
    lines = [
        f"# Aligning {a['name']} ({a['tokens']:,} tokens) and {b['name']} ({b['tokens']:,}):"
        f" {machine['cpu']}, {machine['cores']} cores",
        "",
        f"{machine['date']}, Python {machine['python']}. Written by `python -m benchmarks.fusion.alignment`.",
        "",
        "| data | characters | in aligned spans | with equal bytes | 1–1 | 1–n | n–1 | n–m | seconds |",
        "| --- | --- | --- | --- | --- | --- | --- | --- | --- |",
        *(_coverage_row(name, each) for name, each in found["coverage"].items()),
        "",
        *(f"- {fact}" for fact in _facts(found)),
        "",
        "| id map | ids that occur | exact | statistics | edit | edit, every id |",
        "| --- | --- | --- | --- | --- | --- |",
        *(_map_row(way, row) for way, row in found["id_maps"].items()),
        "",
        f"Goals: ≥ {LEAST_COVERAGE:.0%} of characters in aligned spans, no span with other bytes,"
        f" ≥ {LEAST_TIMES:.0f} times faster, encoding included: {'met' if _met(found) else 'MISSED'}.",
        "",
    ]
    return "\n".join(lines)


def _coverage_row(name: str, row: Mapping[str, Any]) -> str:
    kinds = " | ".join(
        f"{row[kind]:,}" for kind in ("one_to_one", "one_to_many", "many_to_one", "many_to_many")
    )
    shares = f"{row['coverage']:.2%} | {row['exact']:.2%}"
    return f"| {name} | {row['characters']:,} | {shares} | {kinds} | {row['seconds']:.2f} |"


def _facts(found: Mapping[str, Any]) -> list[str]:
    spans, (a, b), speed_ = found["spans"], found["models"], found["speed"]
    theirs, medians = [n for _, n in speed_["tokens"]], speed_["median"]
    return [
        f"{spans['spans']:,} spans in all, {spans['exact']:,} of them exact; of these {spans['wrong']} have"
        f" other bytes than the text. The longest has {spans['longest_bytes']} bytes; at most"
        f" {spans['most_on_shorter_side']} tokens on the shorter side (aligned: up to {MOST_TOKENS}).",
        f"{len(theirs)} texts of {TOKENS:,} tokens of {a['name']} ({min(theirs):,}–{max(theirs):,} of"
        f" {b['name']}), medians: dynamic program {medians['dynamic_program']:.2f} s; spans"
        f" {medians['spans'] * 1e3:.3f} ms, {_times(speed_['times']['spans'])} times faster; encoding both"
        f" and spans {medians['encoding_and_spans'] * 1e3:.2f} ms,"
        f" {_times(speed_['times']['encoding_and_spans'])} times faster.",
        f"Peak memory of all this, tokenizers and torch included: {found['peak_bytes'] / 1e9:.2f} GB.",
    ]


def _map_row(way: str, row: Mapping[str, Any]) -> str:
    cells = [f"{row[by]['share']:.1%}, {row[by]['seconds']:.2f} s" for by in ("exact", "statistics", "edit")]
    every = f"{row['edit, every id']['seconds']:.1f} s" if "edit, every id" in row else "–"
    return f"| {way} | {row['occurring']:,} | {' | '.join(cells)} | {every} |"


def _times(found: Mapping[str, float]) -> str:
    return f"{found['value']:,.0f} ({found['low']:,.0f}–{found['high']:,.0f})"


def _met(found: Mapping[str, Any]) -> bool:
    """Whether the goals are met; the times count encoding, too."""
    return (
        all(each["coverage"] >= LEAST_COVERAGE for each in found["coverage"].values())
        and found["spans"]["wrong"] == 0
        and found["speed"]["times"]["encoding_and_spans"]["value"] >= LEAST_TIMES
    )


def _parse(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("a", type=Path, help="a model folder")
    parser.add_argument("b", type=Path, help="another one")
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="JSONL files")
    parser.add_argument("--runs", type=int, default=7, help="texts of 2,048 tokens to time")
    parser.add_argument("--full", action="store_true", help="edit distances for every id, too")
    parser.add_argument("--out", type=Path, default=Path(__file__).parents[1] / "results")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
