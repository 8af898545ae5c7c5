"""A ledger as Optuna alone keeps it: each parameter a transaction, each proposal from all trials anew.

So Crucible kept it first. What is faster since is measured against it, and has to propose the same numbers.
"""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass

import optuna
from optuna.distributions import BaseDistribution, CategoricalDistribution, FloatDistribution
from optuna.samplers import NSGAIISampler, RandomSampler, TPESampler
from optuna.storages import RDBStorage
from optuna.trial import Trial, TrialState

from search.proposals.ledger import Proposal
from search.study_file.spec import SamplerSpec

SAMPLERS = {
    "tpe": lambda seed: TPESampler(seed=seed, n_startup_trials=5),
    "nsga2": lambda seed: NSGAIISampler(seed=seed),
    "random": lambda seed: RandomSampler(seed=seed),
}


@dataclass(frozen=True)
class PlainLedger:
    """The proposals of one study of Optuna's."""

    study: optuna.Study
    storage: RDBStorage
    sampler: SamplerSpec
    distributions: Mapping[str, BaseDistribution]

    @classmethod
    def open(
        cls, name: str, url: str, sampler: SamplerSpec, distributions: Mapping[str, BaseDistribution]
    ) -> PlainLedger:
        """The ledger of a study that is there already."""
        storage = RDBStorage(url)
        study = optuna.load_study(study_name=name, storage=storage, sampler=RandomSampler(seed=0))
        return cls(study, storage, sampler, distributions)

    def propose(self) -> Proposal:
        """What a new trial shall try."""
        number = self.count()
        self._seed(number, "")
        return self._suggest(self.study.ask())

    def draw(self, number: int) -> Proposal:
        """What a trial that was begun shall try."""
        self._seed(number, "")
        return self._suggest(Trial(self.study, self.study.trials[number]._trial_id))

    def _suggest(self, trial: Trial) -> Proposal:
        assert trial.relative_params is not None
        for name, distribution in self.distributions.items():
            self._seed(trial.number, name)
            if isinstance(distribution, CategoricalDistribution):
                trial.suggest_categorical(name, distribution.choices)
            else:
                assert isinstance(distribution, FloatDistribution)
                trial.suggest_float(name, distribution.low, distribution.high)
        return Proposal(trial.number, trial.params)

    def tell(self, number: int, value: float) -> None:
        """Close a trial with its value."""
        self.study.tell(number, value)

    def count(self) -> int:
        """How many trials there are, waiting ones not counted."""
        return sum(t.state != TrialState.WAITING for t in self.study.get_trials(deepcopy=False))

    def close(self) -> None:
        """Close the connections to the database."""
        self.storage.remove_session()
        self.storage.engine.dispose()

    def _seed(self, number: int, name: str) -> None:
        text = f"{self.sampler.seed}/{number}/{name}"
        seed = int.from_bytes(hashlib.sha256(text.encode()).digest()[:4], "big")
        self.study.sampler = SAMPLERS[self.sampler.name](seed)
