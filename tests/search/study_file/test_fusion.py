"""A fusion file says what becomes one and how, or one line says what is wrong, where, and what to do."""

from __future__ import annotations

from pathlib import Path

import pytest

from evaluators.engines.vllm.process import MOST_RANKED
from search.errors import SpecError
from search.study_file.fusion import RANKED_BY_VLLM, FusionSpec, load_fusion, load_members
from tests.search.conftest import TINY

LEAST = "name: fused\nstudies: [study.yaml]\ndata: instructions.jsonl\n"
FULL = """\
name: tiny-fused
studies: [study.yaml, qwen/study.yaml]
models: [../smol, {name: gemma, model: google/gemma-3-270m}]
data: [instructions.jsonl, more.jsonl.gz]
format: chat
target: 'tiny: trial 37'
sources: ['qwen: code', gemma]
sources_per_slice: 2
selection: {share: 0.25, seed: 3}
alignment: {mapping: bytes, floor: 0.95}
distributions: {top_k: 4, engine: vllm, shard: 64}
fusion: {function: alm+min_ce_token, lambda: 0.8, temperature: 2, pairwise: false}
training: {epochs: 1, batch: 8, micro_batch: 2, rate: 1e-3, warmup: 0, max_length: 256, dtype: float32,
           lora: {rank: 4, alpha: 8}, checkpoint_every: 5, seed: 7}
then_merge: {trials: 12, finalists: 2, search_space: {methods: [ties], density: 0.5}, sampler: {seed: 1}}
engine: {max_tokens: 48}
allow_pickle: true
storage: sqlite:///other.db
"""


def load(tmp_path: Path, text: str) -> FusionSpec:
    path = tmp_path / "fusion.yaml"
    path.write_text(text)
    return load_fusion(path)


def refusal(tmp_path: Path, text: str) -> str:
    with pytest.raises(SpecError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert "\n" not in message
    assert message.startswith(f"{tmp_path / 'fusion.yaml'}:")
    return message.removeprefix(str(tmp_path / "fusion.yaml"))


def test_three_lines_are_a_fusion_and_everything_else_has_a_default(tmp_path: Path) -> None:
    spec = load(tmp_path, LEAST)
    assert (spec.studies, spec.models, spec.data) == (("study.yaml",), (), ("instructions.jsonl",))
    assert (spec.target, spec.sources, spec.sources_per_slice, spec.format) == (None, None, 1, "auto")
    assert (spec.selection.share, spec.selection.seed) == (0.5, 0)
    assert (spec.alignment.mapping, spec.alignment.floor) == ("bytes", 0.9)
    assert (spec.distributions.top_k, spec.distributions.engine, spec.distributions.shard) == (
        10,
        "transformers",
        256,
    )
    assert (spec.fusion.function, spec.fusion.lambda_, spec.fusion.temperature) == (
        "min_ce_sequence",
        0.1,
        4.0,
    )
    assert spec.fusion.pairwise
    assert (spec.training.epochs, spec.training.batch, spec.training.rate) == (3, 32, 1e-4)
    assert spec.training.lora is None
    assert (spec.then_merge, spec.engine, spec.storage) == (None, None, "sqlite:///crucible.db")


def test_everything_that_is_said_is_read_as_written(tmp_path: Path) -> None:
    spec = load(tmp_path, FULL)
    assert [model.called for model in spec.models] == ["smol", "gemma"]
    assert (spec.target, spec.sources) == ("tiny: trial 37", ("qwen: code", "gemma"))
    assert spec.fusion.function == "alm+min_ce_token"
    assert (spec.training.rate, spec.training.micro_batch) == (1e-3, 2)  # YAML reads 1e-3 as text
    assert spec.training.lora
    assert (spec.training.lora.rank, spec.training.lora.alpha) == (4, 8)
    assert spec.then_merge
    assert spec.then_merge.search_space.density == (0.5, 0.5)
    assert (spec.then_merge.trials, spec.then_merge.sampler.seed) == (12, 1)
    assert spec.engine
    assert spec.engine.max_tokens == 48


def test_paths_are_relative_to_the_file(tmp_path: Path) -> None:
    spec = load(tmp_path, FULL)
    assert spec.study_files == (tmp_path / "study.yaml", tmp_path / "qwen" / "study.yaml")
    assert spec.data_files == (tmp_path / "instructions.jsonl", tmp_path / "more.jsonl.gz")


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("format: chat", "fromat: chat", [":5: fromat: unknown field", "'format'?", "known here: name,"]),
        ("name: tiny-fused\n", "", ["name: is missing; add it"]),
        ("[study.yaml, qwen/study.yaml]", "[]", [":2: studies", "at least 1"]),
        ("[study.yaml, qwen/study.yaml]", "[a, a]", [":2: studies: 'a' is given twice; leave one out"]),
        ("[study.yaml, qwen/study.yaml]", "7", [":2: studies: must be a file, or a list of files; found 7"]),
        ("[instructions.jsonl, more.jsonl.gz]", "[a, a]", [":4: data: 'a' is given twice"]),
        ("[instructions.jsonl, more.jsonl.gz]", "[3]", [":4: data.0: input should be a valid string"]),
        ("{name: gemma, model: google/gemma-3-270m}", "../smol", [":3: models: '../smol' is given twice"]),
        (
            "{name: gemma, model: google/gemma-3-270m}",
            "../other/smol",
            [":3: models: 'smol' is given twice; give each a name of its own"],
        ),
        ("model: google/gemma-3-270m", "modle: x", [":3: models.1.modle: unknown field", "'model'?"]),
        ("format: chat", "format: alpaca", [":5: format: must be 'auto', 'plain' or 'chat'"]),
        ("'qwen: code', gemma", "'tiny: trial 37'", [":7: sources: 'tiny: trial 37' is the target"]),
        ("'qwen: code', gemma", "gemma, gemma", [":7: sources: 'gemma' is given twice"]),
        ("sources: ['qwen: code', gemma]", "sources: []", [":7: sources", "at least 1"]),
        ("sources_per_slice: 2", "sources_per_slice: 0", [":8: sources_per_slice", "found 0"]),
        ("share: 0.25", "share: 1", [":9: selection.share: input should be less than 1"]),
        ("share: 0.25", "shear: 1", [":9: selection.shear: unknown field; did you mean 'share'?"]),
        ("mapping: bytes", "mapping: byte", [":10: alignment.mapping", "did you mean 'bytes'?"]),
        ("floor: 0.95", "floor: 95", [":10: alignment.floor: input should be less than or equal to 1"]),
        ("top_k: 4", "top_k: 0", [":11: distributions.top_k", "found 0"]),
        ("top_k: 4", "top_k: 129", [":11: distributions.top_k: vLLM ranks 128", "`engine: transformers`"]),
        ("engine: vllm, shard", "engine: vlm, shard", [":11: distributions.engine", "mean 'vllm'?"]),
        ("alm+min_ce_token", "min_ce", [":12: fusion.function: must be 'labels', 'min_ce_sequence'"]),
        ("lambda: 0.8", "lambda: 8", [":12: fusion.lambda: input should be less than or equal to 1"]),
        ("alm+min_ce_token", "labels", [":12: fusion.lambda: labels have no source", "leave it out"]),
        ("temperature: 2", "temperature: 0", [":12: fusion.temperature", "greater than 0"]),
        ("micro_batch: 2", "micro_batch: 3", ["training.micro_batch: must divide batch (8)", "found 3"]),
        ("rank: 4", "rnk: 4", [":14: training.lora.rnk: unknown field; did you mean 'rank'?"]),
        ("methods: [ties]", "methods: [tie]", [":15: then_merge.search_space.methods: unknown method 'tie'"]),
        ("methods: [ties]", "method: [ties]", [":15: then_merge.search_space.method: unknown", "'methods'?"]),
        ("sampler: {seed: 1}", "samplr: {seed: 1}", [":15: then_merge.samplr: unknown field; did you mean"]),
        ("max_tokens: 48", "max_token: 48", [":16: engine.max_token: unknown field; did you mean"]),
        ("allow_pickle: true", "folder: x", [":17: folder: unknown field"]),
        ("allow_pickle: true", "name: x", [":17: name: said twice (first on line 1)"]),
        ("name: tiny-fused", "name: 2020-99-99", ["not a fusion: month must be in 1..12"]),
    ],
)
def test_each_mistake_is_named_with_its_line_field_and_remedy(
    tmp_path: Path, old: str, new: str, said: list[str]
) -> None:
    assert old in FULL
    message = refusal(tmp_path, FULL.replace(old, new, 1))
    for part in said:
        assert part in message


