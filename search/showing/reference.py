"""The reference page of the merge methods, from their registry: `python -m search.showing.reference`."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from merging.methods.registry import METHODS, PARAMETERS, REQUIRED, Method, Parameter, Value
from merging.recipe.checks import span

PAGE = Path(__file__).parents[2] / "docs" / "methods.md"
_HEAD = """# The merge methods

*Written from `merging/methods/registry.py` by `python -m search.showing.reference`; edit there.*

Names, parameters and defaults are mergekit 0.1.5's, so its configs mean the same here. A study searches a
parameter with `name: [low, high]` and fixes it with `name: value` ([the study file](study-file.md)); a config
gives it in `parameters:`, whole, by filters, or as a gradient.
"""
_BASE = {
    "adds to": "task vectors are taken from the base, and their merge is added to it",
    "mixes in": "the base is an input like the expert",
    "config only": "gives config and tokenizer; its weights are not read",
}
_IDENTITIES = {
    "weight 0 is base": "with all weights 0 the merge is the base, bit for bit",
    "alone is expert": "an expert alone, at weight 1 and density 1, comes out as it is",
    "order-free": "the order of the experts does not matter",
}


def page() -> str:
    """The page as Markdown."""
    return "\n".join(
        [_HEAD, *_overview(), *_parameters(), *(line for m in METHODS.values() for line in _of(m))]
    )


def _overview() -> Iterator[str]:
    yield "| method | what it makes | experts |\n|---|---|---|"
    for method in METHODS.values():
        yield f"| [`{method.name}`](#{method.name}) | {method.summary} | {_experts(method)} |"
    yield ""


def _parameters() -> Iterator[str]:
    yield "## Parameters\n"
    yield "| parameter | meaning | values | of each expert | read by |\n|---|---|---|---|---|"
    for parameter in PARAMETERS.values():
        readers = [f"`{method.name}`" for method in METHODS.values() if parameter.name in method.parameters]
        each = "yes" if parameter.per_expert else ""
        named = "all with a weight" if parameter.name == "weight" else ", ".join(readers)
        yield f"| `{parameter.name}` | {parameter.summary} | {_values(parameter)} | {each} | {named} |"
    yield ""


def _of(method: Method) -> Iterator[str]:
    yield f"## {method.name}\n\n{method.summary[0].upper()}{method.summary[1:]}. Source: {method.source}.\n"
    yield f"- Experts: {_experts(method)}. Base: {_base(method)}."
    for name, default in method.defaults.items():
        given = "required" if default is REQUIRED else f"default {_value(default)}"
        yield f"- `{name}`: {PARAMETERS[name].summary}; {_values(PARAMETERS[name])}; {given}."
    promises = [text for name, text in _IDENTITIES.items() if name in method.identities]
    if method.random:
        promises.append("masks are drawn from the recipe's seed, the same on every device")
    if method.elementwise:
        promises.append("each element is computed by itself")
    yield from (f"- Holds: {'; '.join(promises)}." for _ in promises[:1])
    yield "" if method.mergekit else "- Not in mergekit: export as a recipe or a checkpoint.\n"


def _experts(method: Method) -> str:
    fewest, most = method.experts
    return f"{fewest}" if fewest == most else f"{fewest} or more" if most is None else f"{fewest} to {most}"


def _base(method: Method) -> str:
    if "from_base" in method.parameters:
        return f"with `from_base`, {_BASE['adds to']}; else {_BASE['config only']}"
    return _BASE[method.base]


def _values(parameter: Parameter) -> str:
    if parameter.kind == "word":
        return " or ".join(f"`{word}`" for word in parameter.words)
    if parameter.kind == "bool":
        return "true or false"
    return f"{'whole number' if parameter.kind == 'int' else 'number'} {span(parameter)}"


def _value(value: Value) -> str:
    return (
        str(value).lower()
        if isinstance(value, bool)
        else f"{value:g}"
        if isinstance(value, float)
        else str(value)
    )


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
    print(PAGE)
