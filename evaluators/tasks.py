"""lm-eval's task definitions: what a model is asked, and which grader judges the answer.

A task's YAML is found by name without lm-eval's TaskManager, whose index takes 7 to 20 s to build. Few-shot
examples are always the first ones: lm-eval's default sampler gives a document different ones in each call.
"""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache
from importlib.metadata import version
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from evaluators.errors import SliceError, TaskError
from evaluators.quiet import quiet
from evaluators.rows import Row, read_rows

if TYPE_CHECKING:
    from lm_eval.api.task import ConfigurableTask


@dataclass(frozen=True)
class Benchmark:
    """Tasks that share a schema and a grader."""

    fields: Mapping[str, str]
    """The schema: each field of a row and the mark that its text must contain ("" for none)."""
    libraries: tuple[str, ...]
    """Distributions whose version can change a prompt or a verdict."""
    functions: bool = True
    """False where lm-eval's Python beside the YAML fails to load offline, so that only its text is used."""


BENCHMARKS: Mapping[str, Benchmark] = {
    "gsm8k": Benchmark({"question": "", "answer": "#### "}, ("lm_eval",)),
    "minerva_math": Benchmark({"problem": "", "solution": "\\boxed"}, ("lm_eval", "math-verify")),
    "humaneval": Benchmark(
        {"task_id": "", "prompt": "", "entry_point": "", "canonical_solution": "", "test": "def check("},
        ("lm_eval",),
        functions=False,
    ),
}

MINERVA_MATH = (
    "minerva_math_algebra",
    "minerva_math_counting_and_prob",
    "minerva_math_geometry",
    "minerva_math_intermediate_algebra",
    "minerva_math_num_theory",
    "minerva_math_prealgebra",
    "minerva_math_precalc",
    "minerva_math500",
)


@dataclass(frozen=True)
class Questions:
    """A task's items as lm-eval would ask them: one prompt a row, and where to stop."""

    grader: str
    rows: tuple[Row, ...]
    prompts: tuple[str, ...]
    stop: tuple[str, ...]


def ask(task: str, data: Path | None, num_fewshot: int | None) -> Questions:
    """The items of `task` in a JSONL file or the hub's dataset, with the contexts that lm-eval gives a model.

    `num_fewshot` None means the task's own. Examples that the task does not bring along come from its
    training split, or from the first rows of `data`, which then are no items.
    Raises TaskError or SliceError.
    """
    name = benchmark_of(task)
    config = _config(task, data, num_fewshot)
    with quiet("lm_eval"), _no_progress_bars():
        definition, rows = _on_rows(name, config, data) if data else _on_hub(name, config)
        prompts = tuple(_prompt(definition, doc) for doc in definition.eval_docs)
    return Questions(name, rows, prompts, tuple(config["generation_kwargs"]["until"]))


def benchmark_of(task: str) -> str:
    """A task's key in BENCHMARKS, also its grader's name; raises TaskError with the nearest names."""
    if task in BENCHMARKS:
        return task
    if task in MINERVA_MATH:
        return "minerva_math"
    known = [*BENCHMARKS, *MINERVA_MATH]
    if task in _lm_eval_tasks():
        raise TaskError(f"task '{task}' of lm-eval has no grader here; graded tasks: {', '.join(known)}")
    near = difflib.get_close_matches(task, [*known, *sorted(_lm_eval_tasks())], n=3)
    hint = f"did you mean {' or '.join(map(repr, near))}?" if near else f"graded tasks: {', '.join(known)}"
    raise TaskError(f"lm-eval knows no task '{task}'; {hint}")


def grader_version(grader: str) -> str:
    """The grader and the versions of the libraries behind its prompts and verdicts, as one line."""
    libraries = BENCHMARKS[grader].libraries if grader in BENCHMARKS else ("lm_eval",)
    return " ".join([f"{grader}/1", *(f"{name}=={version(name)}" for name in libraries)])


def task_config(task: str) -> dict[str, Any]:
    """The task's YAML with includes merged; functions that would not load offline are left as text."""
    from lm_eval.tasks._yaml_loader import load_yaml

    config: dict[str, Any] = load_yaml(_yaml(task), resolve_func=BENCHMARKS[benchmark_of(task)].functions)
    return config


