"""`crucible export`: a checkpoint has its name once it answered as on record, and goes where it was sent."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from huggingface_hub import ModelCard
from safetensors.torch import load_file, save_file

from search.exporting import prove
from search.exporting.prove import Questions
from search.exporting.rescore import Recorded, Rescored, spread
from search.exporting.wanted import Proof
from search.study_file.spec import load_study
from studies.store import StudyStore
from studies.verdicts.leaderboard import build_leaderboard
from tests.search.conftest import Finished, Outcome
from tests.search.exporting.standin import TOKEN, Hub, faults
from tests.search.exporting.test_gguf import GOOD, script

Crucible = Callable[..., Outcome]
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=<...>':DeprecationWarning")  # huggingface_hub's


@pytest.fixture
def export(
    crucible: Crucible, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Crucible:
    """The command, of the finished study, into `tmp_path/out`, from a folder that is not the study's."""
    monkeypatch.chdir(tmp_path)

    def run(*options: object, storage: str = finished.storage) -> Outcome:
        return crucible("export", "tiny", "--storage", storage, "--out", "out", *options)

    return run


def copy_of(finished: Finished, to: Path) -> Path:
    """The study's database, to be changed."""
    with sqlite3.connect(finished.folder / "crucible.db") as ours, sqlite3.connect(to / "copy.db") as theirs:
        ours.backup(theirs)
    return to / "copy.db"


def change(file: Path, statement: str) -> str:
    """Change what is on record; returns the storage's URL."""
    with sqlite3.connect(file) as connection:
        connection.execute(statement)
    connection.close()
    return f"sqlite:///{file}"


def test_a_checkpoint_is_asked_a_few_items_again(export: Crucible) -> None:
    said = export("--format", "checkpoint")
    assert said.code == 0, said.err
    assert "verified: loads, and 8 of 8 items are answered as on record (to the letter;" in said.out
    assert "transformers/float32" in said.out
    assert [path.name for path in Path().iterdir()] == ["out"]


def test_as_many_items_as_are_asked_for(export: Crucible) -> None:
    assert "3 of 3 items" in export("--format", "checkpoint", "--verify", 3).out


def test_answers_that_are_not_those_on_record_keep_the_folder_from_its_name(
    export: Crucible, finished: Finished, tmp_path: Path
) -> None:
    storage = change(copy_of(finished, tmp_path), "UPDATE crucible_evidence SET correct = NOT correct")
    where = ("--format", "checkpoint", "--verify", 6, "--study-file", finished.file)
    said = export(*where, storage=storage)
    assert said.code == 2
    assert "0 of 6 items are answered as on record" in said.err
    assert re.search(r"not (\w+/(search|holdout) \d+, ){4}\w+/\w+ \d+ and 1 more", said.err)
    assert not Path("out").exists()
    assert Path("out.unverified", "model.safetensors").is_file()
    again = export(*where, storage=storage)
    assert (again.code, "look at it, then remove it" in again.err) == (2, True)


def test_a_checkpoint_of_other_weights_is_found_out(
    export: Crucible, finished: Finished, tmp_path: Path
) -> None:
    assert export("--format", "checkpoint", "--no-verify").code == 0
    file = tmp_path / "out" / "model.safetensors"
    save_file({name: tensor.flip(0) for name, tensor in load_file(file).items()}, file, {"format": "pt"})
    with StudyStore(finished.storage) as store:
        row = build_leaderboard(store, "tiny")[0]
        identity = store.identity(store.study("tiny"))
    questions = Questions(identity, (load_study(finished.file),))
    with pytest.raises(prove.Unproven, match=r"of 8 items are answered as on record") as error:
        prove.prove(finished.storage, "tiny", row, file.parent, Proof(), questions)
    assert "8 of 8" not in str(error.value)


def test_items_that_are_nowhere_are_no_reason_to_fail_unless_they_were_asked_for(
    export: Crucible, finished: Finished, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(prove, "_places", lambda *_: [tmp_path])
    said = export("--format", "checkpoint", "--verify", 2)
    assert (said.code, said.out) == (2, "")
    assert "--verify 2: its items' files are not in" in said.err
    assert list(Path().iterdir()) == []
    said = export("--format", "checkpoint")
    assert said.code == 0
    assert "read back, every number finite; no item was asked again (its items' files are not in" in said.out


def test_items_that_changed_since_are_not_asked(
    export: Crucible, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, finished: Finished
) -> None:
    for file in finished.folder.glob("*.jsonl"):
        lines = file.read_text().splitlines(keepends=True)
        (tmp_path / file.name).write_text("".join(lines[1:]))
    monkeypatch.setattr(prove, "_places", lambda *_: [tmp_path])
    said = export("--format", "checkpoint")
    assert said.code == 0
    assert "is not what the study asked" in said.out


def test_another_studys_file_is_refused(export: Crucible, finished: Finished, tmp_path: Path) -> None:
    other = finished.file.read_text().replace("name: tiny", "name: other", 1)
    (tmp_path / "other.yaml").write_text(other)
    said = export("--format", "checkpoint", "--study-file", "other.yaml")
    assert (said.code, "is that of study 'other', not of 'tiny'" in said.err) == (2, True)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (("--format", "ggfu"), "--format 'ggfu' is none of recipe, mergekit, checkpoint, gguf"),
        (("--format", "checkpoint", "--no-verify", "--verify", 2), "contradict each other"),
        (("--push-to-hub", "me/x"), "--push-to-hub goes with --format checkpoint or gguf, not mergekit"),
        (("--verify", 2), "--verify goes with --format checkpoint or gguf, not mergekit"),
        (("--public",), "--public goes with --push-to-hub"),
        (
            ("--format", "checkpoint", "--push-to-hub", "me/x", "--public", "--private"),
            "contradict each other",
        ),
        (("--format", "gguf", "--gguf-type", "q4"), "--gguf-type 'q4' is none of auto, f32"),
    ],
)
def test_what_means_nothing_is_refused_in_one_line(
    export: Crucible, options: tuple[object, ...], said: str
) -> None:
    outcome = export(*options)
    assert outcome.code == 2
    assert said in outcome.err
    assert len(outcome.err.splitlines()) == 1
    assert list(Path().iterdir()) == []


