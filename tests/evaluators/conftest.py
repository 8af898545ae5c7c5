"""Small real parts: a random pico Llama, the shipped tiny models and the benchmarks' own data."""

from __future__ import annotations

import json
import string
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from tokenizers import Tokenizer, decoders, models
from transformers import LlamaConfig, LlamaForCausalLM, PreTrainedTokenizerFast

REPO = Path(__file__).parents[2]
SHARED_DATA = REPO.parent / "shared" / "data"
VOCABULARY = {token: i for i, token in enumerate(["<pad>", "</s>", "<unk>", "\n", *string.printable[:95]])}


@pytest.fixture(autouse=True, scope="session")
def _one_thread() -> Iterator[None]:
    """Threads that wait for each other on a busy machine make small models many times slower."""
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="session")
def tiny() -> Path:
    """The shipped tiny models and their items."""
    return REPO / "examples" / "tiny"


@pytest.fixture(scope="session")
def benchmark_data() -> Path:
    """Real benchmark files, which are not part of the repository."""
    if not SHARED_DATA.is_dir():
        pytest.skip(f"no benchmark data in {SHARED_DATA}")
    return SHARED_DATA


def pico_tokenizer() -> PreTrainedTokenizerFast:
    tokenizer = Tokenizer(models.BPE(vocab=VOCABULARY, merges=[], unk_token="<unk>"))
    tokenizer.decoder = decoders.Fuse()
    return PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    )


def save_pico(folder: Path, seed: int = 0, tied: bool = True, pad: int | None = 0) -> LlamaForCausalLM:
    """A random model of 2 layers whose large weights make its greedy texts wander."""
    torch.manual_seed(seed)
    config = LlamaConfig(
        vocab_size=len(VOCABULARY) + 5,  # padded, as many real vocabularies are
        hidden_size=32,
        intermediate_size=64,
        num_hidden_layers=2,
        num_attention_heads=4,
        num_key_value_heads=2,
        max_position_embeddings=128,
        tie_word_embeddings=tied,
        initializer_range=0.3,
        bos_token_id=None,
        eos_token_id=1,
        pad_token_id=pad,
    )
    model = LlamaForCausalLM(config).eval()
    model.save_pretrained(folder)
    pico_tokenizer().save_pretrained(folder)
    return model


@pytest.fixture(scope="session")
def pico(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("pico")
    save_pico(folder)
    return folder


@pytest.fixture(scope="session")
def untied(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("untied")
    save_pico(folder, seed=1, tied=False)
    return folder


@pytest.fixture
def file(tmp_path: Path) -> Callable[[list[dict[str, Any]]], Path]:
    """Writes rows as JSONL."""

    def write(rows: list[dict[str, Any]]) -> Path:
        path = tmp_path / "items.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    return write
