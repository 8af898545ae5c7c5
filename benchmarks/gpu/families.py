"""The models that parts merge, in the folder that they share; whoever comes first builds them."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.candidates import EXPERTS, experts_of, recipe
from benchmarks.gpu.part import Task
from benchmarks.models import Shape, build_models
from benchmarks.warm import Models, open_models
from merging.methods.registry import Method
from merging.recipe import Recipe
from merging.worker import MergeWorker

AGREEING = Shape(hidden=512, intermediate=1200, layers=2, heads=8, vocabulary=2051)
"""Every kernel, every shape that a Llama has, an odd number of rows; decompositions take a moment."""
TINY = Shape(hidden=64, intermediate=160, layers=2, heads=2, vocabulary=131)
SERVED = Shape()
"""0.37B parameters."""
LARGE = Shape(hidden=4096, intermediate=11008, layers=32, heads=32, vocabulary=32000)
"""6.7B parameters: a Llama 2 7B's."""


@dataclass(frozen=True)
class Family:
    """Opened models, and how candidates are made of them."""

    shape: Shape
    models: Models
    folders: tuple[Path, ...]

    def recipe(self, method: Method, repetition: int) -> Recipe:
        """The candidate of a repetition."""
        return recipe(method, self.models.refs, self.shape.layers, repetition)

    def worker(self, method: Method, device: str) -> MergeWorker:
        """A worker over as many experts as the method takes."""
        base, *experts = self.models.checkpoints
        ref, *refs = self.models.refs
        n = experts_of(method)
        return MergeWorker(base, experts[:n], ref, refs[:n], device)


def family(task: Task, shape: Shape) -> Family:
    """The family of this shape, or a tiny one; opened, and built if it is not there."""
    if task.small:
        shape = TINY
    folder = task.work / f"models-{shape.hidden}"
    device = "cpu" if task.small else task.device
    folders = build_models(folder, shape, EXPERTS, device)
    for each in folders:
        _write_tokenizer(each, shape.vocabulary)
    return Family(shape, open_models(folders, shape.layers, shape.nbytes), tuple(folders))


def _write_tokenizer(folder: Path, vocabulary: int) -> None:
    """Words `w0`, `w1`, … one token each, so that engines have something to read with."""
    words = {f"w{i}": i for i in range(vocabulary)}
    tokenizer: dict[str, Any] = {
        "version": "1.0",
        "added_tokens": [],
        "pre_tokenizer": {"type": "WhitespaceSplit"},
        "model": {"type": "WordLevel", "vocab": words, "unk_token": "w0"},
    }
    options = {"tokenizer_class": "PreTrainedTokenizerFast", "eos_token": "w1", "pad_token": "w0"}
    for name, data in (("tokenizer.json", tokenizer), ("tokenizer_config.json", options)):
        if not (folder / name).is_file():
            (folder / name).write_text(json.dumps(data))
