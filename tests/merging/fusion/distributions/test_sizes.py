"""What one 2,048-token sequence of one source costs: ≤ 1 MB on disk, ≤ 4 MB in memory."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import numpy as np
import pytest

from merging.fusion.alignment.spans import align
from merging.fusion.distributions.carry import carry
from merging.fusion.distributions.data import Top
from merging.fusion.distributions.mapping import ByteMap, IdMap, Mapping
from merging.fusion.distributions.shards import Extracted, Manifest, shard_bytes, write_shard
from merging.fusion.exchange import Exchange
from tests.merging.fusion.toys import toy_exchange, toy_vocabulary

TOKENS, K, WORDS = 2048, 10, 100_000
MB = 1e6


def vocabulary_pieces(seed: int) -> list[bytes]:
    random = np.random.default_rng(seed)
    letters = np.frombuffer(b"abcdefghijklmnopqrstuvwxyz ", np.uint8)
    words = {bytes(random.choice(letters, n)) for n in random.integers(2, 12, WORDS)}
    return sorted(words | {bytes([letter]) for letter in letters})


@pytest.fixture(scope="module")
def case() -> tuple[Top, Exchange, Exchange, dict[str, Mapping]]:
    """A response of 2,048 tokens of the source's, which the target cuts elsewhere."""
    a, b = toy_vocabulary(vocabulary_pieces(0)), toy_vocabulary(vocabulary_pieces(1))
    random = np.random.default_rng(2)
    parts = [a.pieces[i] or b"" for i in random.integers(1, a.size, TOKENS - 1)]
    held = {piece for piece in b.pieces if piece}
    theirs: list[bytes] = []
    for part in parts:
        while part:
            head = next(part[:n] for n in range(len(part), 0, -1) if part[:n] in held)
            theirs.append(head)
            part = part[len(head) :]
    source, target = toy_exchange(a, parts), toy_exchange(b, theirs)
    logits = -np.sort(-random.normal(size=(TOKENS, K)), axis=1)
    logprobs = (logits - np.log(np.exp(logits).sum(axis=1, keepdims=True)) - 0.1).astype(np.float32)
    ids = random.integers(0, a.size, (TOKENS, K)).astype(np.int32)
    ids[:, 0] = source.response.ids
    tail = np.full(TOKENS, np.log(1 - np.exp(-0.1)), np.float32)
    ids_map = IdMap(random.integers(-1, b.size, a.size).astype(np.int32), end=(0, 0))
    return Top(ids, logprobs, tail, logprobs[:, 0]), source, target, {"ids": ids_map, "bytes": ByteMap(a, b)}


def test_on_disk(case: tuple[Top, Exchange, Exchange, dict[str, Mapping]], tmp_path: Path) -> None:
    write_shard(tmp_path, 0, [case[0]])
    size = (tmp_path / "shard-00000.safetensors").stat().st_size
    assert size <= shard_bytes(TOKENS, 1, K) < 0.2 * MB


@pytest.mark.parametrize("by", ["ids", "bytes"])
def test_in_memory(case: tuple[Top, Exchange, Exchange, dict[str, Mapping]], tmp_path: Path, by: str) -> None:
    top, source, target, mappings = case
    write_shard(tmp_path, 0, [top])
    extracted = Extracted(tmp_path, Manifest("s", "d", "e", K, 1, 1, TOKENS))
    carry(top, source, target, align(source.response, target.response), mappings[by])  # the pair's own tables
    tracemalloc.start()
    read = extracted[0]
    found = carry(read, source, target, align(source.response, target.response), mappings[by])
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    held = sum(value.nbytes for value in vars(found).values() if isinstance(value, np.ndarray))
    assert found.known.mean() > (0.9 if by == "bytes" else 0.2)
    assert len(target.response) > TOKENS
    assert held <= 1 * MB
    assert peak <= 4 * MB
    print(f"{by}: {len(target.response)} rows, {held / MB:.2f} MB held, {peak / MB:.2f} MB at most")
