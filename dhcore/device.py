"""Where tensors live and operations run.

A device is a name and an index. Which kernels run on it is decided in one place, the registry of
:mod:`dhcore._backends`; nothing else asks what kind of device a tensor is on.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final, final

from dhcore.errors import DeviceError

__all__ = ["KINDS", "Device", "as_device", "current", "use"]

#: Kinds of device that have kernels: the definition of every operation in NumPy, and the fast one.
KINDS: Final = ("reference", "cpu")


@final
@dataclass(frozen=True, slots=True)
class Device:
    """One place where arrays live.

    Args:
        kind: ``"reference"`` (NumPy, slow, defines the meaning) or ``"cpu"``.
        index: Which one, where there are several.

    Raises:
        DeviceError: There are no kernels for that kind.

    >>> str(Device("cpu")), str(Device("cpu", 1))
    ('cpu', 'cpu:1')
    """

    kind: str
    index: int = 0

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise DeviceError(f"expected a device among {', '.join(KINDS)}; found {self.kind!r}")
        if self.index < 0:
            raise DeviceError(f"expected a device index of 0 or more; found {self.index!r}")

    def __str__(self) -> str:
        return self.kind if self.index == 0 else f"{self.kind}:{self.index}"


_DEFAULT: Final = Device("cpu")
_current: Final[ContextVar[Device | None]] = ContextVar("dhcore_device", default=None)


def as_device(device: Device | str) -> Device:
    """Read a device from its name.

    Args:
        device: ``"cpu"``, ``"cpu:1"`` or a device.

    Raises:
        DeviceError: There is no such device.

    >>> as_device("cpu:1")
    Device(kind='cpu', index=1)
    """
    if isinstance(device, Device):
        return device
    kind, colon, index = device.partition(":")
    if colon and not index.isdecimal():
        raise DeviceError(f"expected a device such as 'cpu' or 'cpu:1'; found {device!r}")
    return Device(kind, int(index) if colon else 0)


def current() -> Device:
    """Return the device on which new tensors are made.

    >>> str(current())
    'cpu'
    """
    return _current.get() or _DEFAULT


@contextmanager
def use(device: Device | str) -> Iterator[Device]:
    """Make new tensors on another device within a block.

    >>> with use("reference"):
    ...     str(current())
    'reference'
    """
    token = _current.set(as_device(device))
    try:
        yield current()
    finally:
        _current.reset(token)
