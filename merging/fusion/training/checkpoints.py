"""Where a training stands, on disk: whole or not at all, and only the last.

They lie in a folder beside the result, with the plan that they belong to.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from accelerate import Accelerator

from merging.errors import OutputError
from merging.models.writer import save_text, sync_tree

PLAN = "training.json"


class Checkpoints:
    """The folder of one training's checkpoints; all processes of a training have one each."""

    def __init__(self, out: Path, accelerator: Accelerator) -> None:
        """Nothing is written or read yet; `out` is where the trained model goes."""
        self.folder = folder_beside(out)
        self.accelerator = accelerator

    @contextmanager
    def opened(self, plan: Mapping[str, Any]) -> Iterator[None]:
        """Hold the folder for a plan, alone.

        Raises:
            OutputError: another process trains here, or what lies here belongs to another plan.
        """
        if not self.accelerator.is_main_process:
            yield
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(self.folder, os.O_RDONLY)
        try:
            _lock(descriptor, self.folder)
            ensure_same_plan(self.folder / PLAN, plan)
            save_text(self.folder / PLAN, json.dumps(plan, indent=2) + "\n")
            yield
        finally:
            os.close(descriptor)

    def save(self, step: int, facts: Mapping[str, Any]) -> None:
        """Keep the state after `step` steps, with `facts`, and forget the one before."""
        writing = self.folder / "writing"
        if self.accelerator.is_main_process:
            shutil.rmtree(writing, ignore_errors=True)
        self.accelerator.wait_for_everyone()
        with _without_warnings():
            self.accelerator.save_state(str(writing))
        self.accelerator.wait_for_everyone()
        if self.accelerator.is_main_process:
            (writing / "facts.json").write_text(json.dumps({"step": step, **facts}))
            sync_tree(writing)
            before = self._kept()
            writing.rename(self.folder / f"step-{step:08d}")
            sync_tree(self.folder, deep=False)
            for old in before:
                shutil.rmtree(old)
        self.accelerator.wait_for_everyone()

    def resume(self) -> dict[str, Any]:
        """Take up the last state: its facts, `step` among them; empty where there is none."""
        kept = self._kept()
        if not kept:
            return {}
        self.accelerator.load_state(str(kept[-1]), strict=False)
        facts: dict[str, Any] = json.loads((kept[-1] / "facts.json").read_text())
        return facts

    def remove(self) -> None:
        """Forget all, once the result is in its place."""
        if self.accelerator.is_main_process:
            shutil.rmtree(self.folder, ignore_errors=True)

    def _kept(self) -> list[Path]:
        return sorted(self.folder.glob("step-*"))


@contextmanager
def _without_warnings() -> Iterator[None]:
    """accelerate warns of tied weights, which it saves once and ties again, with every checkpoint."""
    logger = logging.getLogger("accelerate.utils.other")
    before, logger.disabled = logger.disabled, True
    try:
        yield
    finally:
        logger.disabled = before


def folder_beside(out: Path) -> Path:
    """Where the checkpoints of a training into `out` lie."""
    return out.with_name(f"{out.name}.training")


def ensure_same_plan(file: Path, plan: Mapping[str, Any]) -> None:
    """Refuse to go on where another plan left off; raises OutputError that names what differs."""
    if not file.is_file():
        return
    there = json.loads(file.read_text())
    differing = [name for name in plan if there.get(name) != json.loads(json.dumps(plan[name]))]
    if differing:
        raise OutputError(
            f"{file.parent}: is of a training with other {', '.join(differing)}; remove it, or choose another"
            " place"
        )


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise OutputError(f"{folder}: another process trains here; wait for it, or end it") from None
