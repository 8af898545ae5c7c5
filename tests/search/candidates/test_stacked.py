"""Recipes of every kind of search space become models: merged, loaded, asked and exported."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from evaluators.engines.engine import Completion, Engine
from evaluators.engines.fake import FakeEngine
from evaluators.engines.transformers import TransformersEngine
from evaluators.errors import EngineError
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.recipe import Recipe
from search.candidates.candidate import Sent, write_candidate
from search.proposals.starting_points import starting_points
from search.running.workshop import Workshop, open_workshop
from search.study_file.spec import load_study
from tests.search.conftest import Outcome, small_study, write_study

pytestmark = pytest.mark.usefixtures("own_folder")
Crucible = Callable[..., Outcome]
PATHS = {"methods": ["passthrough"], "layer_groups": "each", "layers": {"budget": 6}}
PROMPTS = ["Question: 3+4\nAnswer:", "def f(x):\n", "8*7="]
UP = "model.layers.{}.mlp.up_proj.weight"


def shop(space: Mapping[str, Any], **changes: Any) -> Workshop:
    return open_workshop(load_study(write_study(Path(), small_study(search_space=space, **changes))))


def sent(some: Workshop, recipe: Recipe) -> Sent:
    return Sent(recipe, here=some.worker)


def answers(engine: Engine, source: Any) -> list[Completion]:
    engine.load(source)
    return engine.generate(PROMPTS, [], 16)


class Written:
    """A checkpoint's weights."""

    def __init__(self, folder: Path) -> None:
        self.checkpoint: Checkpoint = open_checkpoint(folder)

    def __iter__(self) -> Iterator[tuple[str, torch.Tensor]]:
        return iter(self.checkpoint)


def winding(some: Workshop) -> Recipe:
    """math 0, code 1, math 1, gsm8k 3, gsm8k 3: layers 1 and 3 come twice, layer 2 not at all."""
    path = {name: "-" for name in some.space.distributions}
    path |= {"source.layer0.1": "math", "source.layer1.1": "code", "source.layer1.2": "math"}
    return some.space.decode({**path, "source.layer3.1": "gsm8k", "source.layer3.2": "gsm8k"})


def test_a_path_is_made_of_the_layers_that_it_names() -> None:
    some = shop(PATHS)
    recipe = winding(some)
    made = dict(some.worker.tensors(recipe))
    gsm8k, math, code = some.experts
    for layer, (expert, origin) in enumerate([(math, 0), (code, 1), (math, 1), (gsm8k, 3), (gsm8k, 3)]):
        assert torch.equal(made[UP.format(layer)], expert.tensor(UP.format(origin)))
    assert torch.equal(made["model.embed_tokens.weight"], math.tensor("model.embed_tokens.weight"))
    assert torch.equal(made["model.norm.weight"], gsm8k.tensor("model.norm.weight"))
    assert UP.format(5) not in made


def test_the_running_engine_answers_as_one_started_on_the_exported_model(tmp_path: Path) -> None:
    some = shop(PATHS)
    recipe = winding(some)
    out = write_candidate(recipe, some.worker, tmp_path / "out", quiet=True)
    assert json.loads((out / "config.json").read_text())["num_hidden_layers"] == 5
    with closing(some.engine()) as engine, closing(TransformersEngine(out)) as fresh:
        found = answers(engine, sent(some, recipe))
        assert found == answers(fresh, Written(out))
        plain = starting_points(some.space)[0]
        before = answers(engine, sent(some, some.space.decode(plain)))
        assert before != found
        assert answers(engine, sent(some, recipe)) == found, "there and back again"


def test_a_path_of_one_expert_alone_answers_as_that_expert() -> None:
    some = shop(PATHS)
    with closing(some.engine()) as engine:
        for expert, point in zip(some.experts, starting_points(some.space), strict=False):
            source = sent(some, some.space.decode(point))
            assert source.stacked_as is None, "no other model need be built for it"
            assert answers(engine, source) == answers(engine, expert)


def test_only_other_layers_are_stated_as_another_model() -> None:
    some = shop(PATHS)
    stated = sent(some, winding(some)).stacked_as
    assert stated is not None
    assert (stated["num_hidden_layers"], stated["model_type"]) == (5, some.base.config["model_type"])
    kept = shop({**PATHS, "layers": {"budget": 4, "copies": 1, "skip": False}})
    mixed = {name: kept.space.expert_names[i % 3] for i, name in enumerate(kept.space.distributions)}
    assert sent(kept, kept.space.decode(mixed)).stacked_as is None
    ties = shop({"methods": ["ties"]})
    assert sent(ties, ties.space.decode({})).stacked_as is None


