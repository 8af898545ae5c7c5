"""Sources that are asked through vLLM say what they say through transformers."""

from __future__ import annotations

from collections.abc import Callable
from importlib.util import find_spec

import numpy as np
import pytest

from merging.fusion.distributions.shards import open_extracted
from merging.fusion.distributions.teacher import TransformersTeacher
from search.fusing.learning.data import read_data
from search.fusing.learning.readings import read_by
from tests.search.conftest import Outcome
from tests.search.fusing.families import CURVE, FUSION, Families, write_yaml

Crucible = Callable[..., Outcome]
pytestmark = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")

SLICES = ("gsm8k", "math", "code")
K = FUSION["distributions"]["top_k"]
ASKED = {**FUSION, "distributions": {"engine": "vllm", "shard": 16, "top_k": K}, "then_merge": None}


def test_a_fusion_learns_from_what_vllm_says_and_that_is_what_transformers_says(
    families: Families, crucible: Crucible
) -> None:
    """Two architectures, and the target, whose own distribution competes."""
    write_yaml(families.file, {**ASKED, "training": {"epochs": 1, "batch": 12}})
    out = families.folder / "out"
    said = crucible("fuse", families.file, "--storage", families.storage, "--out", out)
    assert said.code == 0, said.err
    assert len(families.rows(CURVE)) == 2 * 2
    models = {place.name: place for place in (out / "models").iterdir()}
    assert len(models) == 3
    readings = read_by(models, "auto", read_data([families.folder / "instructions.jsonl"], SLICES), 2048)
    for name, folder in models.items():
        extracted = open_extracted(out / "distributions" / name)
        assert extracted.manifest.engine.startswith("vllm/")
        theirs = TransformersTeacher(folder)(readings[name].requests, K)
        for row, transformers in enumerate(theirs):
            vllm = extracted[row]
            assert np.abs(vllm.logprobs - transformers.logprobs).max() < 1e-3
            assert np.abs(vllm.gold - transformers.gold).max() < 1e-3
            assert np.abs(np.exp(vllm.tail) - np.exp(transformers.tail)).max() < 1e-4
            assert (vllm.ids == transformers.ids).mean() > 0.95  # nearly alike ones may change places
