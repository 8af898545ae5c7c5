"""Let mergekit 0.1.5 make the merges of `method_cases.py`, and keep them in `golden/methods/`.

    python -m venv oracle && oracle/bin/pip install mergekit==0.1.5
    oracle/bin/python tests/oracle/make_method_goldens.py

mergekit's requirements clash with ours, so this script runs in an environment of its own; torch, safetensors
and PyYAML are all that it needs besides. It keeps, per family, the models, and per mode every result as one
vector; and in `masks.json` how mergekit's random masks are distributed. One thread, so that sums have one
order.
"""

from __future__ import annotations

import os

os.environ |= {"OMP_NUM_THREADS": "1", "HF_HUB_OFFLINE": "1"}  # before torch is imported

import json
import logging
import shutil
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

import torch
import yaml
from mergekit import merge_methods
from mergekit.config import MergeConfiguration
from mergekit.io.tasks import LoaderCache
from mergekit.merge import run_merge
from mergekit.merge_methods.base import TensorGroup
from mergekit.options import MergeOptions
from safetensors.torch import load_file, save_file
from torch import Tensor

from tests.merging.pico import write_model
from tests.oracle.masks import DENSITIES, DTYPES, SPREAD, sample, summary
from tests.oracle.method_cases import MODES, Case, cases_of
from tests.oracle.method_families import FAMILIES, GOLDEN, pack


def main() -> None:
    assert version("mergekit") == "0.1.5", "goldens are mergekit 0.1.5's; install that version"
    logging.disable(logging.WARNING)
    shutil.rmtree(GOLDEN, ignore_errors=True)
    GOLDEN.mkdir(parents=True)
    for family in FAMILIES:
        with tempfile.TemporaryDirectory() as folder:
            make(family, Path(folder))
    (GOLDEN / "masks.json").write_text(json.dumps(masks(), indent=1) + "\n")


def make(family: str, folder: Path) -> None:
    """Keep a family's models and mergekit's results, one file per mode."""
    models = FAMILIES[family].tensors()
    for name, tensors in models.items():
        write_model(folder / name, tensors, FAMILIES[family].pico)
    save_file({name: pack(tensors) for name, tensors in models.items()}, GOLDEN / f"{family}.safetensors")
    os.chdir(folder)
    LoaderCache().loaders.clear()  # configs name models relative to the folder
    for mode in MODES:
        cases = [case for case in cases_of(family).values() if mode in case.modes]
        results = {case.name: merge(case, mode, set(models["base"])) for case in cases}
        save_file(results, GOLDEN / f"{family}-{mode}.safetensors")
        print(f"{family}-{mode}: {len(results)} merges")
    os.chdir(GOLDEN)


def merge(case: Case, mode: str, names: set[str]) -> Tensor:
    """mergekit's result of a case, as one vector."""
    config = MergeConfiguration.model_validate(yaml.safe_load(case.yaml(mode)))
    out = Path(f"{case.name}-{mode}")
    run_merge(config, str(out), MergeOptions(quiet=True, write_model_card=False))
    merged = {name: tensor for file in out.glob("*.safetensors") for name, tensor in load_file(file).items()}
    assert merged.keys() == names, f"{case.name}: mergekit wrote other tensors than the base has"
    return pack(merged)


def masks() -> list[dict[str, object]]:
    """How mergekit's random methods thin out a known task vector."""
    torch.manual_seed(0)
    rows: list[dict[str, object]] = []
    for name in ("dare_linear", "dare_ties", "della", "della_linear"):
        for dtype in DTYPES:
            for density in DENSITIES:
                delta = sample(getattr(torch, dtype))
                group = TensorGroup.from_tensors([torch.zeros_like(delta), delta], base_index=0)
                spread = {"epsilon": SPREAD[density]} if "della" in name else {}
                # in bfloat16 the factor has 8 bits: it would differ by steps, not by standard errors
                rescale = dtype == "float32"
                parameters = {"weight": 1.0, "density": density, "rescale": rescale, **spread}
                (merged,) = merge_methods.get(name)((group,), parameters=parameters)
                asked = {"method": name, "dtype": dtype, "density": density, "rescale": rescale}
                rows.append(asked | summary(merged))
    return rows


if __name__ == "__main__":
    main()
