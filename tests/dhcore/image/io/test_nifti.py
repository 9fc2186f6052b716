from __future__ import annotations

import gzip
from pathlib import Path

import nibabel
import numpy as np
import pytest

from dhcore.image import (
    Image,
    ImageTooLargeError,
    TruncatedImageError,
    UnsupportedImageError,
    read,
    write,
)

_AFFINE = np.array([[-0.5, 0.1, 0.2, 9], [0.3, 0.7, 0, -4], [0, 0.2, 3, 1], [0, 0, 0, 1.0]])


def _save(path: Path, voxels: np.ndarray, affine: np.ndarray = _AFFINE, **header: object) -> Path:
    file = nibabel.Nifti1Image(voxels, affine)
    if "units" in header:
        file.header.set_xyzt_units(header["units"], "sec")
    nibabel.save(file, path)
    return path


@pytest.mark.parametrize("name", ["a.nii", "a.nii.gz", "a.img"])
def test_axes_are_those_of_nibabel_in_reverse(name: str, tmp_path: Path) -> None:
    voxels = np.random.default_rng(1).integers(0, 99, (4, 5, 6)).astype(np.int16)
    path = tmp_path / name
    if name.endswith(".img"):
        nibabel.save(nibabel.Nifti1Pair(voxels, _AFFINE), path)
        path = path.with_suffix(".hdr")
    else:
        _save(path, voxels)
    image = read(path)
    assert image.axes == "zyx"
    np.testing.assert_array_equal(image.pixels, voxels.T)
    np.testing.assert_allclose(np.asarray(image.affine), _AFFINE, atol=1e-6)


def test_scaling_is_applied(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    file = nibabel.Nifti1Image(np.arange(24, dtype=np.int16).reshape(2, 3, 4), np.eye(4))
    file.header.set_slope_inter(0.5, -10)
    file.to_filename(path)
    content = np.arange(24, dtype=np.int16)
    with path.open("r+b") as stream:
        stream.seek(352)
        stream.write(content.tobytes())
    image = read(path)
    assert image.dtype == np.float32
    np.testing.assert_allclose(image.pixels.ravel(), content * 0.5 - 10)


def test_an_uncompressed_volume_stays_on_disk_until_it_is_looked_at(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.nii", np.zeros((4, 5, 6), np.int16))
    base = read(path).pixels
    while not isinstance(base, np.memmap) and base.base is not None:
        base = base.base
    assert isinstance(base, np.memmap)


def test_changing_pixels_never_changes_the_file(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.nii", np.zeros((4, 5, 6), np.int16))
    before = path.read_bytes()
    read(path).pixels[...] = 7
    assert path.read_bytes() == before


def test_big_endian_files_are_read(tmp_path: Path) -> None:
    path = tmp_path / "a.nii"
    voxels = np.arange(24, dtype=">i2").reshape(2, 3, 4)
    nibabel.save(nibabel.Nifti1Image(voxels, np.eye(4), nibabel.Nifti1Header(endianness=">")), path)
    image = read(path)
    assert image.dtype.isnative
    np.testing.assert_array_equal(image.pixels, voxels.T)


def test_micrometres_become_millimetres(tmp_path: Path) -> None:
    path = _save(
        tmp_path / "a.nii",
        np.zeros((4, 5, 6), np.uint8),
        np.diag([2.0, 3.0, 4.0, 1.0]),
        units="micron",
    )
    image = read(path)
    assert image.spacing == pytest.approx((0.004, 0.003, 0.002))
    np.testing.assert_allclose(np.asarray(image.affine)[:3, :3], np.diag([0.002, 0.003, 0.004]))


def test_one_volume_of_a_series_has_its_own_voxels(tmp_path: Path) -> None:
    voxels = np.random.default_rng(1).random((4, 5, 6, 3)).astype(np.float32)
    image = read(_save(tmp_path / "a.nii.gz", voxels), frame=2)
    np.testing.assert_array_equal(image.pixels, voxels[..., 2].T)


def test_one_slice_of_a_volume_lies_where_it_did(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.nii", np.zeros((4, 5, 6), np.uint8))
    part = read(path, frame=3)
    assert part.axes == "yx"
    np.testing.assert_allclose(np.asarray(part.affine)[:, 3], _AFFINE @ [0, 0, 3, 1], atol=1e-6)


def test_colours_become_channels(tmp_path: Path) -> None:
    voxels = np.zeros((4, 5, 6), np.dtype([("R", "u1"), ("G", "u1"), ("B", "u1")]))
    voxels["G"] = 9
    image = read(_save(tmp_path / "a.nii", voxels))
    assert image.axes == "zyxc"
    assert image.pixels[0, 0, 0].tolist() == [0, 9, 0]


def test_the_written_affine_is_what_nibabel_reads(tmp_path: Path) -> None:
    write(Image(np.zeros((6, 5, 4), np.int16), "zyx", affine=_AFFINE), tmp_path / "a.nii")
    np.testing.assert_allclose(nibabel.load(tmp_path / "a.nii").affine, _AFFINE, atol=1e-6)


def test_a_packed_file_may_have_any_name(tmp_path: Path) -> None:
    path = _save(tmp_path / "a.nii", np.ones((4, 5, 6), np.uint8))
    packed, plain = tmp_path / "b.nii", tmp_path / "c.nii.gz"
    packed.write_bytes(gzip.compress(path.read_bytes()))
    plain.write_bytes(path.read_bytes())
    assert read(packed).pixels.sum() == read(plain).pixels.sum() == 120


def _with_dimensions(tmp_path: Path, *dimensions: int, packed: bool = False) -> Path:
    path = _save(tmp_path / "a.nii", np.zeros((4, 5, 6), np.float64))
    content = bytearray(path.read_bytes())
    content[40:56] = np.array(
        [len(dimensions), *dimensions, *[1] * (7 - len(dimensions))], "<i2"
    ).tobytes()
    path.write_bytes(gzip.compress(bytes(content)) if packed else bytes(content))
    return path


@pytest.mark.parametrize("packed", [False, True])
def test_a_header_that_promises_too_much_is_refused(packed: bool, tmp_path: Path) -> None:
    with pytest.raises((ImageTooLargeError, TruncatedImageError), match="header"):
        read(_with_dimensions(tmp_path, 32767, 32767, 32767, packed=packed))
    with pytest.raises(TruncatedImageError, match="header"):
        read(_with_dimensions(tmp_path, 1000, 1000, 100, packed=packed))


def test_a_fifth_dimension_and_complex_numbers_are_unsupported(tmp_path: Path) -> None:
    with pytest.raises(UnsupportedImageError, match="shape"):
        read(_save(tmp_path / "a.nii", np.zeros((2, 2, 2, 2, 3), np.uint8)))
    with pytest.raises(UnsupportedImageError, match="complex"):
        read(_save(tmp_path / "b.nii", np.zeros((2, 2, 2), np.complex64)))
