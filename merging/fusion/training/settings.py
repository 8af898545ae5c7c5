"""What a training is told: what it minimises, how long and how fast, in what memory."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

from merging.errors import TrainingError
from merging.fusion.training.functions import parts


@dataclass(frozen=True)
class Objective:
    """`lambda_`·CE(label) + (1 − `lambda_`)·divergence from what `function` makes of the sources.

    `divergence` kl and ce have one gradient; kl is 0 where the student says what it is taught.
    `temperature` softens what is kept, on both sides; `chunk_temperature` is that of `alm`, whose paper uses
    100. `evidence` holds each teacher's accuracy by slice, in the order of `Example.teachers`.
    """

    function: str = "min_ce_sequence"
    lambda_: float = 0.1
    temperature: float = 4.0
    divergence: Literal["kl", "ce"] = "kl"
    chunk_temperature: float = 100.0
    evidence: Mapping[str, Sequence[float]] = field(default_factory=dict)

    def __post_init__(self) -> None:
        needed = parts(self.function)
        _check(0 <= self.lambda_ <= 1, "fusion.lambda", self.lambda_, "a share between 0 and 1")
        _check(self.temperature > 0, "fusion.temperature", self.temperature, "a number above 0")
        _check(self.chunk_temperature > 0, "fusion.chunk_temperature", self.chunk_temperature, "one above 0")
        _check(self.divergence in ("kl", "ce"), "fusion.divergence", self.divergence, "kl or ce")
        if needed.distributions == "evidence" and not self.evidence:
            raise TrainingError("fusion.function: evidence weighs sources by accuracies; there are none")

    @property
    def label_share(self) -> float:
        """The weight of the labels: all, where nothing else is taught."""
        return self.lambda_ if parts(self.function).any else 1.0


@dataclass(frozen=True)
class Lora:
    """Adapters on all linear layers instead of new weights: their rank, and alpha, the scale times rank."""

    rank: int = 16
    alpha: int = 32

    def __post_init__(self) -> None:
        _check(self.rank >= 1, "training.lora.rank", self.rank, "a number from 1")
        _check(self.alpha > 0, "training.lora.alpha", self.alpha, "a number above 0")


@dataclass(frozen=True)
class Settings:
    """How a target is trained: `batch` examples a step, `micro_batch` (all, if not given) at a time.

    `rate` is the peak learning rate, reached after the share `warmup` of all steps. What exceeds `max_length`
    tokens is cut. `dtype` bfloat16 computes in it by autocast; weights are float32 while they are trained.
    """

    objective: Objective = field(default_factory=Objective)
    epochs: int = 3
    batch: int = 32
    micro_batch: int | None = None
    rate: float = 1e-4
    warmup: float = 0.03
    max_length: int = 2048
    dtype: Literal["auto", "float32", "bfloat16"] = "auto"
    lora: Lora | None = None
    checkpoint_every: int = 100
    seed: int = 0

    def __post_init__(self) -> None:
        for name in ("epochs", "batch", "checkpoint_every"):
            _check(getattr(self, name) >= 1, f"training.{name}", getattr(self, name), "a number from 1")
        few = self.micro_batch
        _check(few is None or few >= 1, "training.micro_batch", few, "a number from 1, or null")
        _check(self.rate > 0, "training.rate", self.rate, "a number above 0")
        _check(0 <= self.warmup < 1, "training.warmup", self.warmup, "a share from 0 to below 1")
        _check(self.max_length >= 2, "training.max_length", self.max_length, "a number from 2")
        known = ("auto", "float32", "bfloat16")
        _check(self.dtype in known, "training.dtype", self.dtype, " or ".join(known))

    def to_json(self) -> dict[str, Any]:
        """All settings, as plain data."""
        objective = self.objective
        evidence = {name: list(values) for name, values in sorted(objective.evidence.items())}
        return {**asdict(self), "objective": {**asdict(objective), "evidence": evidence}}


def _check(holds: bool, name: str, value: object, wanted: str) -> None:
    if not holds:
        raise TrainingError(f"{name}: {value} is not {wanted}")
