"""What every image format has to do; a new one in the registry is tested by adding what it can hold to `HOLDS`."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from dhcore.image import (
    EmptyImageError,
    Image,
    ImageFileError,
    ImageWriteError,
    MissingImageError,
    NotAnImageError,
    inspect,
    read,
    write,
)
from dhcore.image.io import FORMATS, format_of


@dataclass(frozen=True)
class Case:
    """An image that a file of that ending has to bring back."""

    suffix: str
    axes: str
    shape: tuple[int, ...]
    dtype: str
    lossless: bool = True
    spacing: bool = False

    def image(self) -> Image:
        random = np.random.default_rng(11)
        if np.dtype(self.dtype).kind == "f":
            pixels = random.normal(size=self.shape).astype(self.dtype)
        else:
            limits = np.iinfo(self.dtype)
            pixels = random.integers(
                limits.min, limits.max, self.shape, endpoint=True, dtype=self.dtype
            )
        if not self.lossless:
            ramp = np.linspace(0, 255, self.shape[0] * self.shape[1]).reshape(self.shape[:2])
            pixels = np.broadcast_to(
                ramp.reshape(ramp.shape + (1,) * (len(self.shape) - 2)), self.shape
            )
            pixels = pixels.astype(self.dtype)
        spatial = [letter for letter in self.axes if letter in "zyx"]
        spacing = (2.5, 0.75, 0.5)[-len(spatial) :] if self.spacing else None
        return Image(pixels, self.axes, spacing=spacing)


HOLDS = [
    *(Case(".png", "yx", (13, 17), dtype) for dtype in ("uint8", "uint16")),
    *(Case(".png", "yxc", (13, 17, n), dtype) for n in (3, 4) for dtype in ("uint8", "uint16")),
    Case(".jpg", "yx", (32, 40), "uint8", lossless=False),
    Case(".jpeg", "yxc", (32, 40, 3), "uint8", lossless=False),
    Case(".bmp", "yx", (13, 17), "uint8"),
    Case(".bmp", "yxc", (13, 17, 3), "uint8"),
    Case(".pgm", "yx", (13, 17), "uint8"),
    Case(".ppm", "yxc", (13, 17, 3), "uint8"),
    *(
        Case(".tif", "yx", (13, 17), d, spacing=True)
        for d in ("uint8", "int16", "uint16", "int32", "float32", "float64")
    ),
    *(Case(".tiff", "yxc", (13, 17, n), "uint8", spacing=True) for n in (3, 4)),
    Case(".tif", "yxc", (13, 17, 3), "uint16"),
    Case(".tif", "zyx", (5, 13, 17), "uint16"),
    Case(".tif", "zyxc", (5, 13, 17, 3), "uint8"),
    *(
        Case(".nii", "zyx", (5, 6, 7), d, spacing=True)
        for d in ("uint8", "int16", "uint16", "int32", "float32", "float64")
    ),
    Case(".nii.gz", "zyx", (5, 6, 7), "int16", spacing=True),
    Case(".nii.gz", "tzyx", (3, 5, 6, 7), "float32", spacing=True),
    Case(".nii", "yx", (6, 7), "uint8", spacing=True),
    *(Case(".dcm", "yx", (13, 17), d, spacing=True) for d in ("uint8", "uint16", "int16")),
    Case(".dcm", "yxc", (13, 17, 3), "uint8", spacing=True),
]
IDS = [
    f"{case.suffix}-{case.axes}{case.shape[-1] if 'c' in case.axes else ''}-{case.dtype}"
    for case in HOLDS
]
SUFFIXES = sorted({case.suffix for case in HOLDS})


def test_every_ending_of_the_registry_is_tested() -> None:
    assert sorted(suffix for found in FORMATS for suffix in found.suffixes) == SUFFIXES


@pytest.mark.parametrize("case", HOLDS, ids=IDS)
def test_what_is_written_is_read(case: Case, tmp_path: Path) -> None:
    image = case.image()
    write(image, tmp_path / f"a{case.suffix}")
    back = read(tmp_path / f"a{case.suffix}")
    assert (back.axes, back.shape, back.dtype, back.colour) == (
        image.axes,
        image.shape,
        image.dtype,
        image.colour,
    )
    if case.lossless:
        np.testing.assert_array_equal(back.pixels, image.pixels)
    else:
        assert np.abs(back.pixels.astype(int) - image.pixels.astype(int)).max() <= 6


@pytest.mark.parametrize("case", [case for case in HOLDS if case.spacing], ids=str)
def test_the_spacing_comes_back(case: Case, tmp_path: Path) -> None:
    image = case.image()
    write(image, tmp_path / f"a{case.suffix}")
    assert read(tmp_path / f"a{case.suffix}").spacing == pytest.approx(image.spacing)


@pytest.mark.parametrize("case", HOLDS, ids=IDS)
def test_the_header_says_what_the_pixels_will_be(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"a{case.suffix}"
    write(case.image(), path)
    header, image = inspect(path), read(path)
    assert (header.shape, header.axes, header.spacing) == (image.shape, image.axes, image.spacing)


@pytest.mark.parametrize("case", HOLDS, ids=IDS)
def test_the_content_and_not_the_name_says_what_a_file_is(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"a{case.suffix}"
    write(case.image(), path)
    other = path.rename(tmp_path / "no_ending")
    assert case.suffix in format_of(other).suffixes
    assert read(other).shape == case.shape


@pytest.mark.parametrize("case", HOLDS, ids=IDS)
def test_axes_in_another_order_are_written_the_same(case: Case, tmp_path: Path) -> None:
    image = case.image()
    write(image.transpose(case.axes[::-1]), tmp_path / f"a{case.suffix}")
    write(image, tmp_path / f"b{case.suffix}")
    first, second = read(tmp_path / f"a{case.suffix}"), read(tmp_path / f"b{case.suffix}")
    np.testing.assert_array_equal(first.pixels, second.pixels)
    assert first.spacing == second.spacing


@pytest.mark.parametrize("case", [case for case in HOLDS if case.axes[0] in "tz"], ids=str)
def test_one_frame_is_that_part_of_all_of_them(case: Case, tmp_path: Path) -> None:
    path = tmp_path / f"a{case.suffix}"
    write(case.image(), path)
    everything = read(path)
    for frame in range(case.shape[0]):
        part = read(path, frame=frame)
        assert part.axes == case.axes[1:]
        np.testing.assert_array_equal(part.pixels, everything.pixels[frame])
    with pytest.raises(ImageFileError, match="frame"):
        read(path, frame=case.shape[0])


@pytest.mark.parametrize("case", HOLDS, ids=IDS)
@pytest.mark.parametrize("kept", [0.1, 0.5, 0.9])
def test_a_file_that_ends_too_early_is_an_error_that_names_it(
    case: Case, kept: float, tmp_path: Path
) -> None:
    path = tmp_path / f"a{case.suffix}"
    write(case.image(), path)
    content = path.read_bytes()
    path.write_bytes(content[: int(len(content) * kept)])
    with pytest.raises(ImageFileError, match=path.name):
        read(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_missing_empty_and_foreign_files_are_told_apart(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    with pytest.raises(MissingImageError, match="no such file"):
        read(path)
    path.write_bytes(b"")
    with pytest.raises(EmptyImageError, match="empty"):
        read(path)
    path.write_text("location,label\na.png,1\n")
    with pytest.raises(NotAnImageError, match="not an image"):
        read(path)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_what_a_format_cannot_hold_leaves_no_file(suffix: str, tmp_path: Path) -> None:
    impossible = Image(np.zeros((2, 3, 4, 5, 6), np.complex128), "tzyxc")
    with pytest.raises(ImageWriteError, match="a" + suffix):
        write(impossible, tmp_path / f"a{suffix}")
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_a_file_that_cannot_be_replaced_stays_as_it_was(suffix: str, tmp_path: Path) -> None:
    path = tmp_path / f"a{suffix}"
    path.write_bytes(b"precious")
    with pytest.raises(ImageWriteError):
        write(Image(np.zeros((2, 2), np.complex64), "yx"), path)
    assert path.read_bytes() == b"precious"


def test_an_unknown_ending_lists_those_that_are_known(tmp_path: Path) -> None:
    with pytest.raises(ImageWriteError, match=r"\.nii\.gz"):
        write(Image(np.zeros((2, 2)), "yx"), tmp_path / "a.xyz")
