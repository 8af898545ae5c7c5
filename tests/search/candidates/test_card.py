"""The model card beside a checkpoint: what the hub reads, and what a person wants to know of a merge."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from huggingface_hub import ModelCard

from evaluators.score import wilson
from merging.recipe import ModelRef, Parameters, Recipe, load_recipe, whole_model
from search.candidates.asked import datasets_of, results_of, sources_of
from search.candidates.card import Judged, fenced, model_card, table
from search.candidates.export import export
from search.candidates.licenses import License
from search.candidates.verdict import Found
from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard, conclusion
from tests.search.conftest import TINY, Finished, Outcome

Crucible = Callable[..., Outcome]


def recipe(*paths: str, method: str = "task_arithmetic", revision: str | None = None) -> Recipe:
    """Of a base and experts at these places."""
    base, *experts = (ModelRef(path, f"{i}" * 64, revision) for i, path in enumerate(paths, start=1))
    whole = (1.0,) * len(experts)
    layers, outer = whole_model(Parameters(whole, whole), 2)
    return Recipe(base, tuple(experts), method, layers, outer, "bfloat16")


def config(folder: Path, **changes: object) -> Path:
    said: dict[str, object] = {
        "merge_method": "task_arithmetic",
        "base_model": str(TINY / "base"),
        "models": [{"model": str(TINY / name), "parameters": {"weight": 0.5}} for name in ("math", "code")],
        "dtype": "float32",
        **changes,
    }
    path = folder / "merge.yaml"
    path.write_text(yaml.safe_dump(said))
    return path


def test_the_hub_reads_its_front_matter() -> None:
    card = ModelCard(model_card(recipe("org/base", "org/math", "you/code", revision="v1"), "..."))
    assert card.data.base_model == ["org/base", "org/math", "you/code"]
    assert card.data.tags == ["merge", "crucible", "task_arithmetic"]
    assert card.data.library_name == "transformers"
    assert "| org/math@v1 | expert | `222222222222` |" in card.text
    assert "Before this card is published" not in card.text


def test_a_folder_is_no_id_on_the_hub_and_its_reader_is_told() -> None:
    card = ModelCard(model_card(recipe("/home/me/base", "/home/me/math", "org/code"), "..."))
    assert card.data.base_model == ["org/code"]
    assert "| math | expert |" in card.text
    assert "add their ids on the hub to `base_model`" in card.text
    assert "/home/me" not in card.text


def test_the_hub_is_told_that_it_is_a_merge_only_of_models_that_the_hub_knows() -> None:
    card = ModelCard(model_card(recipe("org/base", "org/math"), "..."))
    assert card.data.to_dict()["base_model_relation"] == "merge"
    assert card.data.pipeline_tag == "text-generation"
    folders = ModelCard(model_card(recipe("/a/base", "/a/math"), "...")).data.to_dict()
    assert not folders.keys() & {"base_model", "base_model_relation", "model-index", "metrics", "license"}


def test_a_license_stands_where_all_models_say_it() -> None:
    made = recipe("org/base", "org/math")
    other = [License(name, ("other",), "theirs", "https://x.org") for name in ("a", "b")]
    said = ModelCard(model_card(made, "...", licenses=other)).data
    assert (said.license, said.license_name, said.license_link) == ("other", "theirs", "https://x.org")
    differ = model_card(made, "...", licenses=[License("a", ("mit",)), License("b", ("gemma",))])
    assert ModelCard(differ).data.license is None
    assert "| a | mit | none |" in differ
    assert "**The licenses differ** (a: mit; b: gemma)." in differ


def test_results_of_hub_datasets_name_them() -> None:
    sources = sources_of(
        {
            "study": {
                "slices": [{"name": "s", "task": "gsm8k"}, {"name": "t", "task": "gsm8k", "data": "x.jsonl"}]
            }
        }
    )
    assert datasets_of(sources) == ["openai/gsm8k"]
    assert sources["s"].split == "test"
    found = results_of({"s": wilson(3, 4), "t": wilson(1, 4)}, sources)
    judged = Judged("study: trial 1", results=found, datasets=datasets_of(sources))
    card = ModelCard(model_card(recipe("org/base", "org/math"), "...", judged))
    assert card.data.datasets == ["openai/gsm8k"]
    assert card.data.model_name == "study: trial 1"
    assert [each.metric_value for each in card.data.eval_results] == [0.75, 0.25]
    assert [each.dataset_name for each in card.data.eval_results] == ["gsm8k", "gsm8k (items of one's own)"]
    assert "4 holdout items [95% interval: 0.3006 to 0.9544]" in card.data.eval_results[0].metric_name


def test_names_and_configs_cannot_break_out_of_tables_and_code() -> None:
    assert table(("a", "b"), [("x|y\nz", 1)]).splitlines()[-1] == "| x\\|y z | 1 |"
    assert fenced("a: '```'\n", "yaml") == "````yaml\na: '```'\n````"


def test_a_merged_checkpoint_says_what_it_was_merged_from(
    tmp_path: Path, crucible: Crucible, own_folder: Path
) -> None:
    file = config(tmp_path)
    assert crucible("merge", file, "out").code == 0
    card = Path("out", "README.md").read_text()
    assert fenced(file.read_text(), "yaml") in card
    assert "## Verdict" not in card
    assert crucible("merge", file, "again").code == 0
    assert Path("again", "README.md").read_text() == card


def test_a_readme_that_is_there_is_nobodys_to_overwrite(
    tmp_path: Path, crucible: Crucible, own_folder: Path
) -> None:
    Path("out").mkdir()
    Path("out", "README.md").write_text("mine")
    assert "not empty" in crucible("merge", config(tmp_path), "out").err
    assert Path("out", "README.md").read_text() == "mine"


def test_an_exported_checkpoint_says_what_the_study_proved_of_it(
    tmp_path: Path, finished: Finished, crucible: Crucible
) -> None:
    options = ("--format", "checkpoint", "--storage", finished.storage)
    with StudyStore(finished.storage) as store:
        rows = build_leaderboard(store, "tiny")
    best = next(row for row in rows if row.kind == "trial")
    assert best.vs_base
    assert crucible("export", "tiny", "--trial", best.trial, *options, "--out", tmp_path / "a").code == 0
    card = (tmp_path / "a" / "README.md").read_text()
    assert f"# tiny: {best.name}\n" in card
    assert "On 36 holdout items" in card
    assert "| gsm8k | 12 |" in card
    low, high = 100 * best.vs_base.low, 100 * best.vs_base.high
    mean = 100 * best.vs_base.mean
    assert f"| the base | 36 | {mean:+.1f} [{low:+.1f}, {high:+.1f}] |" in card
    assert all(f"| {title} | 36 | " in card for title in ("the best expert", "the uniform merge"))
    assert conclusion(rows) in card
    assert f"crucible export tiny --trial {best.trial} --format checkpoint --out OUT_DIR" in card
    (given,) = re.findall(r"```yaml\n(.*?)```", card, re.DOTALL)
    (tmp_path / "merge.yaml").write_text(given)
    assert crucible("merge", tmp_path / "merge.yaml", tmp_path / "b").code == 0
    made = [(tmp_path / name / "model.safetensors").read_bytes() for name in "ab"]
    assert made[0] == made[1], "the card's config makes the same weights"


def test_a_candidate_that_was_never_judged_is_not_praised(finished: Finished) -> None:
    with StudyStore(finished.storage) as store:
        rows = build_leaderboard(store, "tiny")
    row = next(row for row in rows if row.holdout_mean is None)
    assert Found("tiny", row, rows).verdict() == [
        "It was not judged: not all holdout items were asked of it."
    ]


def test_the_conclusion_is_said_of_the_best_alone(finished: Finished) -> None:
    with StudyStore(finished.storage) as store:
        rows = build_leaderboard(store, "tiny")
    base = next(row for row in rows if row.kind == "base")
    assert conclusion(rows) not in Found("tiny", base, rows).verdict()


def test_a_method_that_mergekit_lacks_has_a_card_without_its_config(
    tmp_path: Path, crucible: Crucible, own_folder: Path
) -> None:
    file = config(tmp_path, merge_method="tsv")
    assert json.loads(crucible("merge", file, "out", "--json").out)["digest"]
    made = load_recipe(Path("out", "crucible_recipe.yaml").read_text(), "it")
    export(made, tmp_path / "exported", "checkpoint")
    card = (tmp_path / "exported" / "README.md").read_text()
    assert "It has no mergekit config: mergekit has no method 'tsv'." in card
    assert "```yaml" not in card


@pytest.fixture
def own_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A working directory of the test's own."""
    monkeypatch.chdir(tmp_path)
    return tmp_path
