"""`crucible check`: what can be known to be wrong before a search, and what it would do."""

from __future__ import annotations

import textwrap
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from typing import Any

from evaluators.benchmarks.fit import Long
from merging.family.differences import Difference
from merging.methods.registry import METHODS
from merging.worker.residency import MemoryPlan, plan
from search.proposals.baselines import baselines
from search.proposals.samplers.choice import choose, too_small
from search.running.checking.chat import chat_warnings
from search.running.checking.dry_run import DryRun, dry_run
from search.running.workshop import Workshop, open_workshop
from search.showing.display import Display
from search.study_file.began import as_begun, fresh
from search.study_file.spec import Objective, StudySpec, count_objectives
from studies.objectives.goals import read_goals
from studies.store import StudyStore
from studies.store.connect import absent_file

SAID_OF = {"accuracy": "", "gold_logprob": " (the log-probability of their gold answers)"}


@dataclass(frozen=True)
class Report:
    """What a sound study amounts to."""

    study: str
    methods: tuple[str, ...]
    models: dict[str, str]
    """Fingerprint of each model, by name."""
    model_parameters: int
    layer_groups: int
    searched: int
    """Numbers that the sampler chooses."""
    search_items: int
    holdout_items: int
    sampler: str
    """Who proposes; where that was chosen here, why."""
    objective: Objective
    """What trials are scored by on the search items."""
    trials: int
    answers: int
    """Items that the whole study asks, each of every candidate that gets it."""
    memory: MemoryPlan
    storage: str
    long_prompts: tuple[Long, ...] = ()
    """Slices with prompts that the model's context has no room for."""
    differences: tuple[Difference, ...] = ()
    """In what the models differ that a user of a merge would want to know."""
    warnings: tuple[str, ...] = ()
    """What is sound, but may not be what was meant."""
    measured: DryRun | None = None
    """What a dry run told, if there was one."""

    def to_json(self) -> dict[str, Any]:
        """As `crucible check --json` prints it; `measured` is there only after a dry run."""
        said = {
            **asdict(replace(self, measured=None)),
            "memory": self.memory.to_json(),
            "differences": [each.to_json() for each in self.differences],
        }
        del said["measured"]
        return said if self.measured is None else {**said, "measured": self.measured.to_json()}

    def to_text(self) -> str:
        """A few lines for a person."""
        named = "; ".join(f"{name}: {METHODS[name].summary}" for name in self.methods)
        return "\n".join(
            (
                f"{self.study}: sound",
                f"  models    {', '.join(self.models)} ({self.model_parameters / 1e6:.2f}M parameters each)",
                *(f"  differs   {each.to_text()}" for each in self.differences),
                f"  method    {named}",
                f"  space     {self.searched} numbers ({self.layer_groups} layer groups, and the rest)",
                f"  sampler   {self.sampler}",
                f"  items     {self.search_items} to search by{self._by()},"
                f" {self.holdout_items} others to judge by",
                *(f"            {long}" for long in self.long_prompts),
                f"  budget    {self.trials} trials, about {self.answers:,} answers in all",
                f"  storage   {self.storage}",
                "  memory",
                textwrap.indent(self.memory.to_text(), "    "),
                *(f"  warning   {warning}" for warning in self.warnings),
                *self._measured(),
            )
        )

    def _by(self) -> str:
        if isinstance(self.objective, str) and self.objective in SAID_OF:
            return SAID_OF[self.objective]
        return f" ({', '.join(goal.name for goal in read_goals(self.objective))})"

    def _measured(self) -> tuple[str, ...]:
        if self.measured is None:
            return ()
        return "  measured", textwrap.indent(self.measured.to_text(), "    ")


def check_study(
    spec: StudySpec, url: str, measuring: Display | None = None, side_by_side: float = 1.0
) -> Report:
    """Open everything that a study names, and say what it would do.

    With a display, which shows how far it is, there is a dry run: the base and one merge answer the search
    items, and nothing of it is kept; its forecast is for so many candidates measured `side_by_side`.

    Raises:
        ValueError kin: the first thing that is wrong, in one line.
        EngineError: the engine failed in the dry run.
    """
    spec = _said(spec, url)
    workshop = open_workshop(spec)
    with closing(workshop.engine()) as engine:
        measured = None if measuring is None else dry_run(workshop, engine, measuring, side_by_side)
    return _report(workshop, url, measured)


def _said(spec: StudySpec, url: str) -> StudySpec:
    """The spec with everything said; looking makes no database where none was."""
    if absent_file(url) is not None:
        return fresh(spec)
    with StudyStore(url) as store:
        return as_begun(spec, store)


def _report(workshop: Workshop, url: str, measured: DryRun | None) -> Report:
    spec, space = workshop.spec, workshop.space
    search, holdout = (
        sum(len(s.items) for s in part) for part in (workshop.search_slices, workshop.holdout_slices)
    )
    memory = plan(workshop.base, workshop.experts, spec.dtype, workshop.worker.device)
    entrants, objectives = len(baselines(space)), count_objectives(spec.objective)
    small = too_small(space.distributions, spec.budget.trials)
    finalists = min(spec.budget.finalists, spec.budget.trials)
    return Report(
        study=spec.name,
        methods=spec.search_space.methods,
        models={name: fingerprint.digest for name, fingerprint in workshop.fingerprints.items()},
        model_parameters=sum(info.numel for info in workshop.base.tensors.values()),
        layer_groups=len(space.groups),
        searched=len(space.distributions),
        search_items=search,
        holdout_items=holdout,
        sampler=str(choose(spec.sampler.name, space.distributions, spec.budget.trials, objectives)),
        objective=spec.objective,
        trials=spec.budget.trials,
        answers=(entrants + spec.budget.trials) * search + (entrants + finalists) * holdout,
        memory=memory,
        storage=url,
        long_prompts=workshop.long_prompts,
        differences=workshop.differences,
        warnings=(*chat_warnings(workshop), *(() if small is None else (small,))),
        measured=measured,
    )
