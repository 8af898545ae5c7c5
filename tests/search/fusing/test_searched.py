"""A plan by a study that was really searched, and by a model that was really asked the same."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from search.fusing.plan import make_plan
from search.study_file.fusion import load_fusion
from studies.store import StudyStore
from tests.search.conftest import TINY, Finished, Outcome

pytestmark = pytest.mark.usefixtures("own_folder")


@pytest.fixture
def storage(finished: Finished, tmp_path: Path) -> str:
    """The finished study's store, to write into."""
    copy = tmp_path / "copy.db"
    with (
        closing(sqlite3.connect(finished.folder / "crucible.db")) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    return f"sqlite:///{copy}"


def test_a_searched_study_and_a_model_that_was_kept_can_be_planned_with(
    finished: Finished, storage: str, tmp_path: Path, crucible: Callable[..., Outcome]
) -> None:
    """Twelve items of a slice prove nothing, so the sources have to be named."""
    kept = crucible("evaluate", TINY / "code", finished.file, "--keep", "--storage", storage)
    assert kept.code == 0, kept.err
    file = tmp_path / "fusion.yaml"
    file.write_text(
        f"name: fused\nstudies: [{finished.file}]\ndata: {TINY / 'gsm8k.jsonl'}\n"
        f"models: [{{name: coder, model: {TINY / 'code'}}}]\nsources: [coder]\n"
    )
    with StudyStore(storage) as store:
        found = make_plan(load_fusion(file), store).selection
    rows = {row.name: row for row in found.rows}
    assert {"tiny: gsm8k", "tiny: math", "tiny: code", "coder"} < set(rows)
    assert len(rows) == 5, "and the best merge"
    assert set(found.sources) == {"coder"}
    assert rows["coder"].holdout == rows["tiny: code"].holdout, "one model, asked twice"
    assert found.row(found.target).coverage["coder"] == 1.0
    assert 0 < sum(score.n for score in rows["coder"].holdout.values()) < 36
    shown = crucible("fuse", file, "--plan", "--json", "--storage", storage)
    assert json.loads(shown.out)["target"] == found.target
