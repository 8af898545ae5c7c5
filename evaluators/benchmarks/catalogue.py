"""The benchmarks that slices can be made of: their tasks in lm-eval, their schemas and their verdicts."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache
from importlib.metadata import version
from pathlib import Path
from typing import Any, Literal

from evaluators.benchmarks.definitions import lm_eval_names, load_definition, nearest_names, task_files
from evaluators.benchmarks.rows import Check, Schema, texts
from evaluators.benchmarks.schemas import (
    ARC,
    BBH,
    BOXED_MATH,
    GSM8K,
    HUMANEVAL,
    MATH,
    MBPP,
    MMLU,
    boxed_answer,
    labelled,
)
from evaluators.errors import TaskError


@dataclass(frozen=True)
class Benchmark:
    """Tasks that share a schema and a verdict."""

    files: str
    """The YAML files of its tasks below lm-eval's tasks folder, as a glob."""
    schema: Schema
    """The fields of a row, as on the hub."""
    grader: str
    """The usual verdict: one of `graders.GRADERS`, or of `choices.GRADED_BY`."""
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
    derive: Callable[[Mapping[str, Any]], Mapping[str, Any]] = lambda doc: {"answer": ""}
    """What lm-eval's `process_docs` adds to a row; a blank where no prompt shows it."""
    target: str | None = None
    """The field that is lm-eval's target, where its template would make a list of an answer like `[2,5]`."""
    asks: Literal["any", "base", "chat"] = "any"
    """Whom its prompts are written for: chat models answer them, base models go on with them."""
    counterpart: str | None = None
    """The task that asks the same of the other kind of model."""


BENCHMARKS: Mapping[str, Benchmark] = {
    "gsm8k": Benchmark("gsm8k/gsm8k.yaml", GSM8K, "gsm8k", train="train"),
    "gsm8k_cot": Benchmark("gsm8k/gsm8k-cot.yaml", GSM8K, "gsm8k_cot", train="train"),
    "gsm8k_cot_zeroshot": Benchmark(
        "gsm8k/gsm8k-cot-zeroshot.yaml", GSM8K, "gsm8k_cot_zeroshot", train="train"
    ),
    "gsm8k_cot_llama": Benchmark(
        "gsm8k/gsm8k-cot-llama.yaml",
        GSM8K,
        "gsm8k_cot_llama",
        train="train",
        asks="chat",
        counterpart="gsm8k_cot",
    ),
    "gsm8k_llama": Benchmark(
        "llama3/instruct/gsm8k/gsm8k.yaml",
        GSM8K,
        "gsm8k_llama",
        train="train",
        asks="chat",
        counterpart="gsm8k_cot",
    ),
    "minerva_math": Benchmark(
        "minerva_math/minerva_math_*.yaml",
        MATH,
        "minerva_math",
        libraries=("lm_eval", "math-verify"),
        train="train",
        worked={"few_shot": "1"},
    ),
    "minerva_math500": Benchmark(
        "minerva_math/minerva_math500.yaml",
        MATH,
        "minerva_math",
        libraries=("lm_eval", "math-verify"),
        worked={"few_shot": "1"},
    ),
    "hendrycks_math": Benchmark(
        "hendrycks_math/hendrycks_math_*.yaml",
        BOXED_MATH,
        "hendrycks_math",
        train="train",
        derive=boxed_answer,
        target="answer",
    ),
    "hendrycks_math500": Benchmark(
        "hendrycks_math/hendrycks_math500.yaml",
        BOXED_MATH,
        "hendrycks_math",
        derive=boxed_answer,
        target="answer",
    ),
    "humaneval": Benchmark(
        "humaneval/humaneval.yaml",
        HUMANEVAL,
        "humaneval",
        functions=False,
        gold="canonical_solution",
        asks="base",
        counterpart="humaneval_instruct",
    ),
    "humaneval_instruct": Benchmark(
        "humaneval/humaneval_instruct.yaml",
        HUMANEVAL,
        "humaneval_instruct",
        functions=False,
        gold="canonical_solution",
        asks="chat",
        counterpart="humaneval",
    ),
    "mbpp": Benchmark(
        "mbpp/mbpp.yaml",
        MBPP,
        "mbpp",
        train="train",
        functions=False,
        asked={"test_list": texts(3)},  # its prompt shows three
        worked={"is_fewshot": "1"},
        asks="base",
        counterpart="mbpp_instruct",
    ),
    "mbpp_instruct": Benchmark(
        "mbpp/mbpp_instruct.yaml",
        MBPP,
        "mbpp_instruct",
        train="train",
        functions=False,
        asked={"test_list": texts(3)},
        worked={"is_fewshot": "1"},
        asks="chat",
        counterpart="mbpp",
    ),
    "arc": Benchmark("arc/arc_*.yaml", ARC, "acc_norm", "choices", train="train", row=labelled),
    "mmlu": Benchmark("mmlu/default/mmlu_*.yaml", MMLU, "acc", "choices", subject="subject"),
    "leaderboard_bbh": Benchmark("leaderboard/bbh_mc/[a-z]*.yaml", BBH, "acc_norm", "choices"),
}

