"""mergekit's own command line, with the merge inside it timed: runs in mergekit's environment, never in ours.

    PYTHON mergekit_child.py TIMES.json [mergekit-yaml's arguments]

The process is what `mergekit-yaml` is; the seconds of its `run_merge` alone are written beside.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

from mergekit.scripts import run_yaml


def main() -> None:
    """Run `mergekit-yaml`."""
    times = Path(sys.argv.pop(1))
    merge = run_yaml.run_merge

    def timed(*arguments: Any, **options: Any) -> None:
        start = time.perf_counter()
        merge(*arguments, **options)
        seconds = time.perf_counter() - start
        times.write_text(json.dumps({"seconds": seconds, "version": version("mergekit")}))

    run_yaml.run_merge = timed
    run_yaml.main()


if __name__ == "__main__":
    main()
