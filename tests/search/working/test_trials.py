"""Which trial a worker takes, while others end theirs."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

from search.working.trials import _choose
from studies.store import StudyStore
from studies.trials import Standing
from studies.workers.holds import drop, take
from studies.workers.register import join


def test_a_trial_that_ends_while_another_worker_looks_is_not_taken_again(url: str) -> None:
    with StudyStore(url) as store:
        study = store.begin("tiny", {})
        one, other = join(store, study), join(store, study)
        hold = take(store, one, "trials", "trial 0")
        assert hold is not None

        class Ledger:
            def standing(self) -> Standing:
                """Trial 0 runs, of which its worker says in this moment how it ended."""
                drop(store, one, hold)
                return Standing((0,), {"RUNNING": 1})

            def create(self) -> int:
                return 1

        search = SimpleNamespace(store=store, study=study, ledger=Ledger())
        session: Any = SimpleNamespace(search=search, worker=other)
        choice = _choose(session, most=5)
        assert (choice.number, choice.others) == (1, 1)
