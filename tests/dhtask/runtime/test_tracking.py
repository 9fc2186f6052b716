"""Objects are tracked for as long as the program can reach them."""

from __future__ import annotations

import gc

import numpy as np

from dhtask._runtime.tracking import ObjectTracker


class Plain:
    pass


def test_an_object_is_found_by_identity() -> None:
    tracker = ObjectTracker(lambda _datum: None)
    one, twin = [1], [1]
    tracker.track(one, 5)
    assert tracker.find(one) == 5
    assert tracker.find(twin) is None
    assert tracker.untrack(one) == 5
    assert tracker.untrack(one) is None
    assert not tracker


def test_what_can_be_weakly_referenced_is_forgotten_when_it_dies() -> None:
    dropped: list[int] = []
    tracker = ObjectTracker(dropped.append)
    for number, thing in enumerate((Plain(), np.zeros(2), {1})):
        tracker.track(thing, number)
    del thing
    gc.collect()
    assert sorted(dropped) == [0, 1, 2]
    assert len(tracker) == 0


def test_a_list_is_pinned_until_a_sweep_finds_that_nobody_refers_to_it() -> None:
    dropped: list[int] = []
    tracker = ObjectTracker(dropped.append)
    kept = [1]
    tracker.track(kept, 1)
    tracker.track([2], 2)
    tracker.track({"a": 3}, 3)
    assert dropped == []
    tracker.sweep()
    assert dropped == [2, 3]
    assert tracker.find(kept) == 1


def test_sweeps_come_by_themselves() -> None:
    dropped: list[int] = []
    tracker = ObjectTracker(dropped.append)
    for number in range(2000):
        tracker.track([number], number)
    assert len(tracker) < 600
    assert len(dropped) > 1400
