"""`crucible check --workers N`: whether a machine has room for so many workers, and what they would do."""

from __future__ import annotations

import os
import shutil
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from evaluators.engines.gpus import VISIBLE, gpu_memory
from merging.models.fingerprint import cache_root
from merging.models.writer import readable_size
from merging.worker.residency import MemoryPlan
from search.study_file.spec import EngineSpec, StudySpec
from search.working.places import THREADS, cores, gpus_in_use, places, threads
from studies.store import StudyStore
from studies.store.connect import absent_file
from studies.workers.register import all_workers
from studies.workers.server import CONNECTIONS, Server, server_of

_PROCESS = 1 << 30
"""Bytes that a worker takes beside its models: Python, torch and the libraries around them."""
_WIDTH = {"float32": 4, "bfloat16": 2, "float16": 2}


@dataclass(frozen=True)
class Place:
    """Where one worker computes, and the memory that is for it; bytes."""

    gpus: tuple[str, ...]
    """Empty: on the machine's cores."""
    threads: int | None
    """On cores: how many."""
    free: int | None
    """On each of its GPUs, or of the machine, shared out; None where it cannot be told."""
    engine: int
    """What its engine takes of that at least: the share that vLLM is given, else the model's weights."""
    merging: int
    """What models and a candidate take beside it, if they stay there; what does not fit is streamed."""

    @property
    def fits(self) -> bool:
        """Whether the engine has room."""
        return self.free is None or self.engine <= self.free


@dataclass(frozen=True)
class Preflight:
    """What so many workers would find on this machine."""

    workers: int
    places: tuple[Place, ...]
    server: Server | None
    """PostgreSQL; None for SQLite."""
    disk: Mapping[str, int]
    """Free bytes of the folders that are written to."""
    warnings: tuple[str, ...]

    def to_json(self) -> dict[str, Any]:
        """As `crucible check --workers N --json` prints it, under `workers`."""
        return {**asdict(self), "places": [{**asdict(each), "fits": each.fits} for each in self.places]}

    def to_text(self) -> str:
        """A few lines for a person."""
        size = readable_size
        lines = [f"  workers   {self.workers}"]
        for each in self.places:
            where = f"GPU {','.join(each.gpus)}" if each.gpus else f"{each.threads} threads"
            room = "" if each.free is None else f" of {size(each.free)} free"
            takes = f"{size(each.engine)} for the engine{room}, {size(each.merging)} to merge"
            lines.append(f"            {where}: {takes}")
        kind = "SQLite, for the workers of this machine" if self.server is None else self.server.to_text()
        lines.append(f"  database  {kind}")
        lines += [f"  disk      {size(free)} free in {folder}" for folder, free in self.disk.items()]
        return "\n".join([*lines, *(f"  warning   {each}" for each in self.warnings)])


def preflight(spec: StudySpec, url: str, workers: int, plan: MemoryPlan, parameters: int) -> Preflight:
    """Look at GPUs or cores, at the database and at the disks, for a study that was found sound.

    `parameters` are one model's. Raises SearchError: there are fewer GPUs than workers need.
    """
    file, server, busy = absent_file(url), None, frozenset[str]()
    if file is None:
        with StudyStore(url, patience=0.0) as store:
            busy = gpus_in_use(all_workers(store, state="working"))
            server, file = server_of(store), _file(store)
    given = places(spec.engine, workers, busy)
    found = tuple(_place(spec, own, workers, plan, parameters) for own in given)
    disk = {str(folder): shutil.disk_usage(folder).free for folder in _folders(file)}
    said = (*_room(found), *_database(server, file, workers), *_disk(disk, plan))
    return Preflight(workers, found, server, disk, said)


def side_by_side(engine: EngineSpec, workers: int) -> float:
    """How many candidates so many workers measure at once, each as quickly as one alone.

    On cores one alone has all of them, unless OMP_NUM_THREADS says otherwise. Raises as `places` does.
    """
    own = places(engine, workers)
    if engine.name == "fake" or VISIBLE in own[0]:
        return workers
    alone = int(said) if (said := os.environ.get(THREADS, "")).isdigit() else cores()
    return max(1.0, min(workers, cores() / max(1, alone)))


