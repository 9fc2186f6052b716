"""LeNet, in the proportions that EDDL's users know."""

from __future__ import annotations

from dhcore import nn


def lenet(input_shape: tuple[int, int, int] = (1, 28, 28), classes: int = 10) -> nn.Model:
    """Two convolutions of 5 x 5 with pooling, then 500 hidden units.

    LeCun et al., "Gradient-based learning applied to document recognition", 1998; with ReLU and max pooling.

    Args:
        input_shape: (channels, height, width).
        classes: number of outputs, as logits.

    >>> lenet().parameter_count
    1256080
    """
    image = nn.Input(input_shape, name="image")
    x: nn.Symbol = image
    for number, filters in enumerate((20, 50), start=1):
        x = nn.Conv2d(filters, 5, name=f"convolution{number}")(x)
        x = nn.MaxPool(2)(nn.ReLU()(x))
    x = nn.ReLU()(nn.Linear(500, initialiser=nn.HeNormal(), name="hidden")(nn.Flatten()(x)))
    return nn.Model(image, nn.Linear(classes, name="head")(x), name="lenet")
