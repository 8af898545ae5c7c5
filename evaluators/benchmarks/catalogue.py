"""The benchmarks that slices can be made of: their tasks in lm-eval, their schemas and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from evaluators.benchmarks.definitions import lm_eval_names, load_definition, nearest_names, task_files
from evaluators.benchmarks.rows import Check, Schema, text, texts, whole
from evaluators.errors import TaskError


@dataclass(frozen=True)
class Benchmark:
    """Tasks that share a schema and a verdict."""

    files: str
    """The YAML files of its tasks below lm-eval's tasks folder, as a glob."""
    schema: Schema
    """The fields of a row, as on the hub."""
    grader: str
    """The verdict: one of `graders.GRADERS`, or of `choices.GRADED_BY`."""
    scoring: Literal["generate", "choices"] = "generate"
    libraries: tuple[str, ...] = ("lm_eval",)
    """Distributions whose version can change a prompt or a verdict."""
    train: str | None = None
    """The split of the hub's dataset that search items come from; None: there is none to train on."""
    functions: bool = True
    """False where lm-eval's Python beside the YAML fails to load offline, so that only its text is used."""
    asked: Mapping[str, Check] = field(default_factory=dict)
    """Stricter checks where a prompt is made of a row, not only a verdict."""
    worked: Mapping[str, str] = field(default_factory=dict)
    """Fields that make lm-eval's target of a row the worked answer, as in a few-shot example."""
    gold: str | None = None
    """The field that is the gold answer where lm-eval's target is the tests."""
    subject: str | None = None
    """The field of a row that completes the name of its task, where the group itself is asked."""
    row: Callable[[Mapping[str, Any]], str] = lambda doc: ""
    """Says what is wrong with the fields of a row together, as a Check does of one."""


def _arc_choices(value: object) -> str:
    if not isinstance(value, dict) or not {"text", "label"} <= set(value):
        return "must be an object with the lists 'text' and 'label'"
    for part in ("text", "label"):
        if wrong := texts(2)(value[part]):
            return f"has a part '{part}' that {wrong}"
    found = len(value["text"]), len(value["label"])
    return "" if found[0] == found[1] else f"has {found[0]} texts, but {found[1]} labels"


def _arc_row(doc: Mapping[str, Any]) -> str:
    key, labels = doc["answerKey"], doc["choices"]["label"]
    return "" if key in labels else f"field 'answerKey' is {key!r}; the labels are {', '.join(labels)}"


_GSM8K: Schema = {"question": text(), "answer": text("#### ")}
_ARC: Schema = {"question": text(), "choices": _arc_choices, "answerKey": text()}
_MMLU: Schema = {"question": text(), "choices": texts(4), "answer": whole(4)}

BENCHMARKS: Mapping[str, Benchmark] = {
    "gsm8k": Benchmark("gsm8k/gsm8k.yaml", _GSM8K, "gsm8k", train="train"),
    "gsm8k_cot": Benchmark("gsm8k/gsm8k-cot.yaml", _GSM8K, "gsm8k_cot", train="train"),
    "gsm8k_cot_zeroshot": Benchmark(
        "gsm8k/gsm8k-cot-zeroshot.yaml", _GSM8K, "gsm8k_cot_zeroshot", train="train"
    ),
    "minerva_math": Benchmark(
        "minerva_math/minerva_math_*.yaml",
        {"problem": text(), "solution": text("\\boxed")},
        "minerva_math",
        libraries=("lm_eval", "math-verify"),
        train="train",
        worked={"few_shot": "1"},
    ),
    "minerva_math500": Benchmark(
        "minerva_math/minerva_math500.yaml",
        {"problem": text(), "solution": text("\\boxed")},
        "minerva_math",
        libraries=("lm_eval", "math-verify"),
        worked={"few_shot": "1"},
    ),
    "humaneval": Benchmark(
        "humaneval/humaneval.yaml",
        {
            "task_id": text(),
            "prompt": text(),
            "entry_point": text(),
            "canonical_solution": text(),
            "test": text("def check("),
        },
        "humaneval",
        functions=False,
        gold="canonical_solution",
    ),
    "mbpp": Benchmark(
        "mbpp/mbpp.yaml",
        {"text": text(), "code": text(), "test_setup_code": text(), "test_list": texts(1)},
        "mbpp",
        train="train",
        functions=False,
        asked={"test_list": texts(3)},  # its prompt shows three
        worked={"is_fewshot": "1"},
    ),
    "arc": Benchmark("arc/arc_*.yaml", _ARC, "acc_norm", "choices", train="train", row=_arc_row),
    "mmlu": Benchmark("mmlu/default/mmlu_*.yaml", _MMLU, "acc", "choices", subject="subject"),
    "leaderboard_bbh": Benchmark(
        "leaderboard/bbh_mc/[a-z]*.yaml", {"input": text(), "target": text()}, "acc_norm", "choices"
    ),
}

GROUPS: Mapping[str, str] = {"minerva_math": "minerva_math_algebra", "mmlu": "mmlu_abstract_algebra"}
"""Groups that can be asked themselves, and one of their tasks: it has the group's settings."""


def benchmark_of(task: str) -> Benchmark:
    """The benchmark of a task, or of a group that can be asked; raises TaskError with the nearest names."""
    return _located(task)[0]


def task_config(task: str) -> dict[str, Any]:
    """The task's YAML with includes merged, for a group that of its first task; raises TaskError."""
    benchmark, file = _located(GROUPS.get(task, task))
    return load_definition(file, benchmark.functions)


def parts_of(name: str) -> tuple[str, ...]:
    """The tasks of a benchmark, by its key."""
    return tuple(task for task, (own, _) in _tasks().items() if own is BENCHMARKS[name])


def grader_version(grader: str) -> str:
    """The grader and the versions of the libraries behind its prompts and verdicts, as one line."""
    libraries = next(
        each.libraries for each in BENCHMARKS.values() if each.grader == grader.removesuffix("_chat")
    )
    return " ".join([f"{grader}/1", *(f"{name}=={version(name)}" for name in libraries)])


@cache
def _tasks() -> Mapping[str, tuple[Benchmark, Path]]:
    return {
        task: (benchmark, file)
        for benchmark in BENCHMARKS.values()
        for task, file in task_files(benchmark.files).items()
    }


def _located(task: str) -> tuple[Benchmark, Path]:
    found = _tasks().get(GROUPS.get(task, task))
    if found is None:
        raise TaskError(_unknown(task))
    return found


def _unknown(task: str) -> str:
    known = ", ".join(_summary())
    tasks, groups = lm_eval_names()
    if task in BENCHMARKS:
        return f"'{task}' is a group of lm-eval's; give a task of it to each slice: {_some(parts_of(task))}"
    if task in tasks | groups:
        return f"'{task}' of lm-eval has no grader here; graded tasks: {known}"
    near = nearest_names(task, [*_tasks(), *GROUPS, *sorted(tasks | groups)])
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"graded tasks: {known}"
    return f"lm-eval knows no task '{task}'; {hint}"


def _summary() -> list[str]:
    """Every name that can be asked, the many of one benchmark as one: `mmlu_*`."""
    names: list[str] = []
    for name in BENCHMARKS:
        own = parts_of(name)
        names += own if len(own) < 3 else [f"{name}_*"]
    return names


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
