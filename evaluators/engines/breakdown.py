"""Whatever breaks while an engine works, as the error that tells its kind."""

from __future__ import annotations

import errno
import traceback
from collections.abc import Iterator
from contextlib import contextmanager

import torch

from evaluators.errors import DiskFull, EngineDied, EngineError, OutOfMemory

UNLOADED = "the merge could not be loaded"
_SIGNS = ("out of memory", "outofmemoryerror", "memoryerror", "can't allocate memory")
"""What torch says on the CPU, and what vLLM's workers pass on of CUDA's."""
_FULL = (errno.ENOSPC, errno.EDQUOT)


def one_line(error: BaseException) -> str:
    """An error's message as one line of at most 300 characters."""
    return " ".join(str(error).split())[:300] or type(error).__name__


def ran_out_of_memory(error: BaseException) -> bool:
    """Whether memory, of the machine or of a GPU, was not enough."""
    if isinstance(error, MemoryError | torch.OutOfMemoryError):
        return True
    return isinstance(error, RuntimeError) and any(sign in str(error).lower() for sign in _SIGNS)


def recognised(error: Exception, what: str) -> EngineError | None:
    """The error as one of an engine where memory or disk were full, else None; `what` begins the sentence."""
    if ran_out_of_memory(error):
        return OutOfMemory(f"{what}: {one_line(error)}")
    if isinstance(error, OSError) and error.errno in _FULL:
        return DiskFull(f"{what}: {one_line(error)}")
    return None


def told(error: Exception, what: str) -> EngineError:
    """The error as an engine's, whatever it is; `what` begins the sentence."""
    return recognised(error, what) or EngineError(f"{what}: {one_line(error)}")


def died(error: Exception) -> EngineError:
    """The error as that of an engine that cannot be asked again."""
    kind = OutOfMemory if ran_out_of_memory(error) else EngineDied
    return kind(f"the engine broke: {one_line(error)}")


@contextmanager
def told_apart(what: str) -> Iterator[None]:
    """Raise whatever finds memory or disk full as an engine's error, once what it held is given back."""
    try:
        yield
    except EngineError:
        raise
    except Exception as error:
        if (known := recognised(error, what)) is None:
            raise
        give_back(error)
        raise known from error


def give_back(error: BaseException) -> None:
    """Free the tensors that an error's frames hold, and the cache of the GPU that was full."""
    traceback.clear_frames(error.__traceback__)
    if torch.cuda.is_available():
        torch.cuda.empty_cache()
