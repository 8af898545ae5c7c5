"""Models of a study go by their names from its file to its exports; what they are does not hang on names."""

from __future__ import annotations

import hashlib
import json
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from rich.console import Console

from merging.recipe import load_recipe
from search.candidates.glossary import glossary
from search.candidates.verdict import model_names
from search.proposals.baselines import baselines
from search.proposals.starting_points import starting_points
from search.running.workshop import Workshop, open_workshop
from search.showing.display import Display
from search.study_file.spec import load_study
from search.working.run import run_study
from studies.store import StudyStore
from tests.search.conftest import TINY, Finished, Outcome, small_study, write_study
from tests.search.running.test_workshop import adapter

Crucible = Callable[..., Outcome]
RUN1, RUN2 = "../run1/checkpoint-500", "../run2/checkpoint-500"
NAMED = [{"name": "sums", "model": RUN1}, {"name": "proofs", "model": RUN2}]
BASE = {"name": "tiny-base", "model": "../start"}
SLICE = {"task": "minerva_math", "data": "math.jsonl", "num_fewshot": 0, "search": 2, "holdout": 4}
EVIDENCE = "select subject_digest, slice_digest, item, measured_at from crucible_evidence order by 1, 2, 3"


def study(experts: object, base: object = "../start", **changes: object) -> dict[str, object]:
    slices = [{"name": "math", **SLICE}]
    return small_study(**{"trials": 2, "experts": experts, "base_model": base, "slices": slices, **changes})  # type: ignore[arg-type]


def lay_out(folder: Path) -> Path:
    """The tiny models as trainers leave them; returns the folder for studies."""
    for name, place in (("base", "start"), ("gsm8k", RUN1[3:]), ("math", RUN2[3:])):
        shutil.copytree(TINY / name, folder / place)
    return folder / "study"


