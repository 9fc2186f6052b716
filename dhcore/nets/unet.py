"""U-Net: down to what is there, up again to where it is.

::

    image ── level 1 ──────────────────── join ── level 1 ── head
                └ pool ── level 2 ── join ─┘ up
                             └ pool ──┘ up           (bottom: the last level, without a way past)

Ronneberger et al., "U-Net: convolutional networks for biomedical image segmentation", 2015.
"""

from __future__ import annotations

from typing import Literal, get_args

from dhcore import nn
from dhcore.errors import OperationError, ShapeError

#: How the resolution is halved.
Pooling = Literal["max", "average"]
#: How it is doubled again: learned, or by repeating or interpolating, followed by a 2 x 2 convolution.
Upsampling = Literal["transposed", "nearest", "linear"]


def unet(
    input_shape: tuple[int, int, int] = (3, 256, 256),
    classes: int = 1,
    *,
    width: int = 64,
    levels: int = 5,
    batch_norm: bool = True,
    pooling: Pooling = "max",
    upsampling: Upsampling = "transposed",
    dropout: float = 0.0,
) -> nn.Model:
    """A U-Net for images; convolutions keep the size, so the output has that of the input.

    Args:
        input_shape: (channels, height, width), multiples of ``2 ** (levels - 1)``.
        classes: channels of the output, as logits: 1 for foreground against background.
        width: filters of the first level, doubled at each level below.
        levels: number of resolutions.
        batch_norm: normalise after each 3 x 3 convolution.
        pooling: ``"max"`` or ``"average"``.
        upsampling: ``"transposed"`` convolution, or ``"nearest"`` or ``"linear"`` with a 2 x 2 convolution.
        dropout: rate at the bottom; 0 leaves it out.

    Raises:
        ShapeError: height or width cannot be halved that often.
        OperationError: an unknown pooling or upsampling, or fewer than 2 levels.

    >>> unet((1, 64, 64), classes=2, width=8, levels=3, batch_norm=False).parameter_count
    29330
    """
    _check(input_shape, levels, pooling, upsampling)
    image = nn.Input(input_shape, name="image")
    pool = nn.MaxPool if pooling == "max" else nn.AveragePool
    x: nn.Symbol = image
    passed: list[nn.Symbol] = []
    for level in range(1, levels):
        x = _double(x, f"encoder{level}", width << (level - 1), batch_norm=batch_norm)
        passed.append(x)
        x = pool(2, name=f"encoder{level}.pool")(x)
    x = _double(x, "bottom", width << (levels - 1), batch_norm=batch_norm)
    x = nn.Dropout(dropout)(x) if dropout else x
    for level in range(levels - 1, 0, -1):
        filters = width << (level - 1)
        up = _doubled(x, f"decoder{level}.up", filters, upsampling)
        x = nn.Concatenate(name=f"decoder{level}.join")(passed.pop(), up)
        x = _double(x, f"decoder{level}", filters, batch_norm=batch_norm)
    head = nn.Conv2d(classes, 1, initialiser=nn.GlorotUniform(), name="head")(x)
    return nn.Model(image, head, name="unet")


def _double(x: nn.Symbol, name: str, filters: int, *, batch_norm: bool) -> nn.Symbol:
    for number in (1, 2):
        x = nn.Conv2d(filters, 3, bias=not batch_norm, name=f"{name}.convolution{number}")(x)
        x = nn.BatchNorm(name=f"{name}.norm{number}")(x) if batch_norm else x
        x = nn.ReLU(name=f"{name}.relu{number}")(x)
    return x


def _doubled(x: nn.Symbol, name: str, filters: int, upsampling: Upsampling) -> nn.Symbol:
    if upsampling == "transposed":
        return nn.ConvTranspose2d(filters, 2, stride=2, name=name)(x)
    x = nn.Upsample(2, mode=upsampling, name=f"{name}.resize")(x)
    return nn.Conv2d(filters, 2, name=name)(x)


def _check(shape: tuple[int, int, int], levels: int, pooling: str, upsampling: str) -> None:
    choices = {
        "pooling": (pooling, get_args(Pooling)),
        "upsampling": (upsampling, get_args(Upsampling)),
    }
    for name, (found, known) in choices.items():
        if found not in known:
            raise OperationError(f"expected {name} among {known}, found {found!r}")
    if levels < 2:
        raise OperationError(f"a U-Net has at least 2 levels, found {levels!r}")
    factor = 2 ** (levels - 1)
    if any(extent % factor for extent in shape[1:]):
        expected = f"height and width that are multiples of {factor} for {levels} levels"
        raise ShapeError(
            "unet", expected, str(shape), "pad or resize the images, or use fewer levels"
        )
