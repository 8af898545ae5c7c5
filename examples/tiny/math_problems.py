r"""Problems in MATH's schema: `problem`, `solution` with `\boxed{}`, `level`, `type`."""

from __future__ import annotations

import math
import random

from example import Example


def make(rng: random.Random) -> Example:
    """Draw one problem; prompt and target as in lm-eval's `minerva_math`, zero-shot."""
    template, kind = rng.choice(TEMPLATES)
    problem, solution = template(rng)
    record = {"problem": problem, "level": "Level 1", "type": kind, "solution": solution}
    return Example(f"Problem:\n{problem}\n\nSolution:", f" {solution}", record)


Problem = tuple[str, str]


def _evaluate(rng: random.Random) -> Problem:
    name = rng.choice("fghpqr")
    slope, offset, at = rng.randint(2, 9), rng.randint(2, 29), rng.randint(2, 9)
    product = slope * at
    ask = rng.choice(["Find ${0}({2})$ if ${0}(x)={1}$.", "Let ${0}(x)={1}$. What is ${0}({2})$?"])
    problem = ask.format(name, f"{slope}x+{offset}", at)
    return problem, rf"${slope}\cdot {at}+{offset}={product}+{offset}=\boxed{{{product + offset}}}$"


def _linear_equation(rng: random.Random) -> Problem:
    unknown = rng.choice("abkmntxyz")
    slope, root, offset = rng.randint(2, 9), rng.randint(2, 9), rng.randint(2, 29)
    right = slope * root + offset
    ask = rng.choice(["Solve ${1}$ for ${0}$.", "If ${1}$, what is ${0}$?", "Which ${0}$ gives ${1}$?"])
    problem = ask.format(unknown, f"{slope}{unknown}+{offset}={right}")
    return problem, rf"${slope}{unknown}={slope * root}$, so ${unknown}=\boxed{{{root}}}$"


def _fraction(rng: random.Random) -> Problem:
    factor, low = rng.randint(2, 9), rng.randint(2, 9)
    top = rng.choice([n for n in range(1, 10) if math.gcd(n, low) == 1])
    fraction = rf"$\frac{{{top * factor}}}{{{low * factor}}}$"
    ask = rng.choice(["Simplify {}.", "Write {} in lowest terms.", "Reduce the fraction {}."])
    return ask.format(fraction), rf"Divide by ${factor}$: $\boxed{{\frac{{{top}}}{{{low}}}}}$"


def _expand(rng: random.Random) -> Problem:
    unknown = rng.choice("abkmntxyz")
    one, two = rng.randint(1, 9), rng.randint(1, 9)
    product = f"$({unknown}+{one})({unknown}+{two})$"
    ask = rng.choice(["Expand {}.", "Write {} as a polynomial.", "Multiply out {}."])
    return ask.format(product), rf"$\boxed{{{unknown}^2+{one + two}{unknown}+{one * two}}}$"


def _remainder(rng: random.Random) -> Problem:
    divisor, quotient = rng.randint(3, 9), rng.randint(2, 9)
    rest = rng.randrange(divisor)
    number = divisor * quotient + rest
    ask = rng.choice(["What is ${}$ modulo ${}$?", "Find the remainder when ${}$ is divided by ${}$."])
    return ask.format(number, divisor), rf"${number}={divisor}\cdot {quotient}+{rest}$, so $\boxed{{{rest}}}$"


def _perimeter(rng: random.Random) -> Problem:
    wide, high = rng.randint(2, 29), rng.randint(2, 19)
    half = wide + high
    shape = rng.choice(["rectangle", "field", "garden", "room", "rug", "table"])
    asks = ("A {} is ${}$ by ${}$. What is its perimeter?", "How long is the edge of a {} of ${}$ by ${}$?")
    ask = rng.choice(asks)
    return ask.format(shape, wide, high), rf"$2({wide}+{high})=2\cdot {half}=\boxed{{{2 * half}}}$"


def _next_term(rng: random.Random) -> Problem:
    first, gap = rng.randint(1, 30), rng.randint(2, 12)
    terms = [first + gap * i for i in range(4)]
    listed = ", ".join(map(str, terms[:3]))
    ask = rng.choice(["What comes next in ${}$?", r"Find the next term of ${}, \ldots$"])
    return ask.format(listed), rf"${terms[2]}+{gap}=\boxed{{{terms[3]}}}$"


TEMPLATES = (
    (_evaluate, "Algebra"),
    (_linear_equation, "Algebra"),
    (_fraction, "Prealgebra"),
    (_expand, "Intermediate Algebra"),
    (_remainder, "Number Theory"),
    (_perimeter, "Geometry"),
    (_next_term, "Precalculus"),
)
