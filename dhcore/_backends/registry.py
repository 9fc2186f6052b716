"""The one place where the kernel of a device is chosen.

A literal says which module serves which family on which device; modules are imported on first use, so a device costs
nothing until it is used.
"""

from __future__ import annotations

import importlib
from functools import cache
from typing import Any, Final, final

from dhcore._backends.base import Kernel, family_of
from dhcore.device import Device

_REFERENCE: Final = "dhcore._backends.reference"
_CPU: Final = "dhcore._backends.cpu"

#: device kind -> family -> module.
MODULES: Final[dict[str, dict[str, str]]] = {
    "reference": {
        "elementwise": f"{_REFERENCE}.elementwise",
        "arithmetic": f"{_REFERENCE}.arithmetic",
        "reduction": f"{_REFERENCE}.reduction",
        "softmax": f"{_REFERENCE}.softmax",
        "shape": f"{_REFERENCE}.shape",
        "linear": f"{_REFERENCE}.linear",
        "convolution": f"{_REFERENCE}.convolution",
        "pooling": f"{_REFERENCE}.pooling",
        "normalisation": f"{_REFERENCE}.normalisation",
        "resize": f"{_REFERENCE}.resize",
        "random": f"{_REFERENCE}.random",
        "loss": f"{_REFERENCE}.loss",
    },
    "cpu": {
        "elementwise": f"{_CPU}.elementwise",
        "arithmetic": f"{_REFERENCE}.arithmetic",
        "reduction": f"{_REFERENCE}.reduction",
        "softmax": f"{_CPU}.softmax",
        "shape": f"{_REFERENCE}.shape",
        "linear": f"{_CPU}.linear",
        "convolution": f"{_CPU}.convolution",
        "pooling": f"{_CPU}.pooling",
        "normalisation": f"{_CPU}.normalisation",
        "resize": f"{_CPU}.resize",
        "random": f"{_REFERENCE}.random",
        "loss": f"{_CPU}.loss",
    },
}


@final
class Kernels:
    """The kernels of one device: ``kernels("relu", x)``."""

    __slots__ = ("device",)

    def __init__(self, device: Device) -> None:
        self.device = device

    def __call__(self, kernel: str, /, *arrays: Any, **attributes: Any) -> Any:
        return _load(self.device.kind, kernel)(*arrays, **attributes)


@cache
def kernels(device: Device) -> Kernels:
    """Return the kernels of a device."""
    return Kernels(device)


@cache
def _load(kind: str, kernel: str) -> Kernel:
    module = importlib.import_module(MODULES[kind][family_of(kernel)])
    function: Kernel = module.KERNELS[kernel]
    return function
