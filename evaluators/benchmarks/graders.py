"""What counts as a correct answer: each benchmark's own verdict, as lm-eval reaches it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from evaluators.benchmarks.catalogue import verdicts_of
from evaluators.benchmarks.code_cases import humaneval_case, mbpp_case
from evaluators.benchmarks.filters import INVALID, exact_match, extract, gold, own_results
from evaluators.benchmarks.mathematics import verify_all
from evaluators.sandbox.run import CodeCase, run_tests

if TYPE_CHECKING:
    from evaluators.benchmarks.items import Item


@dataclass(frozen=True)
class Grade:
    """A verdict, and the answer that it was based on when one was looked for and found in the text."""

    correct: bool
    extracted: str | None
    flexible: bool | None = None
    """The verdict under lm-eval's `flexible-extract`, which takes the last number, where a task has it
    besides the verdict that was asked for."""


Grader = Callable[[Sequence["Item"], Sequence[str]], list[Grade]]

PROGRAM_SECONDS = 3.0
"""Time of one program: what lm-eval's code_eval allows."""


def grade_by(grader: str, items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """The verdicts of a slice's grader: of a benchmark's usual one, or of another filter of its task.

    The others are written as `gsm8k:flexible-extract`.
    """
    usual, _, verdict = grader.partition(":")
    if verdict:
        return _exact_matches(usual, items, texts, verdict)
    return GRADERS[usual](items, texts)


def grade_minerva_math(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """lm-eval's `math_verify`: the answers parsed from text and solution are the same mathematics."""
    pairs = [(item.doc["solution"], text) for item, text in zip(items, texts, strict=True)]
    return [Grade(*verdict) for verdict in verify_all(pairs)]


def grade_hendrycks_math(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """lm-eval's `exact_match`: from the first `$` to the last, else the whole text, is the boxed answer.

    Both are compared as text, once their LaTeX is written alike.
    """
    results = own_results("hendrycks_math_algebra")
    return [
        Grade(bool(results(item.doc, [text])["exact_match"]), _between_dollars(text))
        for item, text in zip(items, texts, strict=True)
    ]


def grade_humaneval(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """pass@1: the prompt with its completion passes the item's own `check`."""
    return _run([humaneval_case(item.doc, text) for item, text in zip(items, texts, strict=True)])


def grade_humaneval_instruct(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """As HumanEval, of what the text has before a fence."""
    docs = [item.doc for item in items]
    programs = extract("humaneval_instruct", "create_test", docs, texts)
    completions = [
        program.removeprefix(doc["prompt"]) for doc, (program,) in zip(docs, programs, strict=True)
    ]
    cut = [
        completion if completion != text else None
        for completion, text in zip(completions, texts, strict=True)
    ]
    return _run([humaneval_case(*each) for each in zip(docs, completions, strict=True)], cut)


def grade_mbpp(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """pass@1: the completion passes every assert of the item's `test_list`, after its `test_setup_code`."""
    return _run([mbpp_case(item.doc, text) for item, text in zip(items, texts, strict=True)])


def grade_mbpp_instruct(items: Sequence[Item], texts: Sequence[str]) -> list[Grade]:
    """As MBPP, of the text's first block of code; its prompt has opened one already.

    lm-eval takes a word that the text begins with, `def` too, for the block's language, and leaves it out.
    """
    docs = [item.doc for item in items]
    programs = [program for (program,) in extract("mbpp_instruct", "extract_code", docs, texts)]
    cases = [mbpp_case(*each) for each in zip(docs, programs, strict=True)]
    return _run(cases, [program or None for program in programs])


def _run(cases: Sequence[CodeCase], extracted: Sequence[str | None] | None = None) -> list[Grade]:
    distinct = list(dict.fromkeys(cases))
    outcomes = dict(zip(distinct, run_tests(distinct, timeout_s=PROGRAM_SECONDS), strict=True))
    found = extracted or [None] * len(cases)
    return [Grade(outcomes[case].passed, code) for case, code in zip(cases, found, strict=True)]


def _exact_matches(
    task: str, items: Sequence[Item], texts: Sequence[str], verdict: str | None = None
) -> list[Grade]:
    """lm-eval's `exact_match` under one of the task's filters, None for the first; the second is flexible."""
    docs = [item.doc for item in items]
    usual, flexible = verdicts_of(task)
    wanted = extract(task, verdict or usual, docs, texts)
    loose = [None] * len(texts) if verdict else extract(task, flexible, docs, texts)
    return [
        _exact_grade(task, doc["answer"], *answers) for doc, *answers in zip(docs, wanted, loose, strict=True)
    ]


def _exact_grade(task: str, solution: str, answer: str, flexible: str | None) -> Grade:
    equal, right = exact_match(task), gold(task, solution)
    found = None if answer == INVALID else answer
    return Grade(equal(right, answer), found, None if flexible is None else equal(right, flexible))


def _between_dollars(text: str) -> str | None:
    first, last = text.find("$"), text.rfind("$")
    return text[first + 1 : last] if first < last else None


NUMBERS = ("gsm8k", "gsm8k_cot", "gsm8k_cot_zeroshot", "gsm8k_cot_llama", "gsm8k_llama")
"""Graders by the number that a filter of the task of the same name finds."""

GRADERS: Mapping[str, Grader] = {
    **{task: partial(_exact_matches, task) for task in NUMBERS},
    "minerva_math": grade_minerva_math,
    "hendrycks_math": grade_hendrycks_math,
    "humaneval": grade_humaneval,
    "humaneval_instruct": grade_humaneval_instruct,
    "mbpp": grade_mbpp,
    "mbpp_instruct": grade_mbpp_instruct,
}
"""What grades a text by the usual verdict; `choices.GRADED_BY` picks among choices."""

RUNS_CODE = frozenset({"humaneval", "humaneval_instruct", "mbpp", "mbpp_instruct"})
"""Graders that run what the model wrote."""
