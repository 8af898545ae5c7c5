"""Whether two configs make the same of the same weights.

Both are resolved by transformers' own config classes, defaults filled in, so an absent field is what the
architecture makes of it; then everything is compared but a named list (`harmless.py`). Where the architecture
is nobody's but its authors', the two files must say the same.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from merging.family.harmless import WHEN_ABSENT, idle_fields, is_harmless
from merging.shown import shown

Config = Mapping[str, Any]
_FIRST = ("rope_type", "factor")
"""What to name first of rotary positions that differ in several fields."""


@dataclass(frozen=True)
class Mismatch:
    """A field in which an expert's config means another arithmetic than the base's; both values in words."""

    field: str
    expert: str
    base: str
    others: int = 0
    """How many more fields differ."""


def mismatch(base: Config, expert: Config) -> Mismatch | None:
    """The first field that changes what weights compute and differs; None where the two mean the same.

    transformers is imported only for configs that differ on paper.
    """
    kinds = [config.get("model_type") for config in (base, expert)]
    if kinds[0] != kinds[1]:
        return Mismatch("model_type", shown(kinds[1]), shown(kinds[0]))
    if (classes := _classes(base, expert)) is not None:
        return classes
    same_code = base.get("auto_map") == expert.get("auto_map")
    if same_code and _on_paper(base, nulls=True) == _on_paper(expert, nulls=True):
        return None
    resolved = _resolved(base), _resolved(expert)
    if None not in resolved:
        return _first(base, expert, *(_settled(fields or {}, kinds[0]) for fields in resolved))
    if (code := _other_code(base, expert)) is not None:
        return code
    return _first(base, expert, _on_paper(base), _on_paper(expert))


def stated_tie(config: Config) -> bool | None:
    """Whether a config states that the head is the embedding, or is not; None where it leaves that out."""
    text = config.get("text_config") or {}
    stated: bool | None = config.get("tie_word_embeddings", text.get("tie_word_embeddings"))
    return stated


def is_tied(config: Config) -> bool:
    """Whether the head is the embedding, by the architecture's default where a config leaves that out."""
    stated = stated_tie(config)
    return bool((_resolved(config) or {}).get("tie_word_embeddings") if stated is None else stated)


def is_known(config: Config) -> bool:
    """Whether transformers has this architecture itself, whatever code of its own a model brings along."""
    import transformers

    if config.get("model_type") not in transformers.CONFIG_MAPPING:
        return False
    return "auto_map" not in config or all(
        name in dir(transformers) for name in config.get("architectures") or ()
    )


def _classes(base: Config, expert: Config) -> Mismatch | None:
    """The architectures' names where both state them, in whatever order."""
    named = [config.get("architectures") for config in (base, expert)]
    if not all(named) or sorted(map(str, named[0] or ())) == sorted(map(str, named[1] or ())):
        return None
    return Mismatch("architectures", shown(named[1]), shown(named[0]))


def _other_code(base: Config, expert: Config) -> Mismatch | None:
    """The classes that a model's own code is called by; the place that it is fetched from may differ."""
    classes = [
        {use: str(name).rpartition("--")[2] for use, name in (config.get("auto_map") or {}).items()}
        for config in (base, expert)
    ]
    if classes[0] == classes[1]:
        return None
    return Mismatch("auto_map", shown(classes[1] or None), shown(classes[0] or None))


def _on_paper(config: Config, nulls: bool = False) -> dict[str, Any]:
    """What a file states, less what is harmless; a null may mean another thing than a default."""
    fields = _flat(config, nulls=nulls)
    kind = config.get("model_type")
    return {name: value for name, value in fields.items() if not is_harmless(name, kind)}


def _settled(fields: dict[str, Any], kind: object) -> dict[str, Any]:
    """A resolved config's fields that change arithmetic."""
    if "head_dim" not in fields and {"hidden_size", "num_attention_heads"} <= fields.keys():
        fields = {**fields, "head_dim": fields["hidden_size"] // (fields["num_attention_heads"] or 1)}
    idle = idle_fields(fields, kind)
    return {name: value for name, value in fields.items() if not is_harmless(name, kind) and name not in idle}


def _first(
    base: Config, expert: Config, expected: Mapping[str, Any], found: Mapping[str, Any]
) -> Mismatch | None:
    names = [name for name in {**expected, **found} if _value(expected, name) != _value(found, name)]
    if not names:
        return None
    stated = {part for config in (base, expert) for name in _flat(config) for part in name.split(".")}
    ranked = sorted(names, key=lambda name: (_end(name) not in {*stated, *_FIRST}, _rank(name)))
    name = ranked[0]
    return Mismatch(
        name,
        _words(_value(found, name), expert, name),
        _words(_value(expected, name), base, name),
        len(names) - 1,
    )


def _value(fields: Mapping[str, Any], name: str) -> Any:
    return fields.get(name, WHEN_ABSENT.get(_end(name)))


def _words(value: Any, config: Config, name: str) -> str:
    spellings = (_end(name), "type") if name.endswith("rope_type") else (_end(name),)
    if any(_end(stated) in spellings for stated in _flat(config)):
        return shown(value)
    return "none" if value is None else f"{shown(value)} (by default)"


def _end(name: str) -> str:
    return name.rpartition(".")[2]


def _rank(name: str) -> int:
    return _FIRST.index(_end(name)) if _end(name) in _FIRST else len(_FIRST)


def _flat(config: Config, prefix: str = "", nulls: bool = False) -> dict[str, Any]:
    """Fields by their dotted names, with or without those that are null."""
    fields: dict[str, Any] = {}
    for name, value in config.items():
        if isinstance(value, Mapping):
            fields |= _flat(value, f"{prefix}{name}.", nulls)
        elif nulls or value is not None:
            fields[f"{prefix}{name}"] = value
    return fields


def _resolved(config: Config) -> dict[str, Any] | None:
    """A config with its architecture's defaults, by dotted names; None where transformers knows none."""
    from transformers import CONFIG_MAPPING

    if not is_known(config):
        return None
    try:
        with _silence():
            made = CONFIG_MAPPING[config["model_type"]].from_dict(copy.deepcopy(dict(config)))
            return _flat(json.loads(json.dumps(made.to_dict(), default=str)))
    except Exception:  # whatever a class says of fields that it does not like: the files then speak alone
        return None


@contextmanager
def _silence() -> Iterator[None]:
    """What classes think of a config is told to users by those who run it."""
    from transformers.utils import logging

    before = logging.get_verbosity()
    logging.set_verbosity(logging.CRITICAL)
    try:
        yield
    finally:
        logging.set_verbosity(before)
