"""A study's trials as they were last seen: what is finished is read once, and kept as arrays."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray
from optuna.distributions import (
    BaseDistribution,
    check_distribution_compatibility,
    distribution_to_json,
    json_to_distribution,
)
from optuna.trial import FrozenTrial, TrialState

from search.proposals.samplers.coordinates import Coordinates
from search.proposals.samplers.process import Fitted
from studies.trials import StoredTrial, Trials

Array = NDArray[np.float64]
Direction = Literal["maximize", "minimize"]
_CONSTRAINTS = "constraints"
_DEFAULTS = (("step", None), ("log", False))
"""What a distribution of numbers has unless it says otherwise; the step of whole ones is always said."""


class History:
    """What is known of the trials; `refresh` looks again."""

    def __init__(
        self,
        trials: Trials,
        distributions: Mapping[str, BaseDistribution],
        directions: Sequence[Direction] = ("maximize",),
    ) -> None:
        self.trials = trials
        self.directions = tuple(directions)
        self.distributions = dict(sorted(distributions.items()))
        self.json = {name: write_distribution(each) for name, each in self.distributions.items()}
        """The texts that go into the database: in the form that the study began with."""
        self._seen: dict[int, StoredTrial] = {}
        self._rows: dict[int, Array | None] = {}
        self._frozen: dict[int, FrozenTrial] = {}
        self._odd: set[int] = set()
        self.coordinates = Coordinates.of(self.distributions)
        self.fitted, self.played = Fitted(), list[Any]()
        """What samplers of ours computed of the trials, and may compute again."""

    def refresh(self) -> None:
        """Read what was added, and what was not finished the last time."""
        unfinished = [trial.id for trial in self._seen.values() if not trial.finished]
        newest = max((trial.id for trial in self._seen.values()), default=-1)
        for trial in self.trials.read(newest, unfinished):
            self._seen[trial.number] = trial
            self._rows[trial.number] = self._row(trial)
            self._frozen.pop(trial.number, None)
            if self._is_odd(trial):
                self._odd.add(trial.number)

    def __getitem__(self, number: int) -> StoredTrial:
        return self._seen[number]

    def complete(self) -> list[int]:
        """Numbers of the trials that teach: those that have a value, pruned ones too, in their order."""
        return sorted(number for number, trial in self._seen.items() if _teaches(trial))

    @property
    def uniform(self) -> bool:
        """Whether all trials with a value were drawn from these very distributions, and all pruned have one.

        So it is unless Optuna was asked for more behind our back.
        """
        return not self._odd

    def scored(self) -> tuple[Array, Array]:
        """Of a uniform history the trials with a value, [trials, parameters], and their (first) values."""
        numbers = self.complete()
        rows = [row for number in numbers if (row := self._rows[number]) is not None]
        return np.array(rows), np.array([self._seen[number].value for number in numbers])

    def known(self) -> tuple[list[int], Array, Array]:
        """Numbers of the trials that teach and were drawn from this very space, their rows and values."""
        numbers = [number for number in self.complete() if self._rows[number] is not None]
        values = [self._seen[number].value for number in numbers]
        return numbers, self._stacked(numbers), np.array(values, dtype=np.float64)

    def being_measured(self, but: int) -> Array:
        """Rows of the other trials that were drawn and are being measured, by number."""
        running = sorted(n for n, trial in self._seen.items() if trial.state == "RUNNING" and n != but)
        return self._stacked([number for number in running if self._rows[number] is not None])

    def _stacked(self, numbers: Sequence[int]) -> Array:
        return np.array([self._rows[number] for number in numbers]).reshape(-1, len(self.distributions))

    def pending(self, but: int) -> dict[int, Array] | None:
        """Of the other trials that are being measured their rows, by number; None if one is half drawn."""
        rows: dict[int, Array] = {}
        for number, trial in sorted(self._seen.items()):
            if trial.state != "RUNNING" or number == but:
                continue
            row = self._rows[number]
            if row is not None:
                rows[number] = row
            elif trial.params or any(key.startswith("tpe:") for key in trial.attributes):
                return None
        return rows

    def frozen(self) -> list[FrozenTrial]:
        """All trials as Optuna's samplers are to have them, by number."""
        for number, trial in self._seen.items():
            if number not in self._frozen:
                self._frozen[number] = freeze(trial)
        return [self._frozen[number] for number in sorted(self._frozen)]

    def _is_odd(self, trial: StoredTrial) -> bool:
        """Whether it counts for samplers, and not as any trial of ours does."""
        constrained = any(key.startswith(_CONSTRAINTS) for key in trial.attributes)
        drawn_otherwise = _teaches(trial) and self._rows[trial.number] is None
        return drawn_otherwise or constrained or (trial.state == "PRUNED" and not trial.values)

    def _row(self, trial: StoredTrial) -> Array | None:
        """The trial's numbers, sorted by name; None unless it has these parameters and no others."""
        alike = [self._is_ours(name, text) for name, (_, text) in trial.params.items()]
        if not all(alike) or trial.params.keys() != self.distributions.keys():
            return None
        return np.array([trial.params[name][0] for name in self.distributions])

    def _is_ours(self, name: str, text: str) -> bool:
        """Whether the text means the parameter's distribution; raises ValueError for another kind of one."""
        if text == self.json.get(name):
            return True
        if name not in self.distributions:
            return False
        found = read_distribution(text)
        check_distribution_compatibility(found, self.distributions[name])
        if found != self.distributions[name]:
            return False
        # Earlier versions, which may work on the study beside this one, compare texts.
        self.json[name] = text
        return True


def _teaches(trial: StoredTrial) -> bool:
    return trial.state == "COMPLETE" or (trial.state == "PRUNED" and bool(trial.values))


def freeze(trial: StoredTrial) -> FrozenTrial:
    """A trial as Optuna has it, without what no sampler looks at: times, notes, reports.

    One that was pruned, and whose score was estimated, is complete with that.
    """
    distributions = {name: read_distribution(text) for name, (_, text) in trial.params.items()}
    return FrozenTrial(
        number=trial.number,
        trial_id=trial.id,
        state=TrialState.COMPLETE if _teaches(trial) else TrialState[trial.state],
        value=None,
        values=trial.values or None,
        params={
            name: distributions[name].to_external_repr(number) for name, (number, _) in trial.params.items()
        },
        distributions=distributions,
        system_attrs=dict(trial.attributes),
        user_attrs={},
        intermediate_values={},
        datetime_start=None,
        datetime_complete=None,
    )


def write_distribution(distribution: BaseDistribution) -> str:
    """A short JSON text of a distribution, for a database repeats it with each parameter of each trial.

    `read_distribution` and Optuna read the same from it as from Optuna's own text: defaults are left out.
    """
    # Optuna reads a shorter form yet, without names; optuna-dashboard in a browser or an editor does not.
    content = json.loads(distribution_to_json(distribution))
    said = {key: each for key, each in content["attributes"].items() if (key, each) not in _DEFAULTS}
    return json.dumps({**content, "attributes": said}, separators=(",", ":"))


@lru_cache(4096)
def read_distribution(text: str) -> BaseDistribution:
    """The distribution that a JSON text means."""
    return json_to_distribution(text)
