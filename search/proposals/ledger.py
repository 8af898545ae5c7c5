"""Optuna's ledger: it owns the proposals, and nothing else.

Every proposal is drawn by a sampler seeded for that trial alone, and a trial whose process died is picked
up with the numbers it had. So a study that was killed and started again proposes what it would have
proposed anyway. A proposal is two transactions: the trial is begun, and all of its parameters are written.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.exceptions import StorageInternalError

from search.proposals.draw import draw
from search.proposals.history import Direction, History, read_distribution
from search.proposals.samplers.choice import Choice, choose
from search.study_file.spec import ONE_OBJECTIVE, BudgetSpec, SamplerSpec
from studies.errors import TrialClosed
from studies.store.connect import open_engine, storage_errors
from studies.store.patience import Patient
from studies.trials import Standing, Trials

RECIPE = "recipe"
"""The trial attribute that holds its recipe's digest."""

SAMPLER = "sampler"
"""The study attribute that says what `auto` chose, and why; Optuna's dashboard shows it."""

POINT = "fixed_params"
"""The trial attribute by which Optuna knows what is given and not drawn."""


@dataclass(frozen=True)
class Proposal:
    """A trial's number, and what the sampler chose for it."""

    number: int
    params: Mapping[str, Any]


@dataclass(frozen=True)
class Ledger:
    """The proposals of one study, and who makes them.

    Any number of processes may share a study; each of these is one transaction or only reads.
    """

    trials: Trials
    sampler: SamplerSpec
    distributions: Mapping[str, BaseDistribution]
    history: History
    choice: Choice
    """The sampler that the spec means, and why it is that."""
    budget: int
    """How many trials there are to be."""

    def standing(self) -> Standing:
        """How far the trials have come."""
        return self.trials.standing()

    def create(self) -> int:
        """Begin a trial, the first that waits or a new one; nothing is drawn for it yet."""
        return self.trials.begin()

    def draw(self, number: int) -> Proposal:
        """What a trial that was begun shall try; what was drawn for it already stays.

        Raises TrialClosed if another process has failed the trial before all was drawn.
        """
        while True:
            self.history.refresh()
            trial = self.history[number]
            missing = {name: each for name, each in self.distributions.items() if name not in trial.params}
            if not missing:
                return Proposal(number, self._params(trial.params))
            if trial.finished:
                raise TrialClosed(f"trial {number} has ended already, as {trial.state}, without parameters")
            drawn = draw(self.history, trial, missing, self.choice.name, self._seed, self.budget)
            if self.trials.fill(trial, drawn.params, drawn.kept, drawn.kept_of_study):
                return Proposal(number, self._params({**trial.params, **drawn.params}))

    def note(self, number: int, recipe: str) -> None:
        """Keep with a trial that was drawn here the digest of the recipe that it became."""
        self.trials.note(self.history[number], RECIPE, recipe)

    def tell(self, number: int, value: float | Sequence[float]) -> None:
        """Close a trial with its value, or one per objective; one without a meaning fails it.

        Raises TrialClosed if it ended otherwise already.
        """
        told = (float(value),) if isinstance(value, int | float) else tuple(map(float, value))
        objectives = len(self.history.directions)
        assert len(told) == objectives, f"{len(told)} values for {objectives} objectives"
        if any(map(math.isnan, told)):
            self.fail(number)
        else:
            self.trials.end(number, "COMPLETE", told)

    def prune(self, number: int, value: float, items: int) -> None:
        """Close a trial that was stopped after so many items; samplers learn from it as from a score.

        `value` is the estimate of what all items would have given, of the one objective that there is.
        Raises as `tell`.
        """
        assert len(self.history.directions) == 1, "only trials with one objective are stopped early"
        assert math.isfinite(value), f"an estimate of {value}"
        self.trials.end(number, "PRUNED", (float(value),), (items, float(value)))

    def fail(self, number: int) -> None:
        """Close a trial that could not be scored; samplers learn nothing from it. Raises as `tell`."""
        self.trials.end(number, "FAIL")

    def close(self) -> None:
        """Close the connections to the database."""
        self.trials.close()

    def _seed(self, number: int, name: str) -> int:
        """A seed of its own for every trial and parameter: 32 bits of sha256 over all three."""
        text = f"{self.sampler.seed}/{number}/{name}"
        return int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")

    def _params(self, stored: Mapping[str, tuple[float, str]]) -> dict[str, Any]:
        return {
            name: read_distribution(stored[name][1]).to_external_repr(stored[name][0])
            for name in self.distributions
        }


def open_ledger(
    name: str,
    url: str,
    sampler: SamplerSpec,
    distributions: Mapping[str, BaseDistribution],
    starting_points: Sequence[Mapping[str, Any]],
    like: Patient | None = None,
    directions: Sequence[Direction] = ("maximize",),
    budget: int = BudgetSpec().trials,
) -> Ledger:
    """Open the Optuna study `name`, new or known; a new one begins with the starting points.

    There is an objective for each of the directions; one alone is to be maximized. Samplers pace themselves
    by the `budget`, how many trials there are to be.

    Where several processes may make a database, one at a time has to. A database that is away is waited for,
    by whoever opens it and by all that is asked of the ledger later, as a store does that it is `like`.
    """
    assert len(directions) > 1 or tuple(directions) == ("maximize",), f"one objective to {directions}"
    strays = [name for name, each in distributions.items() if not _plain(each)]
    assert not strays, f"no such parameters in a search space: {strays}"
    choice = choose(sampler.name, distributions, budget, len(directions))
    assert len(directions) == 1 or choice.name not in ONE_OBJECTIVE, f"{choice.name} serves one objective"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trials = Trials(url, name, like)
    trials.patiently(partial(_make_study, name, url, trials, directions))
    trials.enqueue(starting_points, POINT)
    if choice.why is not None:
        trials.note_study(SAMPLER, str(choice))
    history = History(trials, distributions, directions)
    return Ledger(trials, sampler, distributions, history, choice, budget)


def _make_study(name: str, url: str, trials: Trials, directions: Sequence[Direction]) -> None:
    """Let Optuna make its tables, or check that they are of its version, and the study in them."""
    with storage_errors(trials.engine.url):
        storage = optuna.storages.RDBStorage(url, engine_kwargs=_connections(url))
        try:
            optuna.create_study(
                study_name=name, storage=storage, directions=[*directions], load_if_exists=True
            )
        except StorageInternalError as error:
            raise error.__cause__ or error from None
        finally:
            storage.remove_session()
            storage.engine.dispose()


def _connections(url: str) -> dict[str, Any]:
    """For Optuna's engine: connections to a server that it notices the loss of, and that tell it of ours."""
    # A file's are begun in our own way, of which Optuna knows nothing.
    engine = open_engine(url)
    return {} if engine.dialect.name == "sqlite" else {"pool": engine.pool}


def _plain(distribution: BaseDistribution) -> bool:
    """Whether it is a choice, or a range of numbers that are all as likely."""
    if isinstance(distribution, FloatDistribution) and (distribution.log or distribution.step):
        return False
    kinds = (CategoricalDistribution, FloatDistribution)
    return isinstance(distribution, kinds) and not distribution.single()
