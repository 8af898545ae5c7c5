"""Small functions in HumanEval's schema: `task_id`, `prompt`, `entry_point`, `canonical_solution`, `test`."""

from __future__ import annotations

import random

from example import Example

NAMES = ("apply", "build", "calc", "change", "convert", "derive", "f", "fix", "g", "handle", "run", "solve")
ORDINALS = ("first", "second", "third")
INTEGERS = (-7, 0, 3, 18, 45)
LISTS = ([5, 1, 9, 3, 7, 2, 8], [4, 4, -6, 12, 0, 31, 10], [20, 11, 6, -3, 15, 1, 2, 17])
STRINGS = ("abcdefg", "Hello you", "cRuCiBlE")


def make(rng: random.Random) -> Example:
    """Draw one task; the prompt as in lm-eval's `humaneval`, which sends it as it is."""
    argument, docstring, body, inputs = rng.choice(TEMPLATES)(rng)
    name = rng.choice(NAMES)
    prompt = f'def {name}({argument}):\n    """{docstring}"""\n'
    solution = "".join(f"    {line}\n" for line in body)
    record = {
        "task_id": "",
        "prompt": prompt,
        "entry_point": name,
        "canonical_solution": solution,
        "test": _test(prompt + solution, name, inputs),
    }
    return Example(prompt, solution, record)


Inputs = tuple[object, ...]
Task = tuple[str, str, list[str], Inputs]


def _test(source: str, name: str, inputs: Inputs) -> str:
    """The asserts that the reference solution passes, one for each input."""
    space: dict[str, object] = {}
    exec(source, space)
    function = space[name]
    assert callable(function)
    asserts = [f"    assert candidate({value!r}) == {function(value)!r}\n" for value in inputs]
    return "def check(candidate):\n" + "".join(asserts)


# an operation on an integer: what the docstring calls it, the same as a participle, and the expression
def _operation(rng: random.Random, x: str) -> tuple[str, str, str]:
    k = rng.randint(2, 40)
    return rng.choice(
        (
            (f"add {k}", f"adding {k}", f"{x} + {k}"),
            (f"subtract {k}", f"subtracting {k}", f"{x} - {k}"),
            (f"multiply by {k}", f"multiplying by {k}", f"{x} * {k}"),
            (f"divide by {k}", f"dividing by {k}", f"{x} // {k}"),
            (f"reduce modulo {k}", f"reducing modulo {k}", f"{x} % {k}"),
            ("double it", "doubling it", f"{x} * 2"),
            ("square it", "squaring it", f"{x} * {x}"),
            ("negate it", "negating it", f"-{x}"),
            ("drop the sign", "dropping the sign", f"abs({x})"),
            (f"cap it at {k}", f"capping it at {k}", f"min({x}, {k})"),
            (f"raise it to {k} or more", f"raising it to {k} or more", f"max({x}, {k})"),
        )
    )


def _two_steps(rng: random.Random) -> Task:
    x = rng.choice("abkmnxyz")
    (one, _, first), (two, _, second) = _operation(rng, x), _operation(rng, x)
    return x, f"Take {x}, {one}, then {two}.", [f"{x} = {first}", f"return {second}"], INTEGERS


def _reversed_order(rng: random.Random) -> Task:
    x = rng.choice("abkmnxyz")
    (_, one, first), (two, _, second) = _operation(rng, x), _operation(rng, x)
    return x, f"Take {x}, {two} after {one}.", [f"{x} = {first}", f"return {second}"], INTEGERS


# a list operation: what the docstring calls it, and the expression
def _arranged(rng: random.Random, a: str) -> tuple[str, str]:
    k = rng.randint(2, 4)
    return rng.choice(
        (
            ("Sort", f"sorted({a})"),
            ("Reverse", f"{a}[::-1]"),
            (f"Drop the first {k} of", f"{a}[{k}:]"),
            (f"Drop the last {k} of", f"{a}[:-{k}]"),
            ("Take every other one of", f"{a}[::2]"),
        )
    )


def _list_fold(rng: random.Random) -> Task:
    a = rng.choice(("a", "b", "v", "xs", "ys"))
    done, arranged = _arranged(rng, a)
    k = rng.randrange(2, 40)
    at = rng.randrange(3)
    wanted, result = rng.choice(
        (
            ("the sum", f"sum({a})"),
            ("the largest", f"max({a})"),
            ("the smallest", f"min({a})"),
            ("the count", f"len({a})"),
            (f"the {ORDINALS[at]} item", f"{a}[{at}]"),
            ("the last item", f"{a}[-1]"),
        )
    )
    plus, sign = rng.choice((("plus", "+"), ("minus", "-"), ("times", "*")))
    body = [f"{a} = {arranged}", f"return {result} {sign} {k}"]
    return a, f"{done} {a}, return {wanted} {plus} {k}.", body, LISTS


def _string(rng: random.Random) -> Task:
    s = rng.choice(("s", "t", "w", "st", "tx"))
    k, times = rng.randint(2, 5), rng.randint(2, 9)
    cut, part = rng.choice(
        (
            (f"the first {k} letters", f"{s}[:{k}]"),
            (f"the last {k} letters", f"{s}[-{k}:]"),
            ("the letters in reverse", f"{s}[::-1]"),
            ("every other letter", f"{s}[::2]"),
        )
    )
    case = rng.choice(("upper", "lower", "title"))
    body = [f"{s} = {part}", f"return {s}.{case}() * {times}"]
    return s, f"Return {cut} of {s} in {case} case, {times} times.", body, STRINGS


TEMPLATES = (_two_steps, _reversed_order, _list_fold, _string)
