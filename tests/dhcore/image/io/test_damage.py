"""Damaged files: an ImageFileError or an image, nothing else, and never memory without bounds."""

from __future__ import annotations

import contextlib
import resource
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from dhcore.image import Image, ImageFileError, inspect, read, write
from tests.dhcore.image.io.dicom_files import save, slice_dataset

_NAMES = ["a.png", "wide.png", "a.jpg", "a.tif", "a.bmp", "a.nii", "a.nii.gz", "a.dcm", "rle.dcm"]
_LIMIT = 6 * 2**30


@pytest.fixture(scope="module")
def originals(tmp_path_factory: pytest.TempPathFactory) -> dict[str, bytes]:
    from pydicom.uid import RLELossless

    folder = tmp_path_factory.mktemp("originals")
    picture = np.arange(20 * 30, dtype=np.uint8).reshape(20, 30)
    for name in ("a.png", "a.jpg", "a.tif", "a.bmp", "a.dcm"):
        write(Image(picture, "yx", spacing=(1.0, 1.0), affine=np.eye(4)), folder / name)
    write(Image(np.ones((9, 10, 3), np.uint16), "yxc"), folder / "wide.png")
    for name in ("a.nii", "a.nii.gz"):
        write(Image(np.ones((4, 5, 6), np.int16), "zyx"), folder / name)
    dataset = slice_dataset(picture)
    dataset.compress(RLELossless)
    save(folder / "rle.dcm", dataset)
    return {name: (folder / name).read_bytes() for name in _NAMES}


@pytest.fixture(scope="module", autouse=True)
def _address_space_is_bounded() -> Iterator[None]:
    """A header that asks for more than a few GiB fails here even if the pages would never be touched."""
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (used + _LIMIT, hard))
    yield
    resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def _is_image_or_error(path: Path) -> None:
    for action in (inspect, read):
        with contextlib.suppress(ImageFileError):
            action(path)


@pytest.mark.parametrize("name", _NAMES)
@settings(
    max_examples=120,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(data=st.data())
def test_flipped_and_missing_bytes_give_an_error_or_an_image(
    name: str, originals: dict[str, bytes], tmp_path: Path, data: st.DataObject
) -> None:
    content = bytearray(originals[name])
    header = min(len(content), 420)
    for _ in range(data.draw(st.integers(1, 6), label="changes")):
        place = data.draw(st.integers(0, header - 1), label="place")
        content[place] = data.draw(
            st.sampled_from([0, 1, 127, 128, 255, content[place] ^ 16]), label="byte"
        )
    if data.draw(st.booleans(), label="cut"):
        del content[data.draw(st.integers(1, len(content) - 1), label="length") :]
    path = tmp_path / name
    path.write_bytes(bytes(content))
    _is_image_or_error(path)


@pytest.mark.parametrize("name", _NAMES)
def test_noise_after_a_signature_is_an_error(
    name: str, originals: dict[str, bytes], tmp_path: Path
) -> None:
    noise = np.random.default_rng(4).integers(0, 256, 5000).astype(np.uint8).tobytes()
    for kept in (4, 8, 132, 348):
        path = tmp_path / name
        path.write_bytes(originals[name][:kept] + noise)
        _is_image_or_error(path)


@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(st.binary(max_size=600))
def test_any_bytes_at_all_give_an_error_or_an_image(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "a"
    path.write_bytes(content)
    _is_image_or_error(path)
