"""Vocabularies aligned as mergekit does; `tests/oracle/make_vocabulary_golden.py` makes its results."""

from __future__ import annotations

import json
import shutil
import warnings
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from tokenizers import Tokenizer

from merging.errors import CheckpointError
from merging.family.prepare import Family, prepare
from merging.family.vocabulary import read_vocabulary
from merging.models.checkpoint import open_checkpoint
from merging.models.fingerprint import survey
from merging.models.writer import write_checkpoint
from merging.recipe import ModelRef
from merging.worker import Candidate, MergeWorker
from tests.merging.pico import VOCABULARY, Pico, edit_json, recipe_of, write_family, write_model
from tests.oracle.vocabularies import GOLDEN, SOURCES, SPECIAL, VOCABULARIES, WEIGHTS, lay_out

HEADS = ("model.embed_tokens.weight", "lm_head.weight")


def candidate_of(family: Family, weights: tuple[float, ...], dtype: str = "float32") -> Candidate:
    base, *experts = (ModelRef(str(m.path), survey(m).digest) for m in (family.base, *family.experts))
    worker = MergeWorker(family.base, family.experts, base, experts)
    return Candidate(worker, recipe_of(worker, "task_arithmetic", weights, dtype=dtype))


@pytest.fixture
def models(tmp_path: Path) -> list[Path]:
    tensors = {name: load_file(GOLDEN / f"{name}.safetensors") for name in VOCABULARIES}
    return lay_out(tensors, tmp_path / "models")


def prepared(models: list[Path], source: str) -> Family:
    place = source if source in ("base", "union") else str(models[0].parent / source)
    return prepare(models[0], models[1:], tokenizer_source=place)


@pytest.mark.parametrize("source", SOURCES)
def test_a_merge_has_mergekits_rows_token_by_token(models: list[Path], source: str) -> None:
    family = prepared(models, source)
    expected = load_file(GOLDEN / f"merged_{source}.safetensors")
    numbers = json.loads((GOLDEN / f"merged_{source}.json").read_text())
    tokens = read_vocabulary(family.donor.folder)
    assert tokens is not None
    assert tokens.keys() == numbers.keys()
    for name, tensor in candidate_of(family, WEIGHTS):
        if name in HEADS:
            assert len(tensor) == len(tokens)
            tensor = torch.stack([tensor[tokens[token]] for token in numbers])
        torch.testing.assert_close(tensor, expected[name], rtol=1e-6, atol=1e-7)


@pytest.mark.parametrize("source", SOURCES)
def test_the_written_merge_has_the_tokenizer_and_its_size(
    models: list[Path], source: str, tmp_path: Path
) -> None:
    family = prepared(models, source)
    out = write_checkpoint(candidate_of(family, WEIGHTS), tmp_path / "out", family.donor, "float32")
    written = open_checkpoint(out)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # transformers' own, on import
        from transformers import AutoModelForCausalLM, AutoTokenizer

        model = AutoModelForCausalLM.from_pretrained(out)
        tokenizer = AutoTokenizer.from_pretrained(out)
    vocabulary = tokenizer.get_vocab()
    assert len(vocabulary) == written.config["vocab_size"] == model.get_input_embeddings().num_embeddings
    text = "abYZ" if source == "expert1" else "abcXYZ" if source == "union" else "abc"
    assert tokenizer.convert_ids_to_tokens(tokenizer(text)["input_ids"]) == list(text)
    if source != "base":
        ids = tokenizer(f"a{SPECIAL}b")["input_ids"]
        assert ids == [vocabulary["a"], vocabulary[SPECIAL], vocabulary["b"]]
        assert tokenizer.decode(ids, skip_special_tokens=True) == "ab"
    model(torch.tensor([list(vocabulary.values())]))


def test_models_of_one_vocabulary_stay_as_they_are(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path / "models", experts=2)
    for source in ("base", "union"):
        family = prepare(base, experts, tokenizer_source=source)
        assert [family.base, *family.experts] == [open_checkpoint(path) for path in (base, *experts)]
    assert not (tmp_path / "xdg-cache" / "crucible" / "prepared").exists()


def test_the_base_takes_another_models_tokenizer_even_if_the_tokens_are_the_same(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path / "models", experts=2)
    (experts[1] / "chat_template.jinja").write_text("of expert 1")
    edit_json(experts[1] / "config.json", lambda config: config.update(eos_token_id=9))
    family = prepare(base, experts, tokenizer_source=str(experts[1]))
    assert (family.donor.folder / "chat_template.jinja").read_text() == "of expert 1"
    assert family.donor.config["eos_token_id"] == 9
    assert family.donor.tensors == open_checkpoint(base).tensors
    assert family.experts == tuple(open_checkpoint(path) for path in experts)


def test_only_vocabulary_tensors_are_written_again(models: list[Path]) -> None:
    family = prepared(models, "union")
    for model in (family.base, *family.experts):
        moved = {name for name, info in model.tensors.items() if info.file.parent != model.path}
        assert moved == set(HEADS)
        assert model.path in models


def test_a_tied_model_keeps_its_embedding_only(tmp_path: Path) -> None:
    tied = Pico(tied=True)
    base = write_model(tmp_path / "base", tied.base(), tied)
    more = replace(tied, vocabulary=(*VOCABULARY, "é"))
    family = prepare(base, [write_model(tmp_path / "e", more.base(1), more)], tokenizer_source="union")
    assert family.base.tensors["model.embed_tokens.weight"].shape == (33, 16)
    assert "lm_head.weight" not in family.base.tensors | family.experts[0].tensors


