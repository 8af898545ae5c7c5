"""Steps run compiled or eagerly, in parts or whole: the same bits, and nothing compiled twice."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest
import torch
from torch import Tensor
from torch._dynamo.exc import BackendCompilerFailed

from merging.methods import masks
from merging.methods.masks import BLOCK, ONE, keep_mask, mask_key, words
from merging.methods.operators import (
    CHANCE,
    FIELDS,
    KEY_HIGH,
    KEY_LOW,
    RANKS,
    SPREAD,
    WORDS,
    Average,
    TaskVectors,
)
from merging.worker import compiled, runner
from merging.worker.compiled import Kernel, Library
from merging.worker.kernels import AddParts, Combine, Fusion, Near, Scale, Sce, Shift
from merging.worker.once import COMPILING, Once
from merging.worker.runner import Runner, Step, should_compile

CHUNK = runner._EAGER_CHUNK
"""Elements that an eager kernel takes at once."""

ALL: dict[str, Kernel] = {
    "task vectors": TaskVectors(2),
    "ties": TaskVectors(3, "magnitude", consensus=True, normalize=True, positive=True),
    "ties that cancel": TaskVectors(
        3, "magnitude", consensus=True, normalize=True, rescale=True, cancels=True
    ),
    "breadcrumbs": TaskVectors(3, "outliers", normalize=True, rescale=True),
    "dare": TaskVectors(2, "bernoulli", consensus=True, normalize=True, rescale=True),
    "della": TaskVectors(2, "magprune", consensus=True, normalize=True, rescale=True),
    "linear": Average(normalize=True),
    "combine": Combine(),
    "combine by row": Combine(),
    "shift": Shift(),
    "scale": Scale(),
    "near": Near(),
    "sce": Sce("mergekit", cuts=True),
    "fusion": Fusion(),
    "parts": AddParts(),
}
compiling = [
    pytest.mark.skipif(
        not any(map(shutil.which, ("c++", "g++", "clang++"))), reason="torch.compile needs a C++ compiler"
    ),
    pytest.mark.filterwarnings("ignore"),
]


def normal(*shape: int, seed: int = 0, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    return torch.randn(shape, generator=torch.Generator().manual_seed(seed)).to(dtype)


def numbers(experts: int, seed: int = 0) -> Tensor:
    """A number above 0 in every field, those of HIGH above those of LOW."""
    table = torch.rand(FIELDS, experts, generator=torch.Generator().manual_seed(seed)) + 0.1
    table[3] += 1.5
    return table


def keys_of(experts: int, block: int, seed: int = 0) -> dict[str, Tensor]:
    table = torch.zeros(WORDS, experts, dtype=torch.int32)
    for i in range(experts):
        table[KEY_LOW, i], table[KEY_HIGH, i] = words(mask_key(seed, "tensor", str(i)), block)
        table[CHANCE, i], table[SPREAD, i] = (0.3 + 0.1 * i) * ONE, 0.2 * ONE / RANKS
    return {"words": table}


def step_of(name: str, rows: int, columns: int, seed: int = 0, dtype: torch.dtype = torch.bfloat16) -> Step:
    """A step that runs this kernel over tensors of this shape."""
    kernel = ALL[name]
    inputs = tuple(normal(rows, columns, seed=seed + i, dtype=dtype) for i in range(3))
    weights = torch.rand(3, generator=torch.Generator().manual_seed(seed))
    by_row = torch.rand(rows, 1, 3, generator=torch.Generator().manual_seed(seed))
    if isinstance(kernel, TaskVectors):
        inputs = tuple(normal(rows, columns, seed=seed + i, dtype=dtype) for i in range(kernel.experts + 1))
        if kernel.sparsifier == "magprune":
            inputs += ((inputs[1].float().abs() * 20_000).int().reshape(-1),)  # of both experts
        keys = (lambda block: keys_of(kernel.experts, block, seed)) if kernel.random else None
        return Step(kernel, inputs, {"numbers": numbers(kernel.experts, seed)}, keys=keys)
    if name == "linear":
        return Step(kernel, inputs, {"numbers": numbers(3, seed)})
    if name == "combine by row":
        return Step(kernel, inputs, {"coefficients": by_row}, rows=True)
    if name == "sce":
        varied = normal(rows, columns, seed=seed + 3, dtype=torch.float32).abs()
        return Step(kernel, (*inputs, varied), {"weights": weights[:2], "cut": weights[2]})
    if name == "fusion":
        given = {"divergences": by_row[..., 0], "threshold": weights[0]}
        return Step(kernel, inputs[:2], given, rows=True)
    if name in ("scale", "near"):
        given = {"scale" if name == "scale" else "t": weights[0]}
        return Step(kernel, inputs[:1] if name == "scale" else inputs[:2], given)
    return Step(kernel, inputs, {"coefficients": weights[: 3 if name == "combine" else 2]})


@pytest.fixture(scope="module", autouse=True)
def library(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Library]:
    """One for all tests here, for each compilation takes seconds."""
    SHARED.append(Library(tmp_path_factory.mktemp("kernels")))
    yield SHARED[0]
    SHARED.clear()


SHARED: list[Library] = []


def run(step: Step, compiled: bool = False, dtype: torch.dtype = torch.bfloat16) -> Tensor:
    out = torch.full(step.inputs[0].shape, torch.nan, dtype=dtype)
    Runner(compiled=compiled, library=SHARED[0]).run(step, step.inputs, out)
    return out


def refuse(*_: object) -> Path:
    raise AssertionError("compiled again")


def same_bits(a: Tensor, b: Tensor) -> bool:
    return a.dtype == b.dtype and torch.equal(a.view(torch.uint8), b.view(torch.uint8))


@pytest.mark.parametrize("name", ALL)
def test_an_eager_run_is_the_kernel_cast_once(name: str) -> None:
    step = step_of(name, 20, 30)
    keys = {} if step.keys is None else {**step.keys(0), "first": torch.tensor(0, dtype=torch.int32)}
    inputs = step.inputs if step.rows else [tensor.reshape(-1) for tensor in step.inputs]
    whole = step.kernel(*inputs, **step.numbers, **keys).view(20, 30)
    assert whole.dtype == torch.float32
    for dtype in (torch.float32, torch.bfloat16, torch.float16):
        assert same_bits(run(step, dtype=dtype), whole.to(dtype))


@pytest.mark.parametrize("name", ["ties", "dare", "della"])
def test_long_tensors_are_merged_in_parts_as_whole(name: str) -> None:
    step = step_of(name, 1, 2 * CHUNK + 77)
    keys = {} if step.keys is None else {**step.keys(0), "first": torch.tensor(0, dtype=torch.int32)}
    whole = step.kernel(*(tensor.reshape(-1) for tensor in step.inputs), **step.numbers, **keys)
    assert same_bits(run(step, dtype=torch.float32).view(-1), whole)


def test_keys_hold_for_as_many_elements_as_a_kernel_takes() -> None:
    assert runner.LONGEST == BLOCK
    assert BLOCK % CHUNK == 0


def test_every_block_is_drawn_with_keys_of_its_own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "LONGEST", CHUNK)
    monkeypatch.setattr(masks, "BLOCK", CHUNK)
    n, kernel = 2 * CHUNK + 100, TaskVectors(1, "bernoulli")
    table = torch.ones(FIELDS, 1)
    step = Step(
        kernel, (torch.zeros(n), torch.ones(n)), {"numbers": table}, keys=lambda block: keys_of(1, block)
    )
    mask = keep_mask(mask_key(0, "tensor", "0"), n, int(0.3 * ONE) / ONE)
    assert torch.equal(run(step, dtype=torch.float32), mask.float())


@pytest.mark.parametrize("name", [pytest.param(name, marks=compiling) for name in ALL])
def test_compiled_and_eager_are_the_same_bits_and_nothing_is_compiled_twice(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever the numbers, and the sizes of the tensors."""
    assert same_bits(run(first := step_of(name, 70, 90), compiled=True), run(first))
    monkeypatch.setattr(compiled, "_compile", refuse)
    with torch._dynamo.config.patch(error_on_recompile=True):
        for seed, shape in enumerate([(70, 90), (64, 64), (300, 41), (5, 7000)], start=1):
            step = step_of(name, *shape, seed=seed)
            assert same_bits(run(step, compiled=True), run(step))


