"""What takes long to make and is only looked at: made once, however many processes run the tests."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock


def made_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """A folder of one's own with what `make` puts there; the first process that needs it makes it for all."""
    own = factory.mktemp(name)
    if "PYTEST_XDIST_WORKER" not in os.environ:
        make(own)
        return own
    made = factory.getbasetemp().parent / f"{name}-once"
    with FileLock(f"{made}.lock"):
        if not made.exists():
            make(own)
            shutil.copytree(own, making := made.with_suffix(".new"), symlinks=True)
            making.rename(made)
            return own
    return Path(shutil.copytree(made, own, symlinks=True, dirs_exist_ok=True))