GROUPS: Mapping[str, str] = {
    "minerva_math": "minerva_math_algebra",
    "hendrycks_math": "hendrycks_math_algebra",
    "mmlu": "mmlu_abstract_algebra",
}
"""Groups that can be asked themselves, and one of their tasks: it has the group's settings."""


def benchmark_of(task: str) -> Benchmark:
    """The benchmark of a task, or of a group that can be asked; raises TaskError with the nearest names."""
    return _located(task)[0]


def task_config(task: str) -> dict[str, Any]:
    """The task's YAML with includes merged, for a group that of its first task; raises TaskError."""
    benchmark, file = _located(GROUPS.get(task, task))
    return load_definition(file, benchmark.functions)


@cache
def verdicts_of(task: str) -> tuple[str, ...]:
    """The names of the task's filters, each of which is a verdict of its own; the first is the usual one."""
    return tuple(entry["name"] for entry in task_config(task).get("filter_list") or ())


def grader_of(task: str, verdict: str | None = None) -> str:
    """The grader of the task's usual verdict, or of another of its filters, as `gsm8k:flexible-extract`.

    Raises TaskError where the task has no such filter.
    """
    usual = benchmark_of(task).grader
    known = verdicts_of(task)
    if verdict in (None, *known[:1]):
        return usual
    if verdict not in known:
        raise TaskError(_no_verdict(task, verdict, known))
    return f"{usual}:{verdict}"


def parts_of(name: str) -> tuple[str, ...]:
    """The tasks of a benchmark, by its key."""
    return tuple(task for task, (own, _) in _tasks().items() if own is BENCHMARKS[name])


def grader_version(grader: str) -> str:
    """The grader and the versions of the libraries behind its prompts and verdicts, as one line."""
    usual = grader.partition(":")[0].removesuffix("_chat")
    libraries = next(each.libraries for each in BENCHMARKS.values() if each.grader == usual)
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


def _no_verdict(task: str, verdict: object, known: Sequence[str]) -> str:
    if len(known) < 2:
        return f"verdict: task '{task}' has only one; leave it out (found {verdict!r})"
    near = nearest_names(str(verdict), known)
    hint = f"; did you mean {near[0]!r}?" if near else ""
    return f"verdict: task '{task}' has {' and '.join(known)}; found {verdict!r}{hint}"


def _summary() -> list[str]:
    """Every name that can be asked, the many of one benchmark as one: `mmlu_*`."""
    names: list[str] = []
    for name in BENCHMARKS:
        own = parts_of(name)
        names += own if len(own) < 3 else [f"{name}_*"]
    return names


def _some(names: Sequence[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