@pytest.fixture
def home(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for studies of models of this test's own, being the working directory."""
    folder = lay_out(tmp_path)
    folder.mkdir()
    monkeypatch.chdir(folder)
    return folder


@pytest.fixture(scope="module")
def named(tmp_path_factory: pytest.TempPathFactory) -> Finished:
    """A study whose base and experts have names, run to its end."""
    file = write_study(lay_out(tmp_path_factory.mktemp("named")), study(NAMED, BASE))
    storage = f"sqlite:///{file.parent / 'crucible.db'}"
    run_study(load_study(file), storage, Display(Console(quiet=True)))
    return Finished(file, storage)


def ask(named: Finished, crucible: Crucible, *command: object) -> str:
    outcome = crucible(*command, "--storage", named.storage)
    assert outcome.code == 0, outcome
    return outcome.out


def workshop_of(folder: Path, **changes: Any) -> Workshop:
    return open_workshop(load_study(write_study(folder, study(**changes))))


def evidence(folder: Path) -> list[Any]:
    with sqlite3.connect(folder / "crucible.db") as connection:
        return connection.execute(EVIDENCE).fetchall()


def test_check_says_the_names(named: Finished, crucible: Crucible) -> None:
    assert "models    tiny-base, sums, proofs (" in ask(named, crucible, "check", named.file)
    models = json.loads(ask(named, crucible, "check", named.file, "--json"))["models"]
    assert list(models) == ["tiny-base", "sums", "proofs"]


def test_the_leaderboard_says_the_names(named: Finished, crucible: Crucible) -> None:
    rows = json.loads(ask(named, crucible, "leaderboard", "tiny", "--json"))
    assert {(row["kind"], row["name"]) for row in rows} == {
        ("base", "tiny-base"),
        ("expert", "sums"),
        ("expert", "proofs"),
        ("uniform", "uniform"),
        ("trial", "trial 0"),
        ("trial", "trial 1"),
    }
    shown = ask(named, crucible, "leaderboard", "tiny")
    assert "the base (tiny-base)" in shown
    assert "the best expert (proofs)" in shown
    assert "checkpoint-500" not in shown


def test_parameters_say_the_names(named: Finished) -> None:
    with sqlite3.connect(named.folder / "crucible.db") as connection:
        found = {name for (name,) in connection.execute("select param_name from trial_params")}
    assert found == set(open_workshop(load_study(named.file)).space.distributions)
    assert {"weight.layer0.mlp.sums", "density.outer.proofs"} <= found


def test_items_are_asked_for_by_name_and_the_base_as_base_too(named: Finished, crucible: Crucible) -> None:
    def who(*options: object) -> str:
        return ask(named, crucible, "items", "tiny", *options).partition("\n")[0]

    assert who("--candidate", "proofs", "--versus", "sums") == "math (holdout): proofs and sums"
    assert who("--candidate", "base") == who("--candidate", "tiny-base")
    assert who("--candidate", "tiny-base").startswith("math (holdout): tiny-base,")
    outcome = crucible("items", "tiny", "--candidate", "proof", "--storage", named.storage)
    assert "it has tiny-base, sums, proofs, uniform and trials; did you mean 'proofs'?" in outcome.err


def test_exports_say_the_names_and_keep_where_the_models_are(
    named: Finished, crucible: Crucible, tmp_path: Path
) -> None:
    start, sums, proofs = (str(named.folder.parent / each) for each in ("start", RUN1[3:], RUN2[3:]))
    lines = (
        "# What the study calls its models:",
        f"tiny-base: {start}",
        f"sums: {sums}",
        f"proofs: {proofs}",
    )
    note = "\n#   ".join(lines) + "\n"
    texts = {}
    for form in ("mergekit", "recipe", "checkpoint"):
        ask(named, crucible, "export", "tiny", "--trial", 1, "--format", form, "--out", tmp_path / form)
    for name in ("mergekit/merge.yaml", "recipe/recipe.yaml", "checkpoint/crucible_recipe.yaml"):
        texts[name] = (tmp_path / name).read_text()
        assert texts[name].startswith(note)
    config = yaml.safe_load(texts["mergekit/merge.yaml"])
    assert config["base_model"] == start
    assert {each["model"] for part in config["slices"] for each in part["sources"]} >= {sums, proofs}
    with StudyStore(named.storage) as store:
        (digest,) = {each.digest for each in store.candidates(store.study("tiny")) if each.trial == 1}
    assert load_recipe(texts["recipe/recipe.yaml"], "it").digest == digest
    for source, out in (("mergekit/merge.yaml", "a"), ("recipe/recipe.yaml", "b")):
        assert crucible("merge", tmp_path / source, tmp_path / out).code == 0
    made = [(tmp_path / name / "model.safetensors").read_bytes() for name in ("checkpoint", "a", "b")]
    assert made[0] == made[1] == made[2]


def test_exports_of_studies_without_names_are_as_they_were(home: Path) -> None:
    workshop = workshop_of(home, experts=["./gsm8k", "./math"], base="./base")
    names = {each.digest: name for name, each in workshop.fingerprints.items()}
    assert glossary(workshop.space.decode({}), names) == ""
    with StudyStore("sqlite:///crucible.db") as store:
        store.begin("tiny", workshop.identity())
        assert model_names(store, "tiny") == names
        store.begin("bare", {"study": {}})
        assert model_names(store, "bare") == {}


def test_a_recipe_is_the_same_whatever_its_models_are_called(home: Path) -> None:
    plain = workshop_of(home, experts=["./gsm8k", "./math"], base="./base")
    other = workshop_of(home, experts=NAMED, base=BASE)
    pairs = zip(baselines(plain.space), baselines(other.space), strict=True)
    assert all(a.recipe.digest == b.recipe.digest for a, b in pairs)
    points = zip(starting_points(plain.space), starting_points(other.space), strict=True)
    assert all(plain.space.decode(a).digest == other.space.decode(b).digest for a, b in points)


def test_two_folders_of_one_name_are_told_the_remedy(home: Path, crucible: Crucible) -> None:
    outcome = crucible("check", write_study(home, study([RUN1, RUN2])))
    assert outcome.code == 2
    assert outcome.err.count("\n") == 1
    assert f"{{name: …, model: '{RUN2}'}}" in outcome.err
    assert crucible("check", write_study(home, study([RUN1, {"name": "proofs", "model": RUN2}]))).code == 0


def test_a_study_goes_on_where_its_models_moved_if_they_keep_their_names(
    home: Path, crucible: Crucible
) -> None:
    assert crucible("run", write_study(home, study(NAMED, BASE))).code == 0
    before = evidence(home)
    (home.parent / "run2").rename(home.parent / "moved")
    assert "no such model folder" in crucible("run", "study.yaml").err
    moved = [NAMED[0], {"name": "proofs", "model": "../moved/checkpoint-500"}]
    assert crucible("run", write_study(home, study(moved, BASE))).code == 0
    assert evidence(home) == before


def test_a_plain_expert_may_get_its_own_name_said(home: Path, crucible: Crucible) -> None:
    assert crucible("run", write_study(home, study(["./gsm8k", RUN2]))).code == 0
    before = evidence(home)
    said = [{"name": "gsm8k", "model": RUN1}, {"name": "checkpoint-500", "model": "./math"}]
    base = {"name": "base", "model": "./base"}
    assert crucible("run", write_study(home, study(said, base))).code == 0
    assert evidence(home) == before


def test_a_new_name_for_a_model_that_trials_know_is_refused_with_the_old_one(
    home: Path, crucible: Crucible
) -> None:
    assert crucible("run", write_study(home, study(NAMED)), "--trials", 1).code == 0
    before = evidence(home)

    def refused(experts: object, base: object = "../start") -> str:
        outcome = crucible("run", write_study(home, study(experts, base)), "--trials", 2)
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        assert evidence(home) == before
        return outcome.err

    assert refused([NAMED[0], {"name": "algebra", "model": RUN2}]) == (
        "crucible: study 'tiny' is not what it was when it began: model 'proofs' is called 'algebra' now, but"
        " its trials say 'proofs' (write {name: 'proofs', model: …}): undo the change, or give the changed"
        " study another name\n"
    )
    assert "model 'sums' is called 'gsm8k' now" in refused(["./gsm8k", NAMED[1]])
    assert "model 'base' is called 'tiny-base' now, but its trials say 'base'" in refused(NAMED, BASE)
    crossed = [{"name": "proofs", "model": RUN1}, {"name": "sums", "model": RUN2}]
    assert "'sums' is called 'proofs' now" in (said := refused(crossed))
    assert "'proofs' is called 'sums' now" in said
    assert crucible("run", write_study(home, study(NAMED)), "--trials", 2).code == 0


def test_two_names_for_one_model_are_refused(home: Path, crucible: Crucible) -> None:
    def refused(experts: object, base: object = "../start") -> str:
        outcome = crucible("check", write_study(home, study(experts, base)))
        assert (outcome.code, outcome.err.count("\n")) == (2, 1)
        return outcome.err

    (home / "latest").symlink_to(RUN2)
    again = {"name": "algebra", "model": "./latest"}
    one = "are one and the same model, file for file; leave one out"
    assert f"experts: 'proofs' and 'algebra' {one}" in refused([*NAMED, again])
    assert f"experts: 'checkpoint-500' and 'algebra' {one}" in refused([RUN2, again])
    assert f"experts: 'proofs' and 'math' {one}" in refused([*NAMED, "./math"]), "a copy, too"
    assert f"experts: 'base' and 'start' {one}" in refused([{"name": "start", "model": "./base"}, RUN2])
    assert f"experts: 'tiny-base' and 'start' {one}" in refused(["../start", RUN2], BASE)
    assert f"{RUN2!r} is given twice" in refused([NAMED[1], {"name": "algebra", "model": RUN2}])
    plain = crucible("check", write_study(home, study([RUN2, "./latest"])))
    assert plain.code == 0, "a study without names may have begun like this"


def test_adapters_and_hub_models_have_names_too(
    home: Path, crucible: Crucible, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(home / "hub"))
    hub = home / "hub" / "models--org--name"
    shutil.copytree(TINY / "math", hub / "snapshots" / "abc")
    (hub / "refs").mkdir()
    (hub / "refs" / "v1").write_text("abc")
    shutil.copytree(TINY / "base", home.parent / "train" / "base")
    lora = adapter(home.parent / "train")
    experts = [{"name": "lora", "model": RUN1}, {"name": "tuned", "model": "../train/lora"}]
    experts.append({"name": "hubbed", "model": "org/name@v1"})
    file = write_study(home, study(experts, trials=1, tokenizer_source="hubbed"))
    assert crucible("run", file).code == 0
    rows = json.loads(crucible("leaderboard", "tiny", "--json").out)
    assert {row["name"] for row in rows if row["kind"] == "expert"} == {"lora", "tuned", "hubbed"}
    assert crucible("export", "tiny", "--trial", 0, "--format", "mergekit", "--out", "out").code == 0
    text = Path("out/merge.yaml").read_text()
    assert f"#   tuned: {lora}\n#   hubbed: org/name@v1\n" in text
    assert "org/name" in text.partition("slices:")[2]
    assert crucible("export", "tiny", "--trial", 0, "--format", "checkpoint", "--out", "made").code == 0
    assert crucible("merge", "out/merge.yaml", "again").code == 0
    assert Path("again/model.safetensors").read_bytes() == Path("made/model.safetensors").read_bytes()
    assert crucible("evaluate", lora, file).code == 0, "on top of the base, wherever its name"


def test_a_study_of_the_version_before_names_is_the_same_study(tmp_path: Path) -> None:
    """What that version stored and proposed for this file, as it was computed by it."""
    slices = [{"name": "math", **SLICE}]
    workshop = open_workshop(load_study(write_study(tmp_path, small_study(trials=1, slices=slices))))
    stored = hashlib.sha256(json.dumps(workshop.identity(), sort_keys=True).encode()).hexdigest()
    assert stored == "1387a95d44648349e558e45079366714790e9e7f852b69ed1c8165ee6f09396d"
    parameters = "\n".join(workshop.space.distributions)
    assert hashlib.sha256(parameters.encode()).hexdigest() == (
        "4ba754cd1287f6d04ae3128051dab3f4ae846f01af1000d8f62ee0e7cf5b092c"
    )
    assert {each.name: each.recipe.digest[:16] for each in baselines(workshop.space)} == {
        "base": "9cbc2bb4ab5c1317",
        "gsm8k": "5af11e3812974096",
        "math": "63fb7fd373240b51",
        "code": "90693344a5d8b217",
        "uniform": "7fc620b681ed046b",
    }
    alike = [dict.fromkeys(workshop.space.expert_names, share) for share in (0.1, 0.3)]
    shares = [*alike, *({**alike[0], lead: 0.5} for lead in workshop.space.expert_names)]
    points = [workshop.space.point("ties", each) for each in shares]
    assert [workshop.space.decode(point).digest[:16] for point in points] == [
        "fa0df420ca16bbbb",
        "bc096b09fe757852",
        "39ecec2b2fe88a5a",
        "c4de6dc8b1da3cf9",
        "c25c44f46e0c5286",
    ]
