"""A study made ready: models opened and checked, items drawn, the space laid out; nothing run yet."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from evaluators.benchmarks.fit import Fitted, Long, fit
from evaluators.benchmarks.slices import Slice, SliceRequest, build_slices
from evaluators.engines.engine import Engine
from evaluators.engines.reader import open_reader
from evaluators.errors import EngineError
from evaluators.judge import check_gradable
from merging.family.differences import Difference, differences
from merging.family.outfit import Outfit, outfit, setting
from merging.family.prepare import open_model
from merging.layout import n_layers
from merging.models.checkpoint import Checkpoint
from merging.models.fingerprint import Fingerprint
from merging.recipe.rules import place_of
from merging.worker import MergeWorker
from search.candidates.models import Found, Opened, find, open_found
from search.errors import SearchError, SpecError
from search.proposals.baselines import baselines
from search.proposals.space import SearchSpace
from search.proposals.starting_points import starting_points
from search.running.answerable import check_answerable
from search.study_file.models import BASE, VOCABULARIES
from search.study_file.spec import DataSpec, EngineSpec, Objective, SliceSpec, StudySpec
from studies.objectives.goals import Goals, gold_slices, read_goals
from studies.store.rows import StudySlice
from studies.verdicts.steering import Yardstick

FAKE_CONTEXT = 1 << 20
"""Characters: more than any prompt has."""


@dataclass(frozen=True)
class Workshop:
    """Everything a search works with."""

    spec: StudySpec
    base: Checkpoint
    experts: tuple[Checkpoint, ...]
    fingerprints: Mapping[str, Fingerprint]
    space: SearchSpace
    search_slices: tuple[Slice, ...]
    holdout_slices: tuple[Slice, ...]
    long_prompts: tuple[Long, ...] = ()
    """Where prompts are longer than the model's context leaves room for."""
    fitted: Outfit | None = None
    """What merges have beside their weights; None: all is the base's own."""
    differences: tuple[Difference, ...] = ()
    """In what the models differ that a user of a merge would want to know."""

    @property
    def slices(self) -> tuple[Slice, ...]:
        """Those that steer, then those that judge."""
        return (*self.search_slices, *self.holdout_slices)

    @property
    def worker(self) -> MergeWorker:
        """A merge worker over these models."""
        return MergeWorker(self.base, self.experts, self.space.base, self.space.experts)

    def engine(self) -> Engine:
        """Start the study's engine, with the architecture, tokenizer and stop tokens that merges have."""
        return start_engine(self.spec, self.fitted.folder() if self.fitted else self.base.folder)

    @property
    def setting(self) -> str:
        """What tells answers here from those under the base's own generation config; empty for the same."""
        return setting(self.fitted, self.base) if self.fitted else ""

    @property
    def yardstick(self) -> Yardstick:
        """What candidates are scored by on the search items."""
        experts = [entrant for entrant in baselines(self.space) if entrant.kind == "expert"]
        return Yardstick(self.spec.goals, tuple(entrant.recipe.digest for entrant in experts))

    def identity(self) -> dict[str, Any]:
        """What makes this study this study: the file's content, and the contents of models and items.

        Where things lie is no part of it: a study may be moved, or go on against another storage. Nor is in
        what format they lie there.
        """
        models = {name: dict(fingerprint.parts) for name, fingerprint in self.fingerprints.items()}
        slices = {f"{s.name}/{s.split}": s.digest("") for s in self.slices}
        return {"study": self.spec.identity(), "models": models, "items": slices}


def study_slices(slices: Sequence[Slice], key: Callable[[Slice], str]) -> list[StudySlice]:
    """The slices as the store files them, each under its key."""
    return [StudySlice(s.name, s.task, s.split, key(s), len(s.items), s.scoring) for s in slices]


