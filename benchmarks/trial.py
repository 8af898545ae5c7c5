"""Where a trial's time goes: `python -m benchmarks.trial [--engine vllm] [--items 501] [--trials 6]`.

Runs the tiny study's baselines, which warm everything up, then trials, with a clock around the functions that
do the work. What is timed inside another thing is not counted for that one.
"""

from __future__ import annotations

import argparse
import json
import tempfile
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import closing, contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from time import monotonic, perf_counter
from typing import Any

from benchmarks.machine import describe_machine

HERE = Path(__file__).parent
TINY = HERE.parent / "examples" / "tiny"
KINDS = {"humaneval": "sandbox", "mbpp": "sandbox", "minerva_math": "math-verify"}
NOT_OURS = ("merging", "swap and canary", "generation", "sandbox", "math-verify", "Optuna")
STORE = ("add_recipe", "register_candidate", "finish_candidate", "record", "measured", "tallies")


@dataclass
class Clock:
    """Seconds by name; the innermost thing that is being timed gets them."""

    spent: dict[str, float] = field(default_factory=dict)
    _inner: list[float] = field(default_factory=list)

    @contextmanager
    def timing(self, name: str) -> Iterator[None]:
        """Charge the block to `name`, but for what is timed within it."""
        began = perf_counter()
        self._inner.append(0.0)
        try:
            yield
        finally:
            took = perf_counter() - began
            self.charge(name, took - self._inner.pop())
            if self._inner:
                self._inner[-1] += took

    def charge(self, name: str, seconds: float) -> None:
        """Add seconds to a name."""
        self.spent[name] = self.spent.get(name, 0.0) + seconds

    def around(self, name: str, function: Callable[..., Any]) -> Callable[..., Any]:
        """The function, its calls charged to `name`."""

        def timed(*arguments: Any, **named: Any) -> Any:
            with self.timing(name):
                return function(*arguments, **named)

        return timed


@dataclass(frozen=True)
class Split:
    """A trial's mean seconds by part."""

    engine: str
    items: int
    trials: int
    total: float
    parts: dict[str, float]
    machine: dict[str, Any]

    @property
    def ours(self) -> float:
        """What is neither merging, swap, generation, sandbox, math-verify nor Optuna's own storage."""
        return sum(seconds for name, seconds in self.parts.items() if name not in NOT_OURS)

    def to_markdown(self) -> str:
        """A table, the largest part first."""
        rows = sorted(self.parts.items(), key=lambda row: -row[1])
        lines = [f"| {name} | {1000 * seconds:.1f} | {seconds / self.total:.0%} |" for name, seconds in rows]
        head = (
            f"# Where a trial's time goes\n\nThe tiny study on `{self.engine}`, {self.items} items a"
            f" trial, mean of {self.trials} trials; {self.machine['cpu']}, {self.machine['cores']} cores,"
            f" {self.machine['date'][:10]}.\n\n| part | ms | share |\n|---|---|---|\n"
        )
        tail = (
            f"\n| **all** | {1000 * self.total:.1f} | |\n\nOur own work: {1000 * self.ours:.1f} ms a trial.\n"
        )
        return head + "\n".join(lines) + tail


def main() -> None:
    """Measure, print, and write both forms."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.trial", description=__doc__.splitlines()[0])
    parser.add_argument("--engine", default="vllm", choices=("vllm", "transformers"))
    parser.add_argument("--items", type=int, default=501, help="search items, over three slices (501)")
    parser.add_argument("--trials", type=int, default=6)
    parser.add_argument("--out", type=Path, default=HERE / "results")
    given = parser.parse_args()
    split = measure(given.engine, given.items // 3, given.trials)
    name = f"{describe_machine().slug}-trial-{given.engine}"
    given.out.mkdir(parents=True, exist_ok=True)
    (given.out / f"{name}.json").write_text(json.dumps(asdict(split), indent=2) + "\n")
    (given.out / f"{name}.md").write_text(split.to_markdown())
    print(split.to_markdown())


def measure(engine_name: str, items: int, trials: int) -> Split:
    """Run the tiny study with so many search items a slice, and split its trials' time."""
    from search.measure import Bench
    from search.run import _open_search
    from search.runner import run_baselines, run_trials
    from search.workshop import open_workshop
    from studies.store import StudyStore

    workshop = open_workshop(_spec(engine_name, items))
    clock = Clock()
    with tempfile.TemporaryDirectory() as folder, closing(workshop.engine()) as engine:
        url = f"sqlite:///{folder}/crucible.db"
        with StudyStore(url) as store:
            study = store.begin(workshop.spec.name, workshop.identity())
            search = _open_search(Bench(store, engine), study, url, workshop)
            for _ in run_baselines(search):
                pass
            with _watched(clock, search, engine):
                began = perf_counter()
                steps = list(run_trials(search, trials, monotonic() + 3600))
                total = perf_counter() - began
    assert len(steps) == trials
    assert all(step.score is not None for step in steps), [step.reason for step in steps]
    clock.charge("rest: decoding, encoding, pipes", total - sum(clock.spent.values()))
    parts = {name: seconds / trials for name, seconds in clock.spent.items()}
    return Split(engine_name, 3 * items, trials, total / trials, parts, asdict(describe_machine()))


def _spec(engine: str, items: int) -> Any:
    from search.spec import load_study

    spec = load_study(TINY / "study.yaml")
    slices = tuple(part.model_copy(update={"search": items, "holdout": 4}) for part in spec.slices)
    return spec.model_copy(
        update={"slices": slices, "engine": spec.engine.model_copy(update={"name": engine})}
    )


@contextmanager
def _watched(clock: Clock, search: Any, engine: Any) -> Iterator[None]:
    """The clock around everything that works for a trial, for as long as this lasts."""
    from evaluators.graders import GRADERS

    graders: MutableMapping[str, Any] = GRADERS  # type: ignore[assignment]
    before = dict(graders)
    ask = getattr(engine, "_ask", None)
    _patch(clock, search.store, STORE, "our storage")
    _patch(clock, type(search.ledger), ("propose", "tell", "count"), "Optuna")
    if ask is None:
        _patch(clock, engine, ("generate",), "generation")
    else:
        engine._ask = clock.around("generation", ask)
    engine.load = _loading(clock, engine)
    for name, grade in before.items():
        graders[name] = clock.around(KINDS.get(name, "other grading"), grade)
    try:
        yield
    finally:
        graders.update(before)


def _patch(clock: Clock, owner: Any, names: tuple[str, ...], part: str) -> None:
    for name in names:
        setattr(owner, name, clock.around(part, getattr(owner, name)))


def _loading(clock: Clock, engine: Any) -> Callable[[Any], None]:
    load = engine.load

    def timed(source: Any) -> None:
        began = perf_counter()
        with clock.timing("swap and canary"):
            load(source)
        took = perf_counter() - began
        merging = getattr(engine, "swap_seconds", {}).get("merge", 0.0)
        if merging:
            clock.charge("merging", merging)
            clock.charge("swap and canary", -merging)
        assert took >= merging

    return timed


if __name__ == "__main__":
    main()
