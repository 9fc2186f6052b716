"""A file stays as long as a result in memory descends from it."""

from __future__ import annotations

from dhtask._model.instructions import Read, Run, Write
from dhtask._model.invocation import Version
from dhtask._runtime.lineage import Lineage

FILE, NEXT_FILE = Version(1, 1), Version(1, 2)
RESULT, CHILD = Version(2, 1), Version(3, 1)


def run(reads: dict[str, Version], writes: dict[str, Version]) -> Run:
    return Run(
        1,
        1,
        tuple(Read(slot, version, exclusive=False) for slot, version in reads.items()),
        tuple(Write(slot, version, in_place=False) for slot, version in writes.items()),
        0,
    )


def test_a_file_that_only_files_were_made_from_goes_at_once() -> None:
    lineage = Lineage()
    lineage.submitted(run({"0": FILE}, {"0": NEXT_FILE}), frozenset({"0"}))
    assert lineage.released(FILE, is_file=True) == [FILE]


def test_a_file_waits_for_everything_that_descends_from_it() -> None:
    lineage = Lineage()
    lineage.submitted(run({"0": FILE}, {"r0": RESULT}), frozenset({"0"}))
    lineage.submitted(run({"0": RESULT}, {"r0": CHILD}), frozenset())
    assert lineage.released(FILE, is_file=True) == []
    assert lineage.released(RESULT, is_file=False) == []
    assert lineage.released(CHILD, is_file=False) == [FILE]


def test_a_file_that_is_still_read_is_not_removed_with_its_descendants() -> None:
    lineage = Lineage()
    lineage.submitted(run({"0": FILE}, {"r0": RESULT}), frozenset({"0"}))
    assert lineage.released(RESULT, is_file=False) == []
    assert lineage.released(FILE, is_file=True) == [FILE]
