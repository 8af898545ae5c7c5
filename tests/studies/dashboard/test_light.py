"""The process that serves the pages opens no model: whatever is looked at, torch stays out of it."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from studies.store import StudyStore
from tests.studies.views.made import make_study, tell_optuna

LOOK = """
import asyncio, sys, time, httpx
from search.serving import looking
from studies.dashboard import serve
from studies.dashboard.app import PAGES, dashboard
from studies.store import ReadOnlyStore

with ReadOnlyStore(sys.argv[1]) as store:
    app = dashboard(store, exporter=looking.ExportCommand(sys.argv[1]))

    async def look():
        transport = httpx.ASGITransport(app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            for route in PAGES:
                if "GET" not in (route.methods or ()) or "mergekit" in route.path:
                    continue
                path = route.path.replace("{study:int}", "1").replace("{form:str}", "recipe")
                path = path.replace("{candidate:path}", "trial 0").replace("{trial:str}", "0")
                answer = await client.get(path, params={"wait": 60})
                assert answer.status_code in (200, 204), (path, answer.text)
                print(path)
            for _ in range(100):
                if "Working out" not in (await client.get("/studies/1/parameters")).text:
                    break
                time.sleep(0.05)

    asyncio.run(look())
heavy = {"torch", "transformers", "vllm", "optuna", "safetensors", "pandas", "matplotlib"}
print(sorted(heavy & {name.split(".")[0] for name in sys.modules}))
"""


def test_no_page_imports_torch_nor_anything_as_heavy(tmp_path: Path) -> None:
    pytest.importorskip("starlette")
    url = f"sqlite:///{tmp_path / 'crucible.db'}"
    with StudyStore(url) as store:
        made = make_study(store)
        made.baselines()
        made.trial(0, (2, 3), (5, 3))
        tell_optuna(url, "made", [("COMPLETE", [0.1 * (i % 7)], {"x": i / 10}) for i in range(20)])
    root = Path(__file__).parents[3]
    done = subprocess.run([sys.executable, "-c", LOOK, url], capture_output=True, text=True, cwd=root)
    *paths, heavy = done.stdout.splitlines()
    assert (done.stderr, heavy) == ("", "[]")
    assert {"/", "/studies/1", "/studies/1/merge", "/studies/1/slices", "/studies/1/items"} <= set(paths)
    assert {"/studies/1/parameters", "/studies/1/fusion", "/studies/1/export/recipe/trial 0"} <= set(paths)