def start_engine(spec: StudySpec, model: Path) -> Engine:
    """Start the engine that a study asks for, with the architecture and the tokenizer of `model`.

    Raises:
        SearchError: the folder's config or tokenizer is of no use to the engine.
    """
    try:
        engine = _engine(spec.engine, model)
    except EngineError as error:
        raise SearchError(str(error)) from error
    if spec.engine.max_tokens >= engine.context:
        raise SpecError(
            f"engine.max_tokens: {spec.engine.max_tokens} leave no room for a prompt: the context of"
            f" {model} is {engine.context} tokens; lower it"
        )
    return engine


def _engine(spec: EngineSpec, model: Path) -> Engine:
    if spec.name == "fake":
        from evaluators.engines.fake import FakeEngine

        return FakeEngine(context=FAKE_CONTEXT, seconds=spec.seconds)
    if spec.name == "vllm":
        from evaluators.engines.vllm.engine import VllmEngine

        return VllmEngine(model, spec.dtype, spec.batch_size, spec.tensor_parallel, spec.gpu_memory)
    from evaluators.engines.transformers import TransformersEngine

    return TransformersEngine(model, dtype=spec.dtype, batch_size=spec.batch_size)


def computing_as(spec: StudySpec, model: Path) -> StudySpec:
    """The spec with the dtype that its engine would compute in, had it the architecture of `model`.

    Raises:
        SearchError: the folder's config is of no use to the engine.
    """
    if spec.engine.dtype != "auto" or spec.engine.name == "fake":
        return spec
    if spec.engine.name == "vllm":
        from evaluators.engines.vllm.engine import runs_on_cpu
    else:
        from evaluators.engines.transformers import runs_on_cpu
    from evaluators.engines.architecture import choose_dtype, open_config

    try:
        dtype = choose_dtype("auto", open_config(model), runs_on_cpu())
    except (OSError, ValueError, KeyError) as error:
        raise SearchError(
            f"{model}: no config to build a model of ({' '.join(str(error).split())})"
        ) from error
    engine = spec.engine.model_copy(update={"dtype": str(dtype).removeprefix("torch.")})
    return spec.model_copy(update={"engine": engine})


def open_workshop(spec: StudySpec) -> Workshop:
    """Open and check everything that a study names, before any work.

    Raises:
        SpecError, MergingError, EvaluatorsError: one line that names the file, the field and the remedy.
    """
    opened = _open_models(spec)
    base, experts = opened.family.base, opened.family.experts
    _check_modules(spec, base)
    names = (spec.base_name, *spec.expert_names)
    chosen = None if spec.config_name is None else (BASE, *spec.expert_names).index(spec.config_name)
    fitted = outfit((base, *experts), chosen)
    space = SearchSpace(
        spec=spec.search_space,
        base=opened.refs[0],
        experts=opened.refs[1:],
        expert_names=spec.expert_names,
        n_layers=n_layers(base.tensors),
        dtype=spec.dtype,
        seed=spec.sampler.seed,
        tokenizer_source=opened.tokenizer_source,
        allow_pickle=spec.allow_pickle,
        base_name=spec.base_name,
        config_source=None if chosen is None else place_of(opened.refs[chosen]),
    )
    _check_space(space, spec)
    folder = fitted.folder()
    search, holdout = build_slices(slice_requests(spec, folder))
    asked = fit_slices((*steering(search, spec.objective), *holdout), spec, folder)
    check_gradable(asked.slices)
    return Workshop(
        spec=spec,
        base=base,
        experts=experts,
        fingerprints=dict(zip(names, opened.fingerprints, strict=True)),
        space=space,
        search_slices=asked.slices[: len(search)],
        holdout_slices=asked.slices[len(search) :],
        long_prompts=asked.long,
        fitted=fitted,
        differences=differences((base, *experts), names, chosen),
    )


def _open_models(spec: StudySpec) -> Opened:
    models = (spec.base_model, *spec.experts)
    base, *experts = (find(each.model, spec.folder, spec.allow_pickle) for each in models)
    check_answerable(open_model(base.folder, allow_pickle=spec.allow_pickle))
    source: Found | str | None = spec.tokenizer_name
    if source is not None and source not in VOCABULARIES:
        source = experts[spec.expert_names.index(source)]
    opened = open_found(base, experts, source, spec.allow_pickle)
    _check_distinct(spec, [fingerprint.digest for fingerprint in opened.fingerprints])
    return opened


