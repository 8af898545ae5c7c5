"""Among targets not significantly worse than the best, the one with most to gain, and who teaches it."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest

from studies.errors import SelectionError
from studies.selection.choose import choose
from studies.selection.comparison import Wishes
from studies.selection.contenders import solved_where_failed, strongest, to_gain
from studies.verdicts.paired import paired_difference, simultaneous_level
from tests.studies.selection.contenders import BEST, CLOSE, CODER, WEAK, contender

FIELD = (BEST, CLOSE, CODER)


def test_what_another_solves_where_one_fails_is_counted_per_slice() -> None:
    assert solved_where_failed(CLOSE, BEST) == {"math": 2, "code": 2}
    assert solved_where_failed(BEST, CODER) == {"math": 10, "code": 20}
    assert solved_where_failed(CODER, BEST) == {"math": 80, "code": 5}


def test_the_strongest_on_a_slice_is_told_by_accuracy_then_by_mean_then_by_name() -> None:
    assert strongest("math", FIELD) is BEST
    assert strongest("code", FIELD) is CODER
    twin = replace(BEST, name="0: trial 9", digest="another")
    assert strongest("math", (BEST, twin)) is twin


def test_the_gain_is_what_the_strongest_teacher_of_each_slice_solves_where_the_target_fails() -> None:
    assert to_gain(BEST, FIELD) == pytest.approx((0 + 20) / 200)  # math: CLOSE is next, and adds nothing
    assert to_gain(CLOSE, FIELD) == pytest.approx((2 + 22) / 200)
    assert to_gain(CLOSE, ()) == 0.0


def test_a_target_that_is_not_significantly_worse_wins_by_what_it_can_gain() -> None:
    found = choose(FIELD)
    assert (found.target, found.sources) == ("b: trial 2", {"b: coder": ("code",)})
    assert not found.overridden
    assert found.warnings == ()


def test_a_target_that_is_significantly_worse_does_not_however_much_it_could_gain() -> None:
    found = choose((*FIELD, WEAK))
    assert found.target == "b: trial 2"
    assert found.row("c: uniform").gain > found.row("b: trial 2").gain
    assert found.row("c: uniform").reason.startswith("significantly worse than a: trial 1: -40.0 points [-49")


def test_all_intervals_hold_together() -> None:
    """Two possible targets are one comparison; two teachers on two slices are four: each holds at 99%."""
    found = choose(FIELD)
    close, coder = found.row("b: trial 2"), found.row("b: coder")
    assert close.vs_best == paired_difference(CLOSE.verdicts, BEST.verdicts, simultaneous_level(5))
    edge = coder.vs_target["code"]
    assert edge.mean == pytest.approx(0.17)
    # 22 won, 5 lost of 100: sqrt((28 / 102 - (17 / 102) ** 2) / 102) = 0.04918, times 2.5758
    assert edge.low == pytest.approx(0.17 - 2.5758 * 0.04918, abs=1e-4)
    assert edge.n == 100
    assert found.row("a: trial 1").vs_best is None
    assert close.vs_target == {}


def test_every_row_says_in_words_why() -> None:
    found = choose((*FIELD, WEAK))
    reasons = {row.name: row.reason for row in found.rows}
    assert reasons["a: trial 1"] == (
        "the best possible target; to gain: 10.0%; significantly better than the target on no slice"
    )
    assert reasons["b: trial 2"].startswith("not significantly worse than a: trial 1: -2.0 points [-")
    assert reasons["b: trial 2"].endswith(
        "; most to gain: 12.0% of items that it fails and the strongest source solves"
    )
    assert reasons["b: coder"].startswith("better than the target on code: +17.0 points [+")
    assert found.reason.startswith("b: trial 2 becomes the target: not significantly worse than a: trial 1")
    assert "It learns from b: coder (code: +17.0 points [+" in found.reason


def test_the_table_has_the_target_first_then_its_sources_then_the_others_by_mean() -> None:
    found = choose((WEAK, *FIELD))
    assert [(row.name, row.role) for row in found.rows] == [
        ("b: trial 2", "target"),
        ("b: coder", "source"),
        ("a: trial 1", None),
        ("c: uniform", None),
    ]


def test_a_row_has_the_figures_that_it_was_judged_by() -> None:
    row = choose(FIELD).row("b: trial 2")
    assert (row.mean, row.gain, row.parameters, row.seconds_per_token) == (0.78, 0.12, 1000, 0.01)
    assert (row.holdout["math"].mean, row.holdout["math"].n) == (0.78, 100)
    assert row.complementarity == {"a: trial 1": {"math": 2, "code": 2}, "b: coder": {"math": 10, "code": 22}}
    assert row.coverage == {"a: trial 1": None, "b: coder": None}


def test_only_the_strongest_of_those_that_beat_the_target_on_a_slice_teaches_it_there() -> None:
    second = contender("c: coder", "expert", math=(), code=range(6, 100))
    found = choose((*FIELD, second))
    assert found.sources == {"b: coder": ("code",)}
    assert found.row("c: coder").reason.startswith("better than the target on code: +16.0 points [")
    assert found.row("c: coder").reason.endswith("where others are stronger")
    both = choose((*FIELD, second), Wishes(sources_per_slice=2))
    assert both.sources == {"b: coder": ("code",), "c: coder": ("code",)}


def test_one_source_may_teach_several_slices_and_a_slice_may_have_none() -> None:
    target = contender("a: trial 1", math=range(50), code=range(50), physics=range(50))
    wide = contender("b: wide", "expert", math=range(90), code=range(90), physics=range(50))
    assert choose((target, wide)).sources == {"b: wide": ("math", "code")}


def test_an_expert_becomes_no_target_unasked_a_model_as_it_is_does() -> None:
    expert = contender("a: expert", "expert", math=range(90), code=range(90))
    assert choose((WEAK, expert)).target == "c: uniform"
    model = replace(expert, name="gemma", kind="model", study=None)
    with pytest.raises(SelectionError, match="none is significantly better than the target gemma"):
        choose((WEAK, model))


def test_equals_are_told_apart_by_name_so_that_a_plan_is_always_the_same() -> None:
    twin = replace(BEST, name="0: trial 9", digest="another")
    assert choose((BEST, twin, CODER)).target == choose((twin, BEST, CODER)).target == "0: trial 9"


def test_the_decision_is_plain_json() -> None:
    said = json.loads(json.dumps(choose(FIELD).to_json()))
    assert said["target"] == "b: trial 2"
    assert said["sources"] == {"b: coder": ["code"]}
    assert said["overridden"] is False
    first = said["rows"][0]
    assert first["holdout"]["code"]["mean"] == 0.78
    assert first["complementarity"]["b: coder"]["code"] == 22
    assert set(first["vs_best"]) == {"mean", "low", "high", "n"}


def test_nothing_to_learn_is_refused_with_figures() -> None:
    with pytest.raises(SelectionError) as caught:
        choose((BEST, CLOSE))
    said = str(caught.value)
    assert said.startswith("sources: none is significantly better than the target b: trial 2 on any slice")
    assert "math: a: trial 1 +2.0 points [-" in said
    assert "name `sources:` in the fusion file" in said
    assert "\n" not in said


class TestWhatAPersonNames:
    def test_a_named_target_is_taken_and_said_to_be_named(self) -> None:
        found = choose(FIELD, Wishes(target="a: trial 1"))
        assert (found.target, found.sources, found.overridden) == (
            "a: trial 1",
            {"b: coder": ("code",)},
            True,
        )
        assert found.row("a: trial 1").reason.startswith("named in the file; the best possible target;")
        assert found.warnings == (
            "target: the evidence would choose b: trial 2, with more to gain: 12.0% of items against 10.0%",
        )

    def test_a_named_target_that_the_evidence_would_choose_is_no_cause_for_a_warning(self) -> None:
        found = choose(FIELD, Wishes(target="b: trial 2"))
        assert (found.overridden, found.warnings) == (True, ())

    def test_a_named_target_that_is_worse_is_taken_with_a_warning(self) -> None:
        found = choose((*FIELD, WEAK), Wishes(target="c: uniform"))
        assert found.target == "c: uniform"
        assert len(found.warnings) == 1
        assert found.warnings[0].startswith(
            "target: c: uniform is significantly worse than a: trial 1: -40.0 points ["
        )

    def test_an_expert_may_be_named(self) -> None:
        found = choose(FIELD, Wishes(target="b: coder"))
        assert found.target == "b: coder"
        assert found.sources == {"a: trial 1": ("math",)}
        assert found.warnings[0].startswith("target: b: coder is significantly worse than a: trial 1")

    def test_named_sources_are_taken_with_the_slices_that_they_are_better_on(self) -> None:
        found = choose((*FIELD, WEAK), Wishes(sources=("b: coder", "a: trial 1")))
        assert found.target == "b: trial 2"  # whoever is named as a source is not the target
        assert found.sources == {"b: coder": ("code",), "a: trial 1": ()}
        assert found.row("a: trial 1").role == "source"
        assert found.row("c: uniform").vs_target == {}
        assert found.row("c: uniform").reason.endswith("not named as a source")
        assert len(found.warnings) == 1
        assert found.warnings[0].startswith(
            "sources: a: trial 1 is significantly better than b: trial 2 on no slice: at most +2.0 points ["
        )

    def test_sources_that_beat_it_on_nothing_are_taken_only_where_they_are_named(self) -> None:
        found = choose((BEST, CLOSE), Wishes(sources=("a: trial 1",)))
        assert (found.target, found.sources) == ("b: trial 2", {"a: trial 1": ()})
        assert "a: trial 1 (better on no slice)" in found.reason

    def test_fewer_comparisons_are_made_and_each_interval_is_narrower(self) -> None:
        """No other target than the best, and one source on two slices: each holds at 97.5%."""
        found = choose((BEST, CODER), Wishes(target="a: trial 1", sources=("b: coder",)))
        assert found.row("b: coder").vs_target["code"] == paired_difference(
            {"code": CODER.verdicts["code"]}, {"code": BEST.verdicts["code"]}, simultaneous_level(2)
        )


@pytest.mark.parametrize(
    ("wishes", "said"),
    [
        (Wishes(target="a: trail 1"), "target: no row is called 'a: trail 1'; did you mean 'a: trial 1'?"),
        (Wishes(sources=("nobody",)), "sources: no row is called 'nobody'; rows: a: trial 1, b: trial 2"),
        (
            Wishes(sources=("a: trial 1", "b: trial 2")),
            "target: every merge is named as a source; name the target, too",
        ),
    ],
)
def test_what_cannot_be_asked_is_refused(wishes: Wishes, said: str) -> None:
    with pytest.raises(SelectionError) as caught:
        choose(FIELD, wishes)
    assert str(caught.value).startswith(said)


@pytest.mark.parametrize(("few", "said"), [((), "found none"), ((BEST,), "found only a: trial 1")])
def test_fewer_than_two_are_no_fusion(few: tuple[object, ...], said: str) -> None:
    with pytest.raises(SelectionError, match=said):
        choose(few)  # type: ignore[arg-type]
