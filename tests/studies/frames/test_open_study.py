"""A study as pandas frames: the numbers are the store's, and nothing is written."""

from __future__ import annotations

import math
from pathlib import Path

import pandas as pd
import pytest

from studies import open_study
from studies.errors import StorageError, StudiesError, StudyNotFound
from studies.frames import study as frames
from studies.store import StudyStore
from studies.store.rows import StudySlice
from studies.verdicts.leaderboard import build_leaderboard, conclusion
from studies.verdicts.steering import search_scores
from studies.workers.holds import take
from studies.workers.register import join
from tests.studies.builders import begin_with_slice, make_recipe, make_results, make_slice

BASELINES = ["base", "gsm8k", "math", "code", "uniform"]


def test_the_only_study_needs_no_name(searched: str) -> None:
    with open_study(searched) as study:
        assert study.name == "previous"


def test_of_several_studies_one_has_to_be_named(searched: str) -> None:
    with StudyStore(searched) as store:
        store.begin("another", {})
    with pytest.raises(StudyNotFound, match=r"several studies \(previous, another\): name one"):
        open_study(searched)
    with open_study(searched, "previous") as study:
        assert len(study.trials()) == 3


def test_trials_have_the_scores_that_steered_the_search(searched: str) -> None:
    with StudyStore(searched) as store, open_study(searched) as study:
        rows = {row.trial: row for row in store.candidates(study.id) if row.kind == "trial"}
        told = search_scores(store, study.id, [row.digest for row in rows.values()])
        trials = study.trials()
    assert list(trials.index) == [0, 1, 2]
    assert trials.index.name == "number"
    assert {n: trials.loc[n, "score"] for n in rows} == {n: told[row.digest] for n, row in rows.items()}
    assert (trials["low"] <= trials["score"]).all()
    assert (trials["score"] <= trials["high"]).all()
    assert (trials["items"] == 12).all()
    assert (trials["state"] == "complete").all()
    assert trials["worker"].isna().all()
    took = (trials["finished"] - trials["started"]).dt.total_seconds()
    assert (took == trials["seconds"]).all()
    assert (took > 0).all()


def test_params_are_what_was_drawn_and_words_where_there_was_a_choice(searched: str) -> None:
    with open_study(searched) as study:
        params = study.params()
    assert params.shape == (3, 31)
    assert set(params["method"]) <= {"ties", "dare_ties"}
    assert params.loc[0, "weight.layers0-1.self_attn.gsm8k"] == 0.1
    assert params["density.outer.code"].between(0.1, 1.0).all()


def test_scores_have_every_candidate_on_every_slice_that_it_was_asked(searched: str) -> None:
    with StudyStore(searched) as store, open_study(searched) as study:
        scores = study.scores()
        (base,) = [row for row in store.candidates(study.id) if row.kind == "base"]
        part = next(p for p in store.slices(study.id) if (p.name, p.split) == ("math", "holdout"))
        tally = store.tallies([base.digest], part.digest)[base.digest]
    which = (scores["candidate"] == "base") & (scores["slice"] == "math") & (scores["split"] == "holdout")
    (row,) = scores[which].to_dict("records")
    assert (row["score"], row["n"]) == (tally.correct / tally.n, 8)
    assert row["low"] <= row["score"] <= row["high"]
    assert row["complete"]
    assert len(scores[scores["split"] == "search"]) == 3 * (5 + 3)


def test_items_are_single_answers_with_their_texts(searched: str) -> None:
    with StudyStore(searched) as store, open_study(searched) as study:
        items = study.items("base", slice="gsm8k", split="search")
        (base,) = [row for row in store.candidates(study.id) if row.kind == "base"]
        part = next(p for p in store.slices(study.id) if (p.name, p.split) == ("gsm8k", "search"))
        results = store.results(base.digest, part.digest)
    assert items["item"].tolist() == [each.item for each in results]
    assert items["text"].tolist() == [each.text for each in results]
    assert items["correct"].tolist() == [each.correct for each in results]


def test_items_are_paged_without_a_gap_and_in_one_order(searched: str) -> None:
    with open_study(searched) as study:
        everything = study.items(limit=None)
        pages = [study.items(limit=17, offset=at) for at in range(0, len(everything) + 17, 17)]
    filled = [page for page in pages if len(page)]
    pd.testing.assert_frame_equal(pd.concat(filled, ignore_index=True), everything)
    assert len(everything) == len(everything.drop_duplicates(["candidate", "slice", "split", "item"]))
    assert list(dict.fromkeys(everything["candidate"])) == [*BASELINES, "trial 0", "trial 1", "trial 2"]


