"""Short questions with choices, in the schemas of ARC, MMLU and BBH, within the tiny models' context."""

from __future__ import annotations

from random import Random
from typing import Any

ITEMS = 24
UNITS = ("", " of them", " or so", " pieces in all", " é")


def arc() -> list[dict[str, Any]]:
    """Sums whose choices differ in length, so that the length matters; some labels are numbers."""
    draw, docs = Random(0), []
    for n in range(ITEMS):
        a, b = divmod(n, 5)
        texts = [f"{a + b + draw.choice((0, 1, 2, 3)) + i}{draw.choice(UNITS)}" for i in range(3 + n % 2)]
        labels = list("1234" if n % 3 == 0 else "ABCD")[: len(texts)]
        choices = {"text": texts, "label": labels}
        key = draw.choice(labels)
        docs.append({"id": str(n), "question": f"What is {a}+{b}?", "choices": choices, "answerKey": key})
    return docs


def mmlu(*subjects: str) -> list[dict[str, Any]]:
    """Questions of subjects in turn."""
    draw = Random(1)
    return [
        {
            "question": f" Which bone is number {n}? ",
            "subject": subjects[n % len(subjects)],
            "choices": [f"bone {draw.randint(1, 99)}" for _ in range(4)],
            "answer": draw.randrange(4),
        }
        for n in range(ITEMS)
    ]


def boolean() -> list[dict[str, Any]]:
    """BBH's boolean expressions."""
    draw, words = Random(2), ("True", "False", "not True", "not False")
    asked = [f"{words[n % 4]} and {words[n // 4 % 4]} or {words[n // 16]} is" for n in range(ITEMS)]
    return [{"input": text, "target": draw.choice(words[:2])} for text in asked]


def counting() -> list[dict[str, Any]]:
    """BBH's object counting: a target that is a number names a choice by its place."""
    return [
        {"input": f"I have {n} plums. How many fruits do I have?", "target": str(n % 19)}
        for n in range(ITEMS)
    ]
