"""A merge that succeeds says nothing on standard error, to the very end of its process."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from tests.search.conftest import TINY

REPO = Path(__file__).parents[3]
BASE, MATH, CODE = (str(TINY / name) for name in ("base", "math", "code"))
BOTH = [{"model": model, "parameters": {"weight": 0.5, "density": 0.5}} for model in (MATH, CODE)]
WEIGHED = [{"model": model, "parameters": {"weight": 0.5}} for model in (MATH, CODE)]
KINDS: dict[str, dict[str, object]] = {
    "one after another": {"merge_method": "ties", "base_model": BASE, "models": BOTH},
    "passthrough, stacked": {
        "merge_method": "passthrough",
        "slices": [
            {"sources": [{"model": MATH, "layer_range": [0, 3]}]},
            {"sources": [{"model": CODE, "layer_range": [1, 4]}]},
        ],
    },
    "in slices": {
        "merge_method": "slerp",
        "base_model": BASE,
        "slices": [{"sources": [{"model": each, "layer_range": [0, 4]} for each in (BASE, MATH)]}],
        "parameters": {"t": 0.5},
    },
    "matrices decomposed": {"merge_method": "tsv", "base_model": BASE, "models": WEIGHED},
    "vocabularies aligned": {
        "merge_method": "task_arithmetic",
        "base_model": BASE,
        "models": WEIGHED,
        "tokenizer_source": "union",
    },
    "another chat template": {
        "merge_method": "task_arithmetic",
        "base_model": BASE,
        "models": WEIGHED,
        "chat_template": "{{ messages }}",
    },
}
COMPILED = """
from merging.worker import once, runner
runner.LARGE, once.COMPILING = 1, -1.0
from search.cli import main
main()
"""


def merged(folder: Path, config: dict[str, object], *command: str) -> subprocess.CompletedProcess[str]:
    """A whole process, without a cache; in float32, as merges compute, there is nothing to say of `dtype`."""
    file = folder / "merge.yaml"
    file.write_text(yaml.safe_dump({**config, "dtype": "float32"}))
    own = {"XDG_CACHE_HOME": str(folder / "cache"), "TORCHINDUCTOR_CACHE_DIR": str(folder / "inductor")}
    return subprocess.run(
        [sys.executable, *command, "merge", str(file), str(folder / "out")],
        cwd=REPO,
        env={**os.environ, **own, "OMP_NUM_THREADS": "1"},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("kind", KINDS)
def test_a_merge_is_silent(kind: str, tmp_path: Path) -> None:
    done = merged(tmp_path, KINDS[kind], "-m", "search")
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.skipif(not shutil.which("g++"), reason="compiling needs a C++ compiler")
def test_a_merge_that_compiles_is_silent(tmp_path: Path) -> None:
    """The compiler imports bindings that report what is left of them when their process ends."""
    done = merged(tmp_path, KINDS["one after another"], "-c", COMPILED)
    assert (done.returncode, done.stderr) == (0, "")
    assert list((tmp_path / "cache").rglob("*.so"))
