"""What counts as a correct answer: each benchmark's own verdict, as lm-eval reaches it."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from evaluators.benchmarks.catalogue import task_config
from evaluators.benchmarks.code_cases import humaneval_case, mbpp_case
from evaluators.benchmarks.quiet import quiet
from evaluators.errors import EngineError
from evaluators.sandbox.run import CodeCase, run_tests

if TYPE_CHECKING:
    from evaluators.benchmarks.items import Item


@dataclass(frozen=True)
class Grade:
    """A verdict, and the answer that it was based on when one was looked for and found in the text."""

    correct: bool
    extracted: str | None
    flexible: bool | None = None
    """The verdict under lm-eval's `flexible-extract`, which takes the last number, for tasks that have it."""


Grader = Callable[[Sequence["Item"], Sequence[str]], list[Grade]]

INVALID = "[invalid]"
"""What a filter of lm-eval says when it finds nothing."""

PROGRAM_SECONDS = 3.0
"""Time of one program: what lm-eval's code_eval allows."""


def grade_gsm8k(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """lm-eval's `exact_match` under its `strict-match` filter: the number after `#### `."""
    return _exact_matches("gsm8k", items, texts)


def grade_gsm8k_cot(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """As GSM8K, but the number after `The answer is`."""
    return _exact_matches("gsm8k_cot", items, texts)


def grade_gsm8k_cot_zeroshot(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """As `gsm8k_cot`, by the filters of its zero-shot variant."""
    return _exact_matches("gsm8k_cot_zeroshot", items, texts)


def grade_minerva_math(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """lm-eval's `math_verify`: the answers parsed from text and solution are the same mathematics."""
    if threading.current_thread() is not threading.main_thread():
        raise EngineError("math-verify needs signals to stop hung parses; grade MATH in the main thread")
    with quiet("math_verify"):
        return [_math_verify(item.doc["solution"], text) for item, text in zip(items, texts, strict=True)]


def grade_humaneval(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """pass@1: the prompt with its completion passes the item's own `check`."""
    return _run([humaneval_case(item.doc, text) for item, text in zip(items, texts, strict=True)])


def grade_mbpp(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """pass@1: the completion passes every assert of the item's `test_list`, after its `test_setup_code`."""
    return _run([mbpp_case(item.doc, text) for item, text in zip(items, texts, strict=True)])


GRADERS: Mapping[str, Grader] = {
    "gsm8k": grade_gsm8k,
    "gsm8k_cot": grade_gsm8k_cot,
    "gsm8k_cot_zeroshot": grade_gsm8k_cot_zeroshot,
    "minerva_math": grade_minerva_math,
    "humaneval": grade_humaneval,
    "mbpp": grade_mbpp,
}
"""What grades a text; `choices.GRADED_BY` picks among choices."""

RUNS_CODE = frozenset({"humaneval", "mbpp"})
"""Graders that run what the model wrote."""


def _run(cases: Sequence[CodeCase]) -> list[Grade]:
    distinct = list(dict.fromkeys(cases))
    outcomes = dict(zip(distinct, run_tests(distinct, timeout_s=PROGRAM_SECONDS), strict=True))
    return [Grade(outcomes[case].passed, None) for case in cases]


def _exact_matches(task: str, items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    strict, flexible = _extractor(task, "strict-match"), _extractor(task, "flexible-extract")
    equal = _exact_match(task)

    def grade(gold: str, text: str) -> Grade:
        answer = strict(text)
        found = None if answer == INVALID else answer
        return Grade(equal(gold, answer), found, flexible=equal(gold, flexible(text)))

    return [grade(item.doc["answer"], text) for item, text in zip(items, texts, strict=True)]


@cache
def _extractor(task: str, name: str) -> Callable[[str], str]:
    """The answer that one of the task's filters finds in a text, INVALID if none."""
    from lm_eval.api.instance import Instance
    from lm_eval.filters import build_filter_ensemble

    steps = next(entry["filter"] for entry in task_config(task)["filter_list"] if entry["name"] == name)
    ensemble = build_filter_ensemble(name, [[step["function"], _without(step, "function")] for step in steps])

    def extract(text: str) -> str:
        instance = Instance("generate_until", {}, (), 0, resps=[text])
        ensemble.apply([instance])
        answer: str = instance.filtered_resps[name]
        return answer

    return extract


@cache
def _exact_match(task: str) -> Callable[[str, str], bool]:
    """The `exact_match` metric as the task configures it."""
    from lm_eval.api.registry import get_metric

    metric = next(entry for entry in task_config(task)["metric_list"] if entry["metric"] == "exact_match")
    options = _without(metric, "metric", "aggregation", "higher_is_better")
    exact_match = get_metric("exact_match")

    def equal(gold: str, answer: str) -> bool:
        return bool(exact_match(references=[gold], predictions=[answer], **options)["exact_match"])

    return equal


def _without(entry: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in keys}


@lru_cache(maxsize=100_000)
def _gold(solution: str) -> list[Any]:
    from math_verify import parse

    parsed: list[Any] = parse(solution)
    return parsed


@lru_cache(maxsize=100_000)
def _math_verify(solution: str, text: str) -> Grade:
    """Cached: one parse takes milliseconds, and candidates often give the same answer."""
    from math_verify import parse, verify

    answer = parse(text)
    extracted = next((part for part in answer if isinstance(part, str)), None)
    return Grade(bool(verify(gold=_gold(solution), target=answer)), extracted)
