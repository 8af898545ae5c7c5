"""The `search_space` of a study file: what is searched and what is fixed, checked by the registry."""

from __future__ import annotations

from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    ValidationInfo,
    create_model,
    field_validator,
    model_serializer,
    model_validator,
)
from pydantic_core import PydanticCustomError

from merging.methods.registry import METHODS, PARAMETERS, REQUIRED, Method, Parameter, nearest
from merging.recipe.checks import span, within
from search.errors import SpecError


def _as_range(value: Any) -> Any:
    if isinstance(value, bool):
        raise ValueError("a number, or [low, high]")
    return (value, value) if isinstance(value, int | float) else value


def refuse_twice(what: str, names: tuple[str, ...]) -> None:
    """Raise ValueError where a name comes twice."""
    twice = [name for i, name in enumerate(names) if name in names[:i]]
    if twice:
        raise ValueError(f"{what}: {twice[0]!r} is named twice; give each a name of its own")


def wrong_at(field: str, message: str) -> PydanticCustomError:
    """An error of one field of a section that only the whole section can see."""
    return PydanticCustomError("at_field", "{message}", {"field": field, "message": message})


Range = Annotated[tuple[float, float], BeforeValidator(_as_range)]
"""`[low, high]`: searched between the two. A single number: fixed."""
Fixed = tuple[float, float] | bool | int | str


class Section(BaseModel):
    """A part of a study file: no unknown fields, nothing to be changed."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


STACKING = "passthrough"
"""The method by which layers are taken as they are."""
OWN = ("weight", "density", "lambda", "normalize")
"""Parameters that the section below spells out; all others of the registry are fields of theirs beside it."""


def _kind(parameter: Parameter) -> Any:
    if parameter.kind == "float":
        return Range
    if parameter.kind == "word":
        return Literal[parameter.words]
    if parameter.kind == "bool":
        return Annotated[bool, Field(strict=True)]
    return Annotated[int, Field(strict=True, ge=parameter.low, le=parameter.high)]


MORE = tuple(name for name in PARAMETERS if name not in OWN)
if TYPE_CHECKING:
    _FromRegistry = Section
else:
    _FromRegistry = create_model(
        "_FromRegistry",
        __base__=Section,
        **{name: (_kind(PARAMETERS[name]) | None, None) for name in MORE},
    )


class LayersSpec(Section):
    """Which paths through the experts' layers may be taken; each layer is one expert's, as it is."""

    budget: Annotated[int, Field(ge=1, strict=True)]
    """How many layers a merged model has at most."""
    copies: Annotated[int, Field(ge=1, le=4, strict=True)] = 2
    """How often a layer group may come, one behind the other, each from an expert of its own."""
    skip: Annotated[bool, Field(strict=True)] = True
    """Whether layer groups may be left out."""

    @property
    def keeps_depth(self) -> bool:
        """Whether every path has as many layers as the models, each in its own place."""
        return self.copies == 1 and not self.skip


LATER = ("gradient", "layers")
"""What spaces may say since it came: no part of a study's identity where it says nothing of it."""


