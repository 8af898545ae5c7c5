"""The leaderboard as a person sees it: base, best expert and uniform merge, and no name cut off."""

from __future__ import annotations

import io
from collections.abc import Sequence
from dataclasses import replace

import pytest
from rich.console import Console

from evaluators.score import wilson
from search.showing.tables import leaderboard_table, show_leaderboard
from studies.verdicts.leaderboard import Row
from studies.verdicts.paired import Difference

DEMO = ("gsm8k", "math", "code")
LONG = ("gsm8k_cot", "hendrycks_math500", "humaneval_instruct", "mbpp_instruct")


def rows(slices: Sequence[str], *names: str) -> list[Row]:
    """Rows with gains as wide as they get."""
    scores = {name: wilson(200, 300) for name in slices}
    gain, loss = Difference(0.231, 0.184, 0.279, 900), Difference(-0.231, -0.279, -0.184, 900)
    return [Row(name, "trial", 0, name, scores, scores, 0.656, gain, loss, gain) for name in names]


def printed(slices: Sequence[str], name: str, width: int) -> str:
    out = Console(file=io.StringIO(), width=width)
    out.print(leaderboard_table(rows(slices, name), "tiny"))
    return str(out.file.getvalue())  # type: ignore[attr-defined]


def test_the_demos_table_fits_120_columns_in_one_line_a_candidate() -> None:
    out = printed(DEMO, "trial 18", 120)
    assert [line.count("vs ") for line in out.splitlines() if "candidate" in line] == [3]
    assert "│ +23.1 [+18.4, +27.9] │ -23.1 [-27.9, -18.4] │ +23.1 [+18.4, +27.9] │" in out
    assert len(out.splitlines()) == 6


def test_on_a_narrow_terminal_intervals_wrap_and_nothing_is_cut_off() -> None:
    out = printed(DEMO, "trial 18", 80)
    assert "…" not in out
    assert max(map(len, out.splitlines())) <= 80
    assert all(part in out for part in ("trial 18", "gsm8k", "65.6", "+23.1", "+27.9]", "-18.4]"))


@pytest.mark.parametrize("name", ["trial 18", "deepseek-coder-7b-instruct-v1.5-checkpoint-500"])
def test_a_file_gets_every_name_in_full(capsys: pytest.CaptureFixture[str], name: str) -> None:
    show_leaderboard(rows(LONG, name), "tiny")
    out = capsys.readouterr().out
    assert "…" not in out
    (head,) = [line for line in out.splitlines() if "candidate" in line]
    assert all(part in head for part in (*LONG, "vs base [95%]", "vs best expert [95%]", "vs uniform [95%]"))
    (line,) = [line for line in out.splitlines() if line.startswith(f"│ {name} ")]
    assert line.endswith("│ +23.1 [+18.4, +27.9] │ -23.1 [-27.9, -18.4] │ +23.1 [+18.4, +27.9] │")


def test_raw_models_and_targets_are_compared_with_only_where_there_are_some() -> None:
    plain, other = rows(DEMO, "trial 18", "fused")
    gain = Difference(0.1, 0.05, 0.15, 900)

    def heads(*shown: Row) -> list[str]:
        return [str(column.header) for column in leaderboard_table(shown, "tiny").columns][-2:]

    assert heads(plain, other) == ["vs best expert [95%]", "vs uniform [95%]"]
    assert heads(plain, replace(other, vs_target=gain)) == ["vs uniform [95%]", "vs target [95%]"]
    raw = replace(plain, vs_best_model=gain)
    assert heads(raw, replace(other, vs_target=gain)) == ["vs best raw model [95%]", "vs target [95%]"]
    out = Console(file=io.StringIO(), width=200)
    out.print(leaderboard_table([raw, replace(other, vs_target=gain)], "tiny"))
    lines = str(out.file.getvalue()).splitlines()  # type: ignore[attr-defined]
    cells = [line.split("│")[-3:-1] for line in lines if "│" in line and "candidate" not in line]
    assert [[cell.strip() for cell in row] for row in cells] == [
        ["+10.0 [+5.0, +15.0]", "-"],
        ["-", "+10.0 [+5.0, +15.0]"],
    ]
