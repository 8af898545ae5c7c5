"""The training loop: a target learns from examples, and goes on where it was killed.

On accelerate, whose configuration alone decides on devices, processes and sharding; why not on a trainer that
there is: docs/decisions/a-training-loop-of-our-own.md.
"""

from __future__ import annotations

import hashlib
import json
import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, nullcontext
from pathlib import Path
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor

from merging.errors import TrainingError
from merging.fusion.training.batch import collate
from merging.fusion.training.checkpoints import PLAN, Checkpoints, ensure_same_plan, folder_beside
from merging.fusion.training.example import Example
from merging.fusion.training.loss import loss
from merging.fusion.training.memory import ensure_fits, estimate, free_memory
from merging.fusion.training.model import keeps_last, load, write_trained
from merging.fusion.training.order import Order
from merging.fusion.training.settings import Settings
from merging.models.checkpoint import Checkpoint, open_checkpoint
from merging.models.fingerprint import survey
from merging.models.writer import checkpoint_bytes, ensure_writable

Metrics = dict[str, float]
"""Of one step: loss, ce, divergence, lr, grad_norm, tokens (learnt from), seconds (since the beginning)."""
Record = Callable[[int, Metrics], None]
"""Told the number of each step, from 1; a resume tells those since the last checkpoint again, the same."""
Progress = Callable[[int, int], None]
"""Told how many steps are done, and of how many."""

_BETAS = (0.9, 0.95)
_DECAY = 0.01
_LONGEST_GRADIENT = 1.0
_SMALL = 20_000_000  # parameters
ON_CPU = 8
LIVE = ("micro_batch", "checkpoint_every")
"""Settings that may change between a kill and the resume."""


def train(
    model: Path,
    examples: Sequence[Example],
    out: Path,
    settings: Settings,
    progress: Progress | None = None,
    record: Record | None = None,
) -> Path:
    """Train the model of a folder on examples, and write it to `out`, which appears when it is whole.

    Checkpoints lie beside it, in `<out>.training`, until then: the same call goes on from the last. If `out`
    is already what this call would make, nothing is done. Every example is taken from `examples` once to be
    measured, then once an epoch.

    Raises:
        TrainingError: too little memory; nothing to learn; the loss became NaN or Inf.
        CheckpointError: the model cannot be read or trained.
        OutputError: `out` cannot be written, or holds something else.
    """
    donor = open_checkpoint(model)
    order, data = _measured(examples, settings, donor)
    plan = {"model": survey(donor).digest, "data": data, **_fixed(settings)}
    if _is_made(out, plan):
        return out
    accelerator = Accelerator()
    _ensure_room(donor, out, order, accelerator)
    places = Checkpoints(out, accelerator)
    with _few_threads(donor, accelerator), places.opened(plan), torch.random.fork_rng():
        run = _Run(accelerator, donor, examples, order)
        _loop(run, places, progress, record)
        state = accelerator.get_state_dict(run.model)
        if accelerator.is_main_process:
            write_trained(state, donor, out, settings.lora, plan)
        accelerator.wait_for_everyone()
        accelerator.free_memory()
    places.remove()
    return out


