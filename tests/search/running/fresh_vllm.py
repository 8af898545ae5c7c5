"""What vLLM says that is started from a checkpoint on disk: `python fresh_vllm.py ORDER`, JSON in and out.

One process for each checkpoint, forked after the import that takes most of the time.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path
from typing import Any


def main() -> None:
    """The order: folders, token ids of prompts, token ids of texts; answers go to a file in each folder."""
    os.environ |= {"VLLM_ENABLE_V1_MULTIPROCESSING": "0", "VLLM_LOGGING_LEVEL": "ERROR"}
    from vllm import LLM, SamplingParams

    import evaluators.engines.vllm.worker  # noqa: F401  the same arithmetic

    order = json.loads(Path(sys.argv[1]).read_text())
    children = []
    for folder in order["folders"]:
        child = os.fork()
        if not child:
            found = _answers(LLM, SamplingParams, folder, order)
            Path(folder, "answers.json").write_text(json.dumps(found))
            os._exit(0)
        children.append(child)
        if len(children) == 2:
            os.waitpid(children.pop(0), 0)
    for child in children:
        os.waitpid(child, 0)


def _answers(llm_class: Any, params: Any, folder: str, order: dict[str, Any]) -> dict[str, Any]:
    llm = llm_class(
        folder,
        dtype="float32",
        enforce_eager=True,
        enable_prefix_caching=False,
        kv_cache_memory_bytes=1 << 28,
        max_num_seqs=64,
        block_size=32,
        worker_extension_cls="evaluators.engines.vllm.worker.Extension",
    )
    ends = {"ignore_eos": True, "stop_token_ids": [1]}
    prompts, texts = ([{"prompt_token_ids": ids} for ids in order[key]] for key in ("prompts", "texts"))
    greedy = llm.generate(prompts, params(temperature=0, max_tokens=24, **ends), use_tqdm=False)
    scored = llm.generate(texts, params(temperature=0, max_tokens=1, prompt_logprobs=0), use_tqdm=False)
    return {
        "texts": [list(each.outputs[0].token_ids) for each in greedy],
        "logprobs": [_last(each, 3) for each in scored],
    }


def _last(output: Any, count: int) -> float:
    known = zip(output.prompt_token_ids[-count:], output.prompt_logprobs[-count:], strict=True)
    return sum(found[token].logprob for token, found in known)


if __name__ == "__main__":
    main()
