"""Pictures of segmentations, in colours that people with any colour vision can tell apart."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from dhtask.errors import ConfigurationError

Pixels = NDArray[np.uint8]
Labels = NDArray[Any]
Mask = NDArray[np.bool_]

#: Only the truth has it: green. Only the prediction has it: magenta. Both agree: white. Both, but of different
#: classes: amber. Green and magenta differ in lightness and in blue, which every colour vision keeps.
MISSED: Final = (30, 201, 76)
FALSE: Final = (232, 21, 200)
AGREED: Final = (255, 255, 255)
CONFUSED: Final = (255, 176, 0)

#: Colours of labels 0, 1, 2 ...; after Paul Tol's "bright" scheme.
LABEL_COLOURS: Final = (
    (24, 26, 32),
    (102, 204, 238),
    (238, 102, 119),
    (204, 187, 68),
    (34, 136, 51),
    (170, 51, 119),
    (68, 119, 170),
    (187, 187, 187),
)


def overlay(image: NDArray[Any], truth: Labels, prediction: Labels) -> Pixels:
    """Draw truth and prediction over an image.

    Areas are tinted and the outlines of both are drawn: white where they agree, green what was missed, magenta
    what was found falsely, amber where both see something but not the same class.

    Args:
        image: (height, width) or (height, width, 3), uint8; or floats from 0 to 1.
        truth: (height, width), booleans or labels; 0 is the background.
        prediction: Likewise.

    Returns:
        (height, width, 3), uint8.

    Raises:
        ConfigurationError: The shapes do not agree.

    Example:
        >>> grey = np.full((2, 2), 128, np.uint8)
        >>> overlay(grey, np.array([[1, 0], [0, 0]]), np.array([[1, 0], [0, 0]]))[0, 0].tolist()
        [255, 255, 255]
    """
    canvas = rgb(image).astype(np.float32)
    for name, labels in (("truth", truth), ("prediction", prediction)):
        if labels.shape != canvas.shape[:2]:
            raise ConfigurationError(
                f"{name} must have the shape of the image {canvas.shape[:2]}, found {labels.shape}"
            )
    expected, found = truth.astype(np.int64), prediction.astype(np.int64)
    inside, seen = expected != 0, found != 0
    _tint(canvas, inside & (expected == found), AGREED, 0.22)
    _tint(canvas, inside & ~seen, MISSED, 0.5)
    _tint(canvas, seen & ~inside, FALSE, 0.5)
    _tint(canvas, inside & seen & (expected != found), CONFUSED, 0.5)
    width = max(1, round(max(canvas.shape[:2]) / 360))
    true_line, found_line = _outline(expected, width), _outline(found, width)
    _tint(canvas, true_line & ~found_line, MISSED, 1.0)
    _tint(canvas, found_line & ~true_line, FALSE, 1.0)
    _tint(canvas, true_line & found_line, AGREED, 1.0)
    return np.round(canvas).astype(np.uint8)


def colour_labels(labels: Labels) -> Pixels:
    """Paint a map of labels, each label in a colour of its own.

    Args:
        labels: (height, width), booleans or labels from 0; colours repeat after the eighth.

    Returns:
        (height, width, 3), uint8.

    Example:
        >>> colour_labels(np.array([[False, True]])).tolist()
        [[[24, 26, 32], [102, 204, 238]]]
    """
    palette = np.array(LABEL_COLOURS, np.uint8)
    numbers = labels.astype(np.int64)
    wrapped = np.where(numbers > 0, (numbers - 1) % (len(palette) - 1) + 1, 0)
    return palette[wrapped]


def image_grid(
    images: Sequence[NDArray[Any]], *, columns: int, gap: int = 4, background: int = 255
) -> Pixels:
    """Set images side by side in rows; smaller ones stand in the middle of their cell.

    Args:
        images: (height, width) or (height, width, 3) each, uint8 or floats from 0 to 1.
        columns: Images in a row.
        gap: Pixels between images.
        background: Grey value of what is left over, 0 to 255.

    Returns:
        (height, width, 3), uint8.

    Raises:
        ConfigurationError: There are no images or no columns.

    Example:
        >>> image_grid([np.zeros((8, 8), np.uint8)] * 3, columns=2, gap=2).shape
        (18, 18, 3)
    """
    if not images or columns < 1:
        raise ConfigurationError(
            f"a grid needs at least one image and one column, found {len(images)} and {columns}"
        )
    coloured = [rgb(image) for image in images]
    height = max(image.shape[0] for image in coloured)
    width = max(image.shape[1] for image in coloured)
    across = min(columns, len(images))
    down = -(-len(images) // across)
    shape = (down * (height + gap) - gap, across * (width + gap) - gap, 3)
    sheet = np.full(shape, background, np.uint8)
    for number, image in enumerate(coloured):
        row, column = divmod(number, across)
        top = row * (height + gap) + (height - image.shape[0]) // 2
        left = column * (width + gap) + (width - image.shape[1]) // 2
        sheet[top : top + image.shape[0], left : left + image.shape[1]] = image
    return sheet


def rgb(image: NDArray[Any]) -> Pixels:
    """Bring an image to three channels of uint8.

    Args:
        image: (height, width), (height, width, 1) or (height, width, 3); uint8, booleans, or floats from 0 to 1.

    Returns:
        (height, width, 3), uint8.

    Raises:
        ConfigurationError: The shape or the type is none of these.

    Example:
        >>> rgb(np.array([[0.0, 1.0]])).tolist()
        [[[0, 0, 0], [255, 255, 255]]]
    """
    if image.ndim == 2:
        image = image[..., np.newaxis]
    if image.ndim != 3 or image.shape[2] not in {1, 3}:
        raise ConfigurationError(
            f"expected an image of shape (height, width[, 1 or 3]), found {image.shape}"
        )
    if image.dtype == np.bool_ or np.issubdtype(image.dtype, np.floating):
        # A NaN is drawn black rather than as whatever the conversion makes of it.
        scaled = np.nan_to_num(np.clip(image.astype(np.float64), 0.0, 1.0), nan=0.0) * 255
        image = np.round(scaled).astype(np.uint8)
    if image.dtype != np.uint8:
        raise ConfigurationError(
            f"expected an image of uint8 or floats from 0 to 1, found {image.dtype}; scale it first"
        )
    return np.ascontiguousarray(np.broadcast_to(image, (*image.shape[:2], 3)))


def _tint(canvas: NDArray[np.float32], where: Mask, colour: Sequence[int], strength: float) -> None:
    canvas[where] += (np.array(colour, np.float32) - canvas[where]) * np.float32(strength)


def _outline(labels: NDArray[np.int64], width: int) -> Mask:
    """Pixels of objects that lie within `width` of another label; the border of the image is not an outline."""
    inside: Mask = labels != 0
    line = np.zeros(labels.shape, np.bool_)
    for step in range(1, width + 1):
        for axis in (0, 1):
            if step >= labels.shape[axis]:
                continue
            ahead = np.take(labels, range(step, labels.shape[axis]), axis)
            behind = np.take(labels, range(labels.shape[axis] - step), axis)
            differs = ahead != behind
            first = [slice(None), slice(None)]
            second = [slice(None), slice(None)]
            first[axis], second[axis] = slice(None, -step), slice(step, None)
            line[tuple(first)] |= differs
            line[tuple(second)] |= differs
    return line & inside
