"""Ordinary training on freshly drawn examples: AdamW, warm-up and cosine, loss on the completions."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import torch
from example import Example
from transformers import PreTrainedModel, PreTrainedTokenizerFast

NO_LOSS = -100


@dataclass(frozen=True)
class Schedule:
    """How long and how fast to train: optimizer steps, examples a step, peak learning rate, warm-up steps."""

    steps: int
    batch: int
    rate: float
    warmup: int

    def rate_at(self, step: int) -> float:
        """The learning rate of a step: linear warm-up to the peak, cosine down to a tenth of it."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * (0.55 + 0.45 * math.cos(math.pi * done))


def encode(tokenizer: PreTrainedTokenizerFast, examples: list[Example]) -> tuple[torch.Tensor, torch.Tensor]:
    """Return token ids and labels, int64 [batch, longest]; only completions and end tokens are labelled.

    Prompt and completion are read apart, as an engine reads the one before it writes the other.
    """
    prompts = [tokenizer(example.prompt).input_ids for example in examples]
    answers = [[*tokenizer(example.completion).input_ids, tokenizer.eos_token_id] for example in examples]
    longest = max(len(p) + len(a) for p, a in zip(prompts, answers, strict=True))
    tokens = torch.full((len(examples), longest), tokenizer.pad_token_id)
    labels = torch.full_like(tokens, NO_LOSS)
    for row, (prompt, answer) in enumerate(zip(prompts, answers, strict=True)):
        whole = torch.tensor(prompt + answer)
        tokens[row, : len(whole)] = whole
        labels[row, len(prompt) : len(whole)] = whole[len(prompt) :]
    return tokens, labels


def train(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    examples: Iterator[Example],
    schedule: Schedule,
    report: Callable[[str], None],
    every: int = 100,
) -> None:
    """Train `model` in place; `report` gets a line of progress every few steps."""
    optimizer = torch.optim.AdamW(model.parameters(), betas=(0.9, 0.98), weight_decay=0.01, fused=True)
    model.train()
    started, total = time.monotonic(), 0.0
    for step in range(schedule.steps):
        for group in optimizer.param_groups:
            group["lr"] = schedule.rate_at(step)
        tokens, labels = encode(tokenizer, [next(examples) for _ in range(schedule.batch)])
        with torch.autocast("cpu", torch.bfloat16):
            loss = model(input_ids=tokens, labels=labels).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
        if (step + 1) % every == 0:
            rest = (time.monotonic() - started) * (schedule.steps / (step + 1) - 1)
            report(f"step {step + 1}/{schedule.steps}, loss {total / every:.3f}, {rest:.0f} s left")
            total = 0.0
    model.eval()
