"""How many programs a second the sandbox judges: `python -m benchmarks.sandbox [HumanEval.jsonl.gz]`."""

from __future__ import annotations

import gzip
import json
import sys
from pathlib import Path
from time import perf_counter

from benchmarks.samples import say
from evaluators.benchmarks.code_cases import humaneval_case
from evaluators.benchmarks.graders import PROGRAM_SECONDS
from evaluators.sandbox.run import CodeCase, isolation, run_tests

RUNS = 5
SMALL = [
    CodeCase(f"def f(x):\n    return sorted(x)[{n}:]", f"assert f([3, 1, 2]) == {[1, 2, 3][n:]}")
    for n in [0, 1, 2] * 67
]


def main() -> None:
    """Judge small programs, or HumanEval's own solutions, several times over, each run with new sandboxes."""
    cases = SMALL
    if len(sys.argv) > 1:
        docs = map(json.loads, gzip.decompress(Path(sys.argv[1]).read_bytes()).splitlines())
        cases = [humaneval_case(doc, doc["canonical_solution"]) for doc in docs]
    say(f"isolated by {isolation().name}")
    for _ in range(RUNS):
        began = perf_counter()
        passed = sum(outcome.passed for outcome in run_tests(cases, PROGRAM_SECONDS))
        say(f"{passed} of {len(cases)} pass, {len(cases) / (perf_counter() - began):.0f} programs/s")


if __name__ == "__main__":
    main()
