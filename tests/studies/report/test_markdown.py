"""The report for a repository: what a Markdown reader makes of it, with its plots beside it."""

from __future__ import annotations

from pathlib import Path

import pytest
from markdown_it import MarkdownIt

from studies.report.markdown import escaped, fenced
from studies.verdicts.leaderboard import build_leaderboard
from tests.studies.report.builders import HOSTILE, Page, Study


@pytest.fixture
def url(tmp_path: Path) -> str:
    return f"sqlite:///{tmp_path / 'crucible.db'}"


def shown(text: str) -> Page:
    return Page.read(MarkdownIt("commonmark").enable("table").render(text))


def test_it_says_what_the_store_says(url: str, tmp_path: Path) -> None:
    study = Study(url).finish()
    page, best = shown(study.markdown(tmp_path)), build_leaderboard(study.store, "tiny")[0]
    assert page.all("h1") == ["tiny: Crucible report"]
    line = page.tables[0][1]
    gsm8k = best.holdout["gsm8k"]
    assert line[0] == "trial 2 (merge)"
    assert line[1] == f"{100 * gsm8k.mean:.1f} [{100 * gsm8k.low:.1f}, {100 * gsm8k.high:.1f}]"
    assert f"digest {best.digest[:12]}" in page.text
    assert "crucible export tiny --trial 2" in page.text


def test_its_plots_lie_beside_it(url: str, tmp_path: Path) -> None:
    page = shown(Study(url).finish().markdown(tmp_path))
    places = [has["src"] for tag, has in page.elements if tag == "img"]
    assert places == [
        f"report-plots/{kind}.svg" for kind in ("gains", "slices", "curve", "optimism", "weights")
    ]
    assert all((tmp_path / place).read_bytes().startswith(b"<?xml") for place in places)


def test_what_comes_from_the_database_is_text(url: str, tmp_path: Path) -> None:
    page = shown(Study(url, HOSTILE, experts=("a|b", "*c*_d_[e](f)")).finish().markdown(tmp_path))
    assert "".join(page.all("h1")) == f"{HOSTILE}: Crucible report"
    assert not page.tags() & {"script", "a", "em"}
    assert {"a|b (expert)", "*c*_d_[e](f) (expert)"} <= {line[0] for line in page.tables[0]}


def test_an_empty_study_has_one_too(url: str, tmp_path: Path) -> None:
    page = shown(Study(url).markdown(tmp_path))
    assert "Nobody was measured to the end yet." in page.text
    assert "The study is still running." in page.text


@pytest.mark.parametrize("text", ["a\nb", "`x`", "<b>", "a & b", "\\*", "$x$", "# no heading", "~~no~~"])
def test_text_comes_out_as_it_went_in(text: str) -> None:
    assert shown(f"x {escaped(text)}").text == f"x {' '.join(text.split())}"


def test_a_fence_is_longer_than_any_in_the_text() -> None:
    page = shown(fenced("a\n```\n<b>\n````\nc"))
    assert "".join(page.all("code")) == "a\n```\n<b>\n````\nc"