def test_labels_alone_have_no_lambda_to_give(tmp_path: Path) -> None:
    assert load(tmp_path, LEAST + "fusion: {function: labels}").fusion.function == "labels"


@pytest.mark.parametrize("text", ["", "- 1\n", "tiny"])
def test_a_file_that_is_no_mapping_is_refused(tmp_path: Path, text: str) -> None:
    assert "a fusion file is a mapping that starts with `name:`" in refusal(tmp_path, text)


def member(folder: Path, name: str, file: str) -> None:
    (folder / file).write_text((TINY / "study.yaml").read_text().replace("name: tiny\n", f"name: {name}\n"))


def test_the_member_studies_are_read_with_it(tmp_path: Path) -> None:
    member(tmp_path, "llama", "a.yaml")
    member(tmp_path, "qwen", "b.yaml")
    spec = load(tmp_path, LEAST.replace("study.yaml", "a.yaml, b.yaml"))
    assert [study.name for study in load_members(spec)] == ["llama", "qwen"]


@pytest.mark.parametrize(
    ("names", "said"),
    [
        (("llama", "llama"), "studies: b.yaml and a.yaml are both called 'llama' in the store; give one"),
        (("llama", "fused"), "studies: b.yaml and the fusion itself are both called 'fused' in the store"),
    ],
)
def test_two_studies_of_one_name_are_refused(tmp_path: Path, names: tuple[str, str], said: str) -> None:
    member(tmp_path, names[0], "a.yaml")
    member(tmp_path, names[1], "b.yaml")
    spec = load(tmp_path, LEAST.replace("study.yaml", "a.yaml, b.yaml"))
    with pytest.raises(SpecError, match=said):
        load_members(spec)


def test_a_member_study_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(SpecError, match=r"study\.yaml: cannot be read: No such file"):
        load_members(load(tmp_path, LEAST))


def test_what_vllm_ranks_at_most_is_what_its_engine_says() -> None:
    assert RANKED_BY_VLLM == MOST_RANKED
