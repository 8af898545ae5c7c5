"""vLLM in a search: swaps are exact, engines agree, and one that is killed is replaced."""

from __future__ import annotations

import json
import os
import pickle
import signal
import sqlite3
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, replace
from importlib.util import find_spec
from pathlib import Path

import pytest
import torch

from evaluators.benchmarks.slices import Slice
from evaluators.engines.engine import Engine
from evaluators.errors import DeadlinePassed, EngineError, OutOfMemory
from evaluators.judge import ToAsk, judge
from evaluators.score import ItemResult
from merging.recipe import Recipe
from search.candidates.candidate import Sent, write_candidate
from search.proposals.baselines import baselines
from search.running.measure import Bench
from search.running.workshop import Workshop, open_workshop, study_slices
from search.study_file.spec import load_study
from studies.store import StudyStore
from tests.search.conftest import small_study, write_study
from tests.search.running.test_run import EVIDENCE, rows_of, start, wait_for_evidence

needs_vllm = pytest.mark.skipif(find_spec("vllm") is None, reason="vLLM is not installed")

PREFIX = (
    "Question: Ann has 2 apples and Tom has 3 pears. They share them all. How many do they have?\nAnswer:"
)
PROMPTS = [f"{PREFIX} {end}" for end in ("", "2", "2 + 3", "Ann", "They have", "#### ", "Tom 3 ", "def f(")]
PAIRS = [(prompt.rstrip(), " 12") for prompt in PROMPTS]
VLLM = {"name": "vllm", "max_tokens": 48}


@pytest.fixture(scope="module")
def workshop(tmp_path_factory: pytest.TempPathFactory) -> Workshop:
    file = write_study(tmp_path_factory.mktemp("vllm"), small_study(items=64, engine=VLLM))
    return open_workshop(load_study(file))


@pytest.fixture(scope="module")
def engine(workshop: Workshop) -> Iterator[Engine]:
    """One engine for all tests that only swap and ask."""
    engine = workshop.engine()
    yield engine
    engine.close()


@pytest.fixture(scope="module")
def recipes(workshop: Workshop) -> list[Recipe]:
    """Five merges that differ in every number."""
    space, found = workshop.space, []
    for seed in range(5):
        draw = torch.rand(len(space.distributions), generator=torch.Generator().manual_seed(seed)).tolist()
        params = {
            name: each.low + u * (each.high - each.low)
            for (name, each), u in zip(space.distributions.items(), draw, strict=True)
        }
        found.append(space.decode(params))
    return found


@dataclass(frozen=True)
class Answers:
    """What a model says to the prompts, and how likely it finds the pairs."""

    texts: list[str]
    logprobs: list[float]


def answers(engine: Engine) -> Answers:
    texts = [each.text for each in engine.generate(PROMPTS, [], 24)]
    return Answers(texts, [each.logprob for each in engine.loglikelihood(PAIRS)])


@pytest.fixture(scope="module")
def fresh(
    workshop: Workshop, recipes: list[Recipe], tmp_path_factory: pytest.TempPathFactory
) -> list[Answers]:
    """What vLLM says that is started from each recipe's exported checkpoint."""
    from transformers import AutoTokenizer

    place = tmp_path_factory.mktemp("fresh")
    folders = [
        write_candidate(recipe, workshop.worker, place / str(i), quiet=True)
        for i, recipe in enumerate(recipes)
    ]
    tokenizer = AutoTokenizer.from_pretrained(workshop.base.folder)
    order = {
        "folders": [str(folder) for folder in folders],
        "prompts": tokenizer(PROMPTS)["input_ids"],
        "texts": tokenizer([context + continuation for context, continuation in PAIRS])["input_ids"],
    }
    (place / "order.json").write_text(json.dumps(order))
    script = Path(__file__).with_name("fresh_vllm.py")
    repository = str(Path(__file__).parents[3])
    done = subprocess.run(
        [sys.executable, script, place / "order.json"],
        env={**os.environ, "PYTHONPATH": repository},
        capture_output=True,
        text=True,
        timeout=400,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-2000:]
    found = [json.loads((folder / "answers.json").read_text()) for folder in folders]
    return [
        Answers(tokenizer.batch_decode(each["texts"], skip_special_tokens=True), each["logprobs"])
        for each in found
    ]


@needs_vllm
def test_after_each_of_five_swaps_it_answers_as_a_fresh_engine_of_the_exported_checkpoint(
    engine: Engine, recipes: list[Recipe], fresh: list[Answers]
) -> None:
    for recipe, expected in zip(recipes, fresh, strict=True):
        engine.load(Sent(recipe))
        found = answers(engine)
        assert found.texts == expected.texts
        assert found.logprobs == pytest.approx(expected.logprobs, abs=2e-5)
    assert len({tuple(each.texts) for each in fresh}) == 5, "a comparison needs different answers"


