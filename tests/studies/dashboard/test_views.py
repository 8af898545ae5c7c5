"""What the pages about merges, slices, items, parameters and fusions say, asked without a browser.

Of every kind of study: none may break a page, and what is not known is said to be so.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable
from html import unescape
from typing import Any

import pytest
import yaml

from evaluators.score import ItemResult
from merging.recipe import LayerGroup, Parameters, Recipe, Rule, load_recipe
from studies.selection.choose import choose
from studies.store import StudyStore
from studies.store.rows import ModelSubject, StudySlice
from studies.views.importance import LEAST_TRIALS
from tests.studies.selection.contenders import BEST, CODER
from tests.studies.views.made import BASE, EXPERTS, Made, make_study, recipe_of, tell_optuna

Asking = Callable[..., Any]
EVIL = "<script>alert(1)</script>"
PAGES = ("/merge", "/slices", "/items", "/parameters", "/fusion")


def read(ask: Any, path: str, status: int = 200) -> str:
    """A page as a person reads it, once it was read: no tags, spaces as they are seen."""
    answer = ask(path + ("&" if "?" in path else "?") + "wait=60")
    assert answer.status_code == status, answer.text
    body = re.sub(r"<(style|script|svg).*?</\1>", " ", answer.text.partition("<main")[2], flags=re.S)
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", body)).split())


def known(ask: Any, path: str) -> str:
    """The page, once what is worked out beside it is known."""
    for _ in range(200):
        if "Working out" not in (said := read(ask, path)):
            return said
        time.sleep(0.05)
    raise AssertionError(said)


@pytest.fixture
def made(asking: Asking) -> tuple[Made, Any]:
    """Complete, failed, stopped early and running trials, some of them judged."""
    store, ask = asking()
    made = make_study(store)
    made.baselines()
    made.trial(0, (2, 3), (5, 3))
    made.trial(1, (4, 3))
    made.fail(2)
    made.prune(3, (1, 1))
    made.run(4)
    return made, ask


# -- every page of every kind of study -----------------------------------------------------------------------


def study_of(store: StudyStore, kind: str) -> Made:
    made = make_study(store, **({"objective": ["gsm8k", "math", "tokens"]} if kind == "objectives" else {}))
    if kind == "begun":
        made.baselines()
    if kind == "failed":
        made.fail(0)
    if kind == "pruned":
        made.prune(0, (1, 1))
    if kind == "objectives":
        made.trial(0, (1, 4))
    if kind in ("path", "gradient"):
        rule = Rule((), Parameters((1.0, 0.5), (1.0, 1.0), more=(("scale", 1.0),)))
        origins = [(None, i, None) if i % 2 else (None, None, i) for i in range(4)]
        path = kind == "path"
        layers = tuple(LayerGroup(i, i + 1, (rule,), origins[i] if path else ()) for i in range(4))
        method = "passthrough" if path else "ties"
        made.enter(
            "trial", "trial 0", Recipe(BASE, EXPERTS, method, layers, (rule,), "bfloat16"), (1, 1), trial=0
        )
    return made


SAYS = {
    "new": "No candidate has been made yet",
    "begun": "maths",
    "failed": "It has no score: it holds <NaN>.",
    "pruned": "stopped early",
    "objectives": "trial 0",
    "path": "A layer path",
    "gradient": "trial 0",
}


@pytest.mark.parametrize("kind", SAYS)
def test_no_page_breaks_and_each_says_what_is_missing(asking: Asking, kind: str) -> None:
    store, ask = asking()
    made = study_of(store, kind)
    said = {page: known(ask, f"/studies/{made.id}{page}") for page in PAGES}
    assert SAYS[kind] in said["/merge"]
    assert "This study is no fusion" in said["/fusion"]
    assert "0 trials with a score so far" in said["/parameters"]
    if kind in ("new", "failed", "pruned"):
        assert "Nobody has answered all search items of gsm8k and math yet." in said["/slices"]
    if kind == "new":
        assert "Nobody has been asked anything yet." in said["/items"]
    if kind == "failed":
        assert "trial 0 answered none of the items: it holds <NaN>." in said["/items"]
    if kind == "pruned":
        assert "It was stopped early, after 2 of 4 items." in said["/items"]


def test_a_study_with_one_slice_has_no_trade_off(asking: Asking) -> None:
    store, ask = asking()
    alone = store.begin("alone", {})
    store.add_slices(alone, [StudySlice("law", "law", "search", "d", 3)])
    assert "fewer than two slices" in read(ask, "/studies/1/slices")


@pytest.mark.parametrize("page", PAGES)
def test_nothing_of_the_database_is_taken_for_html(asking: Asking, page: str) -> None:
    store, ask = asking()
    made = make_study(store, name=f"x{EVIL}")
    recipe = recipe_of((0.3, 0.5))
    store.enter(made.id, "trial", f"trial{EVIL}", 0, recipe)
    for part in store.slices(made.id):
        results = [ItemResult(i, False, f"so {EVIL}", 3, 0.1, EVIL, extracted=EVIL) for i in range(part.n)]
        store.record(recipe.digest, part.digest, results)
    store.finish_candidate(made.id, "trial", f"trial{EVIL}")
    text = ask(f"/studies/1{page}?wait=60").text
    assert EVIL not in text
    assert "&lt;script&gt;" in text


def test_what_cannot_be_asked_is_told(made: tuple[Made, Any]) -> None:
    _, ask = made
    assert "has no candidate 'nobody'" in read(ask, "/studies/1/merge/nobody", 404)
    assert "has no candidate '77'" in read(ask, "/studies/1/items?candidate=77", 404)
    assert "no slice 'law': this study has gsm8k, math" in read(ask, "/studies/1/slices?x=law", 404)
    assert "start must be a whole number" in read(ask, "/studies/1/items?start=-1", 400)
    assert "split must be one of" in read(ask, "/studies/1/slices?split=x", 400)
    assert "goal must be a whole number" in read(ask, "/studies/1/parameters?goal=3", 400)
    for page in PAGES:
        assert ask(f"/studies/9{page}").status_code == 404


# -- merge ---------------------------------------------------------------------------------------------------


def test_a_merge_shows_the_recipes_numbers(made: tuple[Made, Any]) -> None:
    _, ask = made
    said = read(ask, "/studies/1/merge/0")
    assert "trial 0 complete 62.5 %" in said
    assert (
        "Farthest from uniform: coder.v2 counts 2.50 more than in the uniform merge in layers 2–3 (mlp)."
        in said
    )
    weight = said.partition("How much of each expert goes in.")[2].partition("The share of")[0]
    assert "0–1 all 0.10 0.50 2–3 mlp 0.30 1.50 rest 0.20 1.00 outer all 0.10 0.50" in weight
    assert "lambda 2" in said


def test_the_best_merge_is_shown_unasked_and_one_can_stand_beside(made: tuple[Made, Any]) -> None:
    _, ask = made
    assert "trial 1 complete 87.5 %" in read(ask, "/studies/1/merge")
    said = read(ask, "/studies/1/merge/1?beside=uniform")
    assert "trial 1 is made by ties, uniform by linear." in said
    assert "uniform complete" in said
    assert said.count("Difference from uniform") == 2


def test_a_merge_that_was_stopped_early_has_an_estimate_that_is_no_score(
    made: tuple[Made, Any], tmp_path: Any
) -> None:
    study, ask = made
    states: list[tuple[str, list[float], dict[str, float]]] = [
        ("COMPLETE", [0.6], {}),
        ("COMPLETE", [0.8], {}),
    ]
    states += [("FAIL", [], {}), ("PRUNED", [0.4], {})]
    tell_optuna(f"sqlite:///{tmp_path / 'crucible.db'}", study.name, states)
    said = read(ask, "/studies/1/merge/3")
    assert "about 40.0 % estimated after 4 of 8 items: it was stopped early, and this is no score" in said


# -- slices and exports --------------------------------------------------------------------------------------


def test_the_front_is_listed_with_intervals_and_others_are_beside_it(made: tuple[Made, Any]) -> None:
    _, ask = made
    said = read(ask, "/studies/1/slices")
    assert "2 candidates of 6 are beaten by nobody in gsm8k and math together." in said
    assert "maths expert, on the front 25.0 4.6–69.9 100.0 51.0–100.0" in said
    assert "trial 1 100.0 51.0–100.0 75.0 30.1–95.4" in said
    assert "uniform not on the front 50.0" in said
    text = ask("/studies/1/slices?pick=trial 1&wait=60").text
    assert 'class="picked"' in text
    assert text.count("<circle") == 3, "two merges, and the one that is picked"


def test_a_point_of_the_front_is_exported_as_its_recipe(made: tuple[Made, Any]) -> None:
    study, ask = made
    (link,) = re.findall(
        r'href="(/studies/1/export/recipe/[^"]*trial[^"]*1)"', ask("/studies/1/slices?wait=60").text
    )
    answer = ask(link)
    assert answer.headers["content-disposition"] == 'attachment; filename="made-trial-1.recipe.yaml"'
    candidate = next(each for each in study.store.candidates(study.id) if each.trial == 1)
    assert load_recipe(answer.text, "there").digest == candidate.digest


def test_mergekits_yaml_comes_from_whoever_can_open_the_models(asking: Asking) -> None:
    asked = []

    def export(*what: str) -> str:
        asked.append(what)
        if what[1] == "trial 2":
            raise ValueError("math: this model is gone")
        return "merge_method: ties\n"

    store, ask = asking(exporter=export)
    made = make_study(store)
    made.trial(1, (1, 1))
    made.fail(2)
    answer = ask("/studies/1/export/mergekit/trial 1")
    assert (yaml.safe_load(answer.text), asked) == (
        {"merge_method": "ties"},
        [("made", "trial 1", "mergekit")],
    )
    assert answer.headers["content-disposition"].endswith('"made-trial-1.merge.yaml"')
    assert "math: this model is gone" in read(ask, "/studies/1/export/mergekit/2", 409)


def test_without_one_the_command_is_told(made: tuple[Made, Any]) -> None:
    study, ask = made
    said = read(ask, "/studies/1/export/mergekit/trial 1", 409)
    assert "crucible export made --candidate 'trial 1' --format mergekit --out OUT" in said
    assert read(ask, "/studies/1/export/checkpoint/trial 1", 404)
    study.store.add_model(ModelSubject("m" * 8, "/models/raw", None, "llama", 10))
    study.store.register_candidate(study.id, "model", "raw", None, "m" * 8)
    assert "raw is a model and no merge" in read(ask, "/studies/1/export/recipe/raw", 404)
    assert "raw of study 'made' is a model and no merge" in read(ask, "/studies/1/merge/raw", 404)


# -- items ---------------------------------------------------------------------------------------------------


def test_answers_are_shown_with_their_texts_and_counted(made: tuple[Made, Any]) -> None:
    _, ask = made
    said = read(ask, "/studies/1/items?candidate=trial 0&versus=maths&slice=gsm8k")
    assert (
        "trial 0 answered 5 of 8 holdout items of gsm8k rightly; against maths it gained 3 and lost 0."
        in said
    )
    assert "all 8 right 5 wrong 3 gained 3 lost 0 differing 3" in said
    assert "Item 2 gsm8k, holdout; prompt prompt 2 right trial 0 read as 2 12 tokens gsm8k answer 2" in said
    gained = read(ask, "/studies/1/items?candidate=trial 0&versus=maths&slice=gsm8k&verdict=gained")
    assert [f"Item {i} " in gained for i in range(8)] == [i in (2, 3, 4) for i in range(8)]
    assert "1 to 3 of 3" in gained


def test_whoever_takes_the_other_away_sees_all(made: tuple[Made, Any]) -> None:
    _, ask = made
    assert "1 to 8 of 8" in read(ask, "/studies/1/items?candidate=0&versus=&verdict=gained")


def test_a_long_answer_is_cut_among_others_and_whole_by_itself(asking: Asking) -> None:
    store, ask = asking()
    made = make_study(store)
    digest = made.trial(0, (0, 0))
    part = made.part("gsm8k", "holdout")
    text = "a" * 1500 + "b" * 900
    store.record(digest, part.digest, [ItemResult(i, False, text, 3, 0.1, "p") for i in range(8)])
    many, one = (read(ask, f"/studies/1/items?candidate=0{more}") for more in ("", "&item=3"))
    assert "900 characters more: open the item." in many
    assert "b" * 900 not in many
    assert "a" * 1500 + "b" * 900 in one
    assert one.count("Item ") == 1


def test_pages_of_items_follow_one_another(asking: Asking) -> None:
    store, ask = asking()
    study = store.begin("long", {})
    part = StudySlice("law", "law", "search", "law search", 45)
    store.add_slices(study, [part])
    recipe = recipe_of((0.1, 0.2))
    store.enter(study, "trial", "trial 0", 0, recipe)
    store.record(recipe.digest, part.digest, [ItemResult(i, True, "x", 1, 0.1, "p") for i in range(45)])
    store.finish_candidate(study, "trial", "trial 0")
    path, seen = "/studies/1/items?wait=60", []
    while True:
        text = ask(path).text
        seen += [int(n) for n in re.findall(r'id="item-(\d+)"', text)]
        following = re.search(r'href="([^"]+)">Further items', text)
        if following is None:
            break
        path = "/studies/1/items" + unescape(following[1])
    assert seen == list(range(45))


# -- parameters ----------------------------------------------------------------------------------------------


def test_numbers_that_matter_are_told_by_layers_and_module(asking: Asking, tmp_path: Any) -> None:
    store, ask = asking()
    made = make_study(store)
    names = [f"weight.layers{i}-{i}.{module}.maths" for i in range(3) for module in ("mlp", "self_attn")]
    told = []
    for number in range(120):
        params = {name: (number * (i * 2 + 1) * 0.37) % 2 for i, name in enumerate(names)}
        made.trial(number, (1, 1))
        told.append(("COMPLETE", [params["weight.layers1-1.mlp.maths"]], params))
    tell_optuna(f"sqlite:///{tmp_path / 'crucible.db'}", "made", told)
    said = known(ask, f"/studies/{made.id}/parameters")
    assert "of 6 numbers" in said
    assert "tell" in said
    assert "most of all weight.layers1-1.mlp.maths." in said
    assert "layers 1–1 100 %" in said or re.search(r"layers 1–1 [5-9]\d %", said)
    assert f"optuna-dashboard sqlite:///{tmp_path / 'crucible.db'} --port 8080" in said


def test_too_few_trials_and_chance_alone_are_told(asking: Asking, tmp_path: Any) -> None:
    store, ask = asking()
    made, url = make_study(store), f"sqlite:///{tmp_path / 'crucible.db'}"
    tell_optuna(url, "made", [("COMPLETE", [0.5], {"x": 1.0})] * (LEAST_TRIALS - 1))
    said = known(ask, f"/studies/{made.id}/parameters")
    assert f"9 trials with a score so far: which numbers matter can be told from {LEAST_TRIALS} on." in said
    make_study(store, "other")
    tell_optuna(
        url, "other", [("COMPLETE", [(i * 7 % 20) / 20], {"x": (i * 11 % 20) / 10}) for i in range(20)]
    )
    assert "None of 1 number tells the best 5 of 20 trials" in known(asking()[1], "/studies/2/parameters")


# -- fusion --------------------------------------------------------------------------------------------------


def test_a_fusion_shows_selection_alignment_training_and_what_came_of_it(asking: Asking) -> None:
    store, ask = asking()
    made = make_study(store, "a")
    fusion = store.begin("fused", {})
    store.save_selection(fusion, choose([BEST, CODER]).to_stored() | {"target": "t" * 64})
    assert "No fused model has been judged yet." in read(ask, f"/studies/{fusion}/fusion")
    store.add_slices(fusion, store.slices(made.id))
    for digest, kind, name, right in (
        ("t" * 64, "model", "target", (2, 2)),
        ("f" * 64, "fused", "a + b", (6, 6)),
    ):
        store.add_model(ModelSubject(digest, f"/models/{name}", None, "llama", 10))
        made.answers(digest, "holdout", right)
        store.register_candidate(fusion, kind, name, None, digest)  # type: ignore[arg-type]
        store.finish_candidate(fusion, kind, name)  # type: ignore[arg-type]
    store.record_training(
        fusion, "b", [(i, {"loss": 4.0 / i, "ce": 1.0, "divergence": None}) for i in (1, 2, 4)]
    )
    _, afresh = asking()  # one that has read nothing yet
    said = read(afresh, f"/studies/{fusion}/fusion")
    assert "a: trial 1 a target" in said
    assert "b: coder b source teaches code" in said
    assert "solves 20 it fails" in said
    assert "Loss b 4 → 1" in said
    assert "target before 25.0" in said
    assert "a + b after 75.0" in said
    assert "+50.0 [" in said


def test_what_was_worked_out_reaches_a_page_that_is_open(asking: Asking, tmp_path: Any) -> None:
    store, ask = asking()
    make_study(store, objective=["gsm8k", "math"])
    told = [("COMPLETE", [i / 20, 1 - i / 20], {"x": i / 10}) for i in range(20)]
    tell_optuna(f"sqlite:///{tmp_path / 'crucible.db'}", "made", told, ("maximize", "maximize"))
    text = ask("/studies/1/parameters?goal=1").text
    assert "Working out which numbers matter, from 20 trials" in text
    found = re.search(r'hx-get="([^"]+)"', text)
    assert found is not None
    for _ in range(200):
        if (fresh := ask(unescape(found[1]))).status_code == 200:
            break
        time.sleep(0.05)
    assert "1 of 1 number tells the best 5 of 20 trials from the others" in fresh.text
    assert re.search(r'aria-current="true">math', fresh.text), "of the goal that was asked for"
    again = re.search(r'hx-get="([^"]+)"', fresh.text)
    assert again is not None
    assert ask(unescape(again[1])).status_code == 204


def test_merges_that_stand_side_by_side_have_one_scale(made: tuple[Made, Any]) -> None:
    _, ask = made
    alone, both = (ask(f"/studies/1/merge/uniform?wait=60{more}").text for more in ("", "&beside=0"))
    keys = re.findall(r'<ul class="key".*?</ul>', both, flags=re.S)
    weights = [key for key in keys if "1.50" in key]
    assert len(weights) == 2, "the largest weight of trial 0 is the end of both scales"
    assert "1.50" not in alone
