"""Memory of GPUs, as NVIDIA's tool tells it; here a script stands in, for there may be no GPU."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from search.signals import gpus
from search.signals.gpus import gpu_memory, visible, with_gpus

MIB = 2**20


@pytest.fixture
def tool(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An `nvidia-smi` that writes down what it was asked and says what stands in `said`."""
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    script = tmp_path / "nvidia-smi"
    script.write_text(f'#!/bin/sh\necho "$@" >> {tmp_path}/asked\ncat {tmp_path}/said\n')
    script.chmod(0o755)
    (tmp_path / "said").write_text("0, 1024, 81559\n1, 3, 81559\n")
    return tmp_path


def test_memory_is_told_in_bytes(tool: Path) -> None:
    assert gpu_memory() == [
        {"gpu": "0", "used": 1024 * MIB, "total": 81559 * MIB},
        {"gpu": "1", "used": 3 * MIB, "total": 81559 * MIB},
    ]
    gpu_memory(["1", "GPU-5f"])
    whole, some = (tool / "asked").read_text().splitlines()
    assert whole == "--query-gpu=index,memory.used,memory.total --format=csv,noheader,nounits"
    assert some == f"--id=1,GPU-5f {whole}"


@pytest.mark.parametrize(
    ("named", "expected"), [(None, None), ("", []), ("0", ["0"]), ("GPU-5f, 2", ["GPU-5f", "2"])]
)
def test_a_worker_asks_for_the_gpus_that_it_was_given(
    named: str | None, expected: list[str] | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)
    if named is not None:
        monkeypatch.setenv("CUDA_VISIBLE_DEVICES", named)
    assert visible() == expected


def test_no_gpu_is_asked_of_nobody(tool: Path) -> None:
    assert gpu_memory([]) == []
    assert not (tool / "asked").exists()


def test_a_part_of_a_gpu_has_no_memory_to_tell_of(tool: Path) -> None:
    (tool / "said").write_text("0, [N/A], [N/A]\nNo devices were found\n\n1, 3, 40\n")
    assert gpu_memory() == [{"gpu": "1", "used": 3 * MIB, "total": 40 * MIB}]


@pytest.mark.parametrize("script", [None, "#!/bin/sh\necho 0, 1, 2\nexit 9\n", "#!/bin/sh\nexec sleep 60\n"])
def test_without_a_driver_that_answers_nothing_is_told(
    script: str | None, tool: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gpus, "ANSWER_S", 0.2)
    (tool / "nvidia-smi").write_text(script) if script else (tool / "nvidia-smi").unlink()
    assert gpu_memory() == []
    assert with_gpus(lambda: {"tokens": 3})() == {"tokens": 3}


def test_a_beat_says_it_beside_the_stats_and_asks_seldom(tool: Path) -> None:
    tokens = iter(range(1000))
    stats = with_gpus(lambda: {"tokens": next(tokens)}, ["0"])
    until = time.monotonic() + 120
    while "gpus" not in (said := stats()) and time.monotonic() < until:
        time.sleep(0.02)
    assert said["gpus"][0] == {"gpu": "0", "used": 1024 * MIB, "total": 81559 * MIB}
    assert stats()["tokens"] == said["tokens"] + 1
    assert (tool / "asked").read_text().count("--id=0") == 1


def test_a_driver_that_hangs_holds_up_no_beat(tool: Path) -> None:
    (tool / "nvidia-smi").write_text("#!/bin/sh\nexec sleep 3\n")
    stats = with_gpus(lambda: {"tokens": 3})
    began = time.monotonic()
    assert [stats() for _ in range(3)] == [{"tokens": 3}] * 3
    assert time.monotonic() - began < 2.5