class _Run:
    """A model, its optimizer, and one step of both."""

    def __init__(
        self, accelerator: Accelerator, donor: Checkpoint, examples: Sequence[Example], order: Order
    ) -> None:
        self.accelerator, self.examples, self.order = accelerator, examples, order
        self.settings = order.settings
        torch.manual_seed(self.settings.seed)  # adapters are drawn
        model = load(donor.folder, self.settings.lora)
        self.narrow = keeps_last(model)
        model.train()
        self.model, self.optimizer = accelerator.prepare(model, _optimizer(model, self.settings.rate))
        if self.settings.lora is not None:
            accelerator.register_save_state_pre_hook(_forget_frozen)

    def step(self, number: int) -> Metrics:
        """Learn from one batch; raises TrainingError, and changes nothing, where a number is not finite."""
        torch.manual_seed(self.settings.seed * 1_000_003 + number)  # what is dropped out
        tokens, rate = self.order.tokens(number), self.order.rate(number)
        ce, divergence = self._gradients(number, tokens)
        norm = self.accelerator.clip_grad_norm_(self.model.parameters(), _LONGEST_GRADIENT)
        found = {"ce": ce, "divergence": divergence, "grad_norm": float(norm)}
        for name, value in found.items():
            if not math.isfinite(value):
                self._stop(number, name, value)
        for group in self.optimizer.param_groups:
            group["lr"] = rate
        self.optimizer.step()
        self.optimizer.zero_grad()
        share = self.settings.objective.label_share
        return {"loss": share * ce + (1 - share) * divergence, **found, "lr": rate, "tokens": tokens}

    def _gradients(self, number: int, tokens: int) -> tuple[float, float]:
        """Gradients of the mean over all tokens of a step; returns the means of both parts of the loss."""
        accelerator = self.accelerator
        size = _at_a_time(self.settings, accelerator)
        groups = self.order.micro_batches(number, size, accelerator.process_index, accelerator.num_processes)
        sums = torch.zeros(2, device=accelerator.device)
        for place, (group, mute) in enumerate(groups):
            last = place == len(groups) - 1
            with nullcontext() if last else accelerator.no_sync(self.model):
                sums += self._backward(group, mute, tokens)
        ce, divergence = (accelerator.reduce(sums, "sum") / tokens).tolist()
        return ce, divergence

    def _backward(self, group: Sequence[int], mute: int, tokens: int) -> Tensor:
        settings = self.settings
        examples = [self.examples[number] for number in group]
        batch = collate(examples, settings.objective, settings.max_length, mute).to(self.accelerator.device)
        narrow = {"logits_to_keep": batch.kept} if self.narrow else {}
        with self._autocast():
            logits = self.model(input_ids=batch.ids, use_cache=False, **narrow).logits
        found = loss(logits, batch, settings.objective)
        # processes' gradients are averaged, and this is a part of a sum
        share = self.accelerator.num_processes / tokens
        self.accelerator.backward(found.total(settings.objective.label_share) * share)
        return torch.stack([found.ce.detach(), found.divergence.detach()])

    def _autocast(self) -> Any:
        if self.settings.dtype != "bfloat16":
            return nullcontext()
        return torch.autocast(self.accelerator.device.type, torch.bfloat16)

    def _stop(self, number: int, name: str, value: float) -> None:
        what = {"ce": "the labels' loss", "divergence": "the divergence", "grad_norm": "the gradient"}[name]
        raise TrainingError(
            f"step {number + 1} of {self.order.steps}: {what} is {value}, and no model was written; lower"
            f" training.rate (now {self.settings.rate:g})"
        )


def _loop(run: _Run, places: Checkpoints, progress: Progress | None, record: Record | None) -> None:
    """All steps that are not yet done, a checkpoint after every few of them."""
    told, steps = run.accelerator.is_main_process, run.order.steps
    facts = places.resume()
    done, began = facts.get("step", 0), time.monotonic() - facts.get("seconds", 0.0)
    for number in range(done, steps):
        metrics = run.step(number)
        metrics["seconds"] = time.monotonic() - began
        if record is not None and told:
            record(number + 1, metrics)
        if progress is not None and told:
            progress(number + 1, steps)
        if (number + 1) % run.settings.checkpoint_every == 0 and number + 1 < steps:
            places.save(number + 1, {"seconds": time.monotonic() - began})


def _optimizer(model: torch.nn.Module, rate: float) -> torch.optim.Optimizer:
    """AdamW; vectors, as those of norms, do not decay."""
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    groups = [
        {"params": [each for each in trained if each.dim() > 1], "weight_decay": _DECAY},
        {"params": [each for each in trained if each.dim() <= 1], "weight_decay": 0.0},
    ]
    return torch.optim.AdamW(
        [group for group in groups if group["params"]], lr=rate, betas=_BETAS, fused=True
    )


