"""Log-likelihoods are those of lm-eval's own `hf` model in float32."""

from __future__ import annotations

import logging
import random
import re
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers.processors import TemplateProcessing
from transformers import AutoTokenizer, GPT2Config, GPT2LMHeadModel

from evaluators.engines.encoding import Cuts, Pair, encode_pairs, window
from evaluators.engines.likelihood import to_rows
from evaluators.engines.transformers import TransformersEngine
from evaluators.errors import EngineError
from tests.evaluators.conftest import VOCABULARY, pico_tokenizer
from tests.evaluators.engines.contract import TINY

PAIRS = [
    ("Question: Ann has 2 apples.\nAnswer:", " 5"),
    ("Question: Ann has 2 apples.\nAnswer:", " 7"),
    ("Question: Ann has 2 apples.\nAnswer:", " 75"),
    ("ends in spaces   ", "and goes on"),
    ("", "no context at all"),
    ("a", "b" * 40),
    ("2 + 3 = ", "5\n\n"),
]


def theirs(folder: Path, pairs: list[tuple[str, str]]) -> list[tuple[float, bool]]:
    """What lm-eval's `hf` model says: (log-probability, greedy) of each pair."""
    from lm_eval.api.instance import Instance
    from lm_eval.models.huggingface import HFLM

    model = HFLM(pretrained=str(folder), dtype="float32", device="cpu", batch_size=3)
    requests = [Instance("loglikelihood", {}, pair, i) for i, pair in enumerate(pairs)]
    return model.loglikelihood(requests, disable_tqdm=True)


def loaded(folder: Path, batch_size: int = 4) -> TransformersEngine:
    engine = TransformersEngine(folder, dtype="float32", batch_size=batch_size, device="cpu")
    engine.load(load_file(folder / "model.safetensors").items())
    return engine


def agree(folder: Path, pairs: list[tuple[str, str]]) -> None:
    found, expected = loaded(folder).loglikelihood(pairs), theirs(folder, pairs)
    assert [each.logprob for each in found] == pytest.approx(
        [each[0] for each in expected], rel=1e-5, abs=1e-5
    )
    assert [each.greedy for each in found] == [each[1] for each in expected]


@pytest.mark.parametrize("model", ["base", "gsm8k"])
def test_likelihoods_are_those_of_lm_eval(model: str) -> None:
    engine = loaded(TINY / model)
    prompts = [context for context, _ in PAIRS]
    own = [answer.text for answer in engine.generate(prompts, [], 6)]
    spoken = [
        (prompt, text) for prompt, text in zip(prompts, own, strict=True) if text and not prompt.endswith(" ")
    ]
    assert any(each.greedy for each in engine.loglikelihood(spoken)), "a comparison needs greedy pairs"
    agree(TINY / model, [*PAIRS, *spoken])


def test_pairs_beyond_the_context_are_cut_as_in_lm_eval_and_counted(
    pico: Path, caplog: pytest.LogCaptureFixture
) -> None:
    pairs = [("long " * 40 + "x", " y"), ("short", " y"), ("w" * 126, "abc"), ("w" * 127, "abc")]
    engine = loaded(pico)
    with caplog.at_level(logging.WARNING, "evaluators"):
        engine.loglikelihood(pairs)
    said = [record.getMessage() for record in caplog.records if record.name.startswith("evaluators")]
    assert said == ["2 of 4 pairs have over 129 tokens and are cut"]
    agree(pico, pairs)


def test_a_model_with_learned_positions_agrees_too(tmp_path: Path) -> None:
    torch.manual_seed(0)
    size = {"n_embd": 32, "n_layer": 2, "n_head": 4, "n_positions": 64, "initializer_range": 0.3}
    config = GPT2Config(vocab_size=len(VOCABULARY), bos_token_id=1, eos_token_id=1, **size)
    GPT2LMHeadModel(config).save_pretrained(tmp_path)
    pico_tokenizer().save_pretrained(tmp_path)
    agree(tmp_path, PAIRS)


