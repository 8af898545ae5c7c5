"""What the numbers were measured on."""

from __future__ import annotations

import os
import platform
import re
from dataclasses import dataclass
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

import torch


@dataclass(frozen=True)
class Machine:
    """A machine and its software, as a reader of results wants to know them."""

    cpu: str
    cores: int
    memory_bytes: int
    gpu: str | None
    system: str
    python: str
    torch: str
    compiler_isa: str
    """What torch compiles for: the widest vectors that it found."""
    date: str

    @property
    def slug(self) -> str:
        """A file name."""
        words = f"{self.cpu} {self.cores} cores {self.gpu or ''}".lower()
        return re.sub(r"[^a-z0-9]+", "-", words).strip("-")


def describe_machine() -> Machine:
    """This machine, now."""
    return Machine(
        cpu=_cpu(),
        cores=len(os.sched_getaffinity(0)),
        memory_bytes=os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"),
        gpu=torch.cuda.get_device_name() if torch.cuda.is_available() else None,
        system=platform.platform(),
        python=platform.python_version(),
        torch=version("torch"),
        compiler_isa=torch.backends.cpu.get_cpu_capability(),
        date=datetime.now(UTC).isoformat(timespec="seconds"),
    )


def _cpu() -> str:
    """The processor's name, with its family: hosts often hide the rest."""
    fields = dict(re.findall(r"^(model name|cpu family|model)\s*: (.*)$", _cpuinfo(), re.MULTILINE))
    name = fields.get("model name", platform.machine()).strip()
    return f"{name} family {fields['cpu family']}" if "cpu family" in fields else name


def _cpuinfo() -> str:
    file = Path("/proc/cpuinfo")
    return file.read_text() if file.is_file() else ""
