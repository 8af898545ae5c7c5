"""Kernels on disk: compiled once per machine, found by every later process, never wrong ones."""

from __future__ import annotations

import ast
import logging
import pickle
import shutil
from collections.abc import Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor

from merging.methods.operators import FIELDS, Average
from merging.worker import compiled
from merging.worker.compiled import Library, run_eagerly

pytestmark = [
    pytest.mark.skipif(
        not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="compiling needs a C++ compiler"
    ),
    pytest.mark.filterwarnings("ignore"),
]

KERNEL = Average(normalize=True)
NUMBERS = {"numbers": torch.full((FIELDS, 2), 3.0)}


def inputs(n: int = 1000, dtype: torch.dtype = torch.bfloat16) -> list[Tensor]:
    return [torch.randn(n, generator=torch.Generator().manual_seed(i)).to(dtype) for i in range(2)]


def merged(library: Library, tensors: Sequence[Tensor]) -> Tensor:
    out = torch.full_like(tensors[0], torch.nan)
    library.get(KERNEL, out, tensors, NUMBERS)(out, tensors, NUMBERS)
    return out


def expected(tensors: Sequence[Tensor]) -> Tensor:
    out = torch.empty_like(tensors[0])
    run_eagerly(KERNEL, out, tensors, NUMBERS)
    return out


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder that holds the library of `KERNEL` for bfloat16."""
    folder = tmp_path_factory.mktemp("kernels")
    assert torch.equal(merged(Library(folder), inputs()), expected(inputs()))
    return folder


@pytest.fixture
def compilations(monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """The kernels that were compiled since."""
    made: list[object] = []
    compile_ = compiled._compile

    def counted(kernel: compiled.Kernel, *rest: object) -> Path:
        made.append(kernel)
        return compile_(kernel, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(compiled, "_compile", counted)
    return made


def test_the_next_process_finds_what_was_compiled(filled: Path, compilations: list[object]) -> None:
    for n in (16, 17, 1000, 5003):
        assert torch.equal(merged(Library(filled), inputs(n)), expected(inputs(n)))
    assert not compilations
    assert [path.suffix for path in filled.iterdir()] == [".so"]


def test_other_dtypes_are_another_kernel(filled: Path, compilations: list[object]) -> None:
    other = inputs(dtype=torch.float32)
    assert torch.equal(merged(Library(filled), other), expected(other))
    assert compilations == [KERNEL]


def test_strided_numbers_are_read_as_what_they_say(filled: Path, compilations: list[object]) -> None:
    strided = {"numbers": torch.arange(1.0, 2 * FIELDS + 1).view(2, FIELDS).T}
    tensors, out, wanted = inputs(), torch.empty(1000).bfloat16(), torch.empty(1000).bfloat16()
    Library(filled).get(KERNEL, out, tensors, strided)(out, tensors, strided)
    run_eagerly(KERNEL, wanted, tensors, strided)
    assert torch.equal(out, wanted)
    assert not compilations


@pytest.mark.parametrize("left", [0, 40_000])
def test_a_damaged_library_is_made_anew(
    filled: Path, tmp_path: Path, compilations: list[object], left: int
) -> None:
    """One that is cut off in its code would end the process that loads it."""
    for path in filled.iterdir():
        (tmp_path / path.name).write_bytes(path.read_bytes()[:left])
    assert torch.equal(merged(Library(tmp_path), inputs()), expected(inputs()))
    assert compilations == [KERNEL]


def test_a_cache_that_cannot_be_written_stops_no_merge(tmp_path: Path) -> None:
    (tmp_path / "kernels").write_text("a file, no folder")
    assert torch.equal(merged(Library(tmp_path / "kernels"), inputs()), expected(inputs()))


def test_where_compiling_fails_it_runs_eagerly_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    import torch._inductor.config as inductor

    tensors = inputs(dtype=torch.float64)  # of which nothing is remembered
    library = Library(tmp_path)
    with caplog.at_level(logging.WARNING), inductor.patch({"cpp.cxx": ("/bin/false",)}):
        for _ in range(2):
            assert torch.equal(merged(library, tensors), expected(tensors))
    (said,) = [record.getMessage() for record in caplog.records if record.name == "merging.worker.compiled"]
    assert said.startswith("compiling a merge kernel failed (")
    assert said.endswith("merging eagerly, many times slower")


def test_a_change_to_any_definition_makes_other_libraries() -> None:
    """The modules whose text names a library are all that kernels are made of."""
    room = Path(compiled.__file__).parents[1]
    for name in ("worker/kernels", "methods/operators"):
        assert name in compiled._DEFINED_IN
    for name in compiled._DEFINED_IN[1:]:
        tree = ast.parse((room / f"{name}.py").read_text(encoding="utf-8"))
        for node in ast.walk(tree):
            if isinstance(node, ast.ImportFrom) and node.module and node.module.startswith("merging"):
                place = node.module.removeprefix("merging.").replace(".", "/")
                parts = (
                    [place] if (room / f"{place}.py").is_file() else [f"{place}/{a.name}" for a in node.names]
                )
                assert set(parts) <= set(compiled._DEFINED_IN) | {"errors"}, f"{name} imports {parts}"


def test_loaded_code_does_not_travel(filled: Path) -> None:
    library = Library(filled)
    merged(library, inputs())
    assert pickle.loads(pickle.dumps(library)) == library
    assert not pickle.loads(pickle.dumps(library)).loaded
