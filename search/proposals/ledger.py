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
from search.proposals.history import History, read_distribution
from search.study_file.spec import SamplerSpec
from studies.errors import TrialClosed
from studies.store.connect import open_engine, storage_errors
from studies.store.patience import Patient
from studies.trials import Standing, Trials

RECIPE = "recipe"
"""The trial attribute that holds its recipe's digest."""

_POINT = "fixed_params"
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
            drawn = draw(self.history, trial, missing, self.sampler.name, self._seed)
            if self.trials.fill(trial, drawn.params, drawn.kept, drawn.kept_of_study):
                return Proposal(number, self._params({**trial.params, **drawn.params}))

    def note(self, number: int, recipe: str) -> None:
        """Keep with a trial that was drawn here the digest of the recipe that it became."""
        self.trials.note(self.history[number], RECIPE, recipe)

    def tell(self, number: int, value: float) -> None:
        """Close a trial with its objective value; one without a meaning fails it.

        Raises TrialClosed if it ended otherwise already.
        """
        if math.isnan(value):
            self.fail(number)
        else:
            self.trials.end(number, "COMPLETE", float(value))

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
) -> Ledger:
    """Open the Optuna study `name`, new or known; a new one begins with the starting points.

    Where several processes may make a database, one at a time has to. A database that is away is waited for,
    by whoever opens it and by all that is asked of the ledger later, as a store does that it is `like`.
    """
    strays = [name for name, each in distributions.items() if not _plain(each)]
    assert not strays, f"no such parameters in a search space: {strays}"
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    trials = Trials(url, name, like)
    trials.patiently(partial(_make_study, name, url, trials))
    trials.enqueue(starting_points, _POINT)
    return Ledger(trials, sampler, distributions, History(trials, distributions))


def _make_study(name: str, url: str, trials: Trials) -> None:
    """Let Optuna make its tables, or check that they are of its version, and the study in them."""
    with storage_errors(trials.engine.url):
        storage = optuna.storages.RDBStorage(url, engine_kwargs=_connections(url))
        try:
            optuna.create_study(study_name=name, storage=storage, direction="maximize", load_if_exists=True)
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
