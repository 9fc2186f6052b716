"""Writing SVG: elements, documents, and how a picture sits in a page among others.

Colours are presentation attributes, so that a page may override them with CSS: text and lines use
``currentColor``, the sheet is a rectangle of class ``paper``. A picture is readable on its own on white, and
takes the colours of the page, dark ones too, when it is inlined.
"""

from __future__ import annotations

import re
from html import escape
from typing import Final

FONT: Final = "system-ui, -apple-system, 'Segoe UI', 'DejaVu Sans', Arial, sans-serif"
INK: Final = "#1f2430"
#: Mean advance of a character of the fonts above, as a share of the font size; wide on purpose.
ADVANCE: Final = 0.58


def element(tag: str, *children: str, **attributes: str | float) -> str:
    """Write one element.

    Args:
        tag: Name of the element.
        *children: Finished markup; wrap text in `escaped`.
        **attributes: Underscores become hyphens; a trailing one is dropped (``class_``).

    Example:
        >>> element("text", escaped("a < b"), x=1.50, class_="note", font_size=12)
        '<text x="1.5" class="note" font-size="12">a &lt; b</text>'
    """
    parts = [tag]
    parts += [
        f'{name.rstrip("_").replace("_", "-")}="{escape(_written(value))}"'
        for name, value in attributes.items()
    ]
    opening = " ".join(parts)
    return f"<{opening}>{''.join(children)}</{tag}>" if children else f"<{opening}/>"


def escaped(text: str) -> str:
    """Text made safe for markup; control characters, which XML forbids, become a replacement character."""
    return escape(re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f\ud800-\udfff\ufffe\uffff]", "\ufffd", text))


def text_width(text: str, font_size: float) -> float:
    """Estimated width of a line of text in pixels."""
    return len(text) * font_size * ADVANCE


def document(width: float, height: float, title: str, *children: str) -> str:
    """Write a whole picture.

    Args:
        width: In pixels; the picture shrinks with the page.
        height: In pixels.
        title: What the picture shows, for those who cannot see it.
        *children: Finished markup.
    """
    sheet = element("rect", class_="paper", width="100%", height="100%", fill="#ffffff")
    return element(
        "svg",
        element("title", escaped(title)),
        sheet,
        *children,
        xmlns="http://www.w3.org/2000/svg",
        viewBox=f"0 0 {_written(width)} {_written(height)}",
        width=width,
        height=height,
        role="img",
        color=INK,
        font_family=FONT,
    )


def namespaced(svg: str, prefix: str) -> str:
    """Put a prefix before every id of a picture, so that several can share a page.

    Example:
        >>> namespaced('<marker id="tip"/><path marker-end="url(#tip)"/>', "graph-")
        '<marker id="graph-tip"/><path marker-end="url(#graph-tip)"/>'
    """
    named = re.sub(r'(?<=[\s])id="', f'id="{prefix}', svg)
    named = re.sub(r"url\(#", f"url(#{prefix}", named)
    return re.sub(r'href="#', f'href="#{prefix}', named)


def _written(value: str | float) -> str:
    if isinstance(value, str):
        return re.sub(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", "\ufffd", value)
    return f"{value:.2f}".rstrip("0").rstrip(".")