def test_items_are_narrowed_by_trial_slice_and_split(searched: str) -> None:
    with open_study(searched) as study:
        items = study.items([0, "uniform"], slice="math", split="search", text=False)
        assert "text" not in items
        assert len(study.items("base", limit=0)) == 0
        with pytest.raises(StudyNotFound, match="no candidate 'nobody'"):
            study.items("nobody")
        with pytest.raises(StudyNotFound, match="no slice 'maths': it has gsm8k, math, code"):
            study.items(slice="maths")
        with pytest.raises(StudiesError, match="split 'train': write 'search' or 'holdout'"):
            study.items(split="train")  # type: ignore[arg-type]
    assert items["candidate"].tolist() == ["trial 0"] * 4 + ["uniform"] * 4
    assert set(items["split"]) == {"search"}


def test_the_leaderboard_is_that_of_the_command(searched: str) -> None:
    with StudyStore(searched) as store, open_study(searched) as study:
        rows, board = build_leaderboard(store, "previous"), study.leaderboard()
        assert study.conclusion() == conclusion(rows)
    assert board["candidate"].tolist() == [row.name for row in rows]
    assert board.index.tolist() == list(range(1, len(rows) + 1))
    best = rows[0]
    assert best.vs_base is not None
    told = board.loc[1, ["vs_base", "vs_base_low", "vs_base_high"]].tolist()
    assert told == [best.vs_base.mean, best.vs_base.low, best.vs_base.high]
    assert board.loc[1, "holdout.math"] == best.holdout["math"].mean
    judged = [row.holdout_mean for row in rows if row.holdout_mean is not None]
    assert board["holdout_mean"].dropna().tolist() == judged


def test_a_running_trial_names_its_worker(searched: str) -> None:
    with StudyStore(searched) as store, open_study(searched) as study:
        worker = join(store, study.id)
        store.register_candidate(study.id, "trial", "trial 3", 3, store.add_recipe(make_recipe(0.9)))
        take(store, worker, "trials", "trial 3")
        trials = study.trials()
    row = trials.loc[3]
    assert row["worker"] == f"{worker.host}:{worker.pid}"
    assert row["state"] == "running"
    assert math.isnan(row["score"])
    assert pd.isna(row["finished"])
    assert row["items"] == 0


def test_slices_scored_by_gold_answers_have_logprobs_without_an_interval(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store:
        study = store.begin("gold", {"study": {"objective": "gold_logprob"}})
        part = StudySlice("math", "math", "search", "digest", 2, "gold")
        store.add_slices(study, [part])
        digest = store.add_recipe(make_recipe(0.5))
        store.register_candidate(study, "trial", "trial 0", 0, digest)
        results = make_results([True, False])
        store.record(digest, part.digest, [_scored(each, -7.0 * (each.item + 1)) for each in results])
        store.finish_candidate(study, "trial", "trial 0")
    with open_study(sqlite_url) as opened:
        (row,) = opened.scores().to_dict("records")
        assert (row["scoring"], row["score"], row["n"]) == ("gold", -1.5, 2)
        assert row["low"] is None or math.isnan(row["low"])
        assert opened.trials()["score"].tolist() == [-1.5]


def test_a_study_without_trials_has_empty_frames(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store:
        study = store.begin("fresh", {})
        store.add_slices(study, [make_slice()])
    with open_study(sqlite_url) as opened:
        frames_ = (opened.trials(), opened.params(), opened.scores(), opened.items(), opened.leaderboard())
        assert [len(each) for each in frames_] == [0] * 5
        assert opened.conclusion() == "No candidate was judged on all holdout items yet."


def test_a_store_that_is_not_there_is_not_made(tmp_path: Path) -> None:
    with pytest.raises(StorageError, match="no file"):
        open_study(f"sqlite:///{tmp_path}/none.db")
    assert list(tmp_path.iterdir()) == []


def test_nothing_can_be_written(sqlite_url: str) -> None:
    with StudyStore(sqlite_url) as store:
        begin_with_slice(store)
    with open_study(sqlite_url) as opened, pytest.raises(StorageError):
        opened.store.set_state(opened.id, "failed")


def test_without_pandas_it_says_what_to_install(searched: str, monkeypatch: pytest.MonkeyPatch) -> None:
    import sys

    monkeypatch.setitem(sys.modules, "pandas", None)
    with (
        open_study(searched) as study,
        pytest.raises(StudiesError, match=r"pip install 'crucible\[frames\]'"),
    ):
        study.trials()
    assert frames.ROWS == 10_000


def _scored(result, logprob: float):  # type: ignore[no-untyped-def]
    from dataclasses import replace

    return replace(result, logprob=logprob)
