"""ResNet-18.

He et al., "Deep residual learning for image recognition", 2016.
"""

from __future__ import annotations

from dhcore import nn


def resnet18(
    input_shape: tuple[int, int, int] = (3, 224, 224), classes: int = 1000, *, width: int = 64
) -> nn.Model:
    """Eight blocks of two 3 x 3 convolutions, each with a way past it.

    Args:
        input_shape: (channels, height, width).
        classes: number of outputs, as logits.
        width: filters of the first stage; the others have twice, four and eight times as many.

    >>> resnet18().parameter_count
    11689512
    """
    image = nn.Input(input_shape, name="image")
    x = _normalised(image, "stem", width, kernel=7, stride=2, padding=3)
    x = nn.MaxPool(3, stride=2, padding=1, name="stem.pool")(nn.ReLU()(x))
    for stage in range(1, 5):
        filters = width * 2 ** (stage - 1)
        for block in (1, 2):
            stride = 2 if stage > 1 and block == 1 else 1
            x = _block(x, f"stage{stage}.block{block}", filters, stride)
    x = nn.GlobalAveragePool()(x)
    return nn.Model(image, nn.Linear(classes, name="head")(x), name="resnet18")


def _block(x: nn.Symbol, name: str, filters: int, stride: int) -> nn.Symbol:
    y = _normalised(x, f"{name}.first", filters, kernel=3, stride=stride, padding=1)
    y = _normalised(nn.ReLU()(y), f"{name}.second", filters, kernel=3, stride=1, padding=1)
    if x.shape != y.shape:
        x = _normalised(x, f"{name}.shortcut", filters, kernel=1, stride=stride, padding=0)
    return nn.ReLU()(nn.Add()(y, x))


def _normalised(
    x: nn.Symbol, name: str, filters: int, *, kernel: int, stride: int, padding: int
) -> nn.Symbol:
    """A convolution and its normalisation, whose shift stands for the bias."""
    convolution = nn.Conv2d(
        filters, kernel, stride=stride, padding=padding, bias=False, name=f"{name}.convolution"
    )
    return nn.BatchNorm(name=f"{name}.norm")(convolution(x))
