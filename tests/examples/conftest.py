"""The modules of `examples/smollm`, which are scripts that import each other by their plain names."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest

SMOLLM = Path(__file__).parents[2] / "examples" / "smollm"


@pytest.fixture(scope="session")
def load() -> Iterator[Callable[[str], ModuleType]]:
    """Import one of the example's modules; they and what they import are forgotten at the end."""
    before, path = set(sys.modules), list(sys.path)
    sys.path.insert(0, str(SMOLLM))
    yield importlib.import_module
    sys.path[:] = path
    for name in set(sys.modules) - before:
        if "." not in name and str(SMOLLM.parent) in str(getattr(sys.modules[name], "__file__", "")):
            del sys.modules[name]
