"""What a model is asked: the items of a task, as lm-eval would ask them.

Few-shot examples are always the first ones: lm-eval's default sampler gives a document different ones in each
call. All prompts are built once, before a study.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

from evaluators.benchmarks.catalogue import GROUPS, Benchmark, benchmark_of, grader_of, parts_of, task_config
from evaluators.benchmarks.items import Item
from evaluators.benchmarks.prompts import Chat, Part, hub_part, items_of, local_part, own_examples, quietly
from evaluators.benchmarks.rows import Row, read_rows, text
from evaluators.errors import SliceError, TaskError


@dataclass(frozen=True)
class Questions:
    """A task's items as lm-eval would ask them, and how their answers are judged."""

    grader: str
    scoring: Literal["generate", "choices"]
    items: tuple[Item, ...]
    """Of the split that judges."""
    train: tuple[Item, ...] | None
    """Of the split that steers; None where there is only one, which then does both."""
    stop: tuple[str, ...]


def ask(
    task: str,
    data: Path | None,
    num_fewshot: int | None,
    train: Path | None = None,
    chat: Chat | None = None,
    verdict: str | None = None,
) -> Questions:
    """The items of `task` in JSONL files or the hub's dataset, with the contexts that lm-eval gives a model.

    `num_fewshot` None means the task's own. Examples that the task does not bring along come from the split
    it names for that, or from the first rows of `train`, else of `data`; those rows are no items.
    `verdict` is one of the task's filters, None its usual one.
    Raises TaskError or SliceError.
    """
    benchmark = benchmark_of(task)
    grader = grader_of(task, verdict)
    if data is None and task in GROUPS:
        raise TaskError(f"task '{task}' needs `data:`; the hub has its parts: {', '.join(parts_of(task))}")
    with quietly():
        parts = list(_parts(task, benchmark, data, train, num_fewshot))
        test = [item for part in parts for item in items_of(part, part.test, data or "the hub", chat)]
        steering = [
            item for part in parts for item in items_of(part, part.train or (), train or "the hub", chat)
        ]
    per_character = chat is not None and benchmark.grader == "acc_norm"
    return Questions(
        grader=f"{grader}_chat" if per_character else grader,
        scoring=benchmark.scoring,
        items=_in_order(test),
        train=None if parts[0].train is None else _in_order(steering),
        stop=tuple((parts[0].definition.config.generation_kwargs or {}).get("until", ())),
    )


def examples(task: str, num_fewshot: int | None) -> tuple[int, int | None]:
    """How many few-shot examples a prompt of the task has, and the most that it can have.

    `num_fewshot` None means the task's own. None for the most: as many as there are rows to take them from.
    Raises TaskError.
    """
    with quietly():
        config = _config(task, num_fewshot)
        own = own_examples(config)
    return config["num_fewshot"], None if own is None else len(own)


def _in_order(items: Sequence[Item]) -> tuple[Item, ...]:
    return tuple(sorted(items, key=lambda item: item.index))


def _parts(
    task: str, benchmark: Benchmark, data: Path | None, train: Path | None, num_fewshot: int | None
) -> Iterator[Part]:
    """The task itself or, of a group whose rows say of which subject they are, the task of each subject."""
    if data is None:
        yield hub_part(benchmark, _config(task, num_fewshot))
        return
    by_subject = benchmark.subject if task in GROUPS else None
    test = _read(data, benchmark, by_subject)
    steering = None if train is None else _read(train, benchmark, by_subject)
    if by_subject is None:
        yield local_part(benchmark, _config(task, num_fewshot), test, steering, train or data)
        return
    for subject in dict.fromkeys(row.doc[by_subject] for row in test):
        first = next(row.index for row in test if row.doc[by_subject] == subject)
        config = _config(_of_subject(task, subject, f"{data} line {first + 1}"), num_fewshot)
        own, own_train = (_only(part, by_subject, subject) for part in (test, steering))
        assert own is not None
        yield local_part(benchmark, config, own, own_train, train or data)


def _only(rows: Sequence[Row] | None, field: str, value: str) -> tuple[Row, ...] | None:
    return None if rows is None else tuple(row for row in rows if row.doc[field] == value)


def _of_subject(group: str, subject: str, place: str) -> str:
    try:
        benchmark_of(task := f"{group}_{subject}")
    except TaskError as error:
        raise SliceError(f"{place}: field '{benchmark_of(group).subject}': {error}") from error
    return task


def _read(file: Path, benchmark: Benchmark, by_subject: str | None) -> tuple[Row, ...]:
    subject = {} if by_subject is None else {by_subject: text()}
    rows = read_rows(file, {**benchmark.schema, **benchmark.asked, **subject})
    if not rows:
        raise SliceError(f"{file}: holds no item; write one object a line with {', '.join(benchmark.schema)}")
    for row in rows:
        if wrong := benchmark.row(row.doc):
            raise SliceError(f"{file} line {row.index + 1}: {wrong}")
    return rows


def _config(task: str, num_fewshot: int | None) -> dict[str, Any]:
    """The task's YAML less metrics and filters (the graders apply them), its first examples as few-shots."""
    config = {k: v for k, v in task_config(task).items() if k not in {"tag", "metric_list", "filter_list"}}
    config["fewshot_config"] = {**(config.get("fewshot_config") or {}), "sampler": "first_n"}
    shots = (config.get("num_fewshot") or 0) if num_fewshot is None else num_fewshot
    own = own_examples(config)
    most = shots if own is None else len(own)
    if not 0 <= shots <= most:
        raise TaskError(f"task '{task}': num_fewshot is {shots}; write a number from 0 to {max(most, 0)}")
    target = benchmark_of(task).target
    return {**config, "num_fewshot": shots} | ({} if target is None else {"doc_to_target": target})
