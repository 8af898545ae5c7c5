"""What lm-eval takes for the answer in a text, and whether it is the gold answer: its filters and metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import cache, lru_cache
from typing import Any

from evaluators.benchmarks.catalogue import task_config

INVALID = "[invalid]"
"""What a filter says when it finds nothing."""


def extract(task: str, name: str, docs: Sequence[Mapping[str, Any]], texts: Sequence[str]) -> list[Any]:
    """What one of the task's filters makes of the text to each doc: an answer, or a list of one program."""
    from lm_eval.api.instance import Instance

    instances = [
        Instance("generate_until", doc, (), 0, resps=[text]) for doc, text in zip(docs, texts, strict=True)
    ]
    if instances:
        _ensemble(task, name).apply(instances)
    return [instance.filtered_resps[name] for instance in instances]


@lru_cache(maxsize=100_000)
def gold(task: str, answer: str) -> str:
    """lm-eval's target of a row whose field `answer` this is."""
    from lm_eval.utils import apply_template

    return str(apply_template(_config(task)["doc_to_target"], {"answer": answer}))


@cache
def exact_match(task: str) -> Callable[[str, str], bool]:
    """The `exact_match` metric as the task configures it, of a gold answer and an extracted one."""
    from lm_eval.api.registry import get_metric

    metric = next(entry for entry in _config(task)["metric_list"] if entry["metric"] == "exact_match")
    options = _without(metric, "metric", "aggregation", "higher_is_better")
    compare = get_metric("exact_match")

    def equal(gold: str, answer: str) -> bool:
        return bool(compare(references=[gold], predictions=[answer], **options)["exact_match"])

    return equal


@cache
def own_results(task: str) -> Callable[[Mapping[str, Any], Sequence[str]], Mapping[str, Any]]:
    """The task's own `process_results`: its metrics of a doc and the list of one text."""
    results: Callable[[Mapping[str, Any], Sequence[str]], Mapping[str, Any]] = _config(task)[
        "process_results"
    ]
    return results


@cache
def _config(task: str) -> Mapping[str, Any]:
    return task_config(task)


@cache
def _ensemble(task: str, name: str) -> Any:
    from lm_eval.filters import build_filter_ensemble

    steps = next(entry["filter"] for entry in _config(task)["filter_list"] if entry["name"] == name)
    return build_filter_ensemble(name, [[step["function"], _without(step, "function")] for step in steps])


def _without(entry: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in keys}
