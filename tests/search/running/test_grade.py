"""`crucible grade`: verdicts on answers that were made elsewhere."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.search.conftest import Outcome

ITEMS = {
    "gsm8k": [{"question": f"{n}?", "answer": f"#### {n}"} for n in range(3)],
    "minerva_math": [{"problem": f"{n}?", "solution": f"$\\boxed{{{n}}}$"} for n in range(3)],
    "humaneval": [
        {
            "task_id": f"T/{n}",
            "prompt": "def f():\n",
            "entry_point": "f",
            "canonical_solution": f"    return {n}\n",
            "test": f"def check(candidate):\n    assert candidate() == {n}\n",
        }
        for n in range(3)
    ],
    "humaneval_instruct": [],
    "mbpp_instruct": [],
    "hendrycks_math500": [],
    "mbpp": [
        {"text": "t", "code": "c", "test_setup_code": "", "test_list": [f"assert f() == {n}"]}
        for n in range(3)
    ],
}
ITEMS["humaneval_instruct"] = ITEMS["humaneval"]
ITEMS["mbpp_instruct"] = ITEMS["mbpp"]
ITEMS["hendrycks_math500"] = ITEMS["minerva_math"]
ANSWER = {
    "humaneval_instruct": "    return {}\n```\nThis returns it.",
    "mbpp_instruct": "\ndef f():\n    return {}\n```\nThis returns it.",
    "hendrycks_math500": "So it is ${}$.",
    "gsm8k": "so\n#### {}",
    "minerva_math": "It is $\\boxed{{{}}}$.",
    "humaneval": "    return {}\n",
    "mbpp": "def f():\n    return {}",
}


@pytest.fixture
def grade(tmp_path: Path, crucible: Callable[..., Outcome]) -> Callable[..., Outcome]:
    """Grade (item, completion) pairs against a task's items."""

    def run(task: str, pairs: list, *options: str, items: list | None = None) -> Outcome:
        data, completions = tmp_path / "items.jsonl", tmp_path / "completions.jsonl"
        rows = ITEMS.get(task, []) if items is None else items
        data.write_text("".join(json.dumps(row) + "\n" for row in rows))
        lines = [json.dumps({"item": item, "completion": text}) for item, text in pairs]
        completions.write_text("".join(f"{line}\n" for line in lines))
        return crucible("grade", task, "--data", data, "--completions", completions, *options)

    return run


@pytest.mark.parametrize("task", ITEMS)
def test_every_completion_gets_a_verdict_in_its_order(grade, task: str) -> None:
    pairs = [(2, ANSWER[task].format(2)), (0, ANSWER[task].format(1)), (2, ANSWER[task].format(0)), (0, "")]
    done = grade(task, pairs, "--json")
    assert done.code == 0
    said = json.loads(done.out)
    assert (said["accuracy"], said["n"]) == (0.25, 4)
    assert [(each["item"], each["correct"]) for each in said["items"]] == [
        (2, True),
        (0, False),
        (2, False),
        (0, False),
    ]
    assert all("extracted" in each for each in said["items"])


def test_what_was_found_in_a_text_and_the_flexible_verdict_are_told(grade) -> None:
    said = json.loads(grade("gsm8k", [(1, "#### 1"), (1, "it is 1"), (1, "no")], "--json").out)
    assert said["items"] == [
        {"item": 1, "correct": True, "extracted": "1", "flexible": True},
        {"item": 1, "correct": False, "extracted": None, "flexible": True},
        {"item": 1, "correct": False, "extracted": None, "flexible": False},
    ]
    assert said["flexible_accuracy"] == pytest.approx(2 / 3)


def test_another_verdict_of_the_task_can_be_asked_for(grade) -> None:
    pairs = [(1, "#### 1"), (1, "it is 1"), (1, "no")]
    done = grade("gsm8k", pairs, "--verdict", "flexible-extract", "--json")
    said = json.loads(done.out)
    assert said["verdict"] == "flexible-extract"
    assert "flexible_accuracy" not in said
    assert said["items"] == [
        {"item": 1, "correct": True, "extracted": "1"},
        {"item": 1, "correct": True, "extracted": "1"},
        {"item": 1, "correct": False, "extracted": None},
    ]
    assert grade("gsm8k", pairs, "--verdict", "flexible-extract").out == (
        "gsm8k, flexible-extract: 2 of 3 correct, 66.7% (95% interval 20.8% to 93.9%)\n"
    )


@pytest.mark.parametrize(
    ("task", "reason"),
    [
        ("gsm8k", "verdict: task 'gsm8k' has strict-match and flexible-extract; found 'loose'"),
        ("mbpp", "verdict: task 'mbpp' has only one; leave it out (found 'loose')"),
    ],
)
def test_a_verdict_that_the_task_does_not_have_is_one_line(grade, task: str, reason: str) -> None:
    done = grade(task, [(0, "a")], "--verdict", "loose")
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert reason in done.err


def test_a_completion_is_graded_as_it_is(grade) -> None:
    beyond = "Question: another\n#### 1"  # a study would have stopped at `Question:`
    assert json.loads(grade("gsm8k", [(1, beyond)], "--json").out)["accuracy"] == 1


def test_a_person_reads_the_accuracy_with_its_n_and_interval(grade) -> None:
    done = grade("gsm8k", [(0, "#### 0"), (1, "it is 1")])
    assert done.out == (
        "gsm8k: 1 of 2 correct, 50.0% (95% interval 9.5% to 90.5%)\n  flexible-extract: 2 of 2, 100.0%\n"
    )


def test_the_subjects_of_math_are_graded_alike(grade) -> None:
    items = ITEMS["minerva_math"]
    assert json.loads(grade("minerva_math500", [(1, "$1$")], "--json", items=items).out)["accuracy"] == 1


@pytest.mark.parametrize(
    ("task", "pairs", "items", "reason"),
    [
        ("gsm8k", [(0, "a"), (3, "b")], None, "completions.jsonl line 2: item 3 is no line of"),
        ("gsm8k", [("0", "a")], None, "line 1: field 'item' must be a whole number from 0, found '0'"),
        ("gsm8k", [(0, None)], None, "line 1: field 'completion' must be a string, found NoneType"),
        (
            "gsm8k",
            [],
            None,
            "completions.jsonl: holds no line; write one object a line with item, completion",
        ),
        ("gsm8k", [(0, "a")], [], "items.jsonl: holds no line"),
        ("gsm8k", [(0, "a")], [{"question": "q"}], "items.jsonl line 1: field 'answer' is missing"),
        (
            "mbpp",
            [(0, "a")],
            [{"text": "t", "code": "c", "test_list": ["x"]}],
            "field 'test_setup_code' is missing",
        ),
        ("gsm8", [(0, "a")], None, "lm-eval knows no task 'gsm8'; did you mean 'gsm8k'"),
        ("arc_challenge", [(0, "a")], None, "is answered by choosing; there is no text to grade"),
    ],
)
def test_what_cannot_be_graded_is_one_line(grade, task: str, pairs: list, items, reason: str) -> None:
    done = grade(task, pairs, "--json", items=items)
    assert (done.code, done.out, done.err.count("\n")) == (2, "", 1)
    assert reason in done.err
