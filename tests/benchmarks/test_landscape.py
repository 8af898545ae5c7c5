"""The fast ground truth of a landscape: the engine's answers, the sandbox's verdicts, items counted once."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import yaml

from benchmarks.landscape.entries import FEW
from benchmarks.landscape.ground import Ground
from benchmarks.landscape.named import LANDSCAPES, ROOT
from benchmarks.landscape.objective import Objective, Spent
from benchmarks.landscape.ours import ours
from benchmarks.landscape.programs import judge as judge_programs
from benchmarks.landscape.rivals import NotInstalledError, _genome_recipe, needed, unscaled
from evaluators.benchmarks.graders import grade_humaneval
from evaluators.judge import ToAsk, judge
from evaluators.score import ItemResult
from merging.recipe import Recipe
from merging.worker import Candidate
from search.running.workshop import open_workshop
from search.study_file.spec import load_study

ITEMS = 24


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground.of(_study(tmp_path_factory.mktemp("study")))


def _study(folder: Path) -> Path:
    """The tiny study with fewer items."""
    tiny = ROOT / "examples/tiny"
    said = yaml.safe_load((tiny / "study.yaml").read_text())
    said["base_model"] = str(tiny / "base")
    said["experts"] = [str(tiny / expert) for expert in ("gsm8k", "math", "code")]
    for part in said["slices"]:
        part |= {"data": str(tiny / part["data"]), "search": ITEMS, "holdout": 2}
    (folder / "study.yaml").write_text(yaml.safe_dump(said))
    return folder / "study.yaml"


def _drawn(ground: Ground, seed: int) -> Recipe:
    draw, space = random.Random(seed), ground.workshop.space
    return space.decode(unscaled_of(draw, space))


def unscaled_of(draw: random.Random, space):  # type: ignore[no-untyped-def]
    import numpy as np

    return unscaled(space, np.array([draw.random() for _ in space.distributions]))


@pytest.mark.parametrize("seed", [0, 1])
def test_answers_and_verdicts_are_those_of_the_engine(ground: Ground, seed: int) -> None:
    recipe, engine = _drawn(ground, seed), ground.workshop.engine()
    engine.load(Candidate(ground.workshop.worker, recipe))
    said: dict[tuple[str, int], ItemResult] = {}

    def asked(name: str, results: list[ItemResult]) -> None:
        said.update({(name, each.item): each for each in results})

    slices = ground.workshop.search_slices
    judge(engine, [ToAsk(part, lambda results, name=part.name: asked(name, results)) for part in slices])
    questions = ground.questions["search"]
    engines = [said[question.slice_.name, question.item.index] for question in questions]
    assert ground.answers(recipe, questions) == [each.text for each in engines]
    assert [*ground.right(recipe, "search").values()] == [each.correct for each in engines]
    assert len(questions) == 3 * ITEMS


def test_a_second_answer_is_guessed_from_the_first_and_the_same(ground: Ground) -> None:
    recipe, questions = _drawn(ground, 7), ground.questions["search"]
    first = ground.answers(recipe, questions)
    assert ground.answers(recipe, questions[::-1]) == first[::-1]


@pytest.mark.parametrize(
    "completion",
    [
        None,
        "    return 0\n",
        "    return t[",
        "    return t.title\n",
        "    import os\n    return t\n",
        "    while 1: pass\n",
        "    return [].__class__\n",
        "    return open(t)\n",
        "    return unknown\n",
        "    return sorted(t)[::-1]\n",
    ],
)
def test_programs_get_the_sandbox_s_verdict(ground: Ground, completion: str | None) -> None:
    """None: each item's own solution."""
    questions = [q for q in ground.questions["search"] if q.slice_.name == "code"][:2]
    items = [question.item for question in questions]
    texts = [item.doc["canonical_solution"] if completion is None else completion for item in items]
    verdicts = judge_programs(items, texts)
    assert verdicts == [grade.correct for grade in grade_humaneval(items, texts)]
    assert all(verdicts) == (completion is None)


