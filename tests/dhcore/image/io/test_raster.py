from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile
from PIL import Image as Pillow

from dhcore.image import (
    Image,
    ImageTooLargeError,
    TruncatedImageError,
    inspect,
    read,
    write,
)
from dhcore.image.io import png16


def _ramp() -> np.ndarray:
    return np.arange(12 * 8 * 3, dtype=np.uint8).reshape(12, 8, 3)


@pytest.mark.parametrize("orientation", range(1, 9))
def test_pictures_are_turned_as_exif_says(orientation: int, tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    exif = Pillow.Exif()
    exif[0x0112] = orientation
    Pillow.fromarray(_ramp()).save(path, exif=exif)
    # EXIF 2.3, 4.6.4: where row 0 and column 0 of the stored picture are in the scene.
    turned = {
        1: lambda a: a,
        2: np.fliplr,
        3: lambda a: np.rot90(a, 2),
        4: np.flipud,
        5: lambda a: a.swapaxes(0, 1),
        6: lambda a: np.rot90(a, -1),
        7: lambda a: np.rot90(a, 2).swapaxes(0, 1),
        8: np.rot90,
    }[orientation](_ramp())
    np.testing.assert_array_equal(read(path).pixels, turned)
    assert inspect(path).shape == turned.shape


def test_a_palette_is_read_as_colours_or_as_labels(tmp_path: Path) -> None:
    path = tmp_path / "labels.png"
    labels = np.array([[0, 1], [2, 1]], np.uint8)
    picture = Pillow.fromarray(labels, mode=None)
    picture = picture.convert("P")
    picture.putpalette([0, 0, 0, 255, 0, 0, 0, 0, 255])
    picture.putdata(labels.ravel().tolist())
    picture.save(path)
    assert read(path).pixels[0, 1].tolist() == [255, 0, 0]
    np.testing.assert_array_equal(read(path, palette="index").pixels, labels)


def test_one_bit_pictures_are_black_and_white(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pillow.fromarray(np.array([[True, False]])).save(path)
    assert read(path).pixels.tolist() == [[255, 0]]


@pytest.mark.parametrize("mode", ["CMYK", "YCbCr"])
def test_print_colours_become_rgb(mode: str, tmp_path: Path) -> None:
    path = tmp_path / "a.jpg"
    Pillow.new("RGB", (16, 16), (200, 30, 60)).convert(mode).save(path, quality=95)
    assert np.abs(read(path).pixels.reshape(-1, 3).mean(0) - [200, 30, 60]).max() < 6


def test_animations_have_a_time_axis(tmp_path: Path) -> None:
    path = tmp_path / "a.gif"
    frames = [Pillow.new("L", (5, 4), value) for value in (0, 90, 180)]
    frames[0].save(path, save_all=True, append_images=frames[1:])
    image = read(path)
    assert image.axes[0] == "t"
    assert image.count("t") == 3
    assert read(path, frame=2).pixels.max() == 180


@pytest.mark.parametrize("filter_type", range(5))
def test_every_filter_of_png_is_undone(filter_type: int) -> None:
    random = np.random.default_rng(filter_type)
    data = random.integers(0, 256, (6, 24)).astype(np.uint8)
    lines = np.zeros((6, 25), np.uint8)
    lines[:, 0] = filter_type
    for y in range(6):
        for x in range(24):
            a = int(data[y, x - 6]) if x >= 6 else 0
            b = int(data[y - 1, x]) if y else 0
            c = int(data[y - 1, x - 6]) if y and x >= 6 else 0
            nearest = min((abs(b - c), 0, a), (abs(a - c), 1, b), (abs(a + b - 2 * c), 2, c))[2]
            guess = (0, a, b, (a + b) // 2, nearest)[filter_type]
            lines[y, x + 1] = (int(data[y, x]) - guess) % 256
    np.testing.assert_array_equal(png16._unfilter(lines, 6), data)


def test_a_damaged_checksum_of_a_sixteen_bit_picture_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    write(Image(np.ones((9, 9, 3), np.uint16), "yxc"), path)
    content = bytearray(path.read_bytes())
    content[50] ^= 1
    path.write_bytes(bytes(content))
    with pytest.raises(TruncatedImageError, match="IDAT"):
        read(path)


def _png_header(width: int, height: int, depth: int = 8) -> bytes:
    import struct
    import zlib

    body = struct.pack(">IIBBBBB", width, height, depth, 2, 0, 0, 0)
    chunk = b"IHDR" + body
    return (
        b"\x89PNG\r\n\x1a\n"
        + struct.pack(">I", 13)
        + chunk
        + struct.pack(">I", zlib.crc32(chunk))
        + struct.pack(">I", 64)
        + b"IDAT"
        + b"\0" * 64
    )


@pytest.mark.parametrize("depth", [8, 16])
@pytest.mark.parametrize(
    ("width", "height"), [(2**31 - 1, 2**31 - 1), (100_000, 100_000), (9_000, 9_000)]
)
def test_absurd_dimensions_are_refused_before_memory_is_taken(
    width: int, height: int, depth: int, tmp_path: Path
) -> None:
    path = tmp_path / "bomb.png"
    path.write_bytes(_png_header(width, height, depth))
    with pytest.raises((ImageTooLargeError, TruncatedImageError), match=r"bomb\.png"):
        read(path)


def test_a_frame_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "a.png"
    Pillow.new("L", (4, 4)).save(path)
    with pytest.raises(TruncatedImageError, match="frame 1"):
        read(path, frame=1)


@pytest.mark.parametrize(
    "compression", [None, "tiff_lzw", "jpeg", "packbits", "tiff_adobe_deflate"]
)
def test_tiff_of_every_usual_compression_is_read(compression: str | None, tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    smooth = np.linspace(0, 255, 32 * 40 * 3).reshape(32, 40, 3).astype(np.uint8)
    Pillow.fromarray(smooth).save(path, compression=compression)
    assert np.abs(read(path).pixels.astype(int) - smooth).max() <= (
        12 if compression == "jpeg" else 0
    )


def test_tiff_with_inverted_grey_reads_bright_as_bright(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.array([[0, 255]], np.uint8), photometric="miniswhite")
    assert read(path).pixels.tolist() == [[255, 0]]


def test_tiff_planes_become_channels_last(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    planes = np.random.default_rng(1).integers(0, 256, (3, 20, 30)).astype(np.uint8)
    tifffile.imwrite(path, planes, photometric="rgb", planarconfig="separate")
    np.testing.assert_array_equal(read(path).pixels, planes.transpose(1, 2, 0))
    assert inspect(path).shape == (20, 30, 3)


def test_a_pyramid_is_read_at_its_first_level(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    with tifffile.TiffWriter(path) as file:
        for edge in (64, 32, 16):
            file.write(np.full((edge, edge), edge, np.uint8))
    assert read(path).shape == (64, 64)


def test_resolutions_for_paper_are_no_spacing(tmp_path: Path) -> None:
    path = tmp_path / "a.tif"
    tifffile.imwrite(path, np.zeros((4, 4), np.uint8), resolution=(72, 72), resolutionunit="INCH")
    assert read(path).spacing is None
