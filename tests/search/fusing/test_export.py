"""A fused winner can be taken along: a model that was trained as a checkpoint, a merge of such as ever."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import torch

from merging.models.checkpoint import open_checkpoint
from search.candidates.export import _no_merge, export_best
from search.candidates.fused import export_fused
from search.candidates.verdict import Found
from search.errors import SearchError
from studies.store import StudyStore
from studies.store.rows import ModelSubject
from tests.search.conftest import Outcome
from tests.search.fusing.conftest import Finished
from tests.search.fusing.test_fuse import FUSED


def row_and_subject(fused: Finished, name: str) -> tuple[Found, object]:
    (row,) = [row for row in fused.outcome.rows if row.name == name]
    with StudyStore(fused.storage) as store:
        return Found("fused", row, fused.outcome.rows), store.subject(row.digest)


def test_a_fused_model_goes_as_the_checkpoint_that_it_is_with_its_verdict(
    fused: Finished, tmp_path: Path
) -> None:
    found, subject = row_and_subject(fused, FUSED[0])
    assert isinstance(subject, ModelSubject)
    written = export_fused(subject, tmp_path / "model", found)
    ours, made = open_checkpoint(written), open_checkpoint(Path(subject.path))
    assert all(torch.equal(ours.tensor(name), made.tensor(name)) for name in made.tensors)
    card = (written / "README.md").read_text()
    assert "# fused: llama: trial 0 + qwen: math" in card
    assert "the unfused target" in card
    assert "min_ce_sequence" in card


def test_other_forms_are_refused_with_where_it_lies(fused: Finished) -> None:
    found, subject = row_and_subject(fused, FUSED[0])
    assert isinstance(subject, ModelSubject)
    error = _no_merge(subject, found.row, found.rows)
    assert isinstance(error, SearchError)
    assert f"in {subject.path}: write `--format checkpoint`" in str(error)


def test_the_best_of_a_fusion_or_of_its_merge_study_is_exported(
    fused: Finished, tmp_path: Path, crucible: Callable[..., Outcome]
) -> None:
    row, written = export_best(fused.storage, "fused", tmp_path / "best", "checkpoint")
    assert row.name == fused.outcome.rows[0].name
    assert (written / "model.safetensors").is_file()
    out = tmp_path / "merge"
    said = crucible("export", "fused-merge", "--trial", 0, "--storage", fused.storage, "--out", out)
    assert said.code == 0, said.err
    assert (out / "merge.yaml").is_file()
