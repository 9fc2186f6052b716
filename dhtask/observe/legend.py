"""The key to the colours of a picture."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from dhtask.observe.svg import element, escaped, text_width
from dhtask.observe.words import short_name

NOTE_SIZE: Final = 10.5
MOST_ENTRIES: Final = 40


def note(x: float, y: float, text: str, *, size: float = NOTE_SIZE, anchor: str = "start") -> str:
    """Write a small line of text."""
    return element(
        "text",
        escaped(text),
        x=x,
        y=y,
        font_size=size,
        text_anchor=anchor,
        fill="currentColor",
        fill_opacity=0.75,
    )


def legend(
    functions: Mapping[str, int], colours: Mapping[str, str], width: float
) -> tuple[str, float]:
    """Draw a swatch, name and count for each function, in lines that fit a width.

    Args:
        functions: Number of tasks by name.
        colours: Colour by name.
        width: Available width in pixels.

    Returns:
        The markup, its upper left corner at the origin, and its height.
    """
    parts: list[str] = []
    x, y = 0.0, 0.0
    shown = list(functions.items())[:MOST_ENTRIES]
    for name, count in shown:
        text = f"{short_name(name)} × {count:,}"
        step = 22 + text_width(text, 12) + 18
        if x and x + step > width:
            x, y = 0.0, y + 22
        swatch = element(
            "rect",
            x=x,
            y=y,
            width=14,
            height=14,
            rx=4,
            fill=colours[name],
            stroke="currentColor",
            stroke_opacity=0.35,
        )
        parts += [swatch, note(x + 21, y + 11.5, text, size=12)]
        x += step
    if len(functions) > len(shown):
        y += 22
        parts.append(note(0, y + 11.5, f"and {len(functions) - len(shown):,} more", size=12))
    return "".join(parts), y + 14 if parts else 0.0