def test_gpt2s_positions_are_no_vocabulary(tmp_path: Path) -> None:
    from transformers import GPT2Config, GPT2LMHeadModel

    paths = []
    for name, letters in (("base", "abcdefgh"), ("expert", "abcdefghi")):
        config = GPT2Config(n_embd=8, n_layer=1, n_head=2, n_positions=8, vocab_size=len(letters))
        config.bos_token_id = config.eos_token_id = 0
        GPT2LMHeadModel(config).save_pretrained(tmp_path / name)
        pico = Pico(vocabulary=tuple(letters))
        shutil.copy(
            write_model(tmp_path / f"tokenizer of {name}", pico.base(), pico) / "tokenizer.json",
            tmp_path / name,
        )
        paths.append(tmp_path / name)
    family = prepare(paths[0], paths[1:], tokenizer_source="union")
    shapes = {name: info.shape for name, info in family.base.tensors.items() if ".w" in name}
    assert shapes["transformer.wte.weight"] == (9, 8)
    assert shapes["transformer.wpe.weight"] == (8, 8)


@pytest.mark.parametrize("model_type", ["byte-level", "WordPiece", "Unigram"])
def test_a_union_of_trained_tokenizers_numbers_tokens_as_the_rows(tmp_path: Path, model_type: str) -> None:
    corpora = ["the cat sat on the mat " * 3, "el gato se sienta en la alfombra " * 3]
    models = []
    for i, corpus in enumerate(corpora):
        tokenizer = trained(model_type, corpus)
        vocabulary = sorted(tokenizer.get_vocab(), key=tokenizer.get_vocab().__getitem__)
        pico = Pico(vocabulary=tuple(vocabulary))
        models.append(write_model(tmp_path / f"m{i}", pico.base(i), pico))
        tokenizer.save(str(models[-1] / "tokenizer.json"))
    family = prepare(models[0], models[1:], tokenizer_source="union")
    union = Tokenizer.from_file(str(family.donor.folder / "tokenizer.json"))
    own = [Tokenizer.from_file(str(model / "tokenizer.json")).get_vocab() for model in models]
    assert union.get_vocab().keys() == own[0].keys() | own[1].keys()
    assert len(union.get_vocab()) == family.base.tensors[HEADS[0]].shape[0]
    first = open_checkpoint(models[1]).tensor(HEADS[0])
    merged = family.experts[0].tensor(HEADS[0])
    assert all(torch.equal(merged[union.token_to_id(token)], first[n]) for token, n in own[1].items())


def trained(model_type: str, corpus: str) -> Tokenizer:
    from tokenizers import models, pre_tokenizers, trainers

    if model_type == "byte-level":
        tokenizer = Tokenizer(models.BPE())
        tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel()
        trainer = trainers.BpeTrainer(vocab_size=60, special_tokens=["<s>"], show_progress=False)
    elif model_type == "WordPiece":
        tokenizer = Tokenizer(models.WordPiece(unk_token="[UNK]"))
        tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
        trainer = trainers.WordPieceTrainer(vocab_size=60, special_tokens=["[UNK]"], show_progress=False)
    else:
        tokenizer = Tokenizer(models.Unigram())
        tokenizer.pre_tokenizer = pre_tokenizers.Metaspace()
        trainer = trainers.UnigramTrainer(
            vocab_size=40, special_tokens=["<unk>"], unk_token="<unk>", show_progress=False
        )
    tokenizer.train_from_iterator([corpus], trainer)
    return tokenizer


def refuse(base: Path, expert: Path, source: str, message: str) -> None:
    with pytest.raises(CheckpointError, match=message) as error:
        prepare(base, [expert], tokenizer_source=source)
    assert "\n" not in str(error.value)


def test_sources_and_models_that_cannot_be_aligned(models: list[Path], tmp_path: Path) -> None:
    refuse(models[0], models[1], "bse", r"'bse' is neither base nor union, nor one of the models .*expert0")
    edit_json(models[1] / "tokenizer.json", lambda data: data["model"].pop("vocab"))
    refuse(models[0], models[1], "union", r"tokenizer\.json: not a tokenizer")
    (models[1] / "tokenizer.json").unlink()
    refuse(models[0], models[1], "union", r"expert0/tokenizer\.json: missing, so the vocabulary cannot be")
    wide = Pico(layers=1, hidden=16)
    refuse(
        models[0],
        write_model(tmp_path / "wide", wide.base(), wide),
        "union",
        r"lm_head\.weight: shape \[32, 16\], expected \[32, 8\]",
    )


def test_without_a_source_the_error_names_it_as_the_remedy(models: list[Path]) -> None:
    with pytest.raises(
        CheckpointError, match=r"vocab_size 11, the base .* has 16; set tokenizer_source to base"
    ):
        prepare(models[0], models[1:])


def test_a_tokenizer_whose_numbers_have_gaps_is_not_extended(models: list[Path]) -> None:
    edit_json(models[0] / "tokenizer.json", lambda data: data["model"]["vocab"].update(h=12))
    refuse(models[0], models[1], "union", r"cannot be extended: 'X' becomes .*; set tokenizer_source to base")
    assert prepare(models[0], [models[1]], tokenizer_source="base").donor.config["vocab_size"] == 13
