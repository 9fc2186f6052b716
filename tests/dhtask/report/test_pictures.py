"""Overlays, label colours and grids."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from dhtask.errors import ConfigurationError
from dhtask.report import colour_labels, image_grid, overlay
from dhtask.report.pictures import AGREED, CONFUSED, FALSE, LABEL_COLOURS, MISSED, rgb

GREY = np.full((40, 40), 100, np.uint8)


def square(top: int, left: int, label: int = 1) -> NDArray[np.int64]:
    labels = np.zeros((40, 40), np.int64)
    labels[top : top + 16, left : left + 16] = label
    return labels


def mixed(colour: tuple[int, int, int], strength: float) -> list[int]:
    return [round(100 + (channel - 100) * strength) for channel in colour]


def test_nothing_is_drawn_where_neither_sees_anything() -> None:
    empty = np.zeros((40, 40), bool)
    assert np.array_equal(overlay(GREY, empty, empty), np.repeat(GREY[..., None], 3, axis=2))


def test_areas_have_the_colour_of_what_happened() -> None:
    truth, prediction = square(4, 2), square(4, 12)
    drawn = overlay(GREY, truth, prediction)
    assert drawn[12, 15].tolist() == mixed(AGREED, 0.22)
    assert drawn[12, 6].tolist() == mixed(MISSED, 0.5)
    assert drawn[12, 24].tolist() == mixed(FALSE, 0.5)
    assert drawn[30, 30].tolist() == [100, 100, 100]


def test_another_class_is_told_from_an_agreement() -> None:
    drawn = overlay(GREY, square(4, 4, 1), square(4, 4, 2))
    assert drawn[12, 12].tolist() == mixed(CONFUSED, 0.5)


def test_outlines_have_the_colour_of_their_owner() -> None:
    drawn = overlay(GREY, square(4, 4), square(8, 8))
    assert drawn[4, 10].tolist() == list(MISSED)
    assert drawn[23, 15].tolist() == list(FALSE)
    drawn = overlay(GREY, square(4, 4), square(4, 4))
    assert drawn[4, 10].tolist() == list(AGREED)


def test_the_border_of_the_image_is_not_an_outline() -> None:
    full = np.ones((40, 40), bool)
    assert np.unique(overlay(GREY, full, full).reshape(-1, 3), axis=0).tolist() == [
        mixed(AGREED, 0.22)
    ]


def test_touching_objects_of_two_classes_are_set_apart() -> None:
    labels = square(4, 4, 1) + square(4, 20, 2)
    assert overlay(GREY, labels, labels)[12, 19:21].tolist() == [list(AGREED)] * 2


def test_an_overlay_leaves_its_input_as_it_was() -> None:
    image = np.repeat(GREY[..., None], 3, axis=2)
    overlay(image, square(0, 0), square(4, 4))
    assert np.unique(image).tolist() == [100]


@pytest.mark.parametrize("shape", [(1, 1), (1, 40), (40, 1)])
def test_thin_images_can_be_drawn(shape: tuple[int, int]) -> None:
    mask = np.ones(shape, bool)
    assert overlay(np.zeros(shape, np.uint8), mask, ~mask).shape == (*shape, 3)


def test_masks_of_another_shape_are_refused() -> None:
    with pytest.raises(ConfigurationError, match=r"prediction.*\(40, 40\).*\(40, 39\)"):
        overlay(GREY, square(0, 0), square(0, 0)[:, :39])


def test_labels_have_colours_and_repeat_after_the_last_but_never_as_background() -> None:
    painted = colour_labels(np.arange(9)[None])
    assert [tuple(pixel) for pixel in painted[0, :8].tolist()] == list(LABEL_COLOURS)
    assert tuple(painted[0, 8].tolist()) == LABEL_COLOURS[1]


def test_a_grid_puts_small_images_in_the_middle() -> None:
    white = np.full((6, 10), 255, np.uint8)
    black = np.zeros((2, 2, 3), np.uint8)
    sheet = image_grid([white, black, white], columns=2, gap=3, background=255)
    assert sheet.shape == (15, 23, 3)
    rows, columns = np.nonzero(sheet[..., 0] == 0)
    assert (set(rows), set(columns)) == ({2, 3}, {17, 18})


@pytest.mark.parametrize("images, columns", [([], 2), ([GREY], 0)])
def test_a_grid_of_nothing_is_refused(images: list[Any], columns: int) -> None:
    with pytest.raises(ConfigurationError, match="at least one"):
        image_grid(images, columns=columns)


@pytest.mark.parametrize(
    "image",
    [
        np.zeros((2, 2, 4), np.uint8),
        np.zeros(4, np.uint8),
        np.zeros((2, 2), np.uint16),
    ],
    ids=["four channels", "one axis", "16 bits"],
)
def test_what_is_no_picture_is_refused(image: NDArray[Any]) -> None:
    with pytest.raises(ConfigurationError, match="expected an image"):
        rgb(image)


def test_floats_are_scaled_and_clipped() -> None:
    assert rgb(np.array([[-1.0, 0.5, 2.0, np.nan]]))[0, :, 0].tolist() == [0, 128, 255, 0]