def test_a_study_pushed_is_what_lies_here_and_its_card_passes(
    export: Crucible, hub: Hub, finished: Finished
) -> None:
    said = export("--format", "checkpoint", "--push-to-hub", "me/merge", "--private")
    assert said.code == 0, said.err
    assert f"pushed: {hub.url}/me/merge (private)" in said.out
    assert "name folders of this machine" in said.out
    assert hub.repos["me/merge"].files == {file.name: file.read_bytes() for file in Path("out").iterdir()}
    assert TOKEN not in said.out + said.err
    assert not any(TOKEN.encode() in content for content in hub.repos["me/merge"].files.values())
    card = ModelCard.load("out/README.md")
    card.validate()
    assert faults(str(card)) == []
    with StudyStore(finished.storage) as store:
        row = build_leaderboard(store, "tiny")[0]
    told = {result.metric_name: result.metric_value for result in card.data.eval_results}
    assert told == {
        f"accuracy on slice {name}, {score.n} holdout items"
        f" [95% interval: {score.low:.4f} to {score.high:.4f}]": round(score.mean, 4)
        for name, score in row.holdout.items()
    }
    assert [result.dataset_type for result in card.data.eval_results] == [
        "gsm8k",
        "minerva_math",
        "humaneval",
    ]
    assert card.data.metrics == ["accuracy"]


def test_what_the_hub_refuses_is_kept_with_the_command_that_goes_on(export: Crucible, hub: Hub) -> None:
    said = export("--format", "checkpoint", "--no-verify", "--push-to-hub", "me-not/merge")
    assert said.code == 2
    assert "the token may not write there" in said.err
    assert "out is kept; to go on: hf upload me-not/merge out --private" in said.err
    assert Path("out", "model.safetensors").is_file()


def test_no_token_is_found_out_before_anything_is_written(
    export: Crucible, hub: Hub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("HF_TOKEN")
    said = export("--format", "checkpoint", "--push-to-hub", "me/merge")
    assert (said.code, "needs a token" in said.err) == (2, True)
    assert not Path("out").exists()


def test_gguf_comes_with_its_card_and_recipe(export: Crucible, tmp_path: Path) -> None:
    converter = script(tmp_path / "llama.cpp", GOOD)
    said = export("--format", "gguf", "--converter", converter, "--gguf-type", "f16", "--verify", 2)
    assert said.code == 0, said.err
    assert "2 of 2 items" in said.out
    assert "converted: out.gguf, 7 tensors; the file itself was asked nothing" in said.out
    assert {path.name for path in Path("out").iterdir()} == {"out.gguf", "README.md", "crucible_recipe.yaml"}
    assert {path.name for path in Path().iterdir()} == {"out", "llama.cpp"}


def test_a_converter_that_fails_leaves_nothing(export: Crucible, tmp_path: Path) -> None:
    converter = script(tmp_path / "llama.cpp", "raise SystemExit('no such model')")
    said = export("--format", "gguf", "--converter", converter, "--no-verify")
    assert (said.code, "failed: no such model" in said.err) == (2, True)
    assert {path.name for path in Path().iterdir()} == {"llama.cpp"}


def test_without_a_converter_the_commands_are_told(export: Crucible, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    said = export("--format", "gguf")
    assert said.code == 2
    assert "crucible export tiny --format checkpoint --out out && git clone" in said.err
    assert "convert_hf_to_gguf.py out --outfile out/out.gguf --outtype auto" in said.err
    assert list(Path().iterdir()) == []


def test_rounding_may_turn_a_quarter_of_the_verdicts_and_no_letter_in_float32() -> None:
    assert Rescored(8, ("a",), True, "e").sound is False
    assert Rescored(8, ("a", "b"), False, "e").sound is True
    assert Rescored(8, ("a", "b", "c"), False, "e").sound is False
    assert "no item" in Rescored(0, (), True, "e").to_text()


def test_items_are_taken_from_the_slices_in_turn() -> None:
    def named(*items: str) -> list[Recorded]:
        return list(items)  # type: ignore[arg-type]

    assert spread([named("a1", "a2", "a3"), named("b1"), []], 3) == ["a1", "b1", "a2"]
