"""This room is plain data: it works where neither torch nor any other room's library is installed."""

from __future__ import annotations

import pkgutil
import subprocess
import sys
from pathlib import Path

import studies

FOREIGN = (
    *("torch", "transformers", "safetensors", "vllm", "lm_eval", "optuna", "ray", "datasets", "pydantic"),
    "pandas",
)
WORK = """
import sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.split(".")[0] in sys.argv[2].split(","):
            raise AssertionError(f"studies imports {name}")

sys.meta_path.insert(0, Refuse())
for name in sys.argv[3].split(","):
    __import__(name)

from studies.verdicts.leaderboard import build_leaderboard, conclusion
from studies.store import StudyStore

store = StudyStore(sys.argv[1])
store.begin("tiny", {})
print(conclusion(build_leaderboard(store, "tiny")))
"""


def test_studies_needs_no_other_rooms_library(sqlite_url: str) -> None:
    found = pkgutil.walk_packages(studies.__path__, "studies.")
    modules = [module.name for module in found if ".migrations" not in module.name]
    assert "studies.store.schema" in modules
    command = [sys.executable, "-c", WORK, sqlite_url, ",".join(FOREIGN), ",".join(modules)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=Path(__file__).parents[2])
    assert (done.stdout, done.stderr) == ("No candidate was judged on all holdout items yet.\n", "")
