"""Gold answers are right and altered ones wrong; where it runs offline, lm-eval is the oracle."""

import gzip
import json
import os
import re
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from evaluators.benchmarks import graders, mathematics
from evaluators.benchmarks.catalogue import BENCHMARKS
from evaluators.benchmarks.choices import GRADED_BY
from evaluators.benchmarks.code_cases import humaneval_case
from evaluators.benchmarks.graders import GRADERS, Grade, grade_by
from evaluators.benchmarks.slices import Item
from evaluators.errors import EngineError
from evaluators.sandbox.run import CodeCase, Outcome


def items(docs: list[dict]) -> list[Item]:
    return [Item(index, "", doc) for index, doc in enumerate(docs)]


def rows(path: Path) -> list[dict]:
    raw = path.read_bytes()
    return [json.loads(line) for line in (gzip.decompress(raw) if path.suffix == ".gz" else raw).splitlines()]


def grade(grader: str, doc: dict, text: str) -> Grade:
    return GRADERS[grader](items([doc]), [text])[0]


def test_every_benchmark_has_a_grader() -> None:
    generated = {each.grader for each in BENCHMARKS.values() if each.scoring == "generate"}
    chosen = {each.grader for each in BENCHMARKS.values() if each.scoring == "choices"}
    assert generated == set(GRADERS)
    assert chosen | {"acc_norm_chat"} == set(GRADED_BY)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("so it is\n#### 1234", Grade(True, "1234", flexible=True)),
        ("#### 1,234", Grade(True, "1,234", flexible=True)),
        ("#### 1234.", Grade(True, "1234.", flexible=True)),
        ("#### 1234\n#### 9", Grade(True, "1234", flexible=False)),
        ("#### 1235", Grade(False, "1235", flexible=False)),
        ("####1234", Grade(False, None, flexible=True)),
        ("the answer is 1234", Grade(False, None, flexible=True)),
        ("", Grade(False, None, flexible=False)),
    ],
)
def test_gsm8k_wants_the_number_after_the_mark_and_flexibly_the_last_one(text: str, expected: Grade) -> None:
    assert grade("gsm8k", {"answer": "600+634=1,234\n#### 1,234"}, text) == expected


def test_gsm8k_gold_answers_are_right_and_altered_ones_wrong(benchmark_data: Path) -> None:
    docs = rows(benchmark_data / "gsm8k_test.jsonl")
    gold = [doc["answer"] for doc in docs]
    altered = [re.sub(r"#### (-?)", r"#### \g<1>1", answer) for answer in gold]
    assert sum(found.correct for found in GRADERS["gsm8k"](items(docs), gold)) == 1319
    assert sum(found.correct for found in GRADERS["gsm8k"](items(docs), altered)) == 0


@pytest.mark.parametrize("task", ["gsm8k_cot", "gsm8k_cot_zeroshot"])
def test_a_chain_of_thought_ends_with_the_words_of_its_examples(task: str) -> None:
    doc = {"answer": "600+634=1,234\n#### 1,234"}
    assert grade(task, doc, "600 and 634. The answer is 1,234.") == Grade(True, "1,234", flexible=True)
    assert grade(task, doc, "600 and 634.\n#### 1234") == Grade(False, None, flexible=True)


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        (r"$\boxed{\frac{1}{2}}$", True),
        (r"Final Answer: The final answer is $0.5$. I hope it is correct.", True),
        ("it is 1/2", True),
        (r"$\boxed{\frac{2}{1}}$", False),
        ("no idea", False),
        ("", False),
    ],
)
def test_math_is_right_when_it_is_the_same_mathematics(text: str, correct: bool) -> None:
    assert grade("minerva_math", {"solution": r"Half, so $\boxed{\frac12}$."}, text).correct is correct


def test_math_shows_the_answer_that_it_found() -> None:
    assert grade("minerva_math", {"solution": r"$\boxed{3}$"}, r"so $\boxed{4}$").extracted == "4"
    assert grade("minerva_math", {"solution": r"$\boxed{3}$"}, "dunno").extracted is None


