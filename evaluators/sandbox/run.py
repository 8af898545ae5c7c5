"""Runs model-written code in sandboxes: no network, no files of ours, limits on all it can use.

The host's side. Sandboxes stay warm for a batch, one a processor; inside (`inside/child.py`) every case gets
processes, a /tmp and namespaces of its own. docs/sandbox.md says what a program can and cannot do.
"""

from __future__ import annotations

import os
from collections import deque
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from functools import cache

from evaluators.errors import EngineError, SandboxError
from evaluators.sandbox.keeper import Keeper
from evaluators.sandbox.ways import Way, remedy, ways

CASES_PER_SANDBOX = 4
"""Fewer are not worth a sandbox more."""


@dataclass(frozen=True)
class CodeCase:
    """What a model wrote and, apart from it, the tests that it has to pass.

    The two run in separate processes. A name that the tests use and that neither they, `given` nor Python
    define is the program's: its functions and classes are called from afar, with plain data in and out.
    """

    definitions: str
    """The program, not trusted; it has to run to its end before the tests begin."""
    tests: str = ""
    """Trusted code that raises where an answer is wrong; without it, the program has only to say it ended."""
    given: str = ""
    """Trusted code that runs before the tests, beside them: the helpers of a prompt, say."""
    names: tuple[str, ...] = ()
    """Names that are the program's even where `given` or Python define them too."""


@dataclass(frozen=True)
class Outcome:
    """Whether a case passed; if not, what it raised or `timeout`, `memory`, `processes`, `exit`, `killed`."""

    passed: bool
    reason: str


def run_tests(cases: Sequence[CodeCase], timeout_s: float = 5.0) -> list[Outcome]:
    """Run every case, with `timeout_s` seconds of wall time each; outcomes in order.

    Raises:
        SandboxError: this machine cannot isolate code; the message is one line with the remedy.
        EngineError: a sandbox broke; then nothing is known about any of the cases.
    """
    if not cases:
        return []
    way = isolation()
    waiting = deque(range(len(cases)))
    outcomes: dict[int, Outcome] = {}

    def work() -> None:
        try:
            with closing(Keeper(way)) as keeper:
                for index in _taken(waiting):
                    outcomes[index] = _outcome(keeper, cases[index], timeout_s)
        finally:
            waiting.clear()  # Where one broke, the others need not go on.

    jobs = max(1, min(_processors(), len(cases) // CASES_PER_SANDBOX))
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for worker in [pool.submit(work) for _ in range(jobs)]:
                worker.result()
        finally:
            waiting.clear()
    return [outcomes[index] for index in range(len(cases))]


@cache
def isolation() -> Way:
    """The first way of isolating code that works on this machine, tried for real.

    Raises:
        SandboxError: none does; the message is one line with the remedy.
    """
    refusals = []
    for way in ways():
        try:
            with closing(Keeper(way)) as keeper:
                outcome = _outcome(keeper, CodeCase("def f(x): return [x]", "assert f(1) == [1]"), 30.0)
            if outcome.passed:
                return way
            refusals.append(f"{way.name}: a program that should pass fails with {outcome.reason}")
        except EngineError as error:
            refusals.append(f"{way.name}: {error}")
    raise SandboxError(
        f"model-written code cannot be isolated on this machine; {remedy()} ({'; '.join(refusals)})"
    )


def _outcome(keeper: Keeper, case: CodeCase, timeout_s: float) -> Outcome:
    order = {"tests": case.tests, "given": case.given, "names": case.names}
    reason = keeper.run(case.definitions, order, timeout_s)
    return Outcome(reason == "", reason)


def _taken(waiting: deque[int]) -> Iterator[int]:
    """Take what waits, one by one; others take from it too."""
    while True:
        try:
            yield waiting.popleft()
        except IndexError:
            return


def _processors() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
