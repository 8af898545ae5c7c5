"""The report as a person reads it: its numbers are the store's, whatever state the study is in."""

from __future__ import annotations

import base64
import hashlib
import re
import sys
from pathlib import Path

import pytest

from studies.store.readonly import ReadOnlyStore
from studies.verdicts.leaderboard import Row, build_leaderboard, conclusion, verdict
from tests.studies.report.builders import HOSTILE, Page, Study


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crucible.db'}"


def rows_of(study: Study) -> list[Row]:
    return build_leaderboard(study.store, study.name)


def read(study: Study, folder: Path) -> Page:
    return Page.read(study.html(folder))


# -- a finished study ----------------------------------------------------------------------------------------


def test_it_asks_the_question_and_answers_it_in_one_sentence(url: str, tmp_path: Path) -> None:
    study = Study(url).finish()
    page, (said, details) = read(study, tmp_path), verdict(rows_of(study))
    assert page.all("h1") == ["tiny"]
    assert "Which merge of math and code into base is best at gsm8k and math, by accuracy?" in page.text
    assert said.startswith("trial 2 (81.0% of holdout items) is best, proven better than the base")
    assert said in page.text
    assert details in page.text
    assert f"{said} {details}" == conclusion(rows_of(study))
    assert "Proven better" in page.text


def test_the_leaderboard_has_each_number_with_its_interval_and_its_items(url: str, tmp_path: Path) -> None:
    study = Study(url).finish()
    head, *lines = read(study, tmp_path).tables[0]
    assert head == ["candidate", "gsm8k n = 100", "math n = 100", "mean n = 200"] + [
        f"vs {name}" for name in ("base", "best expert", "uniform")
    ]
    judged = [row for row in rows_of(study) if row.holdout_mean is not None]
    assert len(lines) == len(judged) == 6
    for line, row in zip(lines, judged, strict=True):
        assert line[0].startswith(row.name)
        for cell, score in zip(line[1:3], row.holdout.values(), strict=True):
            assert cell == f"{100 * score.mean:.1f} [{100 * score.low:.1f}, {100 * score.high:.1f}]"
        assert line[3].split()[0] == f"{100 * row.holdout_mean:.1f}"  # type: ignore[operator]
        for cell, gain in zip(line[4:], (row.vs_base, row.vs_best_expert, row.vs_uniform), strict=True):
            assert gain is not None
            same = gain.low == gain.high
            ends = f"[{100 * gain.low:+.1f}, {100 * gain.high:+.1f}]"
            assert cell == ("–" if same else f"{100 * gain.mean:+.1f} {ends}")


def test_the_tiles_say_what_was_gained_over_each_baseline(url: str, tmp_path: Path) -> None:
    study = Study(url).finish()
    best = rows_of(study)[0]
    assert best.vs_base is not None
    page = read(study, tmp_path)
    assert f"{100 * best.vs_base.mean:+.1f}" in page.all("b")
    assert f"95% interval [{100 * best.vs_base.low:+.1f}, {100 * best.vs_base.high:+.1f}]" in page.all(
        "small"
    )
    assert page.all("small").count("200 pairs of answers") == 3


def test_those_that_were_never_judged_are_told_apart(url: str, tmp_path: Path) -> None:
    page = read(Study(url).finish(), tmp_path)
    assert "Search items alone, never judged" in page.text
    assert [line[0] for line in page.tables[1][1:]] == ["trial 0 merge", "trial 3 merge"]
    assert page.tables[1][1][1].startswith("45.0 [")


def test_the_recipe_and_the_way_to_it_are_there(url: str, tmp_path: Path) -> None:
    study = Study(url).finish()
    page, best = read(study, tmp_path), rows_of(study)[0]
    assert f"its digest is {best.digest}" in page.text
    assert f"crucible export tiny --trial 2 --format checkpoint --out OUT_DIR --storage {url}" in page.text
    assert re.search(r"made with python \d+\.\d+", page.text)


def test_the_same_study_gives_the_same_bytes(url: str, tmp_path: Path) -> None:
    study = Study(url).finish()
    assert study.html(tmp_path) == study.html(tmp_path)


# -- nothing runs, nothing is loaded -------------------------------------------------------------------------


def test_it_holds_all_that_it_shows_and_its_policy_allows_no_more(url: str, tmp_path: Path) -> None:
    page = read(Study(url).finish(), tmp_path)
    assert not page.tags() & {"script", "link", "img", "iframe", "object", "image", "foreignObject"}
    places = [value for _, has in page.elements for name, value in has.items() if name in ("src", "href")]
    assert places
    assert all(place.startswith("#") for place in places)
    assert not [has for _, has in page.elements if "style" in has or any(name[:2] == "on" for name in has)]
    (policy,) = (has["content"] for _, has in page.elements if has.get("http-equiv"))
    hashed = base64.b64encode(hashlib.sha256(page.style.encode()).digest()).decode()
    assert f"default-src 'none'; style-src 'sha256-{hashed}'" in policy
    assert "unsafe" not in policy


