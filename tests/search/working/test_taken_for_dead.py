"""A worker that was taken for dead, and comes back to fail, leaves what others have made of its trial."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import pytest
from sqlalchemy import create_engine, text

from evaluators.engines.engine import Likelihood, WeightSource
from evaluators.engines.fake import FakeEngine
from evaluators.errors import OutOfMemory
from search.running import workshop as opening
from search.study_file.spec import load_study
from search.working.terms import Terms
from search.working.work import work
from tests.search.conftest import write_study
from tests.search.working.conftest import Scene, complete, fake_study

BURIED = (
    "update crucible_workers set state = 'lost', reason = 'silent'",
    "update crucible_holds set worker_id = null, deaths = 1",
)


def test_its_failure_is_not_put_on_record(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    scene = Scene(write_study(tmp_path, fake_study(trials=3)), f"sqlite:///{tmp_path / 'crucible.db'}")

    class Away(FakeEngine):
        """The process sleeps for long over its sixth candidate, which then has no room."""

        loads = 0

        def load(self, source: WeightSource) -> None:
            super().load(source)
            type(self).loads += 1

        def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
            if type(self).loads == 6:
                type(self).loads += 1
                engine = create_engine(scene.url)
                with engine.begin() as connection:
                    for each in BURIED:
                        connection.execute(text(each))
                engine.dispose()
                raise OutOfMemory("no room")
            return super().loglikelihood(pairs)

    monkeypatch.setattr(opening, "_engine", lambda spec, model: Away())
    failed: list[str] = []
    work(
        load_study(scene.file),
        scene.url,
        Terms(),
        lambda step: failed.append(step.name) if step.score is None else None,
    )
    assert Away.loads > 6
    assert failed == []
    complete(scene, 3)
    states = scene.rows("select distinct state from crucible_candidates")
    assert states == [("complete",)]
    assert scene.rows("select state from crucible_workers order by joined_at") == [("lost",), ("ended",)]