@pytest.mark.parametrize("which", [pytest.param("one", marks=compiling)])
def test_a_model_may_come_twice(which: str) -> None:
    """As where the base takes no part, and where an expert is named twice."""
    step = step_of("ties", 70, 90)
    base, *_ = step.inputs
    twice = Step(step.kernel, (base, base, *step.inputs[2:]), step.numbers)
    assert same_bits(run(twice, compiled=True), run(twice))


@pytest.mark.parametrize("n", [pytest.param(5000, marks=compiling)])
def test_a_compiled_run_fills_a_buffer_again(n: int) -> None:
    step, out = step_of("ties", 1, n), torch.zeros(1, n, dtype=torch.bfloat16)
    for _ in range(2):
        Runner(compiled=True, library=SHARED[0]).run(step, step.inputs, out.zero_())
        assert same_bits(out, run(step))


@pytest.mark.parametrize("device", ["cpu", "cpu:0"])
@pytest.mark.parametrize("name", ["ties", "fusion"])
def test_a_merge_ends_however_its_device_is_called(name: str, device: str) -> None:
    """Tensors made on "cpu:0" say "cpu", as those made on "cuda" say "cuda:0"."""
    step = step_of(name, 20, 30)
    inputs = [tensor.to(device) for tensor in step.inputs]
    out = torch.empty(20, 30, dtype=torch.bfloat16, device=device)
    Runner(device).run(step, inputs, out)
    assert same_bits(out, run(step))


