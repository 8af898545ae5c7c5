"""The study file: what a person writes to start a search, typed and checked."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    Discriminator,
    Field,
    SerializerFunctionWrapHandler,
    Tag,
    model_serializer,
    model_validator,
)

from merging.methods.registry import METHODS, nearest
from search.study_file.models import BASE, VOCABULARIES, ModelSpec, check_names
from search.study_file.objective import Objective, check_objective
from search.study_file.racing import RACED, Racing, RacingSpec
from search.study_file.reading import Form, read_file
from search.study_file.search_space import LayersSpec, SearchSpaceSpec, Section, refuse_twice, wrong_at
from studies.objectives.goals import Direction, Goals, directions, read_goals
from studies.store.connect import DEFAULT_STORAGE

__all__ = ["Objective", "SearchSpaceSpec", "StudySpec", "load_study"]

BRANCHES = ("one file", "two files")
"""The two forms of a slice's `data`, as pydantic is to call them."""
SAMPLERS = ("auto", "tpe", "gp", "cmaes", "nsga2", "qmc", "random")
ONE_OBJECTIVE = ("gp", "cmaes")
"""Samplers that can't serve several."""
Dtype = Literal["float32", "bfloat16", "float16"]


class DataSpec(Section):
    """Two JSONL files: the items of one steer the search, those of the other judge it."""

    train: str
    test: str