def _tasks_dir() -> Path:
    spec = find_spec("lm_eval")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0], "tasks")


def _yaml(task: str) -> Path:
    # lm-eval's subjects share one prompt; `minerva_math` itself is only a name for them all.
    name = "minerva_math_algebra" if task == "minerva_math" else task
    return _tasks_dir() / benchmark_of(task) / f"{name}.yaml"


@cache
def _lm_eval_tasks() -> frozenset[str]:
    """The names in lm-eval's task files, by their lines that say `task: name`: under 1 s for 14,000 files."""
    line = re.compile(rb"^task: *[\"']?([\w.-]+)[\"']? *(?:#.*)?$", re.MULTILINE)
    found = (line.search(path.read_bytes()) for path in _tasks_dir().rglob("*.yaml"))
    return frozenset(match[1].decode() for match in found if match)


def _config(task: str, data: Path | None, num_fewshot: int | None) -> dict[str, Any]:
    """The task's YAML less metrics and filters (the graders apply them), its first examples as few-shots."""
    if task == "minerva_math" and data is None:
        raise TaskError(f"task '{task}' needs `data:`; the hub has its parts: {', '.join(MINERVA_MATH)}")
    config = {k: v for k, v in task_config(task).items() if k not in {"tag", "metric_list", "filter_list"}}
    config["fewshot_config"] = {**(config.get("fewshot_config") or {}), "sampler": "first_n"}
    shots = config["num_fewshot"] if num_fewshot is None else num_fewshot
    most = len(config["fewshot_config"]["samples"]()) if _brings_examples(config) else shots
    if not 0 <= shots <= most:
        raise TaskError(f"task '{task}': num_fewshot is {shots}; write a number from 0 to {max(most, 0)}")
    return {**config, "num_fewshot": shots}


def _brings_examples(config: Mapping[str, Any]) -> bool:
    return callable(config["fewshot_config"].get("samples"))


def _on_rows(name: str, config: dict[str, Any], data: Path) -> tuple[ConfigurableTask, tuple[Row, ...]]:
    """The task over local rows; no `process_docs`: MATH's only adds gold answers, which no prompt shows."""
    from datasets import Dataset
    from lm_eval.api.task import ConfigurableTask

    rows = read_rows(data, BENCHMARKS[name].fields)
    taken = 0 if _brings_examples(config) else config["num_fewshot"]
    examples, items = rows[:taken], rows[taken:]
    if not items:
        raise SliceError(f"{data}: {len(rows)} rows, {taken} wanted as examples, leave no item; add items")

    def dataset(part: Sequence[Row]) -> Dataset:
        return Dataset.from_list([{"answer": "", **row.doc} for row in part])

    splits = {config.get("training_split"): dataset(examples or items), config["test_split"]: dataset(items)}
    source = {"custom_dataset": lambda **_: splits, "dataset_kwargs": None, "metadata": None}
    return ConfigurableTask(config={**config, **source, "process_docs": None}), items


def _on_hub(name: str, config: dict[str, Any]) -> tuple[ConfigurableTask, tuple[Row, ...]]:
    from lm_eval.api.task import ConfigurableTask

    try:
        definition = ConfigurableTask(config=config)
    except (OSError, ValueError) as error:
        reason = str(error).partition("\n")[0]
        raise SliceError(f"cannot load dataset {config['dataset_path']} ({reason}); give `data:`") from error
    docs = ({field: doc[field] for field in BENCHMARKS[name].fields} for doc in definition.eval_docs)
    return definition, tuple(Row(index, doc) for index, doc in enumerate(docs))


def _prompt(definition: ConfigurableTask, doc: Mapping[str, Any]) -> str:
    shots, prefix = definition.config.num_fewshot, definition.doc_to_prefix(doc)
    prompt = definition.fewshot_context(doc, num_fewshot=shots, gen_prefix=prefix)
    assert isinstance(prompt, str), "a task with several inputs has no single prompt"
    return prompt


@contextmanager
def _no_progress_bars() -> Iterator[None]:
    from datasets.utils import logging as bars

    shown = bars.is_progress_bar_enabled()
    bars.disable_progress_bar()
    try:
        yield
    finally:
        if shown:
            bars.enable_progress_bar()
