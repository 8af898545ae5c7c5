"""How a fused model was made: what the store remembers of it, and what must not change under its name."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from merging.fusion.training.settings import Settings
from merging.fusion.training.train import LIVE
from search.fusing.learning.data import Data
from search.fusing.materials import Role
from search.study_file.fusion import FusionSpec
from studies.store.identity import JSON

_FIELDS = {"mapping": "alignment.mapping", "top_k": "distributions.top_k"}
_WHOLE = ("target", "sources", "data")


def made_of(
    spec: FusionSpec, settings: Settings, target: Role, sources: Sequence[Role], data: Data
) -> dict[str, Any]:
    """What a fused model is made of, as plain data."""
    made = {
        "target": target.digest,
        "sources": [each.digest for each in sources],
        "data": data.digest,
        "mapping": spec.alignment.mapping,
        "top_k": spec.distributions.top_k,
        **settings.to_json(),
    }
    plain: dict[str, Any] = json.loads(json.dumps(made))
    return plain


def changed(before: Mapping[str, JSON], now: Mapping[str, JSON]) -> list[str]:
    """The fields of a fusion file in which two models were made differently."""
    ours, theirs = _by_field(now), _by_field(before)
    return [name for name, value in ours.items() if theirs.get(name) != value]


def _by_field(made: Mapping[str, JSON]) -> dict[str, JSON]:
    named: dict[str, JSON] = {}
    for name, value in made.items():
        if name == "objective" and isinstance(value, Mapping):
            named |= {f"fusion.{each.rstrip('_')}": part for each, part in value.items()}
        elif name not in LIVE:
            named[name if name in _WHOLE else _FIELDS.get(name, f"training.{name}")] = value
    return named
