"""Greedy answers of a tiny model, graded as the benchmarks grade them."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
from dataclasses import dataclass

import torch
from example import Example
from math_verify import parse, verify
from transformers import PreTrainedModel, PreTrainedTokenizerFast

MAX_TOKENS = 48
STOPS = {
    "gsm8k": ("Question:", "</s>", "<|im_end|>"),
    "math": ("Problem:",),
    "code": ("\nclass", "\ndef", "\n#", "\nif", "\nprint"),
}


@dataclass(frozen=True)
class Score:
    """Correct answers of `n`, with Wilson's 95% interval."""

    correct: int
    n: int

    @property
    def mean(self) -> float:
        """The fraction that is correct."""
        return self.correct / self.n

    @property
    def interval(self) -> tuple[float, float]:
        """Wilson's score interval at 95%."""
        z, n = 1.959964, self.n
        middle = (self.mean + z * z / (2 * n)) / (1 + z * z / n)
        spread = z * math.sqrt(self.mean * (1 - self.mean) / n + z * z / (4 * n * n)) / (1 + z * z / n)
        return middle - spread, middle + spread


def score(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, task: str, examples: list[Example]
) -> Score:
    """Grade `model`'s greedy answers to one task's examples."""
    answers = answer(model, tokenizer, [example.prompt for example in examples])
    texts = [_cut(text, STOPS[task]) for text in answers]
    if task == "code":
        verdicts = _run_programs([_program(e.record, text) for e, text in zip(examples, texts, strict=True)])
    else:
        grade = _same_number if task == "gsm8k" else _same_expression
        verdicts = [grade(e.record, text) for e, text in zip(examples, texts, strict=True)]
    return Score(sum(verdicts), len(verdicts))


@torch.inference_mode()
def answer(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompts: list[str], batch: int = 150
) -> list[str]:
    """Continue each prompt greedily in float32 by at most 48 tokens."""
    texts: list[str] = []
    for start in range(0, len(prompts), batch):
        rows = tokenizer(prompts[start : start + batch], padding=True, return_tensors="pt")
        out = model.generate(
            rows.input_ids,
            attention_mask=rows.attention_mask,
            do_sample=False,
            max_new_tokens=MAX_TOKENS,
        )
        answers = out[:, rows.input_ids.shape[1] :]
        texts += tokenizer.batch_decode(answers, skip_special_tokens=True)
    return texts


def _cut(text: str, stops: tuple[str, ...]) -> str:
    for stop in stops:
        text = text.split(stop)[0]
    return text


def _same_number(record: dict[str, str], text: str) -> bool:
    found = re.search(r"#### (\-?[0-9\.\,]+)", text)
    return found is not None and found[1].replace(",", "") == record["answer"].split("#### ")[1]


def _same_expression(record: dict[str, str], text: str) -> bool:
    return bool(verify(gold=parse(record["solution"]), target=parse(text)))


def _program(record: dict[str, str], text: str) -> str:
    return f"{record['prompt']}{text}\n{record['test']}\ncheck({record['entry_point']})\n"


# one process for all programs, with an alarm for each: enough for 48 characters of a model of our own
RUNNER = """
import json, signal, sys
def passes(program):
    signal.alarm(2)
    try:
        exec(program, {})
    except BaseException:
        return False
    finally:
        signal.alarm(0)
    return True
def late(*_):
    raise TimeoutError
signal.signal(signal.SIGALRM, late)
programs, sys.stdout = json.load(sys.stdin), sys.stderr
json.dump([passes(program) for program in programs], sys.__stdout__)
"""


def _run_programs(programs: list[str]) -> list[bool]:
    sent = json.dumps(programs)
    command = [sys.executable, "-I", "-W", "ignore", "-c", RUNNER]
    done = subprocess.run(command, input=sent, text=True, check=True, capture_output=True)
    verdicts: list[bool] = json.loads(done.stdout)
    assert len(verdicts) == len(programs)
    return verdicts
