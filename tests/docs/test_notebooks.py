"""The example of docs/notebooks.md runs as it is written, and its table names the columns that there are."""

from __future__ import annotations

import re
import runpy
from pathlib import Path

import pytest

from studies import open_study
from tests.docs.pages import DOCS
from tests.studies.frames.conftest import searched as searched

PAGE = (DOCS / "notebooks.md").read_text()


def test_the_example_runs(searched: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (code,) = re.findall(r"^```python\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    (tmp_path / "example.py").write_text(code)
    runpy.run_path(str(tmp_path / "example.py"))
    out = capsys.readouterr().out
    assert "holdout" in out
    assert "weight.layers0-1.self_attn.gsm8k" in out


@pytest.mark.parametrize("name", ["trials", "scores", "items"])
def test_the_columns_are_those_that_there_are(searched: str, name: str) -> None:
    with open_study(searched) as study:
        columns = list(getattr(study, name)().columns)
    (row,) = re.findall(rf"^\| `{name}\(\)` \|.*\| (.*?) \|$", PAGE, re.MULTILINE)
    assert re.findall(r"`([\w.]+)`", row) == columns