@needs_vllm
def test_a_model_split_over_two_workers_swaps_and_answers_as_an_undivided_one(
    workshop: Workshop, engine: Engine, recipes: list[Recipe]
) -> None:
    from evaluators.engines.vllm.engine import VllmEngine

    with closing(VllmEngine(workshop.base.folder, tensor_parallel=2)) as split:
        assert split.description == "vllm/float32/tp2"
        for recipe in recipes[:3]:
            for each in (engine, split):
                each.load(Sent(recipe))
            whole, parts = answers(engine), answers(split)
            assert parts.texts == whole.texts
            assert parts.logprobs == pytest.approx(whole.logprobs, abs=1e-4)
        group = split.pid
    assert group is not None
    assert gone(group), "its workers are gone with it"


def gone(group: int) -> bool:
    """Whether a process group is empty, at the latest after a few seconds."""
    for _ in range(100):
        if not any(member(file, group) for file in Path("/proc").glob("[0-9]*/stat")):
            return True
        time.sleep(0.1)
    return False


def member(stat: Path, group: int) -> bool:
    """Whether a process is of the group, and more than its exit status is left of it."""
    try:
        state, _, process_group = stat.read_text().rpartition(")")[2].split()[:3]
    except OSError:  # it has ended meanwhile
        return False
    return int(process_group) == group and state != "Z"


