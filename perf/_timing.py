"""The one timer of the benchmarks: interleaved, warmed up, medians and spread, with the facts of the machine.

::

    rounds    ours peer ours peer ours peer ...      what drifts (clock, heat, neighbours) drifts for both

A script makes functions, :func:`interleave` times them, :func:`compare` makes rows, :func:`finish` prints them and
writes them as JSON. The ratio is peer / ours: above 1 we are faster.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import statistics
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Sample:
    """Times of one function, in seconds."""

    times: tuple[float, ...]

    @property
    def median(self) -> float:
        return statistics.median(self.times)

    @property
    def spread(self) -> float:
        """Distance between the quartiles, as a share of the median."""
        if len(self.times) < 2:
            return 0.0
        low, _, high = statistics.quantiles(self.times, n=4, method="inclusive")
        return (high - low) / self.median


@dataclass(frozen=True, slots=True)
class Row:
    """Ours against one peer in one case; seconds for one call."""

    case: str
    peer: str
    ours_s: float
    peer_s: float
    #: peer / ours.
    ratio: float
    ours_spread: float
    peer_spread: float


def arguments(description: str) -> argparse.Namespace:
    """Read the command line that every benchmark has: --quick, --json FILE, --case TEXT."""
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument(
        "--quick", action="store_true", help="fewer rounds: to see that it runs, not to quote"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the rows there too")
    parser.add_argument(
        "--case", default="", metavar="TEXT", help="only cases whose name contains this"
    )
    return parser.parse_args()


def interleave(
    functions: Mapping[str, Callable[[], object]], *, rounds: int, warm_up: int = 2, calls: int = 1
) -> dict[str, Sample]:
    """Time functions in turn.

    Args:
        functions: What to time, by name.
        rounds: How often each has its turn.
        warm_up: Calls of each before the first round, not counted.
        calls: Calls in a turn; one time is the mean of a turn.
    """
    for function in functions.values():
        for _ in range(warm_up):
            function()
    times: dict[str, list[float]] = {name: [] for name in functions}
    for _ in range(rounds):
        for name, function in functions.items():
            start = time.perf_counter()
            for _ in range(calls):
                function()
            times[name].append((time.perf_counter() - start) / calls)
    return {name: Sample(tuple(values)) for name, values in times.items()}


def compare(case: str, samples: Mapping[str, Sample], ours: str = "ours") -> list[Row]:
    """Return a row for each peer."""
    mine = samples[ours]
    return [
        Row(
            case,
            name,
            mine.median,
            peer.median,
            peer.median / mine.median,
            mine.spread,
            peer.spread,
        )
        for name, peer in samples.items()
        if name != ours
    ]


def finish(rows: Sequence[Row], options: argparse.Namespace) -> None:
    """Print the rows, and write them with the machine's facts where --json says."""
    facts = machine()
    print(", ".join(f"{key} {value}" for key, value in facts.items()))
    width = max((len(row.case) for row in rows), default=4)
    other = max((len(row.peer) for row in rows), default=4)
    print(
        f"{'case':{width}}  {'peer':{other}}  {'ours ms':>10}  {'peer ms':>10}  {'ratio':>6}  spread"
    )
    for row in rows:
        print(
            f"{row.case:{width}}  {row.peer:{other}}  {1e3 * row.ours_s:10.3f}  {1e3 * row.peer_s:10.3f}  "
            f"{row.ratio:6.2f}  {row.ours_spread:.0%} / {row.peer_spread:.0%}"
        )
    if options.json is not None:
        options.json.parent.mkdir(parents=True, exist_ok=True)
        document = {"machine": facts, "quick": options.quick, "rows": [asdict(row) for row in rows]}
        options.json.write_text(json.dumps(document, indent=2) + "\n")


def machine() -> dict[str, object]:
    """Return what a figure depends on beside the code."""
    return {
        "processor": _processor(),
        "cores": len(os.sched_getaffinity(0))
        if hasattr(os, "sched_getaffinity")
        else os.cpu_count(),
        "load": round(os.getloadavg()[0], 2),
        "system": f"{platform.system()} {platform.machine()}",
        "python": platform.python_version(),
    }


def _processor() -> str:
    information = Path("/proc/cpuinfo")
    if information.exists():
        for line in information.read_text().splitlines():
            if line.startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or "unknown"
