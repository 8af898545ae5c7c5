"""Examples for the tiny model, and a training of it that a test can start in a process of its own and kill.

Run as `python -m tests.merging.fusion.training.tiny OUT FUNCTION CURVE`: every step becomes a line of CURVE.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from transformers import AutoTokenizer

from merging.fusion.distributions.data import Carried, Top
from merging.fusion.training.example import Example
from merging.fusion.training.model import load
from merging.fusion.training.settings import Objective, Settings
from merging.fusion.training.train import Metrics, train

TINY = Path(__file__).parents[4] / "examples" / "tiny"
BASE = TINY / "base"
SETTINGS = Settings(epochs=2, batch=5, rate=2e-3, warmup=0.1, checkpoint_every=2, seed=7)


def examples(count: int) -> list[Example]:
    """Short problems with their solutions, by character."""
    tokenizer = AutoTokenizer.from_pretrained(BASE)
    lines = (TINY / "math.jsonl").read_text().splitlines()
    records = sorted((json.loads(line) for line in lines), key=lambda each: len(each["problem"]))[:count]
    made = []
    for record in records:
        prompt = tokenizer(record["problem"] + "\n")["input_ids"]
        answer = tokenizer(record["solution"])["input_ids"]
        made.append(Example(np.array([*prompt, *answer, tokenizer.eos_token_id]), len(prompt), "math"))
    return made


def taught(made: list[Example], folder: Path, k: int = 5) -> list[Example]:
    """The examples with what a model of the same tokenizer says of them: each token is a span."""
    model = load(folder, None)
    with torch.no_grad():
        sources = [
            _carried(model(input_ids=torch.from_numpy(each.ids)[None]).logits[0], each, k) for each in made
        ]
    return [
        replace(each, carried=(source,), raw=(Top(source.ids, source.logprobs, source.tail, source.gold),))
        for each, source in zip(made, sources, strict=True)
    ]


def _carried(logits: torch.Tensor, each: Example, k: int) -> Carried:
    said = logits[each.start - 1 : -1].log_softmax(dim=-1)
    kept = said.topk(k)
    gold = said.gather(-1, torch.from_numpy(each.ids[each.start :])[:, None])[:, 0].numpy()
    every = np.ones(each.count, dtype=bool)
    tail = (1 - kept.values.exp().sum(dim=-1)).clamp(min=1e-9).log().numpy()
    ids = kept.indices.numpy().astype(np.int32)
    return Carried(ids, kept.values.numpy(), tail, every, gold, every, gold, float(gold.sum()), each.count)


def main(out: str, function: str, curve: str) -> None:
    """Train, a line a step."""
    with Path(curve).open("a") as stream:

        def record(step: int, metrics: Metrics) -> None:
            stream.write(json.dumps({"step": step, **metrics}) + "\n")
            stream.flush()

        made = taught(examples(24), TINY / "gsm8k")
        train(BASE, made, Path(out), replace(SETTINGS, objective=Objective(function, 0.5)), record=record)


if __name__ == "__main__":
    main(*sys.argv[1:])
