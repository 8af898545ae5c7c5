"""Where models live, planned without touching a GPU, and how tensors reach a device in order."""

from __future__ import annotations

import json
import pickle
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest
import torch
from torch import Tensor

from merging.layout import layer_order
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.worker import residency
from merging.worker.residency import MemoryPlan, Mode, Residence, Source, plan
from merging.worker.staging import Stage
from tests.merging.pico import write_family

EMBEDDING = "model.embed_tokens.weight"


@pytest.fixture
def models(tmp_path: Path) -> list[Checkpoint]:
    base, experts = write_family(tmp_path, experts=2)
    return [open_checkpoint(path) for path in (base, *experts)]


def nbytes(*models: Checkpoint) -> int:
    return sum(info.nbytes for model in models for info in model.tensors.values())


def planned(models: Sequence[Checkpoint], free: int | None = None, dtype: str = "bfloat16") -> MemoryPlan:
    return plan(models[0], models[1:], dtype, "cpu" if free is None else "cuda", free=free)


def test_on_the_cpu_models_stay_mapped(models: list[Checkpoint]) -> None:
    made = planned(models, dtype="float32")
    assert (made.mode, made.free, made.staging) == ("mapped", None, 0)
    assert made.models == nbytes(*models)
    assert made.candidate == 2 * nbytes(models[0])
    assert made.largest_output == 4 * max(info.numel for info in models[0].tensors.values())
    assert len(made.statistics) == 2


