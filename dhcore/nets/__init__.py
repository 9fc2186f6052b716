"""Networks: functions of an input shape and a number of classes that give a model, with logits as outputs.

>>> by_name("unet")((1, 32, 32), 2, width=8, levels=3).name
'unet'
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from dhcore import nn
from dhcore.errors import OperationError
from dhcore.nets.lenet import lenet
from dhcore.nets.resnet import resnet18
from dhcore.nets.unet import unet
from dhcore.nets.vgg import vgg, vgg11, vgg13, vgg16, vgg19

__all__ = [
    "by_name",
    "lenet",
    "names",
    "resnet18",
    "unet",
    "vgg",
    "vgg11",
    "vgg13",
    "vgg16",
    "vgg19",
]

_KNOWN: Final[dict[str, Callable[..., nn.Model]]] = {
    "lenet": lenet,
    "resnet18": resnet18,
    "unet": unet,
    "vgg11": vgg11,
    "vgg13": vgg13,
    "vgg16": vgg16,
    "vgg19": vgg19,
}


def names() -> tuple[str, ...]:
    """Names of the networks there are.

    >>> "unet" in names()
    True
    """
    return tuple(_KNOWN)


def by_name(name: str) -> Callable[..., nn.Model]:
    """The function that makes the network of that name: ``(input_shape, classes, **options) -> Model``.

    Raises:
        OperationError: no network has that name; the message lists those there are.
    """
    if name not in _KNOWN:
        raise OperationError(f"expected a network among {list(_KNOWN)}, found {name!r}")
    return _KNOWN[name]