class SliceSpec(Section):
    """Items of one task: some that steer the search, others that only judge it."""

    name: Annotated[str, Field(min_length=1)]
    task: str
    data: (
        Annotated[
            Annotated[str, Tag(BRANCHES[0])] | Annotated[DataSpec, Tag(BRANCHES[1])],
            Discriminator(lambda given: BRANCHES[isinstance(given, dict | DataSpec)]),
        ]
        | None
    ) = None
    """A JSONL file in the task's own schema, or two; without it, the task's dataset on the hub."""
    num_fewshot: Annotated[int, Field(ge=0, strict=True)] | None = None
    search: Annotated[int, Field(ge=1, strict=True)]
    holdout: Annotated[int, Field(ge=1, strict=True)]
    seed: Annotated[int, Field(strict=True)] = 0
    """Which items are drawn: the same seed draws the same items in every study."""
    chat_template: Annotated[bool, Field(strict=True)] = False
    """Put the prompts into the chat template of the base model."""
    long_prompts: Literal["truncate", "drop"] = "truncate"
    """What becomes of a prompt that the model's context has no room for."""
    verdict: Annotated[str, Field(min_length=1)] | None = None
    """Which of the task's filters judges, by lm-eval's name for it; without it, the usual one."""

    @model_serializer(mode="wrap")
    def _without_later(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What came later is no part of a study's identity where it is as it was before."""
        said: dict[str, Any] = handler(self)
        usual = {"chat_template": False, "long_prompts": "truncate", "verdict": None}
        return {name: value for name, value in said.items() if usual.get(name, ...) != value}


class SamplerSpec(Section):
    """Who proposes."""

    name: Literal["auto", "tpe", "gp", "cmaes", "nsga2", "qmc", "random"] = "auto"
    """`auto` chooses by space, budget and objectives; where a study began before it, its absence is `tpe`."""
    seed: Annotated[int, Field(ge=0, strict=True)] = 0


class EngineSpec(Section):
    """Who answers."""

    name: Literal["transformers", "vllm", "fake"] = "transformers"
    """`fake` is no model: it tries a study, or a cluster, out."""
    max_tokens: Annotated[int, Field(ge=1, strict=True)] = 512
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    """What the engine computes in; `auto` is float32 on a CPU and the study's dtype on a GPU."""
    batch_size: Annotated[int, Field(ge=1, strict=True)] = 64
    tensor_parallel: Annotated[int, Field(ge=1, strict=True)] = 1
    """Over how many GPUs vLLM splits the model."""
    gpu_memory: Annotated[float, Field(gt=0, le=1)] = 0.9
    """Share of each GPU's memory for vLLM; models that are merged on the GPU need room beside it."""

    seconds: Annotated[float, Field(ge=0, le=3600)] = 0.0
    """In which the fake engine answers a batch of up to 64 prompts, beside the time that it takes anyway."""

    @model_validator(mode="after")
    def _others_own(self) -> EngineSpec:
        for name, owner in (("tensor_parallel", "vllm"), ("gpu_memory", "vllm"), ("seconds", "fake")):
            if self.name != owner and name in self.model_fields_set:
                raise wrong_at(
                    name, f"only {owner} has it; leave it out, or write `name: {owner}` (found {self.name})"
                )
        return self

    def identity(self) -> dict[str, Any]:
        """What answers depend on; what came later is left out where it is as it was before."""
        later = {"gpu_memory", "seconds", *(("tensor_parallel",) if self.tensor_parallel == 1 else ())}
        return self.model_dump(mode="json", exclude=later)


class BudgetSpec(Section):
    """When to stop."""

    trials: Annotated[int, Field(ge=1, strict=True)] = 200
    hours: Annotated[float, Field(gt=0)] | None = None
    finalists: Annotated[int, Field(ge=1, strict=True)] = 5
    """How many of the best trials by search score are judged on holdout items."""
    trial_minutes: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """How long one candidate may take before it counts as hung; None: as long as others make likely."""


def count_objectives(objective: Any) -> int:
    """How many objectives a file asks for: one, unless it lists them."""
    return len(objective) if isinstance(objective, list | tuple) else 1


def refuse_several(sampler: SamplerSpec, objectives: int) -> None:
    """Raise an error of the field where several objectives are asked of a sampler that serves one."""
    if objectives > 1 and sampler.name in ONE_OBJECTIVE:
        others = ", ".join(name for name in SAMPLERS if name not in ONE_OBJECTIVE)
        raise wrong_at(
            "sampler", f"{sampler.name} serves one objective, found {objectives}; write one of {others}"
        )


class StudySpec(Section):
    """A study file's content; paths are as written, relative to `folder`."""

    name: Annotated[str, Field(min_length=1)]
    base_model: ModelSpec
    experts: Annotated[tuple[ModelSpec, ...], Field(min_length=1)]
    dtype: Dtype = "bfloat16"
    tokenizer_source: str | None = None
    """How vocabularies that differ are aligned: `base`, `union`, or one of the experts."""
    config_source: str | None = None
    """Whose config, stop tokens and chat template merges have: `base`, or one of the experts."""
    allow_pickle: Annotated[bool, Field(strict=True)] = False
    search_space: SearchSpaceSpec
    slices: Annotated[tuple[SliceSpec, ...], Field(min_length=1)]
    objective: Objective = "accuracy"
    """What a trial is scored by on its search items; holdout items are always judged by accuracy."""
    sampler: SamplerSpec = SamplerSpec()
    racing: Racing = None
    """When candidates are stopped early; None: as the study began, a new one with today's defaults."""
    engine: EngineSpec = EngineSpec()
    budget: BudgetSpec = BudgetSpec()
    storage: str = DEFAULT_STORAGE
    folder: Annotated[Path, Field(exclude=True)]

    @model_validator(mode="after")
    def _distinct(self) -> StudySpec:
        check_names(self.base_model, self.experts, self.search_space.modules)
        refuse_twice("slices", tuple(s.name for s in self.slices))
        return self

    @model_validator(mode="after")
    def _objective_of_its_slices(self) -> StudySpec:
        check_objective(self.objective, [each.name for each in self.slices])
        return self

    @model_validator(mode="after")
    def _source_known(self) -> StudySpec:
        named = (self.base_model.name,) if self.base_model.name else ()
        bases = tuple(dict.fromkeys((BASE, *named)))
        vocabularies = (*dict.fromkeys((*VOCABULARIES, *named)), *self.expert_names)
        for field, name, choices in (
            ("tokenizer_source", self.tokenizer_name, vocabularies),
            ("config_source", self.config_name, (*bases, *self.expert_names)),
        ):
            if name is not None and name not in choices:
                said = getattr(self, field)
                raise wrong_at(
                    field,
                    f"must be {', '.join(choices[:-1])} or {choices[-1]}; found {said!r}"
                    f"{nearest(said, choices)}",
                )
        return self

    @model_validator(mode="after")
    def _served(self) -> StudySpec:
        refuse_several(self.sampler, count_objectives(self.objective))
        return self

    @model_validator(mode="after")
    def _enough(self) -> StudySpec:
        if self.search_space.layers is not None:
            return self  # each layer is one expert's, of however many
        for method in map(METHODS.__getitem__, self.search_space.methods):
            (fewest, most), found = method.experts, len(self.experts)
            if not fewest <= found <= (most or found):
                takes = f"{fewest}" if fewest == most else f"at least {fewest}"
                noun = "expert" if takes == "1" else "experts"
                raise wrong_at(
                    "experts",
                    f"{method.name} takes {takes} {noun}, found {found}; name others, or drop the method",
                )
        return self

    @model_validator(mode="after")
    def _raceable(self) -> StudySpec:
        if self.racing is not None and self.racing.on and self.objective not in RACED:
            raise wrong_at(
                "racing",
                f"takes {' or '.join(RACED)} as objective; write `racing: off`, or leave it out",
            )
        return self

    @model_validator(mode="after")
    def _depth_served(self) -> StudySpec:
        layers = self.search_space.layers
        if layers is not None and not layers.keeps_depth and self.engine.name == "vllm":
            raise wrong_at(
                "engine",
                "vllm keeps the number of layers that it starts with, and these layer paths change it; write"
                " `name: transformers`, or `layers: {copies: 1, skip: false}`",
            )
        return self

    def identity(self) -> dict[str, Any]:
        """What makes a study this study of all that its file says: no places, and nothing unsaid."""
        places = {"storage", "base_model", "experts", "allow_pickle", "tokenizer_source", "config_source"}
        said = self.model_dump(mode="json", by_alias=True, exclude=places)
        said["engine"] = self.engine.identity()
        del said["budget"]["trial_minutes"]  # patience changes no answer
        if self.objective == "accuracy":
            del said["objective"]  # studies that began before there was a choice stay what they were
        if self.racing is None or not self.racing.on:
            del said["racing"]
        if self.tokenizer_name is not None:
            said["tokenizer_source"] = self.tokenizer_name
        if self.config_name is not None:
            said["config_source"] = self.config_name
        return said

    @property
    def goals(self) -> Goals:
        """What its search drives up, or down."""
        return read_goals(self.objective)

    @property
    def directions(self) -> tuple[Direction, ...]:
        """Which way is better, by goal."""
        return directions(self.goals)

    @property
    def base_name(self) -> str:
        """What leaderboards call the base: `base`, unless it is given a name."""
        return self.base_model.name or BASE

    @property
    def expert_names(self) -> tuple[str, ...]:
        """What leaderboards call the experts: their names, else the last part of each path or hub id."""
        return tuple(expert.called for expert in self.experts)

    @property
    def tokenizer_name(self) -> str | None:
        """`tokenizer_source`, with the base as `base`, and an expert by its name where its path is given."""
        return self._named(self.tokenizer_source, VOCABULARIES)

    @property
    def config_name(self) -> str | None:
        """`config_source`, with the base as `base`, and an expert by its name where its path is given."""
        return self._named(self.config_source, (BASE,))

    def _named(self, source: str | None, others: tuple[str, ...]) -> str | None:
        named = {expert.model: expert.called for expert in self.experts}
        named |= {name: name for name in (*self.expert_names, *others)} | {self.base_name: BASE}
        return named.get(source or "", source)


_FORM = Form(
    kind="study",
    top=StudySpec,
    sections={
        "base_model": ModelSpec,
        "experts": ModelSpec,
        "search_space": SearchSpaceSpec,
        "layers": LayersSpec,
        "slices": SliceSpec,
        "data": DataSpec,
        "sampler": SamplerSpec,
        "racing": RacingSpec,
        "engine": EngineSpec,
        "budget": BudgetSpec,
    },
    branches=BRANCHES,
)


def load_study(path: Path) -> StudySpec:
    """Read and check a study file.

    Raises:
        SpecError: with file, line, field and remedy.
    """
    return read_file(path, _FORM)
