"""Pictures: which there are, what stands in them, the same bytes for the same study, and what is refused."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from xml.etree import ElementTree

import pytest

from studies.errors import StudiesError, StudyNotFound
from studies.objectives.goals import ACCURACY, Goal
from studies.report.plots.curve import leaders
from studies.report.plots.draw import KINDS
from studies.report.write import write_plot
from studies.store.readonly import ReadOnlyStore
from studies.store.rows import CandidateState
from studies.views.curve import Curve, CurvePoint
from tests.studies.report.builders import Study

OF_ONE_OBJECTIVE = [kind for kind in KINDS if kind != "front"]


@pytest.fixture(scope="module")
def study(tmp_path_factory: pytest.TempPathFactory) -> Study:
    """A finished one, for all tests that only look at it."""
    return Study(f"sqlite:///{tmp_path_factory.mktemp('plots') / 'crucible.db'}").finish()


def plot(study: Study, kind: str, out: Path) -> bytes:
    with ReadOnlyStore(study.url) as store:
        write_plot(store, study.name, kind, out)
    return out.read_bytes()


def texts(svg: bytes) -> list[str]:
    return [
        "".join(node.itertext()) for node in ElementTree.fromstring(svg).iter() if node.tag.endswith("}text")
    ]


@pytest.mark.parametrize("kind", OF_ONE_OBJECTIVE)
def test_a_picture_is_the_same_in_every_process_and_tells_no_time(
    kind: str, study: Study, tmp_path: Path
) -> None:
    first = plot(study, kind, tmp_path / "first.svg")
    code = (
        "import sys; from pathlib import Path; from studies.store.readonly import ReadOnlyStore;"
        " from studies.report.write import write_plot;"
        " write_plot(ReadOnlyStore(sys.argv[1]), 'tiny', sys.argv[2], Path(sys.argv[3]))"
    )
    place = tmp_path / "second.svg"
    (tmp_path / "matplotlibrc").write_text("font.size: 22\nsvg.fonttype: path\n")
    own = {"PYTHONHASHSEED": "7", "MATPLOTLIBRC": str(tmp_path), "PYTHONPATH": ":".join(sys.path)}
    subprocess.run([sys.executable, "-c", code, study.url, kind, str(place)], check=True, env=own)
    assert place.read_bytes() == first
    assert b"<dc:date>" not in first


def test_the_gains_are_written_beside_their_intervals(study: Study, tmp_path: Path) -> None:
    said = texts(plot(study, "gains", tmp_path / "x.svg"))
    assert {"the base", "the best expert", "the uniform merge", "the runner-up (trial 1)"} <= set(said)
    assert any(each.startswith("+41.0") and "[" in each for each in said)


def test_the_heat_map_has_a_number_for_each_expert(study: Study, tmp_path: Path) -> None:
    said = texts(plot(study, "weights", tmp_path / "x.svg"))
    assert {"math", "code", "weight", "layers 0–1", "0.50"} <= set(said)
    assert "0.35" in said, "the seventh candidate's weight"


def test_the_curve_names_the_baselines(study: Study, tmp_path: Path) -> None:
    said = texts(plot(study, "curve", tmp_path / "x.svg"))
    assert {"base", "uniform", "math", "code", "best so far", "its 95% interval"} <= set(said)


def test_a_png_is_one(study: Study, tmp_path: Path) -> None:
    assert plot(study, "slices", tmp_path / "x.PNG").startswith(b"\x89PNG")


def test_several_objectives_have_a_front(tmp_path: Path) -> None:
    study = Study(f"sqlite:///{tmp_path / 'crucible.db'}", objective=["gsm8k", "math"])
    study.add_baselines()
    study.add("trial 0", "trial", (18, 5), (88, 25))
    said = texts(plot(study, "front", tmp_path / "x.svg"))
    assert "trial 0" in said
    assert "gsm8k: accuracy in %, on holdout items" in said


@pytest.mark.parametrize(
    ("kind", "name", "said"),
    [
        ("curv", "x.svg", "--kind 'curv' is none of .*did you mean curve"),
        ("curve", "x.pdf", r"x.pdf: plots are written as .svg or .png"),
        ("front", "x.svg", "no several objectives"),
        ("curve", "taken/x.svg", "taken/x.svg: cannot be written"),
    ],
)
def test_what_cannot_be_drawn_is_one_line(
    kind: str, name: str, said: str, study: Study, tmp_path: Path
) -> None:
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(StudiesError, match=said):
        plot(study, kind, tmp_path / name)
    assert {file.name for file in tmp_path.iterdir()} == {"taken"}


@pytest.mark.parametrize("kind", KINDS)
def test_of_an_empty_study_each_says_what_is_missing(kind: str, tmp_path: Path) -> None:
    study = Study(f"sqlite:///{tmp_path / 'crucible.db'}")
    with pytest.raises(StudiesError, match=r"study 'tiny': (no|nobody|there is no|it has no) "):
        plot(study, kind, tmp_path / "x.svg")


def test_a_study_that_is_not_there_is_named(study: Study, tmp_path: Path) -> None:
    with ReadOnlyStore(study.url) as store, pytest.raises(StudyNotFound, match="did you mean tiny"):
        write_plot(store, "tinny", "curve", tmp_path / "x.svg")


def test_without_matplotlib_the_extra_is_named(
    study: Study, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    with pytest.raises(StudiesError, match=r"pip install 'crucible\[plot\]'"):
        plot(study, "curve", tmp_path / "x.svg")


def test_to_read_a_study_no_matplotlib_is_imported() -> None:
    code = "import sys, studies.report.write; print(sorted({'matplotlib', 'torch'} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


# -- who leads at each trial ---------------------------------------------------------------------------------


def points(goal: Goal, *scores: float | None) -> Curve:
    """Trials with these scores, None for one that failed."""
    from datetime import datetime

    made, better, best = list[CurvePoint](), max if goal.direction == "maximize" else min, None
    for number, score in enumerate(scores):
        if score is not None:
            best = score if best is None else better(best, score)
        state: CandidateState = "failed" if score is None else "complete"
        made.append(
            CurvePoint(
                number, f"trial {number}", datetime(2026, 1, 1), state, score, None, None, 9, None, best
            )
        )
    return Curve(goal, tuple(made), {})


@pytest.mark.parametrize(
    ("goal", "scores", "expected"),
    [
        (ACCURACY, (None, 0.2, 0.1, 0.5, None, 0.5), [1, 1, 3, 3, 3]),
        (Goal("tokens", "tokens"), (9.0, 12.0, 7.0), [0, 0, 2]),
        (ACCURACY, (None,), []),
    ],
)
def test_of_equals_the_first_leads_and_nobody_before_the_first_score(
    goal: Goal, scores: tuple[float | None, ...], expected: list[int]
) -> None:
    assert [point.number for point in leaders(points(goal, *scores))] == expected
