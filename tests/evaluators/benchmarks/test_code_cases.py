"""Shapes of MBPP's items: each passes with its gold answer, apart from the program wherever that can be."""

import pytest

from evaluators.benchmarks.code_cases import mbpp_case
from evaluators.sandbox.run import run_tests


def doc(code: str, *tests: str, setup: str = "") -> dict:
    return {"text": "", "code": code, "test_setup_code": setup, "test_list": list(tests)}


NODE = """class Node:
    def __init__(self, data):
        self.data, self.left = data, None
def depth(root):
    return 0 if root is None else 1 + depth(root.left)
"""
PAIR = """class Pair(object):
    def __init__(self, a, b):
        self.a, self.b = a, b
def widest(pairs):
    return max(p.b - p.a for p in pairs)
"""
APART = {
    "named as a builtin": doc("def sum(a,b):\r\n    return a+b", "assert sum(10,15) == 25"),
    "objects of the set-up": doc(
        NODE, "assert depth(root) == 2", setup="root = Node(1)\nroot.left = Node(2)"
    ),
    "objects of the program": doc(PAIR, "assert widest([Pair(5, 24), Pair(15, 25)]) == 19"),
    "a module of the program's": doc(
        "import sys\ndef size(t):\n    return sys.getsizeof(t)",
        'assert size(("A", 1)) == sys.getsizeof(("A", 1))',
    ),
    "a module of the set-up": doc(
        "def root(n):\n    return math.sqrt(n)", "assert math.isclose(root(16), 4.0)", setup="import math"
    ),
    "a subclass of dict": doc(
        "from collections import Counter\ndef count(t):\n    return Counter(t)",
        "assert count([1, 1, 2]) == {1: 2, 2: 1}",
    ),
    "an iterator": doc("def up(n):\n    yield from range(n)", "assert list(up(3)) == [0, 1, 2]"),
    "a helper of the set-up": doc(
        "def double(n):\n    return n + n",
        "assert near(double(2), 4)",
        setup="def near(a, b):\n    return abs(a - b) < 1e-6",
    ),
}
TOGETHER = {
    "a lambda": doc("def twice(f, x):\n    return f(f(x))", "assert twice(lambda x: x + 1, 1) == 3"),
    "an object of a module": doc(
        "def year(day):\n    return day.year",
        "assert year(datetime.date(2020, 1, 1)) == 2020",
        setup="import datetime",
    ),
    "a look into an object": doc(NODE, "assert Node(3).data == 3"),
}


@pytest.mark.parametrize("name", [*APART, *TOGETHER])
def test_gold_answers_of_every_shape_pass_and_another_answer_fails(name: str) -> None:
    item = {**APART, **TOGETHER}[name]
    cases = [mbpp_case(item, code) for code in (item["code"], f"{item['code']}\nraise ValueError", "")]
    assert [outcome.passed for outcome in run_tests(cases)] == [True, False, False]
    assert bool(cases[0].tests) == (name in APART)


@pytest.mark.parametrize(
    "trick",
    [
        "class Yes:\n    def __eq__(self, other):\n        return True\ndef double(n):\n    return Yes()",
        "import builtins\nbuiltins.abs = lambda x: 0\ndef double(n):\n    return 0",
        "def double(n):\n    return 0\ndef near(a, b):\n    return True",
        "import sys\nsys.exit(0)",
        "import os\nos._exit(0)",
    ],
)
def test_no_trick_makes_a_wrong_answer_right(trick: str) -> None:
    (outcome,) = run_tests([mbpp_case(APART["a helper of the set-up"], trick)])
    assert not outcome.passed


def test_a_function_that_is_handed_over_stays_the_programs() -> None:
    item = doc(
        "def apply(f, x):\n    return f(x)",
        "assert apply(inc, 1) == 2",
        setup="def inc(x):\n    return x + 1",
    )
    (outcome,) = run_tests([mbpp_case(item, item["code"])])
    assert outcome.passed