def test_math_verdicts_are_those_of_lm_eval(benchmark_data: Path) -> None:
    from lm_eval.tasks.minerva_math.utils import process_results

    docs = rows(benchmark_data / "math500_first250.jsonl")[:60]
    gold = [doc["solution"] for doc in docs]
    shifted = gold[1:] + gold[:1]
    assert all(found.correct for found in GRADERS["minerva_math"](items(docs), gold))
    for doc, text, found in zip(docs, shifted, GRADERS["minerva_math"](items(docs), shifted), strict=True):
        assert found.correct == bool(process_results(doc, [text])["math_verify"])


def test_math_gold_solutions_are_right_and_those_of_another_item_wrong(benchmark_data: Path) -> None:
    docs = rows(benchmark_data / "math500_first250.jsonl")
    gold = [doc["solution"] for doc in docs]
    answers = [doc["answer"].removeprefix("x=") for doc in docs]  # x=5 and 5 are the same answer
    after = [[*range(i + 1, len(docs)), *range(i)] for i in range(len(docs))]
    others = [
        gold[next(j for j in later if answers[j] != answer)]
        for answer, later in zip(answers, after, strict=True)
    ]
    assert sum(found.correct for found in GRADERS["minerva_math"](items(docs), gold)) == 250
    assert sum(found.correct for found in GRADERS["minerva_math"](items(docs), others)) == 0


def test_math_is_graded_in_any_thread_and_a_parse_that_hangs_is_stopped() -> None:
    """sympy would work on the power tower for hours."""
    docs = items([{"solution": r"$\boxed{3}$"}] * 3)
    with ThreadPoolExecutor(2) as pool:
        many = [pool.submit(GRADERS["minerva_math"], docs, texts) for texts in (MATHS, MATHS[::-1])]
        first, second = ([each.correct for each in found.result()] for found in many)
    assert (first, second) == ([True, False, False], [False, False, True])


MATHS = [r"$\boxed{3}$", r"$\boxed{9^{9^{9^{9^{9}}}}}$", r"$\boxed{4}$"]


def test_a_verifier_that_was_killed_is_replaced() -> None:
    assert grade("minerva_math", {"solution": r"$\boxed{3}$"}, "3").correct
    assert mathematics._process is not None
    os.kill(mathematics._process.pid, signal.SIGKILL)
    assert not grade("minerva_math", {"solution": r"$\boxed{3}$"}, "4").correct


def test_humaneval_solutions_pass_and_empty_ones_fail(benchmark_data: Path) -> None:
    docs = rows(benchmark_data / "HumanEval.jsonl.gz")
    gold = [doc["canonical_solution"] for doc in docs]
    empty = ["    return None"] * len(docs)
    assert sum(found.correct for found in GRADERS["humaneval"](items(docs), gold)) == 164
    assert sum(found.correct for found in GRADERS["humaneval"](items(docs), empty)) <= 4


def test_humaneval_grades_each_item_by_its_own_test() -> None:
    def doc(answer: int) -> dict:
        return {
            "prompt": "def f():\n",
            "entry_point": "f",
            "test": f"def check(candidate):\n    assert candidate() == {answer}\n",
        }

    texts = ["    return 1\n", "    return 1\n", "    return 2\n", "    return ("]
    found = GRADERS["humaneval"](items([doc(1), doc(2), doc(2), doc(2)]), texts)
    assert [each.correct for each in found] == [True, False, True, False]


def test_a_case_keeps_the_completion_apart_from_the_tests() -> None:
    doc = {"prompt": "def f():\n", "entry_point": "f", "test": "def check(c):\n    assert c()"}
    assert humaneval_case(doc, "    return 1") == CodeCase(
        definitions="def f():\n    return 1\n",
        tests="def check(c):\n    assert c()\ncheck(f)\n",
        given="def f():\n    pass\n",
        names=("f",),
    )


def test_a_completion_cannot_redefine_the_helpers_that_tests_lean_on() -> None:
    doc = {
        "prompt": "def double(x):\n    return 2 * x\n\ndef half(x):\n",
        "entry_point": "half",
        "test": "def check(candidate):\n    assert double(candidate(6)) == 6\n",
    }
    assert grade("humaneval", doc, "    return x / 2").correct
    assert not grade("humaneval", doc, "    return x\ndef double(x):\n    return x").correct