def test_a_merge_goes_where_its_inputs_are_and_its_result_where_it_is_wanted() -> None:
    """Such as from a GPU into buffers on the CPU, or the other way round; here one without memory."""
    step = step_of("ties", 20, 30)
    nowhere = torch.empty(20, 30, device="meta")
    Runner().run(step, step.inputs, nowhere)  # a result on the CPU, copied there
    elsewhere = [tensor.to("meta") for tensor in step.inputs]
    with pytest.raises(NotImplementedError, match="meta"):  # reached the copy from there
        Runner("meta").run(step, elsewhere, torch.empty(20, 30))


def test_a_pass_that_cannot_be_compiled_runs_eagerly_and_it_is_said_once(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """As Triton's on a machine where it does not work."""

    def broken(*_: object) -> None:
        raise BackendCompilerFailed(lambda: None, RuntimeError("no ptxas"), None)

    monkeypatch.setattr(torch, "compile", lambda function, **options: broken)
    runner._compiled.cache_clear()
    step = step_of("fusion", 70, 90)
    for _ in range(2):
        assert same_bits(run(step, compiled=True), run(step))
    runner._compiled.cache_clear()
    (record,) = caplog.records
    assert "no ptxas" in record.getMessage()
    assert record.getMessage().endswith("merging eagerly, many times slower")


def test_a_gpu_kernel_rounds_as_the_cpus_does() -> None:
    """Options that torch knows: with Triton's own, products and sums are fused, and quotients rough."""
    known = torch._inductor.config.get_config_copy()
    assert [type(known[name]) for name in runner._GPU_OPTIONS] == [bool, bool]


@pytest.mark.parametrize(
    ("triton", "compiler", "says"),
    [(True, True, None), (False, True, "no Triton found"), (True, False, "no C compiler found (gcc)")],
)
def test_on_a_gpu_a_merge_is_compiled_where_triton_can(
    triton: bool,
    compiler: bool,
    says: str | None,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.delenv("CC", raising=False)
    monkeypatch.setattr(runner, "find_spec", lambda name: name if triton else None)
    monkeypatch.setattr(shutil, "which", lambda name: name if compiler else None)
    runner._has_compiler.cache_clear()
    assert [should_compile(runner.LARGE, "cuda:1") for _ in range(2)] == [says is None] * 2
    runner._has_compiler.cache_clear()
    assert [record.getMessage().startswith(says or "-") for record in caplog.records] == [True] * bool(says)


class Clock:
    """Seconds pass when they are read: so many at each pass."""

    def __init__(self, seconds: float) -> None:
        self.seconds, self.now = seconds, 0.0

    def __call__(self) -> float:
        self.now += self.seconds
        return self.now


def once(seconds_of_rest: float, elements: int) -> Once:
    """A merge of which each eager pass of a chunk says that all would take so long."""
    return Once(elements, threads=1, clock=Clock(seconds_of_rest * CHUNK / elements))


def run_once(step: Step, once: Once, library: Library) -> Tensor:
    out = torch.full(step.inputs[0].shape, torch.nan, dtype=torch.bfloat16)
    Runner(compiled=True, library=library, once=once).run(step, step.inputs, out)
    return out


@pytest.mark.parametrize("name", ["ties", "dare", "combine by row"])
def test_a_single_merge_that_is_soon_done_compiles_nothing(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(compiled, "_compile", refuse)
    monkeypatch.setattr(runner, "_compiled", refuse)
    step = step_of(name, 20, 3 * CHUNK // 20)
    assert same_bits(run_once(step, once(COMPILING, 20 * CHUNK), Library(tmp_path)), run(step))


@pytest.mark.parametrize("name", [pytest.param("dare", marks=compiling)])
def test_a_single_merge_that_takes_long_is_compiled_on_its_way_with_the_same_bits(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """Within a tensor, once the kernel's eager speed is known; blocks are as long as keys hold."""
    monkeypatch.setattr("merging.worker.once.SAMPLE", 2 * CHUNK)
    monkeypatch.setattr(runner, "LONGEST", 4 * CHUNK)
    monkeypatch.setattr(masks, "BLOCK", 4 * CHUNK)
    step, mine = step_of(name, 1, 9 * CHUNK + 5), once(2 * COMPILING, 20 * CHUNK)
    assert same_bits(run_once(step, mine, Library(tmp_path)), run(step))
    assert mine.chosen == {step.kernel}
    assert mine.made[step.kernel] == 9 * CHUNK + 5


@pytest.mark.parametrize("name", [pytest.param("linear", marks=compiling)])
def test_a_single_merge_uses_what_was_compiled_before(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    step = step_of(name, 70, 90)
    run(step, compiled=True)
    monkeypatch.setattr(runner, "run_eagerly", refuse)
    assert same_bits(run_once(step, once(0.0, 6300), Library(SHARED[0].folder)), run(step, compiled=True))


def test_small_models_are_not_compiled() -> None:
    assert not should_compile(runner.LARGE - 1, "cpu")


NO_COMPILER = """
import json, logging, sys, torch
from merging.worker import runner
from merging.methods.operators import Average
said = []
class Listener(logging.Handler):
    def emit(self, record):
        said.append(record.getMessage())
logging.getLogger("merging").addHandler(Listener())
runner.LARGE = 1
compiles = [runner.should_compile(10_000, "cpu") for _ in range(3)]
step = runner.Step(Average(False), (torch.arange(5000.0),), {"numbers": torch.full((7, 1), 2.0)})
out = torch.empty(5000)
runner.Runner(compiled=compiles[0]).run(step, step.inputs, out)
assert torch.equal(out, torch.arange(5000.0) * 2)
print(json.dumps([compiles, said]))
"""


@pytest.mark.parametrize("environment", [{"PATH": "/nowhere", "CXX": ""}, {"CXX": "/nowhere/c++"}])
def test_without_a_compiler_merges_are_eager_and_it_is_said_once(environment: dict[str, str]) -> None:
    kept = {name: value for name, value in os.environ.items() if name != "CXX"}
    command: Sequence[str] = [sys.executable, "-c", NO_COMPILER]
    done = subprocess.run(
        command,
        env={**kept, **{k: v for k, v in environment.items() if v}},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parents[3],
    )
    compiles, (said,) = json.loads(done.stdout)
    assert compiles == [False] * 3
    assert said.startswith("no C++ compiler found")
    assert said.endswith("merging eagerly, many times slower; install g++ or clang++")
