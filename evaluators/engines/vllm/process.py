"""The process in which vLLM runs.

It answers one request at a time, and says after every step that it is alive, so that whoever waits can tell
slow from stuck. It dies with the process that started it.
"""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from evaluators.engines.breakdown import died
from evaluators.engines.lifeline import die_with_parent
from evaluators.errors import EngineError

Prompt = list[int]
BEAT = 1.0
"""Seconds between two signs of life."""
MOST_RANKED = 128
"""Log-probabilities that vLLM may be asked for at one token."""


@dataclass(frozen=True)
class Start:
    """What the engine is started with; `dtype` by torch's name, memory as a share."""

    folder: str
    dtype: str
    context: int
    batch_size: int
    tensor_parallel: int
    gpu_memory: float
    on_cpu: bool


@dataclass(frozen=True)
class Ask:
    """One greedy request: `params` are vLLM's SamplingParams."""

    prompt: Prompt
    params: dict[str, Any]
    ranked: int = 0
    """Of so many tokens at the prompt's end the likeliest are wanted, as many as `prompt_logprobs` says."""


@dataclass(frozen=True)
class Said:
    """What vLLM answered: the new tokens, and log-probabilities as far as they were asked for."""

    tokens: list[int]
    prompt_logprobs: list[tuple[float, int]]
    """Of each of the prompt's tokens but the first, with its rank."""
    logprobs: dict[int, float]
    """Of the tokens asked for, after the prompt."""
    ranked: list[tuple[float, list[int], list[float]]]
    """Of each of the prompt's last tokens, if asked for: its own log-probability, and the likeliest."""


class Server:
    """A running vLLM engine behind four verbs."""

    def __init__(self, start: Start, beat: Callable[[], None]) -> None:
        """Start vLLM with weights of no meaning; `load` brings real ones."""
        from vllm import LLM

        from evaluators.engines.vllm.canary import TOLERANCE, canary_ids

        llm: Any = LLM(**_options(start))
        self.engine = llm.llm_engine
        self.beat = beat
        self.tolerance = TOLERANCE[start.dtype]
        config = self.engine.vllm_config
        # Longer than a block of the prefix cache: a cache that was not reset would answer for it.
        length = min(config.cache_config.block_size + 8, start.context - 1)
        self.canary = canary_ids(config.model_config.get_vocab_size(), length)
        self.engine.collective_rpc("crucible_prepare", args=(start.folder, self.canary))
        self.asked = 0

    def load(self, packed: str) -> dict[str, Any]:
        """Write the packed source's weights into the engine; see `Extension.crucible_load`.

        Returns the seconds that it took by part, or {"failure": the source's own error}. Raises EngineError
        if what the engine holds or answers afterwards is not the source's.
        """
        from evaluators.engines.vllm.checksums import differing

        replies = self.engine.collective_rpc("crucible_load", args=(packed,))
        for reply in replies:
            if "broken" in reply:
                raise RuntimeError(reply["broken"])
            if "failure" in reply:
                return {"failure": reply["failure"]}
        wrong = differing(replies[0]["sent"], [reply["held"] for reply in replies])
        if wrong:
            raise EngineError(f"vLLM holds other weights than it was given in {', '.join(wrong[:3])}")
        began = time.perf_counter()
        if not self.engine.reset_prefix_cache():
            raise EngineError("vLLM did not reset its prefix cache, which holds another candidate's keys")
        reset = time.perf_counter()
        sung = self._sing(replies[0])
        own = {"reset": reset - began, "canary": time.perf_counter() - reset}
        return {**sung, "seconds": {**replies[0]["seconds"], **own}}

    def _sing(self, expected: dict[str, Any]) -> dict[str, Any]:
        if "tokens" not in expected:
            return {"mute": expected.get("mute", "")}
        params = {"logprob_token_ids": expected["tokens"], "max_tokens": 1, "temperature": 0.0}
        (said,) = self.ask([Ask(self.canary, params)])
        gap = max(
            abs(said.logprobs[token] - logprob)
            for token, logprob in zip(expected["tokens"], expected["logprobs"], strict=True)
        )
        if not gap <= self.tolerance:
            raise EngineError(
                f"after the swap vLLM's canary answer is off by {gap:.3g} (log-probability, at most"
                f" {self.tolerance:g}): it does not answer from the weights it was given"
            )
        return {"gap": gap}

    def ask(self, requests: Sequence[Ask]) -> list[Said]:
        """Answer all requests, in their order."""
        from vllm import SamplingParams, TokensPrompt

        order: dict[str, int] = {}
        for i, request in enumerate(requests):
            self.asked += 1
            name = str(self.asked)
            order[name] = i
            params = SamplingParams(**request.params)
            self.engine.add_request(name, TokensPrompt(prompt_token_ids=request.prompt), params)
        found: dict[int, Said] = {}
        while self.engine.has_unfinished_requests():
            for output in self.engine.step():
                if output.finished:
                    place = order[output.request_id]
                    found[place] = _said(output, requests[place])
            self.beat()
        return [found[i] for i in range(len(requests))]