def _check_distinct(spec: StudySpec, digests: Sequence[str]) -> None:
    """Refuse two names for one model, of which a search would make two.

    Studies without names are left alone: they may have begun before there were any.
    """
    names = (spec.base_name, *spec.expert_names)
    given = [bool(model.name) for model in (spec.base_model, *spec.experts)]
    for (i, a), (j, b) in itertools.combinations(enumerate(digests), 2):
        if a == b and (given[i] or given[j]):
            raise SpecError(
                f"experts: {names[i]!r} and {names[j]!r} are one and the same model, file for file;"
                " leave one out"
            )


def slice_requests(spec: StudySpec, model: Path) -> list[SliceRequest]:
    """The study's slices as the judges want them asked for, with paths made absolute.

    `model` is whose chat template prompts are put in, where a slice wants that.
    """
    return [
        SliceRequest(
            name=s.name,
            task=s.task,
            data=_test_file(spec, s),
            num_fewshot=s.num_fewshot,
            search=s.search,
            holdout=s.holdout,
            seed=s.seed,
            max_tokens=spec.engine.max_tokens,
            train=spec.folder / s.data.train if isinstance(s.data, DataSpec) else None,
            chat=model if s.chat_template else None,
            verdict=s.verdict,
        )
        for s in spec.slices
    ]


def _test_file(spec: StudySpec, slice_: SliceSpec) -> Path | None:
    data = slice_.data.test if isinstance(slice_.data, DataSpec) else slice_.data
    return None if data is None else spec.folder / data


def fit_slices(slices: Sequence[Slice], spec: StudySpec, model: Path) -> Fitted:
    """The slices less the items that are dropped because `model` has no room for their prompts.

    Raises:
        SliceError: the model has no tokenizer, or a slice would be left without an item.
    """
    return fit(slices, open_reader(model), {s.name: s.long_prompts for s in spec.slices})


def steering(slices: Sequence[Slice], objective: Objective) -> tuple[Slice, ...]:
    """The search slices, scored by what the study asks for.

    Raises:
        SpecError: gold answers are to be scored, and an item has none; or tokens are to be counted, and no
            answer is generated.
    """
    goals = read_goals(objective)
    gold = gold_slices(goals, [part.name for part in slices])
    for part in slices:
        lacking = sum(not item.gold for item in part.items)
        if lacking and part.name in gold:
            raise SpecError(
                f"objective: gold_logprob needs a gold answer for every item, but {lacking} of slice"
                f" {part.name!r} ({part.task}) have none; write accuracy, or drop the slice"
            )
    asked = tuple(replace(part, scoring="gold") if part.name in gold else part for part in slices)
    _check_tokens(goals, asked)
    return asked


def _check_tokens(goals: Goals, slices: Sequence[Slice]) -> None:
    if any(goal.kind == "tokens" for goal in goals) and not any(s.scoring == "generate" for s in slices):
        raise SpecError(
            "objective: tokens are those of generated answers, and no slice has any: their answers are"
            " chosen or only scored; leave tokens out"
        )


def _check_space(space: SearchSpace, spec: StudySpec) -> None:
    """A space without a choice, or without a single merge in it, would be searched in vain."""
    if not space.distributions and spec.budget.trials > 1:
        raise SpecError("search_space: every number is fixed; give one a range, or set budget.trials to 1")
    for point in starting_points(space, spec.budget.trials) or [{}]:
        space.decode(point)


def _check_modules(spec: StudySpec, base: Checkpoint) -> None:
    """A module that matches no tensor would be searched in vain."""
    for module in spec.search_space.modules:
        if not any(module in name for name in base.tensors):
            parts = sorted({part for name in base.tensors for part in name.split(".") if not part.isdigit()})
            raise SpecError(
                f"search_space.modules: {module!r} is part of no tensor's name in {base.path};"
                f" parts there: {', '.join(parts)}"
            )
