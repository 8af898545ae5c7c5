from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import torch

from benchmarks.models import Shape, build_model, build_models, make_tensor
from merging.models.checkpoint import open_checkpoint

TINY = Shape(hidden=16, intermediate=32, layers=2, heads=2, vocabulary=48)


def weights(folder: Path) -> bytes:
    return (folder / "model.safetensors").read_bytes()


def test_the_full_size_is_what_the_results_say() -> None:
    assert len(Shape().tensors()) == 219
    assert Shape().nbytes == 2 * 373_867_520


def test_models_open_as_checkpoints_with_the_numbers_they_were_made_of(tmp_path: Path) -> None:
    for i, folder in enumerate(build_models(tmp_path, TINY, 2)):
        model = open_checkpoint(folder)
        assert {name: info.shape for name, info in model.tensors.items()} == TINY.tensors()
        assert all(torch.equal(tensor, make_tensor(TINY, i, name)) for name, tensor in model)


def test_the_same_seed_gives_the_same_bytes(tmp_path: Path) -> None:
    first = build_model(tmp_path / "a", TINY, 1)
    assert weights(first) == weights(build_model(tmp_path / "b", TINY, 1))
    assert weights(first) != weights(build_model(tmp_path / "c", replace(TINY, seed=1), 1))
    assert weights(first) != weights(build_model(tmp_path / "d", TINY, 2))


def test_experts_differ_from_the_base_as_fine_tunes_do() -> None:
    shape = replace(TINY, hidden=128)
    base, expert = (make_tensor(shape, i, "lm_head.weight").float() for i in (0, 1))
    assert 0.01 < float((expert - base).std() / base.std()) < 0.02


def test_what_is_there_is_kept_and_what_was_not_finished_is_made_again(tmp_path: Path) -> None:
    file = build_model(tmp_path, TINY, 0) / "model.safetensors"
    made, whole = file.stat().st_mtime_ns, weights(tmp_path)
    build_model(tmp_path, TINY, 0)
    assert file.stat().st_mtime_ns == made
    (tmp_path / "built.json").unlink()
    file.write_bytes(whole[:100])
    build_model(tmp_path, TINY, 0)
    assert weights(tmp_path) == whole
