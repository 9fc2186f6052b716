from __future__ import annotations

import numpy as np
import pytest
from pydicom.dataset import Dataset
from pydicom.pixels import apply_voi_lut, apply_windowing

from dhcore.image import (
    AxesError,
    Image,
    display,
    normalise,
    normalise_minmax,
    normalise_percentile,
    threshold,
)


def test_normalising_gives_every_channel_mean_zero_and_deviation_one() -> None:
    pixels = np.random.default_rng(1).normal([10, 50, -3], [2, 9, 0.1], (40, 50, 3))
    values = normalise(Image(pixels, "yxc")).pixels
    assert values.dtype == np.float32
    np.testing.assert_allclose(values.mean(axis=(0, 1)), 0, atol=1e-5)
    np.testing.assert_allclose(values.std(axis=(0, 1)), 1, atol=1e-5)


def test_normalising_with_given_figures_is_the_formula() -> None:
    pixels = np.random.default_rng(1).random((3, 4, 5))
    values = normalise(Image(pixels, "cyx"), (0.1, 0.2, 0.3), (1, 2, 4)).pixels
    for channel, (mean, deviation) in enumerate([(0.1, 1), (0.2, 2), (0.3, 4)]):
        np.testing.assert_allclose(
            values[channel], (pixels[channel] - mean) / deviation, rtol=1e-6, atol=1e-6
        )


def test_a_constant_image_normalises_to_zero() -> None:
    image = Image(np.full((4, 4), 7, np.uint8), "yx")
    for change in (normalise, normalise_minmax, normalise_percentile):
        assert (change(image).pixels == 0).all()


@pytest.mark.parametrize(("mean", "deviation"), [((1, 2), 1), (0, 0), (0, -1)])
def test_figures_that_do_not_fit_are_refused(mean: object, deviation: object) -> None:
    with pytest.raises(AxesError):
        normalise(Image(np.zeros((4, 4, 3)), "yxc"), mean, deviation)  # type: ignore[arg-type]  # that is the point


def test_percentiles_are_those_of_numpy() -> None:
    pixels = np.random.default_rng(1).normal(size=(30, 30))
    low, high = np.percentile(pixels, [5, 90])
    expected = np.clip((pixels - low) / (high - low), 0, 1)
    np.testing.assert_allclose(
        normalise_percentile(Image(pixels, "yx"), 5, 90).pixels, expected, atol=1e-6
    )


def test_a_threshold_is_strict() -> None:
    assert threshold(Image(np.array([[126, 127, 128]], np.uint8), "yx"), 127).pixels.tolist() == [
        [0, 0, 1]
    ]


@pytest.mark.parametrize("function", ["LINEAR", "LINEAR_EXACT", "SIGMOID"])
@pytest.mark.parametrize("window", [(40.0, 400.0), (0.0, 15.0), (-600.0, 1500.0)])
def test_windows_agree_with_pydicom(function: str, window: tuple[float, float]) -> None:
    dataset = Dataset()
    dataset.PhotometricInterpretation = "MONOCHROME2"
    dataset.PixelRepresentation, dataset.BitsStored, dataset.BitsAllocated = 1, 16, 16
    dataset.WindowCenter, dataset.WindowWidth = window
    dataset.VOILUTFunction = function
    values = np.arange(-2000, 2000, 7, dtype=np.int16).reshape(1, -1)
    # pydicom maps to the range of the stored bits, we to 0..255.
    expected = (apply_windowing(values, dataset).astype(np.float64) + 2**15) / (2**16 - 1) * 255
    image = Image(values, "yx", metadata={"window": window, "window_function": function})
    assert np.abs(display(image).pixels - expected).max() <= 0.51


def test_look_up_tables_agree_with_pydicom() -> None:
    table = np.random.default_rng(1).permutation(256).astype(np.uint16)
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [256, 100, 8], table.tolist()
    item["LUTDescriptor"].VR = "US"
    dataset = Dataset()
    dataset.VOILUTSequence = [item]
    values = np.arange(0, 500, dtype=np.uint16).reshape(1, -1)
    image = Image(values, "yx", metadata={"voi_lut": (100.0, table, 8), "window": (10.0, 5.0)})
    shown = display(image).pixels
    # Beyond the table pydicom 3.0.2 wraps around in eight bits; PS3.3 C.11.2.1.1 wants the last entry.
    np.testing.assert_array_equal(shown[:, :356], apply_voi_lut(values[:, :356], dataset))
    assert (shown[:, 356:] == table[-1]).all()


def test_monochrome1_is_shown_inverted() -> None:
    values = np.array([[0, 128, 255]], np.uint8)
    shown = display(Image(values, "yx", metadata={"photometric": "MONOCHROME1"}))
    assert shown.pixels.tolist() == [[255, 127, 0]]


def test_what_was_shown_once_is_not_inverted_again() -> None:
    image = Image(
        np.array([[0.0, 1.0]]), "yx", metadata={"photometric": "MONOCHROME1", "window": (0.5, 1.0)}
    )
    once = display(image)
    np.testing.assert_array_equal(display(once).pixels, once.pixels)
