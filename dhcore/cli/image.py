"""`dhcore image`: what a file is."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

import numpy as np

from dhcore.cli.parser import add_group
from dhcore.image import inspect, orientation, read

__all__ = ["add_commands"]

_EXAMPLE = "dhcore image info scan.nii.gz"


def add_commands(commands: Any) -> None:
    """Add `image info`.

    Args:
        commands: where to add it.
    """
    group = add_group(commands, "image", "Look at image files.", _EXAMPLE)
    info = group.add_parser(
        "info",
        help="format, size, type, spacing and values of a file",
        description="Format, size, type, spacing and values of a file, or of a folder of DICOM slices.",
        epilog=f"example:\n  {_EXAMPLE}",
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    info.add_argument("file", type=Path, help="PNG, JPEG, TIFF, DICOM, NIfTI, ...; or a folder")
    info.set_defaults(run=_info)


def _info(arguments: argparse.Namespace) -> int:
    path: Path = arguments.file
    if not path.is_dir():
        header = inspect(path)
        _line("format", ", ".join((header.format, *header.details)))
    image = read(path)
    _line(
        "size",
        "  ".join(f"{axis} {count}" for axis, count in zip(image.axes, image.shape, strict=True)),
    )
    _line("pixels", f"{image.dtype} {image.colour}")
    if image.spacing is not None:
        _line(
            "spacing",
            "  ".join(
                f"{a} {s:.4g} mm" for a, s in zip(image.spatial_axes, image.spacing, strict=True)
            ),
        )
    if image.affine is not None:
        _line("orientation", orientation(image.affine))
    low, high, mean = (
        np.min(image.pixels),
        np.max(image.pixels),
        np.mean(image.pixels, dtype=np.float64),
    )
    _line("values", f"{low} to {high}, mean {mean:.4g}")
    if "window" in image.metadata:
        centre, width = image.metadata["window"]
        _line("window", f"centre {centre:g}, width {width:g}")
    return 0


def _line(name: str, text: str) -> None:
    print(f"{name:12s} {text}")
