"""Exports name models as anybody finds them: by id and commit on the hub, never by a folder of its cache."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
import yaml

from merging.recipe import ModelRef, Parameters, Recipe, whole_model
from merging.recipe.rules import place_of
from search.candidates.export import mergekit_yaml
from search.candidates.licenses import License, agreed, license_notes, read_license
from search.candidates.models import find, open_found, open_worker
from search.candidates.originals import original, with_originals
from tests.search.conftest import TINY

COMMIT = "0123456789abcdef0123456789abcdef01234567"
CACHED = f"/home/me/.cache/huggingface/hub/models--org--some-7b/snapshots/{COMMIT}"


def ref(path: str, revision: str | None = None) -> ModelRef:
    return ModelRef(path, "1" * 64, revision)


def test_a_copy_in_the_cache_is_an_id_with_its_commit() -> None:
    assert original(ref(CACHED)) == ref("org/some-7b", COMMIT)
    assert original(ref(CACHED + "/")) == ref("org/some-7b", COMMIT)


@pytest.mark.parametrize(
    "path", ["/data/models/some-7b", f"{CACHED}/sub", "/models--x/snapshots/main", "./base"]
)
def test_any_other_folder_is_what_its_user_named(path: str) -> None:
    assert original(ref(path)) == ref(path)


def test_an_id_without_a_revision_gets_the_commit_that_was_opened() -> None:
    assert original(ref("org/some-7b"), Path(CACHED)) == ref("org/some-7b", COMMIT)
    assert original(ref("org/some-7b", "v1"), Path(CACHED)) == ref("org/some-7b", "v1"), "as it was named"
    assert original(ref("org/other"), Path(CACHED)) == ref("org/other")
    assert original(ref("org/some-7b"), Path("/data/some-7b")) == ref("org/some-7b")


def test_what_points_at_a_model_points_at_it_still() -> None:
    layers, outer = whole_model(Parameters((1.0,), (1.0,)), 2)
    made = Recipe(
        ref(CACHED), (ref("/data/x"),), "linear", layers, outer, "bfloat16",
        tokenizer_source=CACHED, config_source=CACHED,
    )  # fmt: skip
    moved = with_originals(made)
    assert moved.config_source == moved.tokenizer_source == place_of(moved.base) == f"org/some-7b@{COMMIT}"
    assert moved.digest == made.digest


def test_mergekits_yaml_has_no_path_of_a_cache(tmp_path: Path) -> None:
    cached = tmp_path / "hub" / "models--org--tiny" / "snapshots" / COMMIT
    shutil.copytree(TINY / "base", cached)
    opened = open_found(find(str(cached), tmp_path), [find(str(TINY / "math"), tmp_path)])
    layers, outer = whole_model(Parameters((0.5,), (1.0,)), 4)
    made = Recipe(opened.refs[0], opened.refs[1:], "task_arithmetic", layers, outer, "bfloat16")
    written = mergekit_yaml(made, open_worker(made))
    assert str(tmp_path) not in written
    said = yaml.safe_load(written)
    assert said["base_model"] == f"org/tiny@{COMMIT}"
    named = [each["model"] for each in said["slices"][0]["sources"]]
    assert named == [f"org/tiny@{COMMIT}", str((TINY / "math").resolve())]


def card(folder: Path, front: str) -> Path:
    folder.mkdir(exist_ok=True)
    (folder / "README.md").write_text(f"---\n{front}\n---\n# it\n")
    return folder


def test_a_license_is_what_the_models_own_card_says(tmp_path: Path) -> None:
    said = "license: Other\nlicense_name: my-own\nlicense_link: LICENSE"
    folder = card(tmp_path / "a", said)
    (folder / "LICENSE.txt").write_text("...")
    assert read_license("a", folder) == License("a", ("other",), "my-own", "LICENSE", ("LICENSE.txt",))


@pytest.mark.parametrize(
    "front", ["tags: [a]", "license: [", "license: 5", "- a", "license: 2026-13-45", "license:"]
)
def test_a_card_that_says_none_says_none(tmp_path: Path, front: str) -> None:
    assert read_license("a", card(tmp_path / "a", front)) == License("a")


def test_no_card_no_license(tmp_path: Path) -> None:
    assert read_license("a", tmp_path) == License("a")
    (tmp_path / "README.md").write_bytes(b"\xff\xfe---")
    assert read_license("a", tmp_path) == License("a")


def test_what_all_say_the_merge_says_and_nothing_else() -> None:
    mit, apache = License("a", ("mit",)), License("b", ("apache-2.0",))
    assert agreed([mit, License("c", ("mit",))]) == mit
    assert (
        agreed([mit, apache]) is agreed([mit, License("c")]) is agreed([License("c")]) is agreed([]) is None
    )
    assert agreed([License("a", ("other",), "x"), License("b", ("other",), "y")]) is None


def test_licenses_that_differ_are_named_and_silence_is_told() -> None:
    (note,) = license_notes([License("a", ("mit",)), License("b", ("llama3",)), License("c")])
    assert "**The licenses differ** (a: mit; b: llama3)." in note
    assert "lies beside c." in note
    assert "This card claims no license" in note
    (note,) = license_notes([License("a", ("mit",)), License("b", ("mit",))])
    assert note == "The cards of all models say mit, and so does this one."
