from __future__ import annotations

import re

import pytest

from dhcore import device
from dhcore.dtypes import as_dtype
from dhcore.errors import DeviceError, DtypeError, ShapeError
from dhcore.tensor import Tensor


@pytest.mark.parametrize("name", ["gpu", "cpu:x", "cpu:-1", "", "cpu:"])
def test_an_unknown_device_is_an_error_that_repeats_it(name: str) -> None:
    with pytest.raises(DeviceError, match=re.escape(repr(name))):
        device.as_device(name)


def test_the_default_device_comes_back_after_a_block_that_fails() -> None:
    before = device.current()
    with pytest.raises(ShapeError), device.use("reference"):
        Tensor([1.0, 2.0]).item()
    assert device.current() == before


def test_tensors_of_two_devices_do_not_mix() -> None:
    with pytest.raises(DeviceError, match="cpu and reference"):
        Tensor([1.0], device="cpu") + Tensor([1.0], device="reference")


@pytest.mark.parametrize("dtype", ["float16", "complex64", "nonsense", object])
def test_an_unsupported_dtype_is_an_error(dtype: object) -> None:
    with pytest.raises(DtypeError, match="float32"):
        as_dtype(dtype)  # type: ignore[arg-type]  # that is the point
