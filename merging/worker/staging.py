"""Host memory that models stream through: two buffers, filled in turns while the other is being sent.

What must happen in which order is decided here; a lane only sends, and says when it has. So the order can be
tested without a GPU.
"""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from dataclasses import dataclass, field
from typing import Protocol

import torch
from torch import Tensor

_ALIGNMENT = 256
"""Bytes: what CUDA gives a tensor of its own."""


class Transfer(Protocol):
    """Bytes on their way to a device."""

    def take(self) -> Tensor:
        """The device's copy, for work that is queued on the current stream from now on."""

    def wait(self) -> None:
        """Return when the host's bytes are no longer needed."""


class Lane(Protocol):
    """A way to a device."""

    def buffer(self, nbytes: int) -> Tensor:
        """Host memory to send from."""

    def send(self, staged: Tensor) -> Transfer:
        """Start to send; the bytes must stay as they are until the transfer's `wait` has returned."""


def lane_to(device: str) -> Lane:
    """The way to this device."""
    return _CudaLane(torch.device(device)) if torch.device(device).type == "cuda" else _HostLane()


@dataclass(frozen=True)
class Loaded:
    """Tensors that were sent together, by key."""

    transfer: Transfer
    places: Mapping[Hashable, tuple[int, torch.dtype, torch.Size]]

    def take(self) -> dict[Hashable, Tensor]:
        """The device's copies, for work that is queued on the current stream from now on."""
        data = self.transfer.take()
        return {
            key: data[start : start + shape.numel() * dtype.itemsize].view(dtype).view(shape)
            for key, (start, dtype, shape) in self.places.items()
        }


@dataclass
class Stage:
    """One of the buffers; it grows to the largest set of tensors that it has had to hold."""

    lane: Lane
    room: int = 0
    """Bytes that it has from the start."""
    _memory: Tensor = field(default_factory=lambda: torch.empty(0, dtype=torch.uint8))
    _transfer: Transfer | None = None

    def load(self, tensors: Mapping[Hashable, Tensor]) -> Loaded:
        """Copy tensors into the buffer and start to send them."""
        if self._transfer is not None:
            self._transfer.wait()
        places, needed = {}, 0
        for key, tensor in tensors.items():
            places[key] = needed, tensor.dtype, tensor.shape
            needed += tensor.nbytes + -tensor.nbytes % _ALIGNMENT
        if self._memory.numel() < needed:
            self._memory = self.lane.buffer(max(needed, self.room))
        for tensor, (start, dtype, shape) in zip(tensors.values(), places.values(), strict=True):
            self._memory[start : start + tensor.nbytes].view(dtype).view(shape).copy_(tensor)
        self._transfer = self.lane.send(self._memory[:needed])
        return Loaded(self._transfer, places)


class _HostLane:
    """No way at all: copies are there at once."""

    def buffer(self, nbytes: int) -> Tensor:
        return torch.empty(nbytes, dtype=torch.uint8)

    def send(self, staged: Tensor) -> Transfer:
        return _Here(staged.clone())


@dataclass(frozen=True)
class _Here:
    copy: Tensor

    def take(self) -> Tensor:
        return self.copy

    def wait(self) -> None:
        pass


class _CudaLane:
    """A stream of its own, so that sending goes on while the GPU computes."""

    def __init__(self, device: torch.device) -> None:
        self.device = device
        self.stream = torch.cuda.Stream(device)  # type: ignore[no-untyped-call]

    def buffer(self, nbytes: int) -> Tensor:
        return torch.empty(nbytes, dtype=torch.uint8, pin_memory=True)

    def send(self, staged: Tensor) -> Transfer:
        with torch.cuda.stream(self.stream):
            copy = staged.to(self.device, non_blocking=True)
            return _Sent(copy, self.stream.record_event())


@dataclass(frozen=True)
class _Sent:
    copy: Tensor
    sent: torch.cuda.Event

    def take(self) -> Tensor:
        stream = torch.cuda.current_stream(self.copy.device)
        stream.wait_event(self.sent)
        # The allocator knows only the stream that the copy was made on.
        self.copy.record_stream(stream)
        return self.copy

    def wait(self) -> None:
        self.sent.synchronize()
