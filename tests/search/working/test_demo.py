"""`crucible demo` leaves a config, a checkpoint and the evidence, and says what to type next."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from search.errors import SearchError
from search.showing.status import list_studies
from search.study_file.began import fresh
from search.study_file.spec import load_study
from search.working import demo
from tests.search.conftest import Outcome, small_study, write_study


@pytest.fixture
def small_demo(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The demo over a study of two trials, in a working directory of its own."""
    example = write_study(tmp_path / "example", small_study(trials=2, sampler={"seed": 0})).parent
    monkeypatch.setattr(demo, "find_example", lambda: example)
    monkeypatch.chdir(tmp_path)
    return tmp_path / "crucible-demo"


def test_the_demo_writes_its_results_and_can_be_run_again(
    small_demo: Path, crucible: Callable[..., Outcome]
) -> None:
    """A model of its own that is another merge is replaced, then; one that is the same is left."""
    first = crucible("demo")
    assert first.code == 0
    assert "vs best expert" in first.out
    (line,) = list_studies(f"sqlite:///{small_demo / 'crucible.db'}")
    assert str(line.sampler).startswith("auto: tpe, for one objective over 54 numbers")
    assert "crucible leaderboard tiny --storage sqlite:///crucible-demo/crucible.db" in first.out
    assert yaml.safe_load((small_demo / "merge.yaml").read_text())["dtype"] == "float32"
    assert {file.name for file in small_demo.iterdir()} >= {"crucible.db", "merge.yaml", "model"}
    assert first.out.splitlines()[-1] == f"The report, for a browser: {small_demo / 'report.html'}"
    assert "Which merge of gsm8k, math and code into base" in (small_demo / "report.html").read_text()
    weights = (small_demo / "model" / "model.safetensors").stat()
    assert crucible("demo").code == 0
    assert (small_demo / "model" / "model.safetensors").stat() == weights
    recipe = small_demo / "model" / "crucible_recipe.yaml"
    good = recipe.read_text()
    recipe.write_text(good.replace("dtype: bfloat16", "dtype: float32"))
    assert crucible("demo").code == 0
    assert recipe.read_text() == good


def test_the_demo_is_found_beside_the_packages() -> None:
    assert (demo.find_example() / "study.yaml").is_file()


def test_it_is_raced() -> None:
    spec = fresh(load_study(demo.find_example() / "study.yaml"))
    assert spec.racing is not None
    assert spec.racing.on


def test_a_place_without_the_example_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("search.__file__", str(tmp_path / "search" / "__init__.py"))
    with pytest.raises(SearchError, match="clone Crucible and run `make demo`"):
        demo.find_example()
