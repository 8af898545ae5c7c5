"""A zoo of small models in families: by the checks of a merge, and by a common origin of the weights."""

from __future__ import annotations

import itertools
import re
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from merging.errors import CheckpointError
from merging.family.prepare import open_model
from merging.models.checkpoint import open_checkpoint
from merging.zoo.grouping import group
from merging.zoo.members import Lora, Member, Zoo
from tests.merging.pico import VOCABULARY, Pico, edit_json, write_family, write_model
from tests.merging.zoo.builders import noise, write_adapter, write_renumbered

PICO = Pico()
TINY = Path(__file__).parents[3] / "examples" / "tiny"


def members(*folders: Path) -> list[Member]:
    return [Member(folder.name, open_model(folder)) for folder in folders]


def shape(zoo: Zoo) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Bases with their families' members, and names of loners."""
    families = [(f.base_member.name, [m.name for m in f.members]) for f in zoo.families]
    return families, [loner.member.name for loner in zoo.loners]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two families of one architecture, a model of other shapes, and one that means its weights otherwise."""
    folder = tmp_path_factory.mktemp("zoo")
    write_family(folder)
    other = PICO.base(seed=5)
    write_model(folder / "other", other, PICO)
    for seed in (1, 2):
        write_model(folder / f"other{seed}", PICO.expert(other, seed), PICO)
    wide = Pico(hidden=32)
    write_model(folder / "wide", wide.base(), wide)
    scaled = Pico(config={"rms_norm_eps": 0.1})
    write_model(folder / "scaled", PICO.expert(PICO.base(), 9), scaled)
    return folder


EXPECTED = (
    [
        ("base", ["base", "expert0", "expert1", "expert2"]),
        ("other", ["other", "other1", "other2"]),
    ],
    ["scaled", "wide"],
)


@given(data=st.data())
def test_families_depend_on_the_models_and_not_on_their_order(folder: Path, data: st.DataObject) -> None:
    names = sorted(path.name for path in folder.iterdir())
    drawn = data.draw(st.permutations(names))
    zoo = group(members(*(folder / name for name in drawn)), [])
    assert shape(zoo) == EXPECTED
    plain = group(members(*(folder / name for name in names)), [])
    assert zoo == replace(plain, families=zoo.families, loners=zoo.loners)
    assert [f.base for f in zoo.families] == [f.base for f in plain.families]
    assert [f.likeness for f in zoo.families] == [f.likeness for f in plain.families]
    assert [loner.reason for loner in zoo.loners] == [loner.reason for loner in plain.loners]


def test_who_stands_alone_is_told_why(folder: Path) -> None:
    zoo = group(members(*sorted(folder.iterdir())), [])
    scaled, wide = (loner.reason for loner in zoo.loners)
    assert "rms_norm_eps: 0.1" in scaled
    assert "hidden_size: 32" in wide or "shape" in wide
    (alone,) = group(members(folder / "base"), []).loners
    assert alone.reason == "no other llama model is given"
    strangers = group(members(folder / "base", folder / "other"), []).loners
    assert [loner.member.name for loner in strangers] == ["base", "other"]
    assert "no common origin with other" in strangers[0].reason


def test_the_tiny_experts_are_a_family_of_their_base() -> None:
    (family,) = group(members(*(TINY / name for name in ("math", "code", "base", "gsm8k"))), []).families
    assert [member.name for member in family.experts] == ["code", "gsm8k", "math"]
    assert (family.base_member.name, family.base.found_by, family.base.sure) == ("base", "cosine", "likely")
    assert (family.layers, set(family.modules)) == (4, {"self_attn", "mlp"})
    assert family.warnings == ()
    assert family.likeness.numbers == sum(
        i.numel for n, i in family.base_member.model.tensors.items() if "proj" in n
    )


def test_without_the_base_a_warning_says_so_and_asks_for_the_one_that_configs_name() -> None:
    experts = members(*(TINY / name for name in ("math", "code", "gsm8k")))
    (family,) = group(experts, []).families
    (warning,) = family.warnings
    assert warning.startswith("gsm8k stands in as the base: their base does not seem to be among them")
    assert "give the model that they were trained from" in warning
    named = [replace(expert, claimed="somebody/tiny-base") for expert in experts]
    (family,) = group(named, []).families
    assert "configs name somebody/tiny-base: give that model too" in family.warnings[0]


def test_pairs_far_apart_opposed_or_made_from_one_another_are_warned_of_with_figures(tmp_path: Path) -> None:
    base = PICO.base()
    near, far = (
        PICO.expert(base, 1),
        {n: (t.float() + noise(len(n), *t.shape) * 0.04).to(t.dtype) for n, t in base.items()},
    )
    opposed = {
        name: (2 * tensor.float() - near[name].float()).to(tensor.dtype) for name, tensor in base.items()
    }
    child = {
        n: (t.float() + 0.2 * (near[n].float() - base[n].float()).flip(0)).to(t.dtype)
        for n, t in near.items()
    }
    for name, tensors in (
        ("base", base),
        ("near", near),
        ("far", far),
        ("opposed", opposed),
        ("child", child),
    ):
        write_model(tmp_path / name, tensors, PICO)
    (family,) = group(
        members(*(tmp_path / n for n in ("base", "near", "far", "opposed", "child"))), []
    ).families
    said = "\n".join(family.warnings)
    assert re.search(r"base and far: far apart: they differ by 0\.(3[5-9]|4)", said)
    assert "near and opposed: pull against each other: their task vectors have a cosine of -1.00" in said
    assert "child and near: nearer to each other (0.0" in said
    assert "base and near" not in said


def test_the_same_weights_under_two_names_are_refused_if_all_is_the_same_else_warned_of(
    tmp_path: Path,
) -> None:
    base, _ = write_family(tmp_path)
    copy = write_model(tmp_path / "copy", PICO.base(), PICO)
    everyone = sorted(path for path in tmp_path.iterdir() if path.name != "xdg-cache")
    with pytest.raises(
        CheckpointError, match=r"is the same model as .*base, file for file; leave one"
    ) as error:
        group(members(*everyone), [])
    assert str(copy) in str(error.value)
    (copy / "chat_template.jinja").write_text("{{ messages | length }}")
    (family,) = group(members(*everyone), []).families
    assert any("base and copy: the same weights in all" in warning for warning in family.warnings)
    assert open_checkpoint(base).companions()


@pytest.mark.parametrize(
    ("vocabulary", "source"),
    [
        ((*VOCABULARY[:3], *reversed(VOCABULARY[3:])), "union"),
        ((*VOCABULARY, "é", "ü"), "union"),
    ],
    ids=["permuted", "longer"],
)
def test_vocabularies_that_can_be_aligned_make_one_family_with_a_note(
    tmp_path: Path, vocabulary: Sequence[str], source: str
) -> None:
    base, (first, second) = write_family(tmp_path, experts=2)
    other = write_renumbered(tmp_path / "other", PICO.expert(PICO.base(), 7), PICO, vocabulary)
    (family,) = group(members(base, first, second, other), []).families
    assert [member.name for member in family.members] == ["base", "expert0", "expert1", "other"]
    assert (family.base_member.name, family.tokenizer_source) == ("base", source)
    (note,) = family.warnings
    assert note.startswith("other: another vocabulary (")
    assert note.endswith(f"the study aligns it, by tokenizer_source: {source}")


def test_an_adapter_goes_to_the_model_that_it_changes(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path, experts=2)
    whole = members(base, *experts)
    lora = write_adapter(tmp_path / "lora", PICO, 1)
    (family,) = group(whole, [Lora("lora", lora, of="base", told=True)]).families
    assert (family.base_member.name, family.base.found_by) == ("base", "adapter")
    assert [member.name for member in family.experts] == ["expert0", "expert1", "lora"]
    assert family.warnings == ()


def test_an_adapter_of_an_expert_makes_that_the_base_for_its_study_must_apply_it(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path, experts=2)
    loras = [Lora("lora", write_adapter(tmp_path / "lora", PICO, 1), of="expert0")]
    loras += [Lora("elsewhere", write_adapter(tmp_path / "elsewhere", PICO, 2), of="expert1")]
    (family,) = group(members(base, *experts), loras).families
    chosen = family.base_member.name
    (left_out,) = {"lora", "elsewhere"} - {member.name for member in family.experts}
    assert chosen in ("expert0", "expert1")
    assert any(warning.startswith(f"{left_out}: an adapter of") for warning in family.warnings)


def test_an_adapter_that_names_nothing_is_taken_where_it_fits_and_that_is_said(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path, experts=2)
    lora = Lora("lora", write_adapter(tmp_path / "lora", PICO, 1))
    (family,) = group(members(base, *experts), [lora]).families
    assert (family.base_member.name, family.base.found_by) == ("base", "cosine")
    assert any("taken as one of base, which it fits" in warning for warning in family.warnings)
    (pair,) = group(members(base), [lora]).families
    assert (pair.base_member.name, pair.base.found_by, pair.base.sure) == ("base", "adapter", "likely")


def test_an_adapter_that_fits_none_or_two_families_is_refused_with_the_remedy(
    tmp_path: Path, folder: Path
) -> None:
    lora = Lora("lora", write_adapter(tmp_path / "lora", PICO, 1), claimed="org/unknown")
    with pytest.raises(
        CheckpointError, match=r"fits none of the given models \(its config names 'org/unknown'"
    ) as error:
        group(members(folder / "wide"), [lora])
    assert "MODEL+ADAPTER" in str(error.value)
    with pytest.raises(
        CheckpointError, match=r"fits models of several families \(base and other\).*MODEL\+ADAPTER"
    ):
        group(members(folder / "base", folder / "other"), [lora])


def test_a_chain_of_relatives_is_one_family(tmp_path: Path) -> None:
    """Each is near the next, the ends are not near each other: fine-tunes of fine-tunes."""
    models = [PICO.base()]
    for seed in range(3):
        step = PICO.base(seed=20 + seed)
        models.append({n: (t.float() + 0.9 * step[n].float()).to(t.dtype) for n, t in models[-1].items()})
    folders = [write_model(tmp_path / f"step{i}", tensors, PICO) for i, tensors in enumerate(models)]
    (family,) = group(members(*folders), []).families
    assert family.likeness.cosine(0, 3) < 0.6 < family.likeness.cosine(0, 1)
    assert len(family.members) == 4
    assert sum("far apart" in warning for warning in family.warnings) == 6


def test_wrong_numbers_are_found_while_reading(tmp_path: Path) -> None:
    base, (expert,) = write_family(tmp_path, experts=1)
    tensors = PICO.base()
    tensors["model.layers.1.mlp.up_proj.weight"][0, 0] = float("nan")
    broken = write_model(tmp_path / "broken", tensors, PICO)
    with pytest.raises(CheckpointError, match=r"up_proj.weight: 1 of 512 numbers are NaN or Inf"):
        group(members(base, expert, broken), [])


def test_a_config_that_says_otherwise_than_the_weights_is_pointed_out(folder: Path) -> None:
    models = members(*(folder / name for name in ("base", "expert0", "expert1", "expert2")))
    models[1] = replace(models[1], claims="expert2", claimed="../expert2")
    (family,) = group(models, []).families
    assert family.base_member.name == "base"
    assert any("expert0: its config says that it was made from expert2" in each for each in family.warnings)


def test_progress_is_told_with_bytes(folder: Path) -> None:
    steps: list[tuple[str, int, int, int]] = []
    zoo = group(members(folder / "base", folder / "expert0"), [], watch=lambda *step: steps.append(step))
    assert [step[1] for step in steps] == list(range(1, len(steps) + 1))
    assert steps[-1] == ("2 models (llama)", len(steps), len(steps), zoo.bytes_read)
    assert all(a[3] < b[3] for a, b in itertools.pairwise(steps))


def test_configs_that_differ_in_nothing_that_computes_are_no_hindrance(tmp_path: Path) -> None:
    base, experts = write_family(tmp_path)
    edit_json(
        experts[0] / "config.json", lambda config: config.update(max_position_embeddings=128, use_cache=False)
    )
    (family,) = group(members(base, *experts), []).families
    assert len(family.members) == 4
