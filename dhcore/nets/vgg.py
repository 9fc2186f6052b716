"""VGG: stacks of 3 x 3 convolutions, halved by pooling.

Simonyan and Zisserman, "Very deep convolutional networks for large-scale image recognition", 2015.
"""

from __future__ import annotations

from typing import Final, Literal, get_args

from dhcore import nn
from dhcore.errors import OperationError

#: Number of layers with weights.
Depth = Literal[11, 13, 16, 19]

#: Convolutions in each of the five stages.
_STAGES: Final[dict[int, tuple[int, ...]]] = {
    11: (1, 1, 2, 2, 2),
    13: (2, 2, 2, 2, 2),
    16: (2, 2, 3, 3, 3),
    19: (2, 2, 4, 4, 4),
}
#: Filters of each stage, as multiples of the width.
_WIDTHS: Final = (1, 2, 4, 8, 8)


def vgg(
    depth: Depth,
    input_shape: tuple[int, int, int] = (3, 224, 224),
    classes: int = 1000,
    *,
    width: int = 64,
    batch_norm: bool = False,
    hidden: tuple[int, ...] = (4096, 4096),
    dropout: float = 0.5,
) -> nn.Model:
    """A VGG of the given depth.

    Args:
        depth: 11, 13, 16 or 19.
        input_shape: (channels, height, width), height and width of at least 32.
        classes: number of outputs, as logits.
        width: filters of the first stage; the others have twice, four times and eight times as many.
        batch_norm: normalise after each convolution.
        hidden: units of the fully connected layers before the last.
        dropout: rate after each of them; 0 leaves it out.

    Raises:
        OperationError: there is no such depth, or the image is too small to be halved five times.

    >>> vgg(16).parameter_count
    138357544
    """
    if depth not in get_args(Depth):
        raise OperationError(f"expected a depth among {get_args(Depth)}, found {depth!r}")
    if min(input_shape[1:]) < 32:
        raise OperationError(
            f"VGG halves an image five times: expected 32 x 32 or more, found {input_shape}"
        )
    image = nn.Input(input_shape, name="image")
    x: nn.Symbol = image
    for stage, (count, times) in enumerate(zip(_STAGES[depth], _WIDTHS, strict=True), start=1):
        filters = width * times
        for number in range(1, count + 1):
            name = f"stage{stage}.convolution{number}"
            x = nn.Conv2d(filters, 3, bias=not batch_norm, name=name)(x)
            if batch_norm:
                x = nn.BatchNorm(name=f"stage{stage}.norm{number}")(x)
            x = nn.ReLU()(x)
        x = nn.MaxPool(2)(x)
    x = nn.Flatten()(x)
    for number, units in enumerate(hidden, start=1):
        x = nn.Linear(units, initialiser=nn.HeNormal(), name=f"hidden{number}")(x)
        x = nn.ReLU()(x)
        x = nn.Dropout(dropout)(x) if dropout else x
    name = f"vgg{depth}_bn" if batch_norm else f"vgg{depth}"
    return nn.Model(image, nn.Linear(classes, name="head")(x), name=name)


def vgg11(
    input_shape: tuple[int, int, int] = (3, 224, 224),
    classes: int = 1000,
    *,
    batch_norm: bool = False,
) -> nn.Model:
    """VGG with 8 convolutions and 3 fully connected layers; see :func:`vgg`."""
    return vgg(11, input_shape, classes, batch_norm=batch_norm)


def vgg13(
    input_shape: tuple[int, int, int] = (3, 224, 224),
    classes: int = 1000,
    *,
    batch_norm: bool = False,
) -> nn.Model:
    """VGG with 10 convolutions and 3 fully connected layers; see :func:`vgg`."""
    return vgg(13, input_shape, classes, batch_norm=batch_norm)


def vgg16(
    input_shape: tuple[int, int, int] = (3, 224, 224),
    classes: int = 1000,
    *,
    batch_norm: bool = False,
) -> nn.Model:
    """VGG with 13 convolutions and 3 fully connected layers; see :func:`vgg`."""
    return vgg(16, input_shape, classes, batch_norm=batch_norm)


def vgg19(
    input_shape: tuple[int, int, int] = (3, 224, 224),
    classes: int = 1000,
    *,
    batch_norm: bool = False,
) -> nn.Model:
    """VGG with 16 convolutions and 3 fully connected layers; see :func:`vgg`."""
    return vgg(19, input_shape, classes, batch_norm=batch_norm)
