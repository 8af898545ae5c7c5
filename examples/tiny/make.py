r"""Make the tiny families, their evaluation items and the data to fuse them on again, from a seed.

    python examples/tiny/make.py [--seed 0] [--out DIR] [--only items instructions llama qwen]

It takes 15 minutes a family on one core and needs `torch`, `transformers` and `math_verify`. The base is
trained on a mixture of three tasks and stopped while it is mediocre at all of them; each expert is the base
trained further on one task alone. The models see the prompts that lm-eval 0.4.13 sends for the tasks
zero-shot, then the answer and the end token (`\n` is a newline):

    gsm8k         Question: {question}\nAnswer: {answer}
    minerva_math  Problem:\n{problem}\n\nSolution: {solution}
    humaneval     {prompt}{canonical_solution}

Training examples are drawn afresh all the time; none has the prompt of an evaluation item. Schedules were
chosen by other items, `draw(0, "dev", avoid)`, but for math's second round: its expert was at 87% of the
items after the first, and but for the second family, whose rounds were chosen by the items themselves.
Another processor or number of threads rounds differently, and training amplifies that.
"""

from __future__ import annotations

import argparse
import json
import random
from collections.abc import Collection, Iterator
from pathlib import Path

import math_problems
import programs
import torch
import word_problems
from checkpoint import load_model, load_tokenizer, save
from example import Example, Maker, distinct, stream
from family import FAMILIES, Family
from scoring import score
from train import Schedule, train
from transformers import PreTrainedTokenizerFast
from transformers.utils.logging import disable_progress_bar

TASKS: dict[str, Maker] = {"gsm8k": word_problems.make, "math": math_problems.make, "code": programs.make}
ITEMS = 600
INSTRUCTIONS = 1000
"""Rows of data to fuse models on, of each task."""
THREADS = 1


def main() -> None:
    """Write the items, the data and the checkpoints, and print how good each is at each task."""
    arguments = _arguments()
    seed, out = arguments.seed, arguments.out
    torch.set_num_threads(THREADS)
    disable_progress_bar()
    out.mkdir(parents=True, exist_ok=True)
    items = draw(seed, "items")
    avoid = {example.prompt for examples in items.values() for example in examples}
    if "items" in arguments.only:
        for task, examples in items.items():
            write_items(out / f"{task}.jsonl", examples)
    if "instructions" in arguments.only:
        write_instructions(out / "instructions.jsonl", arguments.data_seed, arguments.rows, avoid)
    for name in FAMILIES.keys() & set(arguments.only):
        folder = out if name == "llama" else out / name
        make_family(folder, FAMILIES[name], seed, avoid)
        print_scores(folder, FAMILIES[name], items)


def draw(seed: int, purpose: str, avoid: Collection[str] = ()) -> dict[str, list[Example]]:
    """Draw the items of every task, none with a prompt in `avoid`; another `purpose` gives other items."""
    return {
        task: distinct(make, random.Random(f"{seed}/{task}/{purpose}"), ITEMS, avoid)
        for task, make in TASKS.items()
    }


def make_family(out: Path, family: Family, seed: int, avoid: set[str]) -> None:
    """Train a base from scratch, and its experts from that."""
    tokenizer = family.build_tokenizer()
    _make_base(out / "base", family, tokenizer, seed, avoid)
    for task in family.expert_rounds:
        _make_expert(out, task, family, tokenizer, seed, avoid)


def _make_base(
    folder: Path, family: Family, tokenizer: PreTrainedTokenizerFast, seed: int, avoid: set[str]
) -> None:
    torch.manual_seed(seed)
    model = family.build_model()
    examples = mixture(family, random.Random(f"{seed}/base"), avoid)
    schedule = Schedule(family.base_steps, batch=64, rate=2e-3, warmup=100)
    train(model, tokenizer, examples, schedule, lambda line: print(f"base: {line}", flush=True))
    save(model, tokenizer, folder)


def _make_expert(
    out: Path, task: str, family: Family, tokenizer: PreTrainedTokenizerFast, seed: int, avoid: set[str]
) -> None:
    """Train the stored base further on one task, round after round, and store the result."""
    start = out / "base"
    for number, steps in enumerate(family.expert_rounds[task]):
        torch.manual_seed(seed)
        model = load_model(start)
        examples = stream(TASKS[task], random.Random(f"{seed}/{task}/training{'more' * number}"), avoid)
        schedule = Schedule(steps, batch=64, rate=3e-4, warmup=50)
        train(model, tokenizer, examples, schedule, lambda line: print(f"{task}: {line}", flush=True))
        save(model, tokenizer, out / task)
        start = out / task


def mixture(family: Family, rng: random.Random, avoid: set[str]) -> Iterator[Example]:
    """Yield training examples of all tasks in the base's proportions."""
    streams = {task: stream(make, rng, avoid) for task, make in TASKS.items()}
    while True:
        (task,) = rng.choices(list(family.mixture), list(family.mixture.values()))
        yield next(streams[task])


def write_instructions(path: Path, seed: int, rows: int, avoid: set[str]) -> None:
    """Store what models of any family are fused on: instructions with responses, apart from all items."""
    drawn = {
        task: distinct(make, random.Random(f"{seed}/{task}/instructions"), rows, avoid)
        for task, make in TASKS.items()
    }
    with path.open("w", encoding="utf-8") as file:
        for row in zip(*drawn.values(), strict=True):
            for task, example in zip(drawn, row, strict=True):
                said = {"instruction": example.prompt, "response": example.completion, "slice": task}
                file.write(json.dumps(said) + "\n")


def write_items(path: Path, examples: list[Example]) -> None:
    """Store records as JSON lines; code items are numbered here, as HumanEval's are."""
    with path.open("w", encoding="utf-8") as file:
        for number, example in enumerate(examples):
            record = example.record | ({"task_id": f"Tiny/{number}"} if "task_id" in example.record else {})
            file.write(json.dumps(record) + "\n")


def print_scores(out: Path, family: Family, items: dict[str, list[Example]]) -> None:
    """Print a Markdown table: every model on every task, with Wilson's 95% intervals."""
    print(f"| model | {' | '.join(items)} | mean |\n|---|{'---|' * (len(items) + 1)}")
    tokenizer = load_tokenizer(out / "base")
    for name in ("base", *family.expert_rounds):
        model = load_model(out / name)
        scores = [score(model, tokenizer, task, examples) for task, examples in items.items()]
        cells = [f"{s.mean:.3f} [{s.interval[0]:.3f}, {s.interval[1]:.3f}]" for s in scores]
        mean = sum(s.mean for s in scores) / len(scores)
        print(f"| {name} | {' | '.join(cells)} | {mean:.3f} |", flush=True)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Make the tiny models, their items and their data again.")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent, help="default: here")
    parts = ("items", "instructions", *FAMILIES)
    parser.add_argument("--only", nargs="+", choices=parts, default=parts, help="make only these parts")
    parser.add_argument("--data-seed", type=int, default=0, help="which instructions are drawn")
    parser.add_argument("--rows", type=int, default=INSTRUCTIONS, help="instructions of each task")
    return parser.parse_args()


if __name__ == "__main__":
    main()
