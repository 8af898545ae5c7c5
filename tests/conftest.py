"""What holds for all tests: properties are checked on the same examples, however slow the machine.

Tests that start an engine, a sandbox or a compiler, or run a study, are marked `whole`; `make quick` leaves
them out. They come first: where files are handed out to several processes, the short ones at the end keep all
of them busy to it.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

HERE = Path(__file__).parent
WHOLE = (
    "benchmarks",
    "docs",
    "evaluators/benchmarks/test_graders.py",
    "evaluators/benchmarks/test_lm_eval_agreement.py",
    "evaluators/benchmarks/test_lm_eval_chat.py",
    "evaluators/engines",
    "evaluators/sandbox",
    "evaluators/test_judge.py",
    "examples/test_training.py",
    "faults",
    "merging/fusion/distributions/test_extract.py",
    "merging/fusion/distributions/test_teacher.py",
    "merging/fusion/training/test_architectures.py",
    "merging/fusion/training/test_kill.py",
    "merging/fusion/training/test_processes.py",
    "merging/fusion/training/test_train.py",
    "merging/worker/test_compiled.py",
    "merging/worker/test_kernels.py",
    "merging/worker/test_runner.py",
    "search/candidates",
    "search/exporting",
    "search/fusing/test_demo.py",
    "search/fusing/test_export.py",
    "search/fusing/test_families.py",
    "search/fusing/test_fuse.py",
    "search/fusing/test_kill.py",
    "search/fusing/test_preflight.py",
    "search/fusing/test_searched.py",
    "search/fusing/test_variants.py",
    "search/fusing/test_vllm.py",
    "search/previous",
    "search/running",
    "search/showing/test_items.py",
    "search/serving",
    "search/signals",
    "search/working",
    "search/telling",
    "search/test_cli.py",
    "studies/dashboard/test_browser.py",
    "studies/dashboard/test_browser_views.py",
    "studies/dashboard/test_light.py",
    "studies/dashboard/test_really_run.py",
    "studies/report/test_browser.py",
    "studies/store/test_crash.py",
    "studies/store/test_patience.py",
    "studies/store/test_spool.py",
    "studies/workers",
)
"""Folders and files whose tests take more than this process."""

settings.register_profile(
    "crucible", derandomize=True, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
settings.load_profile("crucible")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    whole = [HERE / name for name in WHOLE]
    for item in items:
        if any(item.path.is_relative_to(place) for place in whole):
            item.add_marker("whole")
    items.sort(key=lambda item: item.get_closest_marker("whole") is None)
