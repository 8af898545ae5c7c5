"""Let mergekit 0.1.5 make the merges of `cases.py`, and keep its results in `golden/` for `test_oracle.py`.

    python -m venv oracle && oracle/bin/pip install mergekit==0.1.5
    oracle/bin/python tests/oracle/make_goldens.py

mergekit's requirements clash with ours, so it has an environment of its own: this script runs there, where
torch, safetensors and PyYAML are all that `merging/` needs, and asks mergekit on its command line. The tests
read only what was kept: the models (torch's random numbers may change), the YAML that we exported, and the
tensors that mergekit made of it or of the configs in `written/`. It prints how far ours are off.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from importlib.metadata import version
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parents[2]))

from safetensors.torch import save_file

from merging.mergekit.read import to_mergekit
from merging.models.checkpoint import open_checkpoint
from merging.worker import Candidate
from tests.oracle.cases import FAMILIES, MODELS, WRITTEN, Family, among, lay_out, read_written

MERGEKIT = Path(sys.executable).with_name("mergekit-yaml")


def main() -> None:
    assert version("mergekit") == "0.1.5", "goldens are mergekit 0.1.5's; install that version"
    for family in FAMILIES:
        shutil.rmtree(family.golden, ignore_errors=True)
        family.golden.mkdir(parents=True)
        with tempfile.TemporaryDirectory() as folder:
            make(family, Path(folder))


def make(family: Family, folder: Path) -> None:
    """Keep a family's models, our exports and mergekit's results."""
    base = family.pico.base()
    tensors = {"base": base, **{name: family.pico.expert(base, i) for i, name in enumerate(MODELS[1:])}}
    for name, weights in tensors.items():
        save_file(weights, family.golden / f"{name}.safetensors")
    worker = lay_out(family, tensors, folder)
    recipes = dict(family.recipes)
    for name, recipe in family.recipes.items():
        exported = to_mergekit(recipe, worker.base.tensors, worker.kept_densities(recipe))
        (family.golden / f"{name}.yaml").write_text(exported)
        ask(family.golden / f"{name}.yaml", folder / name, folder)
    for name in family.written:
        recipes[name] = read_written(family, name, worker)
        ask(WRITTEN / family.name / f"{name}.yaml", folder / name, folder)
    for name, recipe in recipes.items():
        merged = open_checkpoint(folder / name)
        save_file(dict(merged), family.golden / f"{name}.safetensors")
        candidate = Candidate(among(worker, recipe), recipe)
        different = sum(int((tensor != merged.tensor(key)).sum()) for key, tensor in candidate)
        print(f"{family.name}/{name}: {different} of {sum(t.numel() for _, t in candidate)} numbers differ")


def ask(config: Path, out: Path, folder: Path) -> None:
    """Run mergekit on a config whose models lie in `folder`."""
    command = [str(MERGEKIT), str(config.resolve()), str(out), "--quiet", "--no-write-model-card"]
    done = subprocess.run(
        command, cwd=folder, env={**os.environ, "HF_HUB_OFFLINE": "1"}, capture_output=True, text=True
    )
    if done.returncode:
        sys.exit(f"{config}: mergekit refused\n{done.stderr}")


if __name__ == "__main__":
    main()