MBPP = {
    "text": "Write a function to double.",
    "code": "def double(n):\r\n  return fold(n, 2)",
    "test_setup_code": "def fold(n, times):\n    return n * times",
    "test_list": ["assert double(0) == 0", "assert double(2) == 4", "assert double(3) == 6"],
}


@pytest.mark.parametrize(
    ("text", "correct"),
    [
        (MBPP["code"], True),  # its set-up is at hand when the tests call it
        ("def double(n):\n    return n ** 2", False),  # right by two of its three tests
        ("def twice(n):\n    return 2 * n", False),
        ("def double(n):\n    return 2 * n\n[DONE]", False),  # as given: nothing is cut
        ("import os\nos._exit(0)", False),
        ("", False),
    ],
)
def test_mbpp_wants_every_assert_of_the_list_to_hold(text: str, correct: bool) -> None:
    assert grade("mbpp", MBPP, text).correct is correct


@pytest.mark.parametrize(
    ("text", "correct", "extracted"),
    [
        ("    return 1\n```\nIt returns 1.", True, "    return 1\n"),
        ("    return 1\n", True, None),  # no fence: the whole text goes on with the prompt
        ("```python\ndef f():\n    return 1\n```", False, ""),  # begun anew: nothing is left before it
        ("    return 2\n```", False, "    return 2\n"),
    ],
)
def test_humaneval_of_a_chat_model_ends_at_its_fence(text: str, correct: bool, extracted) -> None:
    doc = {"prompt": "def f():\n", "entry_point": "f", "test": "def check(c):\n    assert c() == 1\n"}
    assert grade("humaneval_instruct", doc, text) == Grade(correct, extracted)


@pytest.mark.parametrize(
    ("text", "correct", "extracted"),
    [
        (f"\n{MBPP['code']}\n```\nIt doubles.", True, MBPP["code"]),
        ("def f(): ...\n```", False, " f(): ..."),  # as lm-eval has it: a word at a fence is its language
        (f"```python\n{MBPP['code']}\n```", False, None),  # its first block is the empty one
        (MBPP["code"], False, None),
    ],
)
def test_mbpp_of_a_chat_model_is_its_first_block(text: str, correct: bool, extracted) -> None:
    assert grade("mbpp_instruct", MBPP, text) == Grade(correct, extracted)


@pytest.mark.parametrize(
    ("text", "correct", "extracted"),
    [
        ("So it is $\\frac{1}{2}$.", True, "\\frac{1}{2}"),
        ("$x = 3$ and then $\\frac{1}{2}$", False, "x = 3$ and then $\\frac{1}{2}"),
        (" 0.5 ", True, None),
        ("1/2", True, None),
        ("It is 1/2", False, None),
        ("$", False, None),
    ],
)
def test_hendrycks_math_wants_the_boxed_answer_between_dollars_or_alone(text, correct, extracted) -> None:
    doc = {"problem": "p", "solution": r"Half, so $\boxed{\frac12}$."}
    assert grade("hendrycks_math", doc, text) == Grade(correct, extracted)


def test_a_verdict_by_another_filter_shows_what_that_filter_found() -> None:
    found = grade_by("gsm8k:flexible-extract", items([{"answer": "#### 1,234"}]), ["#### 7, no: $1,234."])
    assert found == [Grade(True, "$1,234.")]


def test_a_gold_answer_is_what_lm_eval_s_target_makes_of_it() -> None:
    assert grade("gsm8k_cot", {"answer": "1 #### 1 \n"}, "The answer is 1.") == Grade(
        True, "1", flexible=True
    )


def test_a_broken_runner_is_no_verdict(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(cases: list[CodeCase], timeout_s: float) -> list[Outcome]:
        raise EngineError("the sandbox broke")

    monkeypatch.setattr(graders, "run_tests", broken)
    with pytest.raises(EngineError):
        grade("humaneval", {"prompt": "", "entry_point": "f", "test": ""}, "")