def _said(output: Any, ask: Ask) -> Said:
    (answer,) = output.outputs
    prompt = [
        (known[token].logprob, known[token].rank)
        for token, known in zip(output.prompt_token_ids, output.prompt_logprobs or [], strict=False)
        if known is not None
    ]
    last = {token: each.logprob for token, each in (answer.logprobs or [{}])[0].items()}
    return Said(list(answer.token_ids), prompt, last, _ranked(output, ask))


def _ranked(output: Any, ask: Ask) -> list[tuple[float, list[int], list[float]]]:
    if not ask.ranked:
        return []
    rows = []
    for token, known in list(zip(ask.prompt, output.prompt_logprobs, strict=True))[-ask.ranked :]:
        # One more than asked for where the token itself is not among them.
        best = sorted(known.items(), key=lambda pair: pair[1].rank)[: ask.params["prompt_logprobs"]]
        rows.append((known[token].logprob, [i for i, _ in best], [each.logprob for _, each in best]))
    return rows


def _options(start: Start) -> dict[str, Any]:
    """What vLLM is started with: on a GPU graphs and compilation stay on."""
    options: dict[str, Any] = {
        "model": start.folder,
        "dtype": start.dtype,
        "load_format": "dummy",
        "max_model_len": start.context + 1,  # a prompt as long as the context, to score what follows it
        "max_num_seqs": start.batch_size,
        "tensor_parallel_size": start.tensor_parallel,
        "worker_extension_cls": "evaluators.engines.vllm.worker.Extension",
        "generation_config": "vllm",
        "enable_prefix_caching": True,
        "trust_remote_code": False,
        "disable_log_stats": True,
        "seed": 0,
        "max_logprobs": MOST_RANKED,
    }
    if start.on_cpu:
        memory = _cpu_cache_bytes(start)
        return {**options, "enforce_eager": True, "block_size": 32, "kv_cache_memory_bytes": memory}
    return {**options, "gpu_memory_utilization": start.gpu_memory}


def _cpu_cache_bytes(start: Start) -> int:
    """Keys and values for a full batch, within a quarter of the memory that is free."""
    import torch

    from evaluators.engines.architecture import open_config

    config = open_config(Path(start.folder))
    text = getattr(config, "text_config", None) or config
    heads = getattr(text, "num_key_value_heads", None) or text.num_attention_heads
    size = getattr(text, "head_dim", None) or text.hidden_size // text.num_attention_heads
    token = 2 * text.num_hidden_layers * heads * size * getattr(torch, start.dtype).itemsize
    free = os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    one = token * (start.context + 64)
    return int(max(2 * one, min(start.batch_size * one, free // 4)))


def serve(connection: Connection) -> None:
    """Start as the first message says, then answer one message after another until the other side is gone."""
    beats = _Beats(connection)
    server: Server | None = None
    while True:
        try:
            verb, arguments = connection.recv()
        except EOFError:
            return
        try:
            if server is None:
                (start,) = arguments
                server = Server(start, beats)
                reply: Any = ("done", None)
            else:
                reply = ("done", getattr(server, verb)(*arguments))
        except EngineError as error:
            reply = ("refused", error)
        except Exception as error:
            reply = ("broken", died(error))
        connection.send(reply)


class _Beats:
    """Says that the engine is alive, at most once a second."""

    def __init__(self, connection: Connection) -> None:
        self.connection, self.last = connection, time.monotonic()

    def __call__(self) -> None:
        if time.monotonic() - self.last > BEAT:
            self.last = time.monotonic()
            self.connection.send(("alive", None))


def main() -> None:
    """`python -c 'import …; main()' DESCRIPTOR PARENT`."""
    die_with_parent(int(sys.argv[2]))
    serve(Connection(int(sys.argv[1])))