class SearchSpaceSpec(_FromRegistry):
    """What a candidate may be made of; every other parameter of the registry is a field too, by its name."""

    methods: Annotated[tuple[str, ...], Field(min_length=1)]
    """Merge methods; with several the method is searched too."""
    layer_groups: Annotated[int, Field(ge=1, strict=True)] | Literal["each"] = "each"
    """Into how many runs of consecutive layers to cut the model, or `each` layer for itself."""
    modules: tuple[str, ...] = ("self_attn", "mlp")
    """Parts of a layer that get parameters of their own, by a piece of their tensors' names."""
    weight: Range = (0.0, 1.0)
    density: Range = (0.1, 1.0)
    lambda_: Annotated[Range, Field(alias="lambda")] = (1.0, 1.0)
    normalize: bool = False
    """Divide a merged task vector by the sum of its weights. Off, unlike in mergekit: with it, weights only
    say who counts for how much, and every candidate lies a full task vector away from the base."""

    gradient: Annotated[int, Field(ge=2, strict=True)] | None = None
    """Of how many layers, from the first to the last, numbers are chosen; the others lie on straight lines
    between them."""
    layers: LayersSpec | None = None
    """Paths through the experts' layers, for the methods that stack."""

    @property
    def more(self) -> dict[str, Fixed]:
        """What is given of the registry's other parameters: (low, high) for numbers, else the value."""
        return {name: value for name in MORE if (value := getattr(self, name)) is not None}

    @model_serializer(mode="wrap")
    def _without_unsaid(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        """What a study does not say is no part of its identity, or a new parameter would make it another."""
        said: dict[str, Any] = handler(self)
        return {
            name: value for name, value in said.items() if value is not None or name not in (*MORE, *LATER)
        }

    @field_validator("methods")
    @classmethod
    def _known(cls, methods: tuple[str, ...]) -> tuple[str, ...]:
        refuse_twice("methods", methods)
        for name in methods:
            if name not in METHODS:
                raise ValueError(
                    f"unknown method {name!r}{nearest(name, METHODS)}; known: {', '.join(METHODS)}"
                )
        return methods

    @field_validator("modules")
    @classmethod
    def _distinct(cls, modules: tuple[str, ...]) -> tuple[str, ...]:
        refuse_twice("modules", modules)
        if "" in modules:
            raise ValueError("a module is a piece of tensors' names; '' is in all of them")
        return modules

    @field_validator(*(name for name, each in PARAMETERS.items() if each.kind == "float" and name in MORE))
    @classmethod
    def _in_range(cls, value: Range | None, info: ValidationInfo) -> Range | None:
        parameter = PARAMETERS[str(info.field_name)]
        for number in value or ():
            if not within(parameter, number):
                raise ValueError(f"{number:g} is out of range; give numbers {span(parameter)}")
        return None if value is None else cls._ordered(value)

    @field_validator("weight", "density", "lambda_")
    @classmethod
    def _ordered(cls, value: Range) -> Range:
        if value[0] > value[1]:
            raise ValueError(f"[low, high] is the wrong way round: {list(value)}")
        return value

    @field_validator("density")
    @classmethod
    def _share(cls, value: Range) -> Range:
        if not (value[0] >= 1e-4 and value[1] <= 1):
            raise ValueError(f"a density is a share kept, between 0.0001 and 1; found {list(value)}")
        return value

    @model_validator(mode="after")
    def _shaped(self) -> SearchSpaceSpec:
        if self.gradient is not None and self.layer_groups != "each":
            raise wrong_at("gradient", "gives every layer numbers of its own; leave layer_groups out")
        if self.layers is None:
            return self
        if self.gradient is not None:
            raise wrong_at("gradient", "a layer path goes by layer groups; leave one of the two out")
        for method in self.methods:
            if method != STACKING:
                raise wrong_at(
                    "layers",
                    f"{method} merges several models' layers into one, a path takes each as it is; write"
                    f" `methods: [{STACKING}]`, or leave layers out",
                )
        return self

    def check_weights(self) -> None:
        """Raises SpecError for weights that could cancel where a method divides by their sum.

        Not part of reading a file: studies began with such weights before they were refused, and go on.
        """
        for method in map(METHODS.__getitem__, self.methods) if self.weight[0] < 0 else ():
            if remedy := self._without_cancelling(method):
                raise SpecError(
                    f"search_space.weight: {self.weight[0]:g} is below 0, but {method.name} divides by the"
                    f" sum of its weights, which could cancel; {remedy}"
                )

    def _without_cancelling(self, method: Method) -> str | None:
        """What makes weights below 0 mean something to a method; None where they do."""
        reads = method.parameters
        if "normalize" in reads and method.on_task_vectors:
            return "leave normalize out" if self.normalize else None
        if "weight" not in reads or "lambda" in reads:
            return None
        if "normalize_weights" in reads:
            said = self.more.get("normalize_weights")
            return None if said is False else "write `normalize_weights: false`, or weights from 0 on"
        return "give weights from 0 on, or drop the method"

    @model_validator(mode="after")
    def _read(self) -> SearchSpaceSpec:
        for name in self.more:
            if not any(name in METHODS[method].parameters for method in self.methods):
                readers = [method.name for method in METHODS.values() if name in method.parameters]
                raise wrong_at(
                    name, f"no method of this study reads it, only {', '.join(readers)}; leave it out"
                )
        for method in self.methods:
            for name, default in METHODS[method].defaults.items():
                if default is REQUIRED and name in MORE and name not in self.more:
                    raise wrong_at(
                        name, f"is missing; {method} needs it: {PARAMETERS[name].summary}; give [low, high]"
                    )
        t = self.more.get("t")
        if "slerp" in self.methods and isinstance(t, tuple) and t[1] > 1:
            raise wrong_at("t", f"{t[1]:g} is beyond the expert; slerp goes from 0 (base) to 1 (expert)")
        return self
