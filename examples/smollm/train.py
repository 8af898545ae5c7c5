r"""Train the three LoRA adapters again, from a seed.

    python examples/smollm/train.py [--base DIR] [--gsm8k FILE] [--out DIR] [--seed 0] [--only NAME]

The base is what `prepare.py` makes. It takes 3 to 6 minutes an adapter on one core, and needs `peft` beside
what the base needs: `pip install -e '.[real,real-train]'`. Training is in float32 on the prompts that lm-eval
sends zero-shot (`texts.py`); the loss is that of the answers and of the end token alone. Another processor or
number of threads rounds differently, and training amplifies that.
"""

from __future__ import annotations

import argparse
import json
import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from peft import LoraConfig, PeftModel, get_peft_model
from texts import GSM8K, HERE, Example, batches, training_rows
from torch import Tensor
from torch.nn.functional import cross_entropy
from transformers import AutoModelForCausalLM, AutoTokenizer
from transformers.utils.logging import disable_progress_bar

NO_LOSS = -100
BATCH = 4
LONGEST = 128
"""Tokens of a prompt with its answer; longer rows of GSM8K train nobody."""
RANK, ALPHA = 4, 16


@dataclass(frozen=True)
class Schedule:
    """Optimizer steps, warm-up steps, and the learning rate between warm-up and decay."""

    steps: int
    warmup: int = 10
    rate: float = 1e-3

    def rate_at(self, step: int) -> float:
        """The learning rate of a step: linear warm-up to the peak, cosine down to a tenth of it."""
        if step < self.warmup:
            return self.rate * (step + 1) / self.warmup
        done = (step - self.warmup) / max(1, self.steps - self.warmup)
        return self.rate * (0.55 + 0.45 * math.cos(math.pi * done))


SCHEDULES = {"math": Schedule(110), "code": Schedule(90), "gsm8k": Schedule(90)}


def main() -> None:
    """Train each adapter and store it as soon as it is done."""
    given = _arguments()
    torch.set_num_threads(1)
    disable_progress_bar()
    tokenizer = AutoTokenizer.from_pretrained(given.base)
    rows = [row for row in training_rows(given.gsm8k) if _length(tokenizer, row) <= LONGEST]
    print(f"gsm8k: {len(rows)} rows of at most {LONGEST} tokens", flush=True)
    for name in given.only or SCHEDULES:
        torch.manual_seed(given.seed)
        examples = batches(name, BATCH, given.seed, rows if name == "gsm8k" else ())
        model = train(build(given.base), tokenizer, examples, SCHEDULES[name], name)
        save(model, given.out / name)


def build(base: Path) -> PeftModel:
    """The base in float32 with a new adapter on every linear layer but the head."""
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    config = LoraConfig(r=RANK, lora_alpha=ALPHA, target_modules="all-linear", task_type="CAUSAL_LM")
    return get_peft_model(model, config)


def train(
    model: PeftModel, tokenizer: Any, examples: Iterator[list[Example]], schedule: Schedule, name: str
) -> PeftModel:
    """Train the adapter in place; a line of progress every 20 steps."""
    weights = [weight for weight in model.parameters() if weight.requires_grad]
    optimizer = torch.optim.AdamW(weights, betas=(0.9, 0.98), weight_decay=0.0)
    started, total = time.monotonic(), 0.0
    for step in range(schedule.steps):
        optimizer.param_groups[0]["lr"] = schedule.rate_at(step)
        loss = loss_of(model, *encode(tokenizer, next(examples)))
        loss.backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimizer.step()
        optimizer.zero_grad()
        total += loss.item()
        if (step + 1) % 10 == 0:
            seconds = time.monotonic() - started
            print(
                f"{name}: step {step + 1}/{schedule.steps}, loss {total / 10:.3f}, {seconds:.0f} s",
                flush=True,
            )
            total = 0.0
    return model


def encode(tokenizer: Any, examples: list[Example]) -> tuple[Tensor, Tensor]:
    """Token ids and labels, int64 [batch, longest]; only answers and end tokens are labelled."""
    rows = []
    for example in examples:
        asked, said = (tokenizer(text).input_ids for text in (example.prompt, example.completion))
        said = [*said, tokenizer.eos_token_id]
        rows.append(([*asked, *said], [NO_LOSS] * len(asked) + said))
    longest = max(len(tokens) for tokens, _ in rows)
    tokens = [row + [tokenizer.eos_token_id] * (longest - len(row)) for row, _ in rows]
    labels = [row + [NO_LOSS] * (longest - len(row)) for _, row in rows]
    return torch.tensor(tokens), torch.tensor(labels)


def loss_of(model: PeftModel, tokens: Tensor, labels: Tensor) -> Tensor:
    """Mean cross-entropy of the labelled tokens; logits are computed of these alone."""
    causal = model.base_model.model
    states = causal.model(input_ids=tokens).last_hidden_state[:, :-1]
    asked = labels[:, 1:] != NO_LOSS
    return cross_entropy(causal.lm_head(states[asked]), labels[:, 1:][asked])


def save(model: PeftModel, folder: Path) -> None:
    """Store the adapter in bfloat16, without peft's model card."""
    model.to(torch.bfloat16).save_pretrained(folder, save_embedding_layers=False)
    (folder / "README.md").unlink(missing_ok=True)
    tidy(folder / "adapter_config.json")


def tidy(file: Path) -> None:
    """Take out of an adapter's config what differs from run to run: its base's path, and a set's order."""
    config = json.loads(file.read_text(encoding="utf-8"))
    config |= {"base_model_name_or_path": None, "target_modules": sorted(config["target_modules"])}
    file.write_text(json.dumps(config, indent=2) + "\n", encoding="utf-8")


def _length(tokenizer: Any, row: dict[str, str]) -> int:
    return len(tokenizer(f"Question: {row['question']}\nAnswer: {row['answer']}").input_ids) + 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description="Train the three LoRA adapters again.")
    parser.add_argument("--base", type=Path, default=HERE / ".cache" / "model")
    parser.add_argument("--gsm8k", type=Path, default=GSM8K / "gsm8k_train.jsonl", help="GSM8K's train split")
    parser.add_argument("--out", type=Path, default=HERE, help="default: here")
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=SCHEDULES, action="append", help="one adapter; may be repeated")
    return parser.parse_args()


if __name__ == "__main__":
    main()