def with_start_token(pico: Path, folder: Path) -> Path:
    """The pico model with a tokenizer that begins every text with `<unk>`, as Llama's does with `<s>`."""
    shutil.copytree(pico, folder)
    tokenizer = pico_tokenizer()
    tokenizer.backend_tokenizer.post_processor = TemplateProcessing(
        single="<unk> $A", special_tokens=[("<unk>", VOCABULARY["<unk>"])]
    )
    tokenizer.bos_token = "<unk>"
    tokenizer.save_pretrained(folder)
    return folder


def test_a_start_token_is_added_as_in_lm_eval(pico: Path, tmp_path: Path) -> None:
    folder = with_start_token(pico, tmp_path / "model")
    ids = encode_pairs(AutoTokenizer.from_pretrained(folder), [("a", "b"), ("<unk>a", "b"), ("", "b")])
    a, b, start = (VOCABULARY[token] for token in ("a", "b", "<unk>"))
    assert ids == [Pair((start, a), (b,)), Pair((start, a), (b,)), Pair((start,), (b,))]
    agree(folder, [*PAIRS, ("<unk>it brings its own", " start")])


class Words:
    """A tokenizer whose tokens are runs of letters: a continuation can merge into its context."""

    bos_token_id, eos_token_id = None, 0

    def __call__(self, texts: str | list[str], **_: object) -> dict[str, list]:
        if isinstance(texts, str):
            return {"input_ids": [sum(map(ord, part)) for part in re.findall(r"[abc]+|\s", texts)]}
        return {"input_ids": [self(text)["input_ids"] for text in texts]}

    def decode(self, token: int) -> str:
        return "<end>"


words = Words()


def test_words_that_merge_over_the_border_are_split_as_in_lm_eval() -> None:
    from lm_eval.api.model import TemplateLM

    class Theirs(TemplateLM):
        """lm-eval's splitting over a tokenizer of whole words."""

        eot_token_id = 0

        def tok_encode(
            self, string: str, add_special_tokens: bool | None = None, **kwargs: object
        ) -> list[int]:
            return words(string)["input_ids"]

        _loglikelihood_tokens = generate_until = loglikelihood_rolling = None

    rng = random.Random(0)
    texts = ["".join(rng.choices("ab c\n", k=rng.randint(1, 9))) for _ in range(300)]
    pairs = [
        pair
        for pair in zip(texts[::2], texts[1::2], strict=True)
        if pair[0].strip()
        and len(words("".join(pair))["input_ids"]) > len(words(pair[0].rstrip())["input_ids"])
    ]
    assert len(pairs) > 50
    expected = [Theirs()._encode_pair(*pair) for pair in pairs]
    assert [(list(p.context), list(p.continuation)) for p in encode_pairs(words, pairs)] == expected


def test_a_continuation_that_merges_into_its_context_is_refused() -> None:
    with pytest.raises(EngineError, match="'b' has no token of its own after 'a'"):
        encode_pairs(words, [("a", "b")])


def test_pairs_alike_up_to_their_last_token_are_read_once() -> None:
    pairs = [Pair((1, 2), (3,)), Pair((1, 2), (4,)), Pair((1,), (2, 5)), Pair((1,), (7,))]
    rows = to_rows(pairs, 8, Cuts())
    assert [(row.tokens, [i for i, _ in row.continuations]) for row in rows] == [
        ((1, 2), [0, 1, 2]),
        ((1,), [3]),
    ]


def test_a_window_always_holds_the_continuation_and_a_token_before_it() -> None:
    assert window(Pair((1, 2, 3), (4, 5)), 3) == [3, 4, 5]
    with pytest.raises(EngineError, match="continuation of 2 tokens does not fit in 1"):
        window(Pair((1, 2, 3), (4, 5)), 2)


def test_a_logprob_that_is_not_finite_is_no_answer(pico: Path) -> None:
    engine = loaded(pico)
    with torch.no_grad():
        engine.model.model.norm.weight.fill_(1e38)
    with pytest.raises(EngineError, match="log-probability of 1 tokens is nan; the weights overflow"):
        engine.loglikelihood([("a", "b")])
