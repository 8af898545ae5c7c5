"""What counts as a correct answer: each benchmark's own verdict, as lm-eval reaches it."""

from __future__ import annotations

import ast
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from evaluators.errors import EngineError
from evaluators.quiet import quiet
from evaluators.sandbox import CodeCase, run_tests
from evaluators.tasks import task_config

if TYPE_CHECKING:
    from evaluators.slices import Item


@dataclass(frozen=True)
class Grade:
    """A verdict, and the answer that it was based on when one was looked for and found in the text."""

    correct: bool
    extracted: str | None


Grader = Callable[[Sequence["Item"], Sequence[str]], list[Grade]]

PROGRAM_SECONDS = 3.0
"""Time of one program: what lm-eval's code_eval allows."""


def grade_gsm8k(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """lm-eval's `exact_match` under its `strict-match` filter: the number after `#### `."""
    return [_exact_match("gsm8k", item.doc["answer"], text) for item, text in zip(items, texts, strict=True)]


def grade_minerva_math(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """lm-eval's `math_verify`: the answers parsed from text and solution are the same mathematics."""
    if threading.current_thread() is not threading.main_thread():
        raise EngineError("math-verify needs signals to stop hung parses; grade MATH in the main thread")
    with quiet("math_verify"):
        return [_math_verify(item.doc["solution"], text) for item, text in zip(items, texts, strict=True)]


def grade_humaneval(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """pass@1: the prompt with its completion passes the item's own `check`."""
    cases = [humaneval_case(item.doc, text) for item, text in zip(items, texts, strict=True)]
    distinct = list(dict.fromkeys(cases))
    outcomes = dict(zip(distinct, run_tests(distinct, timeout_s=PROGRAM_SECONDS), strict=True))
    return [Grade(outcomes[case].passed, None) for case in cases]


def humaneval_case(doc: Mapping[str, str], completion: str) -> CodeCase:
    """A completed prompt, and apart from it the item's `check`, with the prompt's own helpers beside it.

    The helpers are taken from the prompt, so that a completion cannot redefine what the tests lean on.
    """
    return CodeCase(
        definitions=f"{doc['prompt']}{completion}\n",
        tests=f"{doc['test']}\ncheck({doc['entry_point']})\n",
        given=_parsable(doc["prompt"]),
        names=(doc["entry_point"],),
    )


def _parsable(prompt: str) -> str:
    """A prompt as a module of its own: it may end at a signature that nothing follows yet."""
    for module in (prompt, f"{prompt}    pass\n"):
        try:
            ast.parse(module)
        except SyntaxError:
            continue
        return module
    return ""


GRADERS: Mapping[str, Grader] = {
    "gsm8k": grade_gsm8k,
    "minerva_math": grade_minerva_math,
    "humaneval": grade_humaneval,
}


@cache
def _strict_match(task: str) -> tuple[Callable[[str], str], Callable[[str, str], bool]]:
    """The `strict-match` filter and the `exact_match` metric as the task's YAML configures them."""
    from lm_eval.api.instance import Instance
    from lm_eval.api.registry import get_metric
    from lm_eval.filters import build_filter_ensemble

    config = task_config(task)
    steps = next(entry["filter"] for entry in config["filter_list"] if entry["name"] == "strict-match")
    ensemble = build_filter_ensemble(
        "strict-match", [[step["function"], _without(step, "function")] for step in steps]
    )
    metric = next(entry for entry in config["metric_list"] if entry["metric"] == "exact_match")
    options = _without(metric, "metric", "aggregation", "higher_is_better")
    exact_match = get_metric("exact_match")

    def extract(text: str) -> str:
        instance = Instance("generate_until", {}, (), 0, resps=[text])
        ensemble.apply([instance])
        answer: str = instance.filtered_resps["strict-match"]
        return answer

    def equal(gold: str, answer: str) -> bool:
        return bool(exact_match(references=[gold], predictions=[answer], **options)["exact_match"])

    return extract, equal


def _without(entry: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in entry.items() if key not in keys}


def _exact_match(task: str, gold: str, text: str) -> Grade:
    extract, equal = _strict_match(task)
    answer = extract(text)
    return Grade(equal(gold, answer), None if answer == "[invalid]" else answer)


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
