"""Where a worker's time goes and how many answers its engine gives: seen from outside, in its main thread."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, contextmanager
from functools import wraps
from typing import Any
from unittest.mock import patch

from benchmarks.spent import Clock
from evaluators.engines.fake import FakeEngine
from search.proposals.ledger import Ledger
from search.working import session, sharing, trials
from studies.store import StudyStore
from studies.workers.holds import alone

LEDGER = ("standing", "create", "draw", "note", "tell", "fail")
STORE = ("record", "measured", "tallies", "enter", "finish_candidate", "set_state")
HOLDS = ((trials, "take"), (trials, "drop"), (trials, "held"), (sharing, "take"), (sharing, "drop"))


@contextmanager
def watched(merging: bool) -> Iterator[Callable[[], dict[str, Any]]]:
    """Take the time of our own functions inside the block; gives what was seen so far.

    Without `merging`, the fake engine answers for a recipe without having its weights made.
    """
    clock, answers = Clock(), [0]

    def answered(plain: Callable[..., Any]) -> Callable[..., Any]:
        @wraps(plain)
        def ask(engine: FakeEngine, asked: Sequence[tuple[str, str]]) -> Any:
            answers[0] += len({context for context, _ in asked})
            return plain(engine, asked)

        return ask

    timed = [
        (FakeEngine, "load", "merging"),
        *((Ledger, name, "proposals") for name in LEDGER),
        *((StudyStore, name, "evidence and candidates") for name in STORE),
        *((home, name, "holds") for home, name in HOLDS),
        (session, "asked", "wishes"),
        (session, "rest", "waiting for others"),
    ]
    with ExitStack() as stack:
        if not merging:
            stack.enter_context(patch.object(FakeEngine, "load", _unmerged))
        for home, name, label in timed:
            stack.enter_context(patch.object(home, name, _in_main(clock, label, getattr(home, name))))
        asked = answered(_in_main(clock, "answers", FakeEngine.loglikelihood))
        stack.enter_context(patch.object(FakeEngine, "loglikelihood", asked))
        stack.enter_context(patch.object(trials, "alone", _entered(clock, alone)))
        yield lambda: {"answers": answers[0], "spent": clock.seconds}


def _unmerged(engine: FakeEngine, source: Any) -> None:
    engine._weights = source.recipe.digest


def _in_main(clock: Clock, label: str, plain: Callable[..., Any]) -> Callable[..., Any]:
    """Timed where the main thread calls it: a clock is no two threads' at once."""
    timed = clock.timed(label, plain)

    @wraps(plain)
    def call(*arguments: Any, **options: Any) -> Any:
        main = threading.current_thread() is threading.main_thread()
        return (timed if main else plain)(*arguments, **options)

    return call


def _entered(
    clock: Clock, plain: Callable[..., AbstractContextManager[None]]
) -> Callable[..., AbstractContextManager[None]]:
    """The lock, with the time until it is had."""

    @contextmanager
    def timed(*arguments: Any) -> Iterator[None]:
        with ExitStack() as held:
            enter = clock.timed("waiting for the lock", held.enter_context)
            enter(plain(*arguments))
            yield

    return timed
