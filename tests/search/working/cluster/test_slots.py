"""What becomes of workers that ended, by a clock that the test turns."""

from __future__ import annotations

from search.working.cluster.slots import LONGEST_REST_S, MOST_FAILURES, STEADY_S, Slot, verdict


def working(index: int, since: float = 0.0) -> Slot:
    slot = Slot(index)
    slot.begin(since)
    return slot


def test_one_that_found_nothing_left_to_do_is_done() -> None:
    slot = working(0)
    slot.end(0, "", 9.0)
    assert slot.state == "done"
    assert verdict([slot], 9.0) == (0, "")


def test_one_whose_node_is_gone_is_placed_again_at_once() -> None:
    slot = working(0)
    slot.lose(9.0)
    assert (slot.state, slot.until, slot.failures) == ("resting", 9.0, 0)


def test_one_that_fails_again_and_again_rests_twice_as_long_each_time() -> None:
    slot, rests = Slot(0), []
    for _ in range(8):
        slot.begin(0.0)
        slot.end(1, "node a: killed", 0.0)
        rests.append(slot.until)
    assert rests == [1.0, 2.0, 4.0, 8.0, 16.0, 32.0, LONGEST_REST_S, LONGEST_REST_S]


def test_one_that_worked_for_a_while_starts_counting_anew() -> None:
    slot = working(0)
    for now in (1.0, 2.0):
        slot.end(1, "node a: killed", now)
        slot.begin(now)
    slot.end(1, "node a: killed", 2.0 + STEADY_S)
    assert (slot.failures, slot.until) == (1, 2.0 + STEADY_S + 1.0)


def test_what_every_worker_refuses_ends_them_all_with_its_reason() -> None:
    slots = [working(0), working(1)]
    slots[0].end(2, "node a: study.yaml: slices: is missing", 1.0)
    assert verdict(slots, 1.0) is None
    slots[0].begin(2.0)  # again, and the other one finds the same meanwhile
    slots[1].end(2, "node b: study.yaml: slices: is missing", 2.5)
    assert verdict(slots, 2.5) == (2, "node a: study.yaml: slices: is missing")


def test_what_one_node_refuses_ends_nobody_who_works_elsewhere() -> None:
    slots = [working(0), working(1)]
    slots[0].end(2, "node a: ./base: no such folder", 1.0)
    slots[0].begin(2.0)
    slots[1].end(2, "node b: no such folder", 2.0 + STEADY_S)
    assert verdict(slots, 2.0 + STEADY_S) is None


def test_those_that_work_are_waited_for_and_those_without_a_place_are_not() -> None:
    slots = [working(0), working(1), Slot(2, "placing")]
    slots[0].end(0, "", 1.0)
    assert verdict(slots, 1.0) is None
    slots[1].end(0, "", 2.0)
    assert verdict(slots, 2.0) == (0, "")


def test_workers_that_only_fail_are_given_up_with_the_last_reason() -> None:
    slots = [Slot(0), Slot(1, "placing")]
    for _ in range(MOST_FAILURES):
        assert verdict(slots, 0.0) is None
        slots[0].begin(0.0)
        slots[0].end(-9, "node a: SIGKILL", 0.0)
    assert verdict(slots, 0.0) == (
        1,
        "workers died again and again, the last time: node a: SIGKILL",
    )
