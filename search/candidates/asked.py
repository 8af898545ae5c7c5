"""Where a study's items come from, and what a candidate reached on them in the words of the hub."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from huggingface_hub.repocard_data import EvalResult

from evaluators.benchmarks.catalogue import task_config
from evaluators.errors import TaskError
from evaluators.score import Accuracy
from studies.store.identity import JSON


@dataclass(frozen=True)
class Source:
    """What a slice's items are of."""

    task: str
    dataset: str | None = None
    """An id on the hub; None: files of whoever ran the study."""
    config: str | None = None
    split: str | None = None
    """Which of the dataset judges."""


def sources_of(identity: Mapping[str, JSON]) -> dict[str, Source]:
    """Each slice's source by its name, as far as a study's identity tells."""
    study = identity.get("study")
    slices = study.get("slices") if isinstance(study, Mapping) else None
    if not isinstance(slices, list | tuple):
        return {}
    told = [each for each in slices if isinstance(each, Mapping) and "name" in each and "task" in each]
    return {str(each["name"]): _source(str(each["task"]), each.get("data")) for each in told}


def results_of(scores: Mapping[str, Accuracy], sources: Mapping[str, Source]) -> list[EvalResult]:
    """One result for each slice, with n and interval in the name: the hub has no field for them."""
    return [_result(name, score, sources.get(name, Source(name))) for name, score in scores.items()]


def datasets_of(sources: Mapping[str, Source]) -> list[str]:
    """The ids of all datasets on the hub whose items the study has asked."""
    return list(dict.fromkeys(each.dataset for each in sources.values() if each.dataset))


def _source(task: str, data: JSON) -> Source:
    if data is not None:
        return Source(task)
    try:
        config: dict[str, Any] = task_config(task)
    except TaskError:  # a study of an earlier lm-eval
        return Source(task)
    named = (config.get(key) for key in ("dataset_path", "dataset_name", "test_split"))
    return Source(task, *(None if each is None else str(each) for each in named))


def _result(slice_: str, score: Accuracy, source: Source) -> EvalResult:
    own = "" if source.dataset else " (items of one's own)"
    return EvalResult(
        task_type="text-generation",
        dataset_type=source.dataset or source.task,
        dataset_name=f"{source.task}{own}",
        dataset_config=source.config,
        dataset_split=source.split,
        metric_type="accuracy",
        metric_name=(
            f"accuracy on slice {slice_}, {score.n} holdout items"
            f" [95% interval: {score.low:.4f} to {score.high:.4f}]"
        ),
        metric_value=round(score.mean, 4),
    )