def _forget_frozen(models: list[Any], weights: list[dict[str, Tensor]], folder: str) -> None:
    """Keep only adapters in a checkpoint: the rest is the model's own."""
    for model, state in zip(models, weights, strict=False):
        for name, parameter in model.named_parameters(remove_duplicate=False):  # tied ones too
            if not parameter.requires_grad:
                state.pop(name, None)


def _measured(examples: Sequence[Example], settings: Settings, donor: Checkpoint) -> tuple[Order, str]:
    """The order of the examples, and a digest of them; raises TrainingError where none teaches anything."""
    digest = hashlib.sha256()
    lengths, counts = np.zeros(len(examples), dtype=np.int64), np.zeros(len(examples), dtype=np.int64)
    for i, example in enumerate(examples):
        lengths[i] = min(len(example.ids), settings.max_length)
        counts[i] = max(0, lengths[i] - example.start)
        for part in _identity(example):
            digest.update(part)
    usable = np.flatnonzero(counts)
    if not len(usable):
        raise TrainingError(
            f"training.max_length: none of {len(examples)} examples has a response within"
            f" {settings.max_length} tokens; raise it, or give examples"
        )
    return Order(settings, usable, lengths, counts), digest.hexdigest()


def _identity(example: Example) -> Iterator[bytes]:
    """All that an example is, as bytes."""
    said = [vars(each) for each in (*example.teachers, *example.raw)]
    arrays = [value for each in said for value in each.values() if isinstance(value, np.ndarray)]
    facts = [[each.logprob, each.nbytes] for each in example.teachers]
    shapes = [[each.dtype.str, each.shape] for each in (example.ids, *arrays)]
    yield json.dumps([example.start, example.slice, example.own is None, facts, shapes]).encode()
    yield from (np.ascontiguousarray(each).tobytes() for each in (example.ids, *arrays))


def _fixed(settings: Settings) -> dict[str, Any]:
    """The settings that a training's result depends on, by the names they have in a fusion file."""
    said = settings.to_json()
    fusion = {f"fusion.{name.rstrip('_')}": value for name, value in said.pop("objective").items()}
    return {**fusion, **{f"training.{name}": value for name, value in said.items() if name not in LIVE}}


def _is_made(out: Path, plan: Mapping[str, Any]) -> bool:
    """Whether a training of this plan has ended in `out`; raises OutputError if one of another plan has."""
    ensure_same_plan(out / PLAN, plan)
    return (out / PLAN).is_file()


def _ensure_room(donor: Checkpoint, out: Path, order: Order, accelerator: Accelerator) -> None:
    """Refuse what memory or disk have no room for, before anything is loaded."""
    settings = order.settings
    examples = min(_at_a_time(settings, accelerator), len(order.usable))
    need = estimate(donor, settings, order.longest, examples)
    if accelerator.num_processes == 1:
        ensure_fits(need, free_memory(accelerator.device), settings, order.longest, examples)
    state = 0 if settings.checkpoint_every >= order.steps else 2 * (need.weights + need.optimizer)
    there = sum(file.stat().st_size for file in folder_beside(out).rglob("*") if file.is_file())
    ensure_writable(out, checkpoint_bytes(donor, "float32") + max(0, state - there))


def _at_a_time(settings: Settings, accelerator: Accelerator) -> int:
    """Examples at once: on a CPU few by default, nearly unpadded, whose activations its caches hold."""
    share: int = math.ceil(settings.batch / accelerator.num_processes)
    return min(share, settings.micro_batch or (ON_CPU if accelerator.device.type == "cpu" else share))


@contextmanager
def _few_threads(donor: Checkpoint, accelerator: Accelerator) -> Iterator[None]:
    """One thread for a small model on a CPU: its work is over before a second has woken."""
    before = torch.get_num_threads()
    small = sum(info.numel for info in donor.tensors.values()) < _SMALL
    if small and accelerator.device.type == "cpu":
        torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)