def test_ids_are_unique_and_each_picture_says_what_it_shows(url: str, tmp_path: Path) -> None:
    page = read(Study(url).finish(), tmp_path)
    ids = [has["id"] for _, has in page.elements if "id" in has]
    assert len(ids) == len(set(ids))
    pictures = [has for tag, has in page.elements if tag == "svg"]
    assert len(pictures) == 5
    assert all(has["role"] == "img" and len(has["aria-label"]) > 20 for has in pictures)
    used = {has["href"][1:] for tag, has in page.elements if tag == "use"}
    assert used <= set(ids)


def test_what_comes_from_the_database_is_text(url: str, tmp_path: Path) -> None:
    """Also in pictures, where names stand on axes."""
    study = Study(url, HOSTILE, experts=(f"a{HOSTILE}", "b\x07</svg><img src=x>")).finish()
    page = read(study, tmp_path)
    assert page.all("h1") == [HOSTILE]
    assert not page.tags() & {"script", "img"}
    assert f"a{HOSTILE}" in " ".join(page.all("th"))
    assert "<script>alert('$x_1$" in " ".join(page.all("text")), "dollars are no mathematics"


# -- studies that are not done, or other ---------------------------------------------------------------------


def test_a_study_without_any_candidate_says_so(url: str, tmp_path: Path) -> None:
    page = read(Study(url), tmp_path)
    assert "Nothing was measured to the end yet" in page.text
    assert "still running" in page.text
    assert "No merge was found yet." in page.text
    assert "No picture: no trial has answered all search items yet." in page.text
    assert "Not judged yet" in page.text


def test_before_the_verdict_the_best_by_search_items_is_shown(url: str, tmp_path: Path) -> None:
    study = Study(url)
    study.add("base", "base", (8, 8))
    study.add("trial 0", "trial", (15, 12))
    page = read(study, tmp_path)
    assert "No candidate was judged on all holdout items yet." in page.text
    assert page.tables[0][1] == ["trial 0 merge", "75.0 [53.1, 88.8]", "60.0 [38.7, 78.1]"]
    assert "accuracy in % on search items" in page.text
    assert "What was gained" not in page.text


def test_a_failed_study_says_why(url: str, tmp_path: Path) -> None:
    study = Study(url)
    study.store.set_state(study.id, "failed", "the disk is full")
    assert "failed: the disk is full" in read(study, tmp_path).text


def test_nothing_better_is_said_as_plainly(url: str, tmp_path: Path) -> None:
    study = Study(url)
    study.add_baselines()
    study.add("trial 0", "trial", (15, 15), (41, 41))
    study.store.set_state(study.id, "complete")
    page = read(study, tmp_path)
    assert "Nothing that the search found beat the baselines" in page.text
    assert "Not proven better" in page.text
    assert "✓" not in page.text


def test_of_several_objectives_there_is_a_front_and_no_winner(url: str, tmp_path: Path) -> None:
    study = Study(url, objective=["gsm8k", "math"])
    study.add_baselines()
    study.add("trial 0", "trial", (18, 5), (88, 25))
    study.add("trial 1", "trial", (12, 12), (61, 62))
    page = read(study, tmp_path)
    assert "A front, no single best" in page.text
    assert "The trade-off" in page.all("h3")
    assert "The study's objectives on holdout items" in page.text
    assert [line[0] for line in page.tables[1][1:] if "on the front" in line[0]] != []
    assert "points against" not in " ".join(page.all("span")), "no tiles for one that is not the winner"


def test_a_fusion_says_who_learned_from_whom(url: str, tmp_path: Path) -> None:
    study = Study(url, search=False)
    study.add_baselines()
    target = study.add("trial of before", "fused", (), (50, 52))
    study.add("taught", "fused", (), (85, 88))
    decision = "math becomes the target: <b>it has most to gain</b>."
    chosen = {"target": target, "target_name": "math", "sources": {"code": ["gsm8k"]}, "reason": decision}
    study.store.save_selection(study.id, chosen)
    page = read(study, tmp_path)
    assert "What does math gain by learning from code?" in page.text
    assert decision in page.text
    assert "The best so far" not in page.text
    assert "points against the unfused target" in page.text


def test_without_matplotlib_it_has_all_but_the_plots_and_says_how_to_get_them(
    url: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    study = Study(url).finish()
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    page = read(study, tmp_path)
    assert "svg" not in page.tags()
    assert "pip install 'crucible[plot]'" in page.text
    assert len(page.tables) == 3


def test_a_password_is_not_told(url: str, tmp_path: Path) -> None:
    from studies.report.report import _shown

    study = Study(url).finish()
    with ReadOnlyStore(url) as store:
        store.engine.url = store.engine.url.set(
            drivername="postgresql", username="me", password="secret", host="db", query={"password": "secret"}
        )
        assert "secret" not in _shown(store)
    assert study.name == "tiny"
