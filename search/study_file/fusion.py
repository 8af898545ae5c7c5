"""The fusion file: which searched families and models become one, how, and what is searched afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, model_validator

from merging.shown import shown
from search.errors import SpecError
from search.study_file.models import ModelSpec
from search.study_file.reading import Form, read_file
from search.study_file.search_space import SearchSpaceSpec, Section, wrong_at
from search.study_file.spec import EngineSpec, SamplerSpec, StudySpec, load_study
from studies.store.connect import DEFAULT_STORAGE

TokenMapping = Literal["statistics", "edit", "exact", "bytes"]
"""How a token of a source becomes one of the target."""
Function = Literal[
    "labels",
    "min_ce_sequence",
    "min_ce_token",
    "average",
    "evidence",
    "alm",
    "alm+min_ce_sequence",
    "alm+min_ce_token",
    "alm+average",
    "alm+evidence",
    "uld",
]
"""What the target learns from what its sources say."""
RANKED_BY_VLLM = 128
"""Tokens that vLLM names at one place."""
Strict = Field(strict=True)
Count = Annotated[int, Field(ge=1, strict=True)]
Seed = Annotated[int, Field(ge=0, strict=True)]
Share = Annotated[float, Field(ge=0, le=1)]


def _as_list(given: Any) -> Any:
    if isinstance(given, str):
        return (given,)
    if not isinstance(given, list | tuple):
        raise ValueError(f"must be a file, or a list of files; found {shown(given)}")
    return given


Files = Annotated[tuple[Annotated[str, Field(min_length=1)], ...], BeforeValidator(_as_list)]


class SelectionSpec(Section):
    """Which holdout items may select: these judge nothing afterwards."""

    share: Annotated[float, Field(gt=0, lt=1)] = 0.5
    """Of each slice's holdout items, the part that selects; all others judge."""
    seed: Seed = 0


class AlignmentSpec(Section):
    """How texts under two tokenizers are brought together."""

    mapping: TokenMapping = "bytes"
    floor: Share = 0.9
    """Share of characters in aligned spans under which a pair is refused."""


class DistributionsSpec(Section):
    """What is kept of what a source says at every token."""

    top_k: Count = 10
    engine: Literal["transformers", "vllm"] = "transformers"
    shard: Count = 256
    """Rows of data in one file on disk: what an interruption can cost."""

    @model_validator(mode="after")
    def _ranked(self) -> DistributionsSpec:
        if self.engine == "vllm" and self.top_k > RANKED_BY_VLLM:
            raise wrong_at(
                "top_k",
                f"vLLM ranks {RANKED_BY_VLLM} tokens at most; found {self.top_k}; lower it, or write"
                " `engine: transformers`",
            )
        return self


class ObjectiveSpec(Section):
    """What the target is trained towards: lambda · CE(label) + (1 − lambda) · divergence from the fused."""

    function: Function = "min_ce_sequence"
    lambda_: Annotated[Share, Field(alias="lambda")] = 0.1
    temperature: Annotated[float, Field(gt=0)] = 4.0
    pairwise: Annotated[bool, Strict] = True
    """One fused target for each source; otherwise one for all sources together."""

    @model_validator(mode="after")
    def _labels_alone(self) -> ObjectiveSpec:
        if self.function == "labels" and "lambda_" in self.model_fields_set and self.lambda_ != 1:
            raise wrong_at(
                "lambda", f"labels have no source to weigh against; found {self.lambda_:g}; leave it out"
            )
        return self


class LoraSpec(Section):
    """Train low-rank adapters instead of all weights."""

    rank: Count = 16
    alpha: Count = 32


class TrainingSpec(Section):
    """How the target is trained."""

    epochs: Count = 3
    batch: Count = 32
    """Rows of data that one step learns from."""
    micro_batch: Count | None = None
    """Rows that are in memory at once; by default all of a batch."""
    rate: Annotated[float, Field(gt=0)] = 1e-4
    warmup: Annotated[float, Field(ge=0, lt=1)] = 0.03
    """Share of the steps in which the rate rises."""
    max_length: Annotated[int, Field(ge=2, strict=True)] = 2048
    dtype: Literal["auto", "float32", "bfloat16", "float16"] = "auto"
    lora: LoraSpec | None = None
    checkpoint_every: Count = 100
    """Steps; the last checkpoint is where an interrupted training goes on."""
    seed: Seed = 0

    @model_validator(mode="after")
    def _whole_steps(self) -> TrainingSpec:
        if self.micro_batch and self.batch % self.micro_batch:
            raise wrong_at(
                "micro_batch", f"must divide batch ({self.batch}) without rest; found {self.micro_batch}"
            )
        return self


