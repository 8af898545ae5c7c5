"""Workers on a study, in processes of their own, and what they took."""

from __future__ import annotations

import json
import os
import sys
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from multiprocessing import get_context
from multiprocessing.process import BaseProcess
from pathlib import Path
from random import Random
from typing import Any

import yaml
from sqlalchemy import text

from benchmarks.processes import tree
from studies.store import StudyStore
from studies.store.connect import reading

TINY = Path(__file__).parent.parent / "examples" / "tiny"
EXPERTS = ("gsm8k", "math", "code")
NAME = "crew"
_TICK = os.sysconf("SC_CLK_TCK")
_CONTEXT = get_context("forkserver")
_CONTEXT.set_forkserver_preload(
    ["search.commands.working.worker", "search.working.work", "transformers", "lm_eval.tasks"]
)


@dataclass(frozen=True)
class Work:
    """What a crew has done together."""

    workers: int
    trials: int
    """That were finished; failed ones among them."""
    failed: int
    seconds: float
    """From the moment at which all were at work to the last trial's end."""
    counted: int
    """Trials that ended in that time."""
    repeated: int
    """Answers that were given more often than they are kept."""
    spent: Mapping[str, float]
    """Seconds of all workers together, by what they were spent on; they overlap, for cores are shared."""
    deadlocks: int = 0
    """That the server had to break."""
    processor_seconds: float = 0.0
    """Of all workers, their start included."""
    server_seconds: float = 0.0
    """Of the processors, too: the database's."""

    @property
    def per_second(self) -> float:
        """Trials, all workers together."""
        return self.counted / self.seconds

    def to_json(self) -> dict[str, Any]:
        """Plain data."""
        return {**vars(self), "trials_per_second": self.per_second}


def write_study(
    folder: Path, trials: int, seconds: float = 0.0, items: int = 16, method: str = "linear"
) -> Path:
    """A study of the tiny experts on one slice of sums, which the fake engine answers in so many seconds."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sums.jsonl").write_text("".join(json.dumps(each) + "\n" for each in _sums(2 * items)))
    study = {
        "name": NAME,
        "base_model": str(TINY / "base"),
        "experts": [str(TINY / expert) for expert in EXPERTS],
        "search_space": {"methods": [method], "layer_groups": 2, "weight": [0.1, 1.0], "density": [0.2, 0.9]},
        "slices": [
            {"name": "sums", "task": "arc_easy", "data": "sums.jsonl", "num_fewshot": 0}
            | {"search": items, "holdout": items}
        ],
        "engine": {"name": "fake", "seconds": seconds, "max_tokens": 8},
        "budget": {"trials": trials, "finalists": 1},
    }
    file = folder / "study.yaml"
    file.write_text(yaml.safe_dump(study, sort_keys=False))
    return file


def _sums(count: int) -> list[dict[str, Any]]:
    draw, labels = Random(0), list("ABCD")
    return [
        {
            "id": str(n),
            "question": f"What is {n // 9} + {n % 9}?",
            "choices": {"text": [str(each) for each in draw.sample(range(40), 4)], "label": labels},
            "answerKey": draw.choice(labels),
        }
        for n in range(count)
    ]


def work_together(file: Path, storage: str, workers: int, *, merging: bool = True) -> Work:
    """Have so many workers run the study to its end, `merging` or not; raises RuntimeError if one fails."""
    with StudyStore(storage) as store:
        server = _server_seconds(store)
        deadlocks = _deadlocks(store)
        logs = [file.with_name(f"worker-{n}") for n in range(workers)]
        crew = [_start(log, merging, "worker", str(file), "--storage", storage) for log in logs]
        used = _wait(crew, logs)
        seen = [json.loads(Path(f"{log}.json").read_text()) for log in logs]
        return replace(
            _read(store, seen),
            processor_seconds=used,
            deadlocks=_deadlocks(store) - deadlocks,
            server_seconds=_server_seconds(store) - server,
        )


def _start(log: Path, merging: bool, *arguments: str) -> BaseProcess:
    process = _CONTEXT.Process(target=_command, args=(str(log), merging, arguments))
    process.start()
    return process


def _command(log: str, merging: bool, arguments: Sequence[str]) -> None:
    """A `crucible` command in this process, which has imported what it needs already, watched."""
    import torch

    from benchmarks.watched import watched
    from evaluators.engines.lifeline import die_with_parent
    from search import cli

    die_with_parent()
    torch.set_num_threads(1)
    descriptor = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o644)
    os.dup2(descriptor, 1)
    os.dup2(descriptor, 2)
    sys.argv = ["crucible", *arguments]
    with watched(merging) as seen:
        try:
            cli.main()
        finally:
            Path(f"{log}.json").write_text(json.dumps(seen()))


def _wait(crew: Sequence[BaseProcess], logs: Sequence[Path]) -> float:
    """Wait for all; returns the processor seconds that they used, as far as they were seen."""
    used: dict[int, float] = {}
    while any(each.exitcode is None for each in crew):
        for each in crew:
            used[each.pid or 0] = max(used.get(each.pid or 0, 0.0), _processor_seconds(each.pid or 0))
        time.sleep(0.1)
    for each, log in zip(crew, logs, strict=True):
        if each.exitcode != 0:
            raise RuntimeError(f"a worker ended with {each.exitcode}: {log.read_text()[-2000:]}")
    return sum(used.values())


def _read(store: StudyStore, seen: Sequence[dict[str, Any]]) -> Work:
    """What is in the database of a study that ended, beside what was seen of each worker."""
    with reading(store.engine) as connection:
        joined = connection.execute(text("SELECT max(joined_at) FROM crucible_workers")).scalar_one()
        kept = connection.execute(text("SELECT count(*) FROM crucible_evidence")).scalar_one()
        trials = connection.execute(
            text("SELECT state, updated_at FROM crucible_candidates WHERE kind = 'trial'")
        ).all()
    names = sorted({name for each in seen for name in each["spent"]})
    return Work(
        workers=len(seen),
        trials=len(trials),
        failed=sum(row.state == "failed" for row in trials),
        seconds=(max(row.updated_at for row in trials) - joined).total_seconds(),
        counted=sum(row.updated_at >= joined for row in trials),
        repeated=sum(each["answers"] for each in seen) - kept,
        spent={name: sum(each["spent"].get(name, 0.0) for each in seen) for name in names},
    )


def _deadlocks(store: StudyStore) -> int:
    query = text("SELECT deadlocks FROM pg_stat_database WHERE datname = current_database()")
    with reading(store.engine) as connection:
        return int(connection.execute(query).scalar_one())


def _server_seconds(store: StudyStore) -> float:
    """What the server has computed so far, its connections that ended included; 0 where it is elsewhere."""
    with reading(store.engine) as connection:
        backend = connection.execute(text("SELECT pg_backend_pid()")).scalar_one()
    with suppress(OSError, IndexError, ValueError):
        fields = Path(f"/proc/{backend}/stat").read_text().rpartition(")")[2].split()
        return sum(map(_processor_seconds, tree(int(fields[1]))))
    return 0.0


def _processor_seconds(pid: int) -> float:
    """Of a process, and of its children that ended."""
    with suppress(OSError, IndexError):
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
        return sum(map(int, fields[11:15])) / _TICK
    return 0.0
