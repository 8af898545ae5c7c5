"""math-verify, in a process of its own: it stops hung parses with signals, which reach main threads alone.

So any thread may ask, and no parse holds up the process that drives the engine.
"""

from __future__ import annotations

import atexit
import sys
from collections.abc import Sequence
from functools import lru_cache
from multiprocessing.connection import Connection
from threading import Lock
from typing import Any

from evaluators.benchmarks.quiet import quiet, read_first
from evaluators.engines.process import EngineProcess
from evaluators.errors import EngineDied, EngineError

Verdict = tuple[bool, str | None]
"""Whether an answer is right, and what it was taken to be."""
PATIENCE_S = 120.0
"""Seconds without a sign of life, one of which comes after each answer; importing sympy may take ten."""
_CACHED = 100_000

_asking = Lock()
_process: EngineProcess | None = None


def verify_all(pairs: Sequence[tuple[str, str]]) -> list[Verdict]:
    """Whether the texts of (solution, text) pairs answer what their solutions do, in order.

    A process that dies is replaced, once. Raises EngineError where the next dies as well.
    """
    with _asking:
        try:
            return _ask(pairs)
        except EngineDied:
            try:
                return _ask(pairs)
            except EngineDied as error:
                raise EngineError(str(error)) from error  # the engine is well


def _ask(pairs: Sequence[tuple[str, str]]) -> list[Verdict]:
    global _process
    if _process is None or not _process.alive:
        _close()
        _process = EngineProcess("evaluators.benchmarks.mathematics", {}, called="math-verify")
    verdicts: list[Verdict] = _process.ask("verify", list(pairs), patience=PATIENCE_S)
    return verdicts


@atexit.register
def _close() -> None:
    if _process is not None:
        _process.kill()


@lru_cache(_CACHED)
def _gold(solution: str) -> list[Any]:
    from math_verify import parse

    parsed: list[Any] = parse(solution)
    return parsed


@lru_cache(_CACHED)
def _verify(solution: str, text: str) -> Verdict:
    """Cached: one parse takes milliseconds, and candidates often give the same answer."""
    from math_verify import parse, verify

    answer = parse(text)
    extracted = next((part for part in answer if isinstance(part, str)), None)
    return bool(verify(gold=_gold(solution), target=answer)), extracted


def serve(connection: Connection) -> None:
    """Answer one list of pairs after another, until the other side is gone."""
    while True:
        try:
            _, (pairs,) = connection.recv()
        except EOFError:
            return
        verdicts = []
        for solution, text in pairs:
            verdicts.append(_verify(solution, text))
            connection.send(("alive", None))
        connection.send(("done", verdicts))


def main() -> None:
    """`python -c 'import …; main()' DESCRIPTOR PARENT`.

    The pipe tells that the parent is gone: the kernel's word would come with the end of a mere thread of it.
    """
    with read_first(), quiet("math_verify"):
        serve(Connection(int(sys.argv[1])))
