"""What goes into a grouping and what comes out of it."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from merging.layout import layer_index, n_layers
from merging.models.checkpoint import Checkpoint
from merging.zoo.bases import Base
from merging.zoo.likeness import Likeness


@dataclass(frozen=True)
class Member:
    """A model of a zoo, opened; an adapter is its base as the adapter leaves it."""

    name: str
    model: Checkpoint
    claims: str | None = None
    """Name of the other model that its config says it was made from."""
    claimed: str | None = None
    """What its config says of that, whether it is given or not."""
    adapter_of: str | None = None
    """For an adapter: name of the model that it changes."""
    told: bool = False
    """For an adapter: whether its user says so, and not its config, or its shapes alone."""

    @property
    def architecture(self) -> str:
        """The config's `model_type`."""
        return str(self.model.config.get("model_type") or "unnamed")

    @cached_property
    def parameters(self) -> int:
        """How many numbers its weights are."""
        return sum(info.numel for info in self.model.tensors.values())


@dataclass(frozen=True)
class Lora:
    """An adapter of a zoo, not yet applied: of the model with a name, or of whichever it fits."""

    name: str
    folder: Path
    of: str | None = None
    claimed: str | None = None
    told: bool = False
    """Whether the user says whose it is, and not its config."""


@dataclass(frozen=True)
class Kindred:
    """Models whose weights can be merged: of one architecture, and from one base; sorted by name."""

    members: tuple[Member, ...]
    likeness: Likeness
    base: Base
    tokenizer_source: str | None
    """What a study must say to give them one vocabulary."""
    warnings: tuple[str, ...]

    @property
    def base_member(self) -> Member:
        """The one that the others are taken to be made from."""
        return self.members[self.base.place]

    @property
    def experts(self) -> tuple[Member, ...]:
        """The others, as far as a study with this base can take them: adapters change one model only."""
        base = self.base_member
        return tuple(
            member for member in self.members if member is not base and member.adapter_of in (None, base.name)
        )

    @property
    def modules(self) -> tuple[str, ...]:
        """Parts of a layer that hold its matrices, by their names: `self_attn`, `mlp`."""
        found = {
            parts[place + 1]
            for name, info in self.base_member.model.tensors.items()
            if len(info.shape) > 1 and (number := layer_index(name)) is not None
            if (place := (parts := name.split(".")).index(str(number))) + 2 < len(parts)
        }
        # A study finds modules by a piece of their names, so one within another would never be reached.
        return tuple(sorted(name for name in found if not any(o in name for o in found - {name})))

    @property
    def layers(self) -> int:
        """How many layers each has."""
        return n_layers(self.base_member.model.tensors)


@dataclass(frozen=True)
class Loner:
    """A model that no other of the zoo can be merged with."""

    member: Member
    reason: str


@dataclass(frozen=True)
class Zoo:
    """All models of a zoo: families, the largest models first, and those that stand alone."""

    families: tuple[Kindred, ...]
    loners: tuple[Loner, ...]
    bytes_read: int
