"""Counts, time spans, sizes and names as people read them."""

from __future__ import annotations

from typing import Final

LONGEST_LABEL: Final = 28


def short_name(name: str) -> str:
    """A function's name as a label: without the functions it was defined in, and not too long.

    Example:
        >>> short_name("main.<locals>.gradient")
        'gradient'
    """
    label = name.rsplit("<locals>.", 1)[-1]
    return label if len(label) <= LONGEST_LABEL else f"{label[: LONGEST_LABEL - 1]}…"


def plural(count: int, noun: str) -> str:
    """A count with its noun.

    Example:
        >>> plural(1, "task"), plural(1200, "task")
        ('1 task', '1,200 tasks')
    """
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def duration(seconds: float) -> str:
    """A time span for people, with three figures.

    Example:
        >>> [duration(s) for s in (0.00042, 0.25, 12.5, 75.0, 3700.0)]
        ['420 µs', '250 ms', '12.5 s', '1 min 15 s', '1 h 02 min']
    """
    if seconds == 0:
        return "0 s"
    if seconds >= 3599.5:
        minutes = round(seconds / 60)
        return f"{minutes // 60} h {minutes % 60:02d} min"
    if seconds >= 59.95:
        return f"{round(seconds) // 60} min {round(seconds) % 60:02d} s"
    for factor, unit in ((1.0, "s"), (1e3, "ms"), (1e6, "µs")):
        if seconds * factor >= 0.9995 or unit == "µs":
            return f"{seconds * factor:.3g} {unit}"
    raise AssertionError(seconds)


def data_size(count: float) -> str:
    """A number of bytes for people, in powers of 1000.

    Example:
        >>> [data_size(n) for n in (0, 999, 1500, 2_340_000)]
        ['0 B', '999 B', '1.5 kB', '2.34 MB']
    """
    for factor, unit in ((1, "B"), (1e3, "kB"), (1e6, "MB"), (1e9, "GB")):
        if count < 999.5 * factor:
            return f"{count / factor:.3g} {unit}"
    return f"{count / 1e12:.3g} TB"
