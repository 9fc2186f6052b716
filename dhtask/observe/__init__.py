"""What a run looks like: live progress, task graph, timeline, summary.

An observer listens to a run (`Recorder`, `Progress`); everything else is a pure function of the `RunRecord` that a
`Recorder` gives out::

    recorder = Recorder()
    with dhtask.Runtime(observers=[recorder, Progress()]):
        ...
    write_graph(recorder.record(), "graph.svg")
    write_trace(recorder.record(), "trace.json")
"""

from __future__ import annotations

from dhtask._model.observation import Observation, Observer
from dhtask.observe.drawing import graph_svg
from dhtask.observe.export import check_graph_path, graph_dot, write_graph, write_trace
from dhtask.observe.progress import Progress
from dhtask.observe.record import (
    Parent,
    RecordFormatError,
    RunRecord,
    Synchronisation,
    TaskRecord,
    TaskRun,
)
from dhtask.observe.recorder import Recorder
from dhtask.observe.summary import FunctionSummary, print_summary, summarise
from dhtask.observe.timeline import timeline_svg
from dhtask.observe.trace import trace_json

__all__ = [
    "FunctionSummary",
    "Observation",
    "Observer",
    "Parent",
    "Progress",
    "RecordFormatError",
    "Recorder",
    "RunRecord",
    "Synchronisation",
    "TaskRecord",
    "TaskRun",
    "check_graph_path",
    "graph_dot",
    "graph_svg",
    "print_summary",
    "summarise",
    "timeline_svg",
    "trace_json",
    "write_graph",
    "write_trace",
]
