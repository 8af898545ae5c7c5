"""LoRA adapters of a zoo: each goes to the family whose weights it changes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from merging.errors import CheckpointError
from merging.family.adapters import open_adapter, updates
from merging.family.prepare import open_adapted
from merging.zoo.members import Lora, Member

_SAY = "write MODEL+ADAPTER"


@dataclass(frozen=True)
class Part:
    """Models of one origin, sorted by name; the whole ones, and adapters as they leave their base."""

    members: tuple[Member, ...]
    guessed: tuple[str, ...] = ()
    """Names of adapters that nothing but their shapes brought here."""

    @property
    def whole(self) -> tuple[Member, ...]:
        """The members that are no adapters."""
        return tuple(member for member in self.members if member.adapter_of is None)

    def named(self) -> list[int]:
        """Places of the members that adapters name as what they change."""
        named = {m.adapter_of for m in self.members if m.adapter_of and m.name not in self.guessed}
        return [place for place, member in enumerate(self.members) if member.name in named]


def with_adapters(
    parts: Sequence[Part], adapters: Sequence[Lora], base_of: Callable[[Part], Member], allow_pickle: bool
) -> list[Part]:
    """The parts with their adapters; one that names no model is taken as a change to its part's base.

    Raises:
        CheckpointError: an adapter does not fit the model that it names, or fits none, or several families.
    """
    found = list(parts)
    for adapter in sorted(adapters, key=lambda each: each.name):
        place = _place(parts, adapter, allow_pickle)
        base = base_of(parts[place])
        if adapter.of is not None:
            base = next(member for member in parts[place].members if member.name == adapter.of)
        model = open_adapted(base.model, adapter.folder, allow_pickle)
        member = Member(adapter.name, model, claimed=adapter.claimed, adapter_of=base.name, told=adapter.told)
        found[place] = replace(
            found[place],
            members=tuple(sorted((*found[place].members, member), key=lambda each: each.name)),
            guessed=found[place].guessed if adapter.of else (*found[place].guessed, adapter.name),
        )
    return found


def _place(parts: Sequence[Part], adapter: Lora, allow_pickle: bool) -> int:
    if adapter.of is not None:
        return next(i for i, part in enumerate(parts) if adapter.of in {m.name for m in part.members})
    errors = [_misfit(part, adapter, allow_pickle) for part in parts]
    fitting = [place for place, error in enumerate(errors) if error is None]
    said = f" (its config names {adapter.claimed!r}, which is not given)" if adapter.claimed else ""
    if not fitting:
        why = f": {errors[0]}" if len(errors) == 1 else ""
        raise CheckpointError(
            f"{adapter.folder}: a LoRA adapter that fits none of the given models{said}{why}; give the model"
            f" that it was trained on, or {_SAY}"
        )
    if len(fitting) > 1:
        firsts = " and ".join(parts[place].members[0].name for place in fitting)
        raise CheckpointError(
            f"{adapter.folder}: a LoRA adapter that fits models of several families ({firsts}){said}; {_SAY}"
            " to say whose it is"
        )
    return fitting[0]


def _misfit(part: Part, adapter: Lora, allow_pickle: bool) -> CheckpointError | None:
    """Why an adapter's shapes are not those of a part's models; None where they are."""
    opened = open_adapter(adapter.folder, allow_pickle)
    try:
        updates(opened, part.members[0].model)
    except CheckpointError as error:
        return error
    return None
