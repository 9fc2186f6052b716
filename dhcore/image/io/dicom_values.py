"""What the stored numbers of a DICOM file mean: rescaling, look-up tables, palettes, windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dhcore.image.io.dicom_geometry import functional_group
from dhcore.image.io.format import Palette

__all__ = ["display_of", "meaning_of", "rescaled"]

_WINDOW_FUNCTIONS: Final = {"LINEAR", "LINEAR_EXACT", "SIGMOID"}


def meaning_of(
    dataset: Any, frames: Sequence[NDArray[Any]], numbers: NDArray[Any], palette: Palette
) -> tuple[NDArray[Any], bool]:
    """The values of decoded frames, stacked, and whether they are colours.

    Args:
        dataset: the attributes.
        frames: (rows, columns) or (rows, columns, 3) each.
        numbers: which frames of the file these are.
        palette: "index" leaves palette indices alone.
    """
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR" and palette == "colour":
        from pydicom.pixels import apply_color_lut

        colours = np.stack([apply_color_lut(frame, dataset)[..., :3] for frame in frames])
        # Tables have 16 bits, screens 8; some writers put 8-bit colours into the wide table.
        return (colours >> 8 if colours.max() > 255 else colours).astype(np.uint8), True
    if int(dataset.get("SamplesPerPixel", 1)) > 1:
        return np.stack(frames), True
    if dataset.get("PhotometricInterpretation") == "PALETTE COLOR":
        return np.stack(frames), False
    return np.stack(_modality(dataset, frames, numbers)), False


def rescaled(values: NDArray[Any], slope: float, intercept: float) -> NDArray[Any]:
    """`slope v + intercept`, in integers where nothing is lost, else float32, or float64 for wide input.

    Args:
        values: stored values.
        slope: rescale slope.
        intercept: rescale intercept.

    >>> rescaled(np.array([0, 1000], np.uint16), 1.0, -1024.0)
    array([-1024,   -24], dtype=int16)
    >>> rescaled(np.array([0, 3], np.uint16), 0.5, 0.0)
    array([0. , 1.5], dtype=float32)
    """
    if slope == 1.0 and intercept == 0.0:
        return values
    if (
        slope == 1.0
        and float(intercept).is_integer()
        and values.dtype.kind in "iu"
        and values.dtype.itemsize <= 2
    ):
        moved = values.astype(np.int32) + int(intercept)
        limits = np.iinfo(np.int16)
        fits = limits.min <= moved.min() and moved.max() <= limits.max
        return moved.astype(np.int16) if fits else moved
    wide = np.float32 if values.dtype.itemsize <= 2 else np.float64
    return (values.astype(np.float64) * slope + intercept).astype(wide)


def display_of(dataset: Any) -> dict[str, Any]:
    """How the file wants to be shown: the entries `window`, `window_function`, `voi_lut` of `Image.metadata`.

    Args:
        dataset: the attributes.
    """
    facts: dict[str, Any] = {}
    source = functional_group(dataset, 0, "FrameVOILUTSequence") or dataset
    try:
        centre, width = _first(source.get("WindowCenter")), _first(source.get("WindowWidth"))
    except (TypeError, ValueError):
        centre = width = None
    if centre is not None and width is not None and width > 0:
        facts["window"] = (centre, width)
        named = str(source.get("VOILUTFunction", "LINEAR") or "LINEAR")
        facts["window_function"] = named if named in _WINDOW_FUNCTIONS else "LINEAR"
    table = _table(dataset.get("VOILUTSequence"))
    if table is not None:
        facts["voi_lut"] = table
    return facts


def _modality(
    dataset: Any, frames: Sequence[NDArray[Any]], numbers: NDArray[Any]
) -> list[NDArray[Any]]:
    table = _table(dataset.get("ModalityLUTSequence"))
    if table is not None:
        first, entries, _ = table
        return [
            entries[np.clip(frame.astype(np.int64) - int(first), 0, len(entries) - 1)]
            for frame in frames
        ]
    values = []
    for frame, number in zip(frames, numbers, strict=True):
        source = (
            functional_group(dataset, int(number), "PixelValueTransformationSequence") or dataset
        )
        slope, intercept = source.get("RescaleSlope"), source.get("RescaleIntercept")
        values.append(rescaled(frame, *_line(slope, intercept)))
    wide = np.result_type(*values)
    return [value.astype(wide, copy=False) for value in values]


def _line(slope: Any, intercept: Any) -> tuple[float, float]:
    try:
        pair = (
            float(1.0 if slope is None else slope),
            float(0.0 if intercept is None else intercept),
        )
    except (TypeError, ValueError):
        return 1.0, 0.0
    return pair if pair[0] and np.isfinite(pair).all() else (1.0, 0.0)


def _first(value: Any) -> float | None:
    if value is None or value == "":
        return None
    return (
        float(value[0])
        if isinstance(value, Sequence) and not isinstance(value, str)
        else float(value)
    )


def _table(sequence: Any) -> tuple[float, NDArray[Any], int] | None:
    """First mapped value, entries and their bits of a look-up table (PS3.3 C.11.1.1)."""
    if not sequence or "LUTDescriptor" not in sequence[0] or "LUTData" not in sequence[0]:
        return None
    count, first, bits = (int(number) for number in sequence[0].LUTDescriptor)
    data = sequence[0].LUTData
    if isinstance(data, bytes):
        entries = np.frombuffer(data, np.uint8 if len(data) == (count or 2**16) else "<u2")
    else:
        entries = np.asarray(data)
    entries = entries.astype(np.uint8 if bits <= 8 else np.uint16)[: count or 2**16]
    return (float(first), entries, bits) if len(entries) else None