def _place(spec: StudySpec, own: Mapping[str, str], workers: int, plan: MemoryPlan, parameters: int) -> Place:
    gpus = tuple(own[VISIBLE].split(",")) if VISIBLE in own else ()
    engine = spec.engine
    dtype = engine.dtype if engine.dtype != "auto" else (spec.dtype if gpus else "float32")
    weights = 0 if engine.name == "fake" else parameters * _WIDTH[dtype]
    if not gpus:
        memory = _available()
        free = None if memory is None else memory // workers - _PROCESS
        return Place((), threads(workers), free, weights, plan.largest_output)
    memories = gpu_memory(gpus)
    least = min(memories, key=lambda each: each.free, default=None)
    free = None if least is None else least.free
    share = weights if engine.name != "vllm" or least is None else int(engine.gpu_memory * least.total)
    return Place(gpus, None, free, share, plan.models + plan.candidate)


def _available() -> int | None:
    """Bytes of memory that the system has for more processes."""
    try:
        lines = Path("/proc/meminfo").read_text().splitlines()
    except OSError:
        return None
    found = (line.split()[1] for line in lines if line.startswith("MemAvailable:"))
    return next((int(kilobytes) * 1024 for kilobytes in found), None)


def _file(store: StudyStore) -> Path | None:
    sqlite = store.engine.dialect.name == "sqlite"
    return Path(str(store.engine.url.database)) if sqlite else None


def _folders(file: Path | None) -> list[Path]:
    """Where the store lies, and where statistics are kept."""
    wanted = [*([] if file is None else [file.parent]), cache_root()]
    return list(
        dict.fromkeys(next(each for each in (path, *path.parents) if each.exists()) for path in wanted)
    )


def _room(found: Sequence[Place]) -> list[str]:
    tight = [each for each in found if not each.fits]
    if not tight:
        return []
    size, each = readable_size, tight[0]
    where = f"GPU {','.join(each.gpus)}" if each.gpus else "this machine's memory, shared out,"
    return [
        f"{where} has {size(max(0, each.free or 0))} free, but an engine takes {size(each.engine)}:"
        " start fewer workers, or end what else runs there"
    ]


def _database(server: Server | None, file: Path | None, workers: int) -> list[str]:
    if server is not None:
        needed = CONNECTIONS * workers
        if server.left is not None and needed > server.left:
            return [
                f"the database has {server.left} of its {server.most} connections left, but {workers} workers"
                f" take up to {needed}: raise its max_connections, or start fewer"
            ]
        return []
    assert file is not None
    if (kind := _network(file)) is not None:
        return [f"{file} lies on {kind}, where SQLite's locks may not hold: name a PostgreSQL database"]
    return []


def _network(file: Path) -> str | None:
    """The kind of a network's file system that a file lies on; None for a disk of this machine."""
    try:
        mounts = [line.split()[1:3] for line in Path("/proc/mounts").read_text().splitlines()]
    except OSError:
        return None
    under = [(where, kind) for where, kind in mounts if file.is_relative_to(where.replace("\\040", " "))]
    _, kind = max(under, key=lambda pair: len(pair[0]), default=("", ""))
    shared = ("nfs", "cifs", "smb", "lustre", "beegfs", "gpfs", "ceph", "9p", "fuse.sshfs", "glusterfs")
    return kind if any(kind.startswith(each) for each in shared) else None


def _disk(disk: Mapping[str, int], plan: MemoryPlan) -> list[str]:
    cache = os.fspath(_folders(None)[0])
    needed = sum(plan.statistics)
    if disk[cache] < needed:
        free = readable_size(disk[cache])
        return [f"{cache} has {free} free, but statistics may take {readable_size(needed)}: free some space"]
    return []