class ThenMergeSpec(Section):
    """The search over the fused targets, which share one architecture."""

    trials: Count = 24
    finalists: Count = 3
    search_space: SearchSpaceSpec
    sampler: SamplerSpec = SamplerSpec()


class FusionSpec(Section):
    """A fusion file's content; paths are as written, relative to `folder`."""

    name: Annotated[str, Field(min_length=1)]
    studies: Annotated[Files, Field(min_length=1)]
    """Study files of the families that were searched."""
    models: tuple[ModelSpec, ...] = ()
    """Models of no study that were evaluated on the same items."""
    data: Annotated[Files, Field(min_length=1)]
    """JSONL of instructions and responses to train on."""
    format: Literal["auto", "plain", "chat"] = "auto"
    target: Annotated[str, Field(min_length=1)] | None = None
    """The row that becomes the target; None: the evidence decides."""
    sources: Annotated[tuple[str, ...], Field(min_length=1)] | None = None
    """The rows that it learns from; None: the evidence decides."""
    sources_per_slice: Count = 1
    """How many of those that beat the target on a slice become sources for it, the strongest first."""
    selection: SelectionSpec = SelectionSpec()
    alignment: AlignmentSpec = AlignmentSpec()
    distributions: DistributionsSpec = DistributionsSpec()
    fusion: ObjectiveSpec = ObjectiveSpec()
    training: TrainingSpec = TrainingSpec()
    then_merge: ThenMergeSpec | None = None
    engine: EngineSpec | None = None
    """Who answers when fused models are judged; None: the engine of the target's study."""
    allow_pickle: Annotated[bool, Strict] = False
    storage: str = DEFAULT_STORAGE
    folder: Annotated[Path, Field(exclude=True)]

    @model_validator(mode="after")
    def _distinct(self) -> FusionSpec:
        _refuse_again("studies", self.studies)
        _refuse_again("data", self.data)
        _refuse_again("models", [model.model for model in self.models])
        _refuse_again("models", [model.called for model in self.models], "; give each a name of its own")
        _refuse_again("sources", self.sources or ())
        if self.target is not None and self.target in (self.sources or ()):
            raise wrong_at("sources", f"{shown(self.target)} is the target; leave it out")
        return self

    @property
    def study_files(self) -> tuple[Path, ...]:
        """Where the member studies are."""
        return tuple(self.folder / study for study in self.studies)

    @property
    def data_files(self) -> tuple[Path, ...]:
        """Where the data is."""
        return tuple(self.folder / file for file in self.data)


_FORM = Form(
    kind="fusion",
    top=FusionSpec,
    sections={
        "models": ModelSpec,
        "selection": SelectionSpec,
        "alignment": AlignmentSpec,
        "distributions": DistributionsSpec,
        "fusion": ObjectiveSpec,
        "training": TrainingSpec,
        "lora": LoraSpec,
        "then_merge": ThenMergeSpec,
        "search_space": SearchSpaceSpec,
        "sampler": SamplerSpec,
        "engine": EngineSpec,
    },
)


def load_fusion(path: Path) -> FusionSpec:
    """Read and check a fusion file; the files that it names are not looked at.

    Raises:
        SpecError: with file, line, field and remedy.
    """
    return read_file(path, _FORM)


def load_members(spec: FusionSpec) -> tuple[StudySpec, ...]:
    """Read and check the member studies' files, in the order of the fusion file.

    Raises:
        SpecError: with file, line, field and remedy; two studies have one name, or the fusion's.
    """
    members = tuple(load_study(file) for file in spec.study_files)
    names = [spec.name, *(member.name for member in members)]
    for i, (name, file) in enumerate(zip(names[1:], spec.studies, strict=True), 1):
        if name in names[:i]:
            other = "the fusion itself" if name == spec.name else spec.studies[names.index(name) - 1]
            raise SpecError(
                f"studies: {file} and {other} are both called {name!r} in the store; give one another name"
            )
    return members


def _refuse_again(field: str, given: Sequence[str], remedy: str = "; leave one out") -> None:
    """Raise the error of a field in which something comes twice."""
    for i, each in enumerate(given):
        if each in given[:i]:
            raise wrong_at(field, f"{shown(each)} is given twice{remedy}")
