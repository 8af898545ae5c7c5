"""The families of small models that mergekit and ours merge by every method, and the files that keep them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor

from tests.merging.pico import Pico

GOLDEN = Path(__file__).parent / "golden" / "methods"
EXPERTS = ("expert0", "expert1", "expert2")


@dataclass(frozen=True)
class Biased(Pico):
    """A Qwen2: queries, keys and values have biases."""

    def shapes(self) -> dict[str, tuple[int, ...]]:
        shapes = super().shapes()
        weights = [
            name for name in shapes if name.endswith(("q_proj.weight", "k_proj.weight", "v_proj.weight"))
        ]
        return shapes | {name.removesuffix("weight") + "bias": shapes[name][:1] for name in weights}


@dataclass(frozen=True)
class Models:
    """A family: how big weights are, how far experts went from the base, and the shapes it is asked in."""

    pico: Pico
    scale: float
    change: float
    shapes: tuple[str, ...]
    variants: bool = False

    @property
    def dtype(self) -> str:
        return str(self.pico.dtype).removeprefix("torch.")

    def tensors(self) -> dict[str, dict[str, Tensor]]:
        """Random models: the base, and experts that changed by as much, a little less and a little more."""
        base = {name: self._random(name, shape, 0) for name, shape in sorted(self.pico.shapes().items())}
        models = {"base": base}
        for i, far in enumerate((1.0, 0.6, 1.5)):
            models[EXPERTS[i]] = {
                name: tensor + self.change * far * self._noise(name, tensor.shape, i + 1)
                for name, tensor in base.items()
            }
        return {
            model: {name: tensor.to(self.pico.dtype) for name, tensor in tensors.items()}
            for model, tensors in models.items()
        }

    def _random(self, name: str, shape: tuple[int, ...], seed: int) -> Tensor:
        return self._noise(name, shape, seed) * self.scale + name.endswith("norm.weight")

    def _noise(self, name: str, shape: tuple[int, ...], seed: int) -> Tensor:
        place = sorted(self.pico.shapes()).index(name)
        return torch.randn(shape, generator=torch.Generator().manual_seed(1000 * seed + place))


_QWEN2 = {"architectures": ["Qwen2ForCausalLM"], "model_type": "qwen2"}
FAMILIES: Mapping[str, Models] = {
    "llama": Models(Pico(hidden=8), 0.1, 0.01, ("uniform", "filters"), variants=True),
    "tied": Models(Pico(hidden=8, tied=True, dtype=torch.float32), 0.05, 0.0004, ("uniform",)),
    "qwen": Models(Biased(hidden=8, layers=3, config=_QWEN2), 0.1, 0.01, ("gradient", "slices")),
    "far": Models(Pico(hidden=8, layers=1), 0.1, 0.2, ("uniform",)),
}


def pack(tensors: Mapping[str, Tensor]) -> Tensor:
    """A model as one vector: its tensors in the order of their names, end to end."""
    return torch.cat([tensors[name].flatten() for name in sorted(tensors)])


def unpack(vector: Tensor, shapes: Mapping[str, tuple[int, ...]]) -> dict[str, Tensor]:
    """What `pack` packed; a file of many models would otherwise be half names."""
    sizes = [torch.Size(shapes[name]).numel() for name in sorted(shapes)]
    parts = zip(sorted(shapes), vector.split(sizes), strict=True)
    return {name: part.view(shapes[name]) for name, part in parts}


def models_of(family: str) -> dict[str, dict[str, Tensor]]:
    """The models that the goldens were made of, by name."""
    return _read(GOLDEN / f"{family}.safetensors", family)


def goldens_of(family: str, mode: str) -> dict[str, dict[str, Tensor]]:
    """mergekit's results, by case."""
    return _read(GOLDEN / f"{family}-{mode}.safetensors", family)


@cache
def _read(file: Path, family: str) -> dict[str, dict[str, Tensor]]:
    shapes = FAMILIES[family].pico.shapes()
    return {name: unpack(vector, shapes) for name, vector in load_file(file).items()}
