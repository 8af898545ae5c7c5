"""A code benchmark's item and a completion, as the sandbox wants them: untrusted code, and tests apart."""

from __future__ import annotations

import ast
import builtins
import sys
from collections.abc import Iterator, Mapping
from typing import Any

from evaluators.sandbox.run import CodeCase

DATA = {"bool", "bytearray", "bytes", "complex", "dict", "float", "frozenset", "int", "list", "range", "set"}
PLAIN = DATA | {"abs", "chr", "len", "max", "min", "ord", "round", "sorted", "str", "sum", "tuple"}
"""Builtins whose results are plain data, which travels into a program."""


def humaneval_case(doc: Mapping[str, Any], completion: str) -> CodeCase:
    """A completed prompt, and apart from it the item's `check`, with the prompt's own helpers beside it.

    The helpers are taken from the prompt, so that a completion cannot redefine what the tests lean on.
    """
    return CodeCase(
        definitions=f"{doc['prompt']}{completion}\n",
        tests=f"{doc['test']}\ncheck({doc['entry_point']})\n",
        given=_parsable(doc["prompt"]),
        names=(doc["entry_point"],),
    )


def mbpp_case(doc: Mapping[str, Any], completion: str) -> CodeCase:
    """A completion with the item's set-up, and apart from them every assert of its `test_list`.

    The set-up is the program's, whose objects it may build. What it only imports or defines as functions is
    beside the tests as well, so that a completion cannot redefine it. Where an assert hands over what is no
    plain data, such as a lambda, or looks into an object, all has to run as one program.
    """
    tests = "\n".join((*doc["test_list"], ""))
    program = f"{completion}\n{doc['test_setup_code']}\n"
    asserts, gold = _parsed(tests), _parsed(doc["code"])
    if asserts is None or not _apart(asserts):
        return CodeCase(f"{program}{tests}")
    used = {node.id for node in ast.walk(asserts) if isinstance(node, ast.Name)}
    own = [
        node.name for node in (gold.body if gold else ()) if isinstance(node, ast.FunctionDef | ast.ClassDef)
    ]
    return CodeCase(
        definitions=program,
        tests=tests,
        given=_given(doc["test_setup_code"], asserts),
        names=tuple(name for name in own if name in used),  # also where they are called as builtins are
    )


def _parsable(prompt: str) -> str:
    """A prompt as a module of its own: it may end at a signature that nothing follows yet."""
    return next((text for text in (prompt, f"{prompt}    pass\n") if _parsed(text) is not None), "")


def _parsed(text: str) -> ast.Module | None:
    try:
        return ast.parse(text)
    except (SyntaxError, ValueError):
        return None


def _given(setup: str, asserts: ast.Module) -> str:
    """The set-up if the tests can have it to themselves: functions and imports that no assert hands over."""
    module = _parsed(setup)
    if module is None or not all(
        isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom) for node in module.body
    ):
        return ""
    defined = {node.name for node in module.body if isinstance(node, ast.FunctionDef)}
    handed = {
        node.id for value in _handed_over(asserts) for node in ast.walk(value) if isinstance(node, ast.Name)
    }
    return "" if defined & handed else setup


def _apart(asserts: ast.Module) -> bool:
    """Whether the tests can run in another process than the program."""
    looked_into = [node.value for node in ast.walk(asserts) if isinstance(node, ast.Attribute)]
    modules = (isinstance(node, ast.Name) and node.id in sys.stdlib_module_names for node in looked_into)
    return all(modules) and all(map(_travels, _handed_over(asserts)))


def _handed_over(tests: ast.Module) -> Iterator[ast.expr]:
    """What the tests' calls are given."""
    for node in ast.walk(tests):
        if isinstance(node, ast.Call):
            yield from node.args
            yield from (keyword.value for keyword in node.keywords)


def _travels(value: ast.expr) -> bool:
    """Whether a value is sure to be plain data or the program's own."""
    for node in ast.walk(value):
        if isinstance(node, ast.Lambda | ast.GeneratorExp | ast.Attribute):
            return False
        name = node.func.id if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) else ""
        if hasattr(builtins, name) and name not in PLAIN:
            return False
    return True