def test_the_fake_engine_takes_a_model_of_other_layers_and_the_next_one_as_before() -> None:
    some = shop(PATHS)
    engine = FakeEngine()
    first = answers(engine, some.base)
    assert answers(engine, sent(some, winding(some))) != first
    assert answers(engine, some.base) == first
    shallow = [(name, tensor) for name, tensor in some.base if ".3." not in name]
    with pytest.raises(EngineError, match=r"the weights lack model\.layers\.3"):
        engine.load(shallow)  # type: ignore[arg-type]  # a list is iterable, too


def test_a_config_that_means_no_model_is_refused_and_the_engine_goes_on() -> None:
    some = shop(PATHS)

    class Odd(Written):
        @property
        def stacked_as(self) -> dict[str, Any]:
            return {**some.base.config, "hidden_act": "none of these"}

    with closing(some.engine()) as engine:
        before = answers(engine, some.base)
        with pytest.raises(EngineError, match="no model of these layers to build"):
            engine.load(Odd(some.base.path))
        assert answers(engine, some.base) == before


def test_a_gradient_of_weights_is_merged_layer_by_layer() -> None:
    some = shop({"methods": ["task_arithmetic"], "gradient": 2, "weight": [-0.5, 1.0]}, dtype="float32")
    weights = {name: 0.0 for name in some.space.distributions}
    recipe = some.space.decode({**weights, "weight.layer0.mlp.math": -0.5, "weight.layer3.mlp.math": 1.0})
    made = dict(some.worker.tensors(recipe))
    for layer, weight in enumerate((-0.5, 0.0, 0.5, 1.0)):
        base, math = (model.tensor(UP.format(layer)).float() for model in (some.base, some.experts[1]))
        assert torch.allclose(made[UP.format(layer)], base + weight * (math - base), atol=1e-6)
    with closing(some.engine()) as engine:
        assert answers(engine, sent(some, recipe)) != answers(engine, some.base)


def test_searches_with_weights_below_0_start_from_0() -> None:
    some = shop({"methods": ["ties"], "layer_groups": 1, "weight": [-0.5, 1.0]})
    starts = [point["weight.layers0-3.mlp.math"] for point in starting_points(some.space)]
    assert starts == pytest.approx([1 / 3, 0.1, 1 / 6, 1 / 2, 1 / 6, 1 / 2, 1 / 6])


def run(crucible: Crucible, space: Mapping[str, Any], **engine: Any) -> list[dict[str, Any]]:
    file = write_study(
        Path("run"), small_study(5, 4, search_space=space, engine={"max_tokens": 16, **engine})
    )
    outcome = crucible("run", file, "--anyway", "--json", "--storage", "sqlite:///run.db")
    assert outcome.code == 0, outcome
    return [row for row in json.loads(outcome.out) if row["kind"] == "trial"]


@pytest.mark.parametrize("name", ["transformers", "fake"])
def test_a_study_of_layer_paths_runs_to_its_verdict_and_exports(crucible: Crucible, name: str) -> None:
    rows = run(crucible, PATHS, name=name)
    assert len(rows) == 5
    trial = next(row["trial"] for row in rows if row["trial"] == 4)
    url = ("--storage", "sqlite:///run.db")
    given = ("export", "tiny", "--trial", trial, *url)
    assert crucible(*given, "--format", "checkpoint", "--out", "model").code == 0
    assert json.loads(Path("model/config.json").read_text())["num_hidden_layers"] == 5
    assert crucible(*given, "--format", "mergekit", "--out", "yaml").code == 0
    config = yaml.safe_load(Path("yaml/merge.yaml").read_text())
    assert config["merge_method"] == "passthrough"
    assert (
        sum(s["sources"][0]["layer_range"][1] - s["sources"][0]["layer_range"][0] for s in config["slices"])
        == 5
    )
    assert crucible("merge", "yaml/merge.yaml", "again").code == 0
    assert Path("again/model.safetensors").read_bytes() == Path("model/model.safetensors").read_bytes()


def test_a_study_of_gradients_runs_to_its_verdict(crucible: Crucible) -> None:
    rows = run(crucible, {"methods": ["ties", "dare_linear"], "gradient": 2, "weight": [-0.3, 1.0]})
    assert len(rows) == 5
