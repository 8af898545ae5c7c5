"""The yardstick: how long `copy_` takes to move as many bytes as a candidate reads and writes."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from torch import Tensor

from merging.models.checkpoint import WEIGHTS


@dataclass(frozen=True)
class Yardstick:
    """Models' files as flat bytes, mapped or on a device, and a buffer of one model's size that is reused."""

    sources: Sequence[Tensor]
    target: Tensor

    def copy(self, traffic: int) -> None:
        """Read half of `traffic` bytes and write them, so that as many are moved in all."""
        left, i = traffic // 2, 0
        while left > 0:
            size = min(left, self.target.numel())
            self.target[:size].copy_(self.sources[i % len(self.sources)][:size])
            left, i = left - size, i + 1
        settle(self.target.device)


def open_yardstick(folders: Sequence[Path], device: str) -> Yardstick:
    """Map the models' files, with every page touched, so that the page cache holds them."""
    sources = [_mapped(folder / WEIGHTS).to(device) for folder in folders]
    target = torch.zeros(min(source.numel() for source in sources), dtype=torch.uint8, device=device)
    for source in sources:
        target.copy_(source[: target.numel()])
    return Yardstick(sources, target)


def settle(device: torch.device) -> None:
    """Wait until a device has done what it was told."""
    if device.type == "cuda":
        torch.cuda.synchronize(device)


def _mapped(file: Path) -> Tensor:
    return torch.from_file(str(file), shared=False, size=file.stat().st_size, dtype=torch.uint8)