@needs_vllm
def test_without_the_reset_of_the_prefix_cache_a_swap_answers_with_the_previous_candidates_keys(
    workshop: Workshop,
    recipes: list[Recipe],
    fresh: list[Answers],
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setenv("CARELESS", "cache")
    with closing(careless(workshop)) as engine:
        right = []
        for recipe, expected in zip(recipes[:3], fresh, strict=False):
            engine.load(Sent(recipe))
            right.append(answers(engine).texts == expected.texts)
    assert right[0], "an engine that was never swapped has nothing to reset"
    assert not all(right)
    assert "canary answer is off by" in caplog.text, "and the canary notices"


@needs_vllm
def test_the_canary_notices_a_head_that_still_answers_for_the_first_weights(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It is tied to the embedding, whose checksum is right: only an answer shows it."""
    monkeypatch.setenv("CARELESS", "head")
    with closing(careless(workshop)) as engine:
        with pytest.raises(EngineError, match="canary answer is off by"):
            engine.load(workshop.base)
        with pytest.raises(EngineError, match="no weights are loaded"):
            engine.generate(PROMPTS, [], 4)


def careless(workshop: Workshop) -> Engine:
    from evaluators.engines.vllm.engine import VllmEngine

    class Careless(VllmEngine):
        module = "tests.evaluators.engines.vllm.careless"

    return Careless(workshop.base.folder)


@needs_vllm
def test_both_engines_agree_on_the_items_of_the_tiny_study(workshop: Workshop, engine: Engine) -> None:
    spec = workshop.spec.engine.model_copy(update={"name": "transformers"})
    other = replace(workshop, spec=workshop.spec.model_copy(update={"engine": spec})).engine()
    agreed = []
    for entrant in baselines(workshop.space):
        for each in (engine, other):
            each.load(Sent(entrant.recipe, here=workshop.worker))
        for part in workshop.search_slices:
            ours, theirs = (verdicts(each, part) for each in (engine, other))
            agreed += [a.correct == b.correct for a, b in zip(ours, theirs, strict=True)]
    assert len(agreed) == 5 * 3 * 64
    assert sum(agreed) >= 0.99 * len(agreed)


def verdicts(engine: Engine, part: Slice) -> list[ItemResult]:
    found: list[ItemResult] = []
    judge(engine, [ToAsk(part, found.extend)])
    return sorted(found, key=lambda each: each.item)


@needs_vllm
def test_a_killed_engine_is_replaced_and_the_study_goes_on(tmp_path: Path) -> None:
    file = write_study(tmp_path, small_study(trials=2, items=6, engine=VLLM))
    database = tmp_path / "crucible.db"
    process = start(file)
    wait_for_evidence(database, 18 * 6 + 6, process)  # five baselines, one trial, a slice of the next
    (engine,) = children(process.pid, "engines.vllm.process")
    os.kill(engine, signal.SIGKILL)
    before = rows_of(database, EVIDENCE)
    _, err = process.communicate(timeout=300)
    assert process.returncode == 0, err
    assert "the engine's process died (signal SIGKILL)" in err
    after = rows_of(database, EVIDENCE)
    assert set(before) < set(after), "what was measured before keeps its time of measurement"
    assert len({row[:3] for row in after}) == len(after) >= 7 * 18
    with sqlite3.connect(database) as connection:
        states = connection.execute("select state from crucible_candidates").fetchall()
    assert states == [("complete",)] * 7
    assert not Path(f"/proc/{engine}").exists()


@needs_vllm
def test_a_hung_engine_is_replaced_and_its_items_are_asked_again(
    workshop: Workshop, engine: Engine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evaluators.engines.vllm.engine.STEP_S", 5.0)
    entrant, slices = baselines(workshop.space)[1], workshop.search_slices[:2]
    with StudyStore(f"sqlite:///{tmp_path / 'crucible.db'}") as store:
        bench = Bench(store, engine)
        store.add_recipe(entrant.recipe)
        store.remember_slices(study_slices(slices, bench.key))
        bench.measure(entrant.recipe.digest, Sent(entrant.recipe), slices[:1])
        hung = engine.pid  # type: ignore[attr-defined]
        os.kill(hung, signal.SIGSTOP)
        bench.measure(entrant.recipe.digest, Sent(entrant.recipe), slices)
        measured = [len(store.measured(entrant.recipe.digest, bench.key(part))) for part in slices]
    assert measured == [64, 64]
    assert engine.pid != hung  # type: ignore[attr-defined]
    assert gone(hung)


@needs_vllm
def test_an_engine_that_hangs_beyond_its_trials_deadline_is_killed_and_the_next_trial_finds_a_new_one(
    workshop: Workshop, engine: Engine, tmp_path: Path
) -> None:
    (first, second, *_), slices = baselines(workshop.space), workshop.search_slices[:1]
    with StudyStore(f"sqlite:///{tmp_path / 'crucible.db'}") as store:
        bench = Bench(store, engine)
        store.remember_slices(study_slices(slices, bench.key))
        for entrant in (first, second):
            store.add_recipe(entrant.recipe)
        engine.load(Sent(first.recipe))
        hung = engine.pid  # type: ignore[attr-defined]
        os.kill(hung, signal.SIGSTOP)
        with pytest.raises(DeadlinePassed, match="not measured within its 5 seconds"):
            replace(bench, minutes=5 / 60).measure(first.recipe.digest, Sent(first.recipe), slices)
        assert gone(hung)
        bench.measure(second.recipe.digest, Sent(second.recipe), slices)
        assert len(store.measured(second.recipe.digest, bench.key(slices[0]))) == 64
    assert engine.pid != hung  # type: ignore[attr-defined]


@needs_vllm
def test_a_full_memory_fails_what_was_asked_and_the_next_load_answers(
    workshop: Workshop, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    mark, source = tmp_path / "mark", Sent(baselines(workshop.space)[0].recipe)
    monkeypatch.setenv("CARELESS", "memory")
    monkeypatch.setenv("CARELESS_MARK", str(mark))
    with closing(careless(workshop)) as engine:
        engine.load(source)
        before = engine.generate(PROMPTS, [], 8)
        mark.touch()
        with pytest.raises(OutOfMemory, match="CUDA out of memory"):
            engine.generate(PROMPTS, [], 8)
        with pytest.raises(EngineError, match="no weights"):
            engine.generate(PROMPTS, [], 8)
        engine.load(source)
        assert engine.generate(PROMPTS, [], 8) == before


@needs_vllm
def test_ctrl_c_ends_a_search_and_its_engine(tmp_path: Path) -> None:
    file = write_study(tmp_path, small_study(trials=50, items=12, engine=VLLM))
    process = start(file)
    wait_for_evidence(tmp_path / "crucible.db", 36, process)
    (engine,) = children(process.pid, "engines.vllm.process")
    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=60)
    assert process.returncode == 130, err
    assert "to go on: crucible run" in err
    assert "Traceback" not in err
    assert gone(engine)


@needs_vllm
def test_a_killed_search_leaves_no_engine_behind(tmp_path: Path) -> None:
    process = start(write_study(tmp_path, small_study(items=12, engine=VLLM)))
    while not (found := children(process.pid, "engines.vllm.process")):
        assert process.poll() is None, process.communicate()
        time.sleep(0.05)
    process.kill()
    process.communicate()
    assert gone(found[0])


def children(pid: int, word: str) -> list[int]:
    """The processes that `pid` started and whose command line holds the word."""
    found = []
    for each in Path("/proc").glob("[0-9]*"):
        try:
            parent = int((each / "stat").read_text().rpartition(")")[2].split()[1])
            if parent == pid and word in (each / "cmdline").read_text():
                found.append(int(each.name))
        except OSError:  # it has ended meanwhile
            continue
    return found


def test_a_candidate_travels_as_a_few_kilobytes_and_is_the_same_bytes_where_it_arrives(
    workshop: Workshop, recipes: list[Recipe]
) -> None:
    sent = pickle.dumps(Sent(recipes[0], here=workshop.worker))
    assert len(sent) < 20_000
    arrived = dict(pickle.loads(sent))
    here = dict(workshop.worker.tensors(recipes[0]))
    assert arrived.keys() == here.keys()
    assert all(torch.equal(arrived[name], tensor) for name, tensor in here.items())


def test_a_checkpoint_travels_without_its_weights(workshop: Workshop) -> None:
    sent = pickle.dumps(workshop.experts[0])
    assert len(sent) < 20_000
    arrived = dict(pickle.loads(sent))
    assert all(torch.equal(arrived[name], tensor) for name, tensor in workshop.experts[0])
