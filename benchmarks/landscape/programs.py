"""Verdicts on the little programs of tiny models, without a sandbox where it is plain that none is needed.

A program of assignments, arithmetic on small numbers, slices and calls of a few harmless builtins cannot do
anything but return a value, and soon: it has no loop, no import, no attribute but a string's or list's
methods. It is run here. Every other one goes to the sandbox; tests compare the two.
"""

from __future__ import annotations

import ast
import builtins
import warnings
from collections.abc import Mapping, Sequence
from typing import Any

from evaluators.benchmarks.graders import grade_humaneval
from evaluators.benchmarks.items import Item

_CALLED = ("abs", "bool", "int", "len", "list", "max", "min", "round", "set", "sorted", "str", "sum", "tuple")
_METHODS = ("capitalize", "lower", "replace", "split", "strip", "swapcase", "title", "upper")
_NODES = (
    ast.Module, ast.arguments, ast.arg, ast.Expr, ast.Assign, ast.Return, ast.Load, ast.Store, ast.BinOp,
    ast.UnaryOp, ast.Subscript, ast.Slice, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv, ast.Mod, ast.USub,
)  # fmt: skip
_LARGEST, _PRODUCTS, _SUMS = 99, 3, 6
"""Of a number that is written down, and how many of each there may be: enough never to fill memory."""


def judge(items: Sequence[Item], texts: Sequence[str]) -> list[bool]:
    """HumanEval's verdict on each completion."""
    verdicts = [_at_once(item.doc, text) for item, text in zip(items, texts, strict=True)]
    left = [i for i, verdict in enumerate(verdicts) if verdict is None]
    grades = grade_humaneval([items[i] for i in left], [texts[i] for i in left])
    known = dict(zip(left, (grade.correct for grade in grades), strict=True))
    return [known[i] if verdict is None else verdict for i, verdict in enumerate(verdicts)]


def _at_once(doc: Mapping[str, Any], completion: str) -> bool | None:
    """The verdict, if it can be had without a sandbox."""
    program = f"{doc['prompt']}{completion}\n"
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            code, tree = compile(program, "program", "exec"), ast.parse(program)
    except (SyntaxError, ValueError):
        return False
    return _passes(code, doc) if is_harmless(tree) else None


def _passes(code: Any, doc: Mapping[str, Any]) -> bool:
    space: dict[str, Any] = {}
    tests: dict[str, Any] = {}
    exec(doc["test"], tests)
    try:
        exec(code, space)
        tests["check"](space[doc["entry_point"]])
    except Exception:
        return False
    return True


def is_harmless(tree: ast.Module) -> bool:
    """Whether a program is one function that can do nothing but compute a small value."""
    nodes = [*ast.walk(tree)]
    return (
        len(tree.body) == 1
        and all(_plain(node) for node in nodes)
        and sum(isinstance(node, ast.FunctionDef) for node in nodes) == 1
        and sum(isinstance(node, ast.Mult) for node in nodes) <= _PRODUCTS
        and sum(isinstance(node, ast.Add) for node in nodes) <= _SUMS
        and sum(isinstance(node, ast.Attribute) for node in nodes)
        == sum(isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) for node in nodes)
    )


def _plain(node: ast.AST) -> bool:
    if isinstance(node, ast.FunctionDef):
        return not (node.decorator_list or node.returns) and node.name not in dir(builtins)
    if isinstance(node, ast.Constant):
        return isinstance(node.value, str) or (type(node.value) is int and node.value <= _LARGEST)
    if isinstance(node, ast.Name):
        return node.id in _CALLED or not (node.id in dir(builtins) or node.id.startswith("_"))
    if isinstance(node, ast.Call):
        return isinstance(node.func, ast.Attribute) or (
            isinstance(node.func, ast.Name) and node.func.id in _CALLED
        )
    if isinstance(node, ast.Attribute):
        return node.attr in _METHODS
    return isinstance(node, _NODES)
