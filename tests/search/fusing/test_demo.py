"""`crucible demo --fuse`: both families, the fusion, and a report that says what came of it."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from search.fusing import demo
from tests.search.conftest import TINY, Outcome
from tests.search.fusing.conftest import Finished


def test_its_report_says_target_reason_sources_and_holdout_before_and_after(
    fused: Finished, crucible: Callable[..., Outcome], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Run over what is there already, as after an interruption at its very end."""
    monkeypatch.setattr(demo, "find_example", lambda: fused.folder)
    monkeypatch.setattr(demo, "TRIALS", 1)
    before = fused.rows("select count(*) from crucible_evidence")
    said = crucible("demo", "--fuse", "--out", fused.folder / "demo", "--storage", fused.storage)
    assert said.code == 0, said.err
    assert fused.rows("select count(*) from crucible_evidence") == before
    for line in (
        "1 of 3: search for the best merge of family llama",
        "target   llama: trial 0",
        "source   qwen: math",
        "95% interval",
        "fusion/merge.yaml",
        "crucible leaderboard fused --storage",
    ):
        assert line in said.out


def test_it_fuses_what_is_shipped() -> None:
    assert (TINY / "fusion.yaml").is_file()
    assert (TINY / "qwen" / "base" / "config.json").is_file()
