"""Where Optuna's samplers work: the trials as we know them, and a tray for what they want to keep.

A sampler reads trials from a storage and writes notes of its own into it, each of which Optuna's storage
would commit alone. This one gathers them, so that they go into the database together with what was drawn.
"""

from __future__ import annotations

from collections.abc import Container
from typing import Any

import optuna
from optuna.storages import InMemoryStorage
from optuna.trial import FrozenTrial, TrialState

from search.proposals.history import History, freeze
from studies.trials import StoredTrial


class Desk(InMemoryStorage):  # type: ignore[misc]  # Optuna is untyped
    """Optuna's storage for the time of one proposal; only what samplers ask of it is there."""

    def __init__(self, history: History, trial: StoredTrial) -> None:
        super().__init__()
        self.history = history
        self.trial = freeze(trial)
        self.kept: dict[str, Any] = {}
        """What the sampler keeps with the trial, and with the study."""
        self.kept_of_study: dict[str, Any] = {}
        self.study = optuna.create_study(storage=self, directions=[*history.directions], sampler=_NOBODY)

    def get_all_trials(
        self, study_id: int, deepcopy: bool = True, states: Container[TrialState] | None = None
    ) -> list[FrozenTrial]:
        """The trials by number; nobody here changes them, so nobody needs a copy."""
        trials = self.history.frozen()
        return trials if states is None else [trial for trial in trials if trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Keep a note with the trial that is being drawn."""
        assert trial_id == self.trial._trial_id
        self.kept[key] = self.trial.system_attrs[key] = value

    def get_study_system_attrs(self, study_id: int) -> dict[str, Any]:
        """What samplers have kept with the study."""
        return {**self.history.trials.study_attributes(), **self.kept_of_study}

    def set_study_system_attr(self, study_id: int, key: str, value: Any) -> None:
        """Keep a note with the study."""
        self.kept_of_study[key] = value


_NOBODY = optuna.samplers.RandomSampler(seed=0)
"""Samplers are asked themselves, not through the study."""