def test_models_are_resident_if_all_fit_beside_a_candidate_with_a_margin(models: list[Checkpoint]) -> None:
    needed = nbytes(*models) + nbytes(models[0])
    assert planned(models, free=-(-needed * 10 // 9)).mode == "resident"
    made = planned(models, free=needed * 10 // 9 - 1)
    assert made.mode == "streamed"
    largest = max(info.nbytes for info in models[0].tensors.values())
    assert 3 * largest <= made.staging < 6 * largest
    assert planned(models, free=0).mode == "streamed"


def test_tensors_that_models_share_count_once(models: list[Checkpoint]) -> None:
    """An adapter's model has all but a few tensors of the base's own files."""
    base, own = models[0], models[1].tensors[EMBEDDING]
    adapted = replace(models[1], tensors={**base.tensors, EMBEDDING: own})
    assert planned([base, adapted]).models == nbytes(base) + own.nbytes


def test_a_stacked_candidate_is_as_large_as_its_shapes(models: list[Checkpoint]) -> None:
    made = plan(models[0], models[1:], "float32", "cpu", shapes={"a": (100, 10), "b": (10,)})
    assert (made.candidate, made.largest_tensor, made.largest_output) == (4040, "a", 4000)


def test_a_gpu_is_asked_for_its_memory(models: list[Checkpoint], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda device: (3 * 10**9, 8 * 10**9))
    made = plan(models[0], models[1:], "bfloat16", "cuda:1")
    assert (made.free, made.total, made.mode) == (3 * 10**9, 8 * 10**9, "resident")
    assert "copied once to cuda:1, which has 3.0 GB of 8.0 GB free" in made.to_text()


@pytest.mark.parametrize(
    ("free", "where"),
    [
        (None, "mapped from disk"),
        (10**9, "copied once to cuda, which has 1.0 GB free"),
        (0, "streamed to cuda, which has only 0.0 MB free, through 2 x"),
    ],
)
def test_a_plan_is_read_by_people_and_scripts(models: list[Checkpoint], free: int | None, where: str) -> None:
    made = planned(models, free)
    lines = made.to_text().splitlines()
    assert [line[:12].rstrip() for line in lines] == ["models", "candidate", "memory", "statistics"]
    assert where in lines[0]
    data = json.loads(json.dumps(made.to_json()))
    assert (data["mode"], data["free"], data["models"]) == (made.mode, free, made.models)


def sources(models: Sequence[Checkpoint], name: str) -> list[Source]:
    return [(f"{i} {name}", model.tensor(name)) for i, model in enumerate(models)]


@pytest.mark.parametrize("mode", ["mapped", "resident", "streamed"])
def test_every_tensor_arrives_as_it_is_in_its_model(models: list[Checkpoint], mode: Mode) -> None:
    residence = Residence(mode, "cpu")
    names = layer_order(models[0].tensors)
    for _ in range(2):
        given = []
        for name, tensors in residence.stream(names, lambda name: sources(models, name)):
            given.append(name)
            assert all(
                torch.equal(found, model.tensor(name)) for found, model in zip(tensors, models, strict=True)
            )
        assert given == names


SETS: dict[str, list[Source]] = {
    "odd": [("a", torch.randn(7, 3)), ("b", torch.randn(5).bfloat16()), ("c", torch.randn(3).double())],
    "empty": [("d", torch.empty(0, 4)), ("e", torch.tensor(2.5))],
    "one twice": [("a", torch.zeros(0)), ("same", torch.arange(6.0)), ("same", torch.arange(6.0))],
    "nothing": [],
    "strided": [("f", torch.randn(4, 6).T)],
}


@pytest.mark.parametrize("mode", ["resident", "streamed"])
def test_tensors_of_any_shape_and_dtype_arrive(mode: Mode) -> None:
    for name, tensors in Residence(mode, "cpu").stream(SETS, SETS.__getitem__):
        expected = [tensor for _, tensor in SETS[name]]
        assert [(t.dtype, t.shape) for t in tensors] == [(t.dtype, t.shape) for t in expected]
        assert all(torch.equal(found, tensor) for found, tensor in zip(tensors, expected, strict=True))


def test_what_is_resident_is_copied_once_for_all_candidates_and_names() -> None:
    """A tied head and stacked layers read what another tensor reads, too."""
    read = {"embed": [("content", torch.ones(3))], "head": [("content", torch.ones(3))]}
    residence = Residence("resident", "meta")  # where copies differ from what they are made of
    copies = [tensors[0] for _ in range(2) for _, tensors in residence.stream(read, read.__getitem__)]
    assert all(copy is copies[0] for copy in copies)
    assert copies[0].device.type == "meta"


@pytest.mark.parametrize("mode", ["resident", "streamed"])
def test_what_was_made_for_one_candidate_is_not_given_to_another(mode: Mode) -> None:
    """It has no name: tensors of one shape, of this candidate or of the next, are not each other."""
    residence = Residence(mode, "cpu")
    for value in (1.0, 3.0):
        own: list[Source] = [(None, torch.full((2,), value + i)) for i in (0, 1)]
        made: list[Source] = [("base", torch.zeros(2)), *own]
        ((_, tensors),) = residence.stream(["a"], lambda _, made=made: made)
        assert [tensor.tolist() for tensor in tensors] == [[0, 0], [value] * 2, [value + 1] * 2]
    assert len(residence._resident) == (1 if mode == "resident" else 0), "nor is it kept"


def test_copies_stay_only_as_long_as_there_is_room() -> None:
    """Statistics may be larger than the models that the plan knows of."""
    read: dict[str, list[Source]] = {name: [(name, torch.ones(100))] for name in "abc"}
    residence = Residence("resident", "meta", room=850)
    first, second = ({n: t for n, (t,) in residence.stream(read, read.__getitem__)} for _ in range(2))
    assert [first[name] is second[name] for name in "abc"] == [True, True, False]


def test_the_room_for_copies_is_what_a_candidate_leaves(models: list[Checkpoint]) -> None:
    assert planned(models).room == float("inf")
    assert planned(models, free=10**6).room == pytest.approx(0.9 * 10**6 - nbytes(models[0]))


def test_copies_stay_behind_when_a_residence_travels() -> None:
    residence = Residence("streamed", "cpu", 64)
    list(residence.stream(SETS, SETS.__getitem__))
    again = pickle.loads(pickle.dumps(residence))
    assert again == residence
    assert (again._stages, again._resident) == ((), {})


@dataclass
class LazyLane:
    """Sends as late as it may: when it is waited for. So what is overwritten too early arrives wrong."""

    buffers: list[int] = field(default_factory=list)
    events: list[str] = field(default_factory=list)

    def buffer(self, nbytes: int) -> Tensor:
        self.buffers.append(nbytes)
        return torch.empty(nbytes, dtype=torch.uint8)

    def send(self, staged: Tensor) -> LazyTransfer:
        self.events.append("send")
        return LazyTransfer(staged)


@dataclass
class LazyTransfer:
    staged: Tensor
    copy: Tensor | None = None

    def take(self) -> Tensor:
        self.wait()
        assert self.copy is not None
        return self.copy

    def wait(self) -> None:
        if self.copy is None:
            self.copy = self.staged.clone()


@pytest.fixture
def lane(monkeypatch: pytest.MonkeyPatch) -> LazyLane:
    lane = LazyLane()
    monkeypatch.setattr(residency, "lane_to", lambda device: lane)
    return lane


NUMBERED = {
    str(i): [(f"x{i}", torch.full((100,), float(i))), (f"y{i}", -torch.full((9,), i))] for i in range(7)
}


def numbers(residence: Residence, names: Sequence[str] = tuple(NUMBERED)) -> Iterator[tuple[str, float, int]]:
    for name, (x, y) in residence.stream(names, NUMBERED.__getitem__):
        assert (x == x[0]).all()
        assert (y == y[0]).all()
        yield name, float(x[0]), int(y[0])


EXPECTED = [(str(i), float(i), -i) for i in range(7)]


def test_two_buffers_serve_all_sets_of_all_candidates(lane: LazyLane) -> None:
    residence = Residence("streamed", "cpu", 4096)
    for _ in range(3):
        assert list(numbers(residence)) == EXPECTED
    assert lane.buffers == [4096, 4096]


def test_buffers_grow_to_what_they_must_hold(lane: LazyLane) -> None:
    assert list(numbers(Residence("streamed", "cpu"))) == EXPECTED
    assert len(lane.buffers) == 2
    assert min(lane.buffers) >= 400 + 72


def test_the_next_set_is_sent_before_one_is_merged(lane: LazyLane) -> None:
    for name, *_ in numbers(Residence("streamed", "cpu")):
        lane.events.append(f"merge {name}")
    merges = [x for i in range(1, 7) for x in ("send", f"merge {i - 1}")]
    assert lane.events == ["send", *merges, "merge 6"]


def test_a_merge_that_stops_halfway_leaves_nothing_wrong_behind(lane: LazyLane) -> None:
    residence = Residence("streamed", "cpu")
    stopped = numbers(residence)
    assert [next(stopped), next(stopped)] == EXPECTED[:2]
    stopped.close()
    assert list(numbers(residence, ["5", "6"])) == EXPECTED[5:]
    assert list(numbers(residence)) == EXPECTED


def test_two_merges_at_once_share_the_buffers(lane: LazyLane) -> None:
    residence = Residence("streamed", "cpu")
    pairs = zip(numbers(residence), numbers(residence, list(NUMBERED)[::-1]), strict=True)
    assert list(pairs) == list(zip(EXPECTED, EXPECTED[::-1], strict=True))


def test_a_buffer_is_not_filled_while_it_is_being_sent(lane: LazyLane) -> None:
    stage = Stage(lane)
    first = stage.load({"x": torch.ones(3)})
    second = stage.load({"x": torch.zeros(3)})
    grown = stage.load({"x": torch.full((3000,), 2.0)})
    assert [float(each.take()["x"][0]) for each in (first, second, grown)] == [1.0, 0.0, 2.0]


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
@pytest.mark.parametrize("mode", ["resident", "streamed"])
def test_tensors_reach_a_gpu(mode: Mode) -> None:
    large = {str(i): [(f"x{i}", torch.full((1 << 22,), float(i)))] for i in range(9)}
    for i, (_, (x,)) in enumerate(Residence(mode, "cuda").stream(large, large.__getitem__)):
        assert x.is_cuda
        assert (x == i).all()
