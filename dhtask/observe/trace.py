"""A run as trace events, for https://ui.perfetto.dev and ``chrome://tracing``.

One track per worker (several when a worker runs several tasks at once) and one for the program's own waiting; an
arrow for every dependency; a counter of running tasks. Times are microseconds since the run was opened.
The format is described in "Trace Event Format" (Google, 2016).
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from dhtask.observe.lanes import Bar, Lane, lanes_of, origin_of
from dhtask.observe.record import RunRecord

PROCESS: Final = 1
#: The track of the program; those of the workers follow.
PROGRAM: Final = 1

Event = dict[str, Any]


@dataclass(frozen=True, slots=True)
class _Place:
    track: int
    bar: Bar


def trace_json(record: RunRecord) -> str:
    """Write a run as the JSON of Chrome trace events.

    Args:
        record: The run.

    Returns:
        JSON text with the keys ``traceEvents``, ``displayTimeUnit`` and ``otherData``.
    """
    lanes = lanes_of(record)
    origin = origin_of(record)
    places = _places(lanes)
    events = [
        *_names(record, lanes),
        *_pauses(record, origin),
        *(event for track, lane in _tracks(lanes) for event in _runs(lane, track, origin)),
        *_arrows(record, places, origin),
        *_counters(lanes, origin),
    ]
    facts = {
        "executor": record.executor,
        "workers": record.workers,
        "computing_units": record.computing_units,
        "opened": record.opened,
    }
    content = {"displayTimeUnit": "ms", "otherData": facts, "traceEvents": events}
    return json.dumps(content, allow_nan=False)


def _tracks(lanes: Sequence[Lane]) -> Iterator[tuple[int, Lane]]:
    return enumerate(lanes, start=PROGRAM + 1)


def _microseconds(moment: float, origin: float) -> float:
    return round((moment - origin) * 1e6, 3)


def _names(record: RunRecord, lanes: Sequence[Lane]) -> Iterator[Event]:
    yield _metadata("process_name", PROGRAM, {"name": f"dhtask ({record.executor})"})
    labels = [(PROGRAM, "program"), *((track, lane.label) for track, lane in _tracks(lanes))]
    for track, label in labels:
        yield _metadata("thread_name", track, {"name": label})
        yield _metadata("thread_sort_index", track, {"sort_index": track})


def _metadata(name: str, track: int, arguments: Event) -> Event:
    return {"ph": "M", "name": name, "pid": PROCESS, "tid": track, "args": arguments}


def _pauses(record: RunRecord, origin: float) -> Iterator[Event]:
    for item in record.synchronisations:
        yield {
            "ph": "X",
            "name": item.call,
            "cat": "synchronisation",
            "pid": PROCESS,
            "tid": PROGRAM,
            "ts": _microseconds(item.start, origin),
            "dur": _microseconds(max(item.stop, item.start), item.start),
            "args": {"tasks": len(item.tasks)},
        }


def _runs(lane: Lane, track: int, origin: float) -> Iterator[Event]:
    for bar in lane.bars:
        task, run = bar.task, bar.run
        yield {
            "ph": "X",
            "name": task.name,
            "cat": "task",
            "pid": PROCESS,
            "tid": track,
            "ts": _microseconds(run.start, origin),
            "dur": round(run.seconds * 1e6, 3),
            "args": {
                "task": task.task,
                "attempt": run.attempt,
                "groups": " / ".join(task.groups),
                "bytes_in": run.bytes_in,
                "bytes_out": run.bytes_out,
                "succeeded": run.succeeded,
                "error": task.error,
            },
        }


def _places(lanes: Sequence[Lane]) -> dict[int, _Place]:
    """Where each task ran to its end; the last time when it ran more than once."""
    places: dict[int, _Place] = {}
    for track, lane in _tracks(lanes):
        for bar in lane.bars:
            before = places.get(bar.task.task)
            if before is None or before.bar.run.stop < bar.run.stop:
                places[bar.task.task] = _Place(track, bar)
    return places


def _arrows(record: RunRecord, places: Mapping[int, _Place], origin: float) -> Iterator[Event]:
    number = 0
    for task in record.tasks:
        target = places.get(task.task)
        for parent in task.parents:
            source = places.get(parent.task)
            if source is None or target is None:
                continue
            number += 1
            run = source.bar.run
            # An arrow belongs to the slice that encloses its time stamp, so it starts just before the end.
            leaves = run.stop - min(1e-6, run.seconds / 2)
            shared = {"name": parent.label, "cat": "data", "id": number, "pid": PROCESS}
            yield {
                **shared, "ph": "s", "tid": source.track, "ts": _microseconds(leaves, origin)
            }  # fmt: skip
            yield {
                **shared, "ph": "f", "bp": "e", "tid": target.track,
                "ts": _microseconds(target.bar.run.start, origin),
            }  # fmt: skip


def _counters(lanes: Sequence[Lane], origin: float) -> Iterator[Event]:
    changes: dict[float, int] = {}
    for lane in lanes:
        for bar in lane.bars:
            changes[bar.run.start] = changes.get(bar.run.start, 0) + 1
            stop = bar.run.start + bar.run.seconds
            changes[stop] = changes.get(stop, 0) - 1
    running = 0
    for moment in sorted(changes):
        running += changes[moment]
        yield {
            "ph": "C",
            "name": "running tasks",
            "pid": PROCESS,
            "ts": _microseconds(moment, origin),
            "args": {"running": running},
        }
