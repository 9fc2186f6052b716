"""A colour for each function, the same in every picture of a run."""

from __future__ import annotations

import colorsys
from collections.abc import Iterable
from typing import Final

#: After Paul Tol's "muted" scheme, lightened so that dark text is readable on all (contrast above 4.5); safe for
#: red-green blindness. https://personal.sron.nl/~pault/
PALETTE: Final = (
    "#88ccee",
    "#ddcc77",
    "#7fc9a5",
    "#e08f9c",
    "#b7a8e0",
    "#c9d27f",
    "#f0a875",
    "#9fb3d1",
    "#d99fcf",
    "#8fd6cf",
)
#: Text on any of them, in light and dark pages alike.
TEXT: Final = "#14181f"
FAILURE: Final = "#c0392b"


def colours_of(names: Iterable[str]) -> dict[str, str]:
    """Colours by name, in the order in which names first appear.

    Example:
        >>> colours_of(["load", "train", "load"])
        {'load': '#88ccee', 'train': '#ddcc77'}
    """
    colours: dict[str, str] = {}
    for name in names:
        if name not in colours:
            colours[name] = _colour(len(colours))
    return colours


def _colour(number: int) -> str:
    if number < len(PALETTE):
        return PALETTE[number]
    # The golden angle never repeats a hue and keeps neighbours far apart.
    hue = number * 0.381966 % 1.0
    red, green, blue = colorsys.hls_to_rgb(hue, 0.74, 0.45)
    return f"#{round(red * 255):02x}{round(green * 255):02x}{round(blue * 255):02x}"
