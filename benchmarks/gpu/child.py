"""The process of one part: `python -m benchmarks.gpu.child NAME …`, started by `running.py`."""

from __future__ import annotations

import logging
import sys
from importlib import import_module
from multiprocessing.connection import Connection
from pathlib import Path

from benchmarks.gpu.part import Task
from evaluators.engines.lifeline import die_with_parent


def main(arguments: list[str]) -> None:
    """Run the part's `rows`, and hand each over as it comes."""
    name, device, small, work, until, descriptor, parent = arguments
    die_with_parent(int(parent))
    logging.basicConfig(level=logging.WARNING)
    task = Task(device, bool(int(small)), Path(work), float(until))
    with Connection(int(descriptor), readable=False) as connection:
        for row in import_module(f"benchmarks.gpu.{name}").rows(task):
            connection.send(row)


if __name__ == "__main__":
    main(sys.argv[1:])
