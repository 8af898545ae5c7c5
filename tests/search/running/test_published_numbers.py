"""What the store holds is what lm-eval's own command line finds of the exported checkpoint, item by item."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from search.candidates.export import choose
from search.running.measure import Bench
from search.running.workshop import open_workshop
from search.study_file.spec import load_study
from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard
from tests.evaluators.benchmarks.lm_eval_cli import ask_lm_eval, verdicts
from tests.search.conftest import Finished, Outcome


def test_lm_eval_finds_the_accuracy_that_the_store_holds(
    tmp_path: Path, finished: Finished, crucible: Callable[..., Outcome]
) -> None:
    out = tmp_path / "merged"
    options = ("--storage", finished.storage, "--format", "checkpoint", "--out", out)
    assert crucible("export", "tiny", *options).code == 0
    workshop = open_workshop(load_study(finished.file))
    slices = [part for part in workshop.holdout_slices if part.task in ("gsm8k", "minerva_math")]
    theirs = ask_lm_eval(out, slices, tmp_path)
    with StudyStore(finished.storage) as store:
        bench = Bench(store, workshop.engine())
        best = choose(build_leaderboard(store, "tiny"), "tiny", None)
        for part in slices:
            held = store.verdicts([best.digest], bench.key(part))[best.digest]
            assert [held[item.index] for item in part.items] == verdicts(part.grader, theirs[part.task])
            assert len(held) == best.holdout[part.name].n == 12
