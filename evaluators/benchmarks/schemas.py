"""The rows of each benchmark: their fields as on the hub, and what is wrong with a field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from evaluators.benchmarks.quiet import read_first
from evaluators.benchmarks.rows import Schema, text, texts, whole


def _arc_choices(value: object) -> str:
    if not isinstance(value, dict) or not {"text", "label"} <= set(value):
        return "must be an object with the lists 'text' and 'label'"
    for part in ("text", "label"):
        if wrong := texts(2)(value[part]):
            return f"has a part '{part}' that {wrong}"
    found = len(value["text"]), len(value["label"])
    return "" if found[0] == found[1] else f"has {found[0]} texts, but {found[1]} labels"


def labelled(doc: Mapping[str, Any]) -> str:
    """What is wrong with a row of ARC whose answer is none of its labels."""
    key, labels = doc["answerKey"], doc["choices"]["label"]
    return "" if key in labels else f"field 'answerKey' is {key!r}; the labels are {', '.join(labels)}"


def _boxed(value: object) -> str:
    if wrong := text("\\boxed")(value):
        return wrong
    try:
        boxed_answer({"solution": value})
    except (AssertionError, TypeError):  # what lm-eval does with a solution that it cannot read
        return "boxes no answer that lm-eval can read; write it as \\boxed{…}"
    return ""


def boxed_answer(doc: Mapping[str, Any]) -> dict[str, Any]:
    """The answer that lm-eval finds in the solution of one of MATH's problems."""
    with read_first():
        from lm_eval.tasks.hendrycks_math.utils import last_boxed_only_string, remove_boxed
    return {"answer": remove_boxed(last_boxed_only_string(doc["solution"]))}


GSM8K: Schema = {"question": text(), "answer": text("#### ")}
HUMANEVAL: Schema = {
    "task_id": text(),
    "prompt": text(),
    "entry_point": text(),
    "canonical_solution": text(),
    "test": text("def check("),
}
MBPP: Schema = {"text": text(), "code": text(), "test_setup_code": text(), "test_list": texts(1)}
MATH: Schema = {"problem": text(), "solution": text("\\boxed")}
BOXED_MATH: Schema = {**MATH, "solution": _boxed}
ARC: Schema = {"question": text(), "choices": _arc_choices, "answerKey": text()}
MMLU: Schema = {"question": text(), "choices": texts(4), "answer": whole(4)}

BBH: Schema = {"input": text(), "target": text()}
