"""Three models whose vocabularies differ in every way that mergekit can align, and the merges asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import torch
from torch import Tensor

from tests.merging.pico import Pico, edit_json, write_model

GOLDEN = Path(__file__).parent / "golden" / "vocabulary"
SOURCES = ("union", "base", "expert1")
WEIGHTS = (0.6, 0.4)
SPECIAL = "<|im_end|>"
PICO = Pico(layers=1, hidden=8, dtype=torch.float32)

_BASE = ("<pad>", "<s>", "</s>", *"abcdefgh")
VOCABULARIES = {
    "base": _BASE,
    "expert0": (*_BASE[:3], *"hgfeab", "X", "Y"),  # another order, without c and d
    "expert1": (*_BASE, "Y", "Z", SPECIAL),
}
PADDING = {"base": 5, "expert0": 0, "expert1": 2}
"""Rows beyond the vocabulary, as models have them whose sizes were rounded up."""


def pico_of(name: str) -> Pico:
    """Its shapes, padding included."""
    vocabulary = VOCABULARIES[name]
    padding = tuple(f"padding {i}" for i in range(PADDING[name]))
    return replace(PICO, vocabulary=(*vocabulary, *padding))


def lay_out(tensors: Mapping[str, Mapping[str, Tensor]], folder: Path) -> list[Path]:
    """Write the models below a folder, the base first."""
    return [_write(folder / name, name, tensors[name]) for name in VOCABULARIES]


def config_of(source: str, folder: Path) -> str:
    """The merge in mergekit's dialect."""
    models = "".join(
        f"  - model: {folder / name}\n    parameters:\n      weight: {weight}\n"
        for name, weight in zip(("expert0", "expert1"), WEIGHTS, strict=True)
    )
    place = source if source in ("base", "union") else folder / source
    return (
        f"merge_method: task_arithmetic\nmodels:\n{models}base_model: {folder / 'base'}\ndtype: float32\n"
        f"tokenizer_source: {place}\n"
    )


def _write(folder: Path, name: str, tensors: Mapping[str, Tensor]) -> Path:
    padded = pico_of(name)
    write_model(folder, tensors, replace(padded, vocabulary=VOCABULARIES[name]))
    edit_json(folder / "config.json", lambda config: config.update(vocab_size=len(padded.vocabulary)))
    if SPECIAL in VOCABULARIES[name]:
        added = {"id": VOCABULARIES[name].index(SPECIAL), "content": SPECIAL, "special": True}
        flags = dict.fromkeys(("single_word", "lstrip", "rstrip", "normalized"), False)
        edit_json(folder / "tokenizer.json", lambda data: data["added_tokens"].append({**added, **flags}))
    return folder