def test_items_are_paid_once_and_the_budget_holds(ground: Ground) -> None:
    objective, one, other = Objective(ground, 3 * ITEMS + 10), _drawn(ground, 1), _drawn(ground, 2)
    objective.some(one, range(5))
    assert objective.spent == 5
    score = objective.whole(one)
    assert (objective.spent, objective.found[-1].items) == (3 * ITEMS, 3 * ITEMS)
    assert objective.whole(one) == score
    assert objective.spent == 3 * ITEMS
    objective.some(other, range(10))
    with pytest.raises(Spent):
        objective.whole(other)
    assert objective.spent == objective.budget
    assert [items for items, _ in objective.holdout()] == [3 * ITEMS]


def test_what_is_remembered_is_not_computed_again(tmp_path: Path) -> None:
    study = _study(tmp_path)
    first = Ground.of(study, tmp_path / "memory")
    right = first.right(_drawn(first, 3), "search", range(6))
    with (tmp_path / "memory" / "outcomes.jsonl").open("a") as file:
        file.write('{"recipe": "cut o')
    second = Ground.of(study, tmp_path / "memory")
    assert second.right(_drawn(second, 3), "search", range(6)) == right
    assert (first.asked, second.asked) == (6, 0)


def test_who_asks_few_items_is_asked_the_first_of_each_slice(ground: Ground) -> None:
    """As if its study had no more of them; and it pays for no other."""
    objective, one = Objective(ground, 100, each=5), _drawn(ground, 4)
    score = objective.whole(one)
    assert (objective.size, objective.spent) == (15, 15)
    by_slice = {part.name: part.items for part in ground.workshop.search_slices}
    first = [q for q in ground.questions["search"] if q.item in by_slice[q.slice_.name][:5]]
    assert [question.number for question in first] == [*range(15)]
    assert score == ground.mean("search", ground.right(one, "search", range(15)))


def test_the_landscapes_leave_everything_but_their_items_as_the_study_has_it() -> None:
    """And of the items the first ones are the study's, so that tools which ask few are asked the same."""
    study, tiny = (load_study(each) for each in (ROOT / "examples/tiny/study.yaml", LANDSCAPES["tiny"]))
    assert tiny.search_space == study.search_space
    assert [part.search for part in study.slices] == [FEW] * 3
    few, many = (open_workshop(each) for each in (study, tiny))
    assert many.holdout_slices == few.holdout_slices
    for a, b in zip(few.search_slices, many.search_slices, strict=True):
        assert b.items[:FEW] == a.items


def test_racing_tries_more_candidates_with_the_same_items(ground: Ground) -> None:
    plain, raced = Objective(ground, 8 * 3 * ITEMS), Objective(ground, 8 * 3 * ITEMS)
    for objective, racing in ((plain, False), (raced, True)):
        with pytest.raises(Spent):
            ours("random", racing)(objective, 0)
    raced_whole, plain_whole = (sum(map(bool, each._paid.values())) for each in (raced, plain))
    assert raced_whole > plain_whole == 8


def test_a_genome_of_mergekit_s_means_what_mergekit_makes_of_it(ground: Ground) -> None:
    import numpy as np

    space = ground.workshop.space
    genome = np.full((4, 3, 3, 2), 0.5)
    genome[0, 0, 0] = -0.25, 1.75
    genome[0, 1, 2] = 0.125, 0.75
    genome[3, 2, 2] = 2.0, 0.0
    recipe = _genome_recipe(space, genome, normalize=False)
    attention = recipe.parameters_for("model.layers.0.self_attn.q_proj.weight", 0)
    assert (attention.weight, attention.density) == ((0.25, 0.5, 0.5), (1.0, 0.5, 0.5))
    assert recipe.parameters_for("model.embed_tokens.weight", None).weight == (0.5, 0.125, 0.5)
    assert recipe.parameters_for("model.norm.weight", None).weight == (0.5, 0.5, 2.0)
    assert recipe.method == "ties"
    assert not attention.normalize


def test_a_rival_that_is_not_installed_is_named_with_the_remedy() -> None:
    with pytest.raises(NotInstalledError, match=r"no_such_rival is not installed; `pip install crucible\[r"):
        needed("no_such_rival.inner")


def test_the_landscapes_have_the_dimensions_that_they_promise() -> None:
    tiny, hard = (Ground.of(LANDSCAPES[name]).workshop.space for name in ("tiny", "hard"))
    assert len(tiny.distributions) == 54
    assert len(hard.distributions) == 64
    assert "method" in hard.distributions
