"""Every layer with small inputs: what the tests of layers run over."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final, final

from dhcore import nn


@final
@dataclass(frozen=True, slots=True)
class LayerCase:
    """A layer, the shapes it reads and the shape it gives."""

    name: str
    layer: Callable[[], nn.Layer]
    inputs: tuple[tuple[int, ...], ...]
    output: tuple[int, ...]
    #: Whether a sample's output in training depends on the other samples.
    mixes_samples: bool = False

    def model(self, *, learned_before: bool = False) -> nn.Model:
        """A model of this layer, with a learned map before it if asked, so that its input has a gradient."""
        symbols = [nn.Input(shape, name=f"x{i}") for i, shape in enumerate(self.inputs)]
        before = [
            _learned(symbol, i) if learned_before else symbol for i, symbol in enumerate(symbols)
        ]
        return nn.Model(symbols, self.layer()(*before), device="reference")


def _learned(symbol: nn.Symbol, number: int) -> nn.Symbol:
    kinds = {1: nn.Linear, 2: nn.Conv1d, 3: nn.Conv2d, 4: nn.Conv3d}
    channels, axes = symbol.shape[0], len(symbol.shape)
    if axes == 1:
        return nn.Linear(channels, name=f"before{number}")(symbol)
    return kinds[axes](channels, 1, name=f"before{number}")(symbol)


IMAGE: Final = (4, 6, 5)
CASES: Final = (
    LayerCase("conv1d", lambda: nn.Conv1d(3, 5, stride=2), ((4, 11),), (3, 6)),
    LayerCase("conv2d same", lambda: nn.Conv2d(3, 3), (IMAGE,), (3, 6, 5)),
    LayerCase("conv2d even kernel", lambda: nn.Conv2d(3, 2), (IMAGE,), (3, 6, 5)),
    LayerCase("conv2d valid", lambda: nn.Conv2d(3, 3, padding="valid", bias=False), (IMAGE,), (3, 4, 3)),
    LayerCase("conv2d explicit", lambda: nn.Conv2d(3, 3, stride=2, padding=((2, 0), (1, 3))), (IMAGE,), (3, 3, 4)),
    LayerCase("conv2d groups", lambda: nn.Conv2d(6, 3, groups=2), (IMAGE,), (6, 6, 5)),
    LayerCase("conv2d depthwise", lambda: nn.Conv2d(4, 3, groups=4), (IMAGE,), (4, 6, 5)),
    LayerCase("conv2d dilation", lambda: nn.Conv2d(3, 3, dilation=(2, 1)), (IMAGE,), (3, 6, 5)),
    LayerCase("conv3d", lambda: nn.Conv3d(2, (1, 3, 3), stride=(1, 2, 1)), ((3, 3, 5, 4),), (2, 3, 3, 4)),
    LayerCase("transpose2d", lambda: nn.ConvTranspose2d(3, 2, stride=2), (IMAGE,), (3, 12, 10)),
    LayerCase("transpose2d overlap", lambda: nn.ConvTranspose2d(3, 3, stride=2), (IMAGE,), (3, 12, 10)),
    LayerCase("transpose2d gap", lambda: nn.ConvTranspose2d(3, 1, stride=2), (IMAGE,), (3, 12, 10)),
    LayerCase(
        "transpose2d valid",
        lambda: nn.ConvTranspose2d(6, 3, stride=2, padding="valid", groups=2),
        (IMAGE,),
        (6, 13, 11),
    ),
    LayerCase("transpose3d", lambda: nn.ConvTranspose3d(2, 2, stride=(1, 2, 2)), ((3, 2, 3, 2),), (2, 2, 6, 4)),
    LayerCase("linear", lambda: nn.Linear(3), ((7,),), (3,)),
    LayerCase("linear without bias", lambda: nn.Linear(3, bias=False), ((7,),), (3,)),
    LayerCase("max pool", lambda: nn.MaxPool(2), (IMAGE,), (4, 3, 2)),
    LayerCase("max pool same", lambda: nn.MaxPool(3, stride=2, padding="same"), (IMAGE,), (4, 3, 3)),
    LayerCase("max pool 3d", lambda: nn.MaxPool((1, 2, 2)), ((2, 3, 4, 4),), (2, 3, 2, 2)),
    LayerCase("average pool", lambda: nn.AveragePool(2), (IMAGE,), (4, 3, 2)),
    LayerCase("average pool padded", lambda: nn.AveragePool(3, stride=2, padding=1), (IMAGE,), (4, 3, 3)),
    LayerCase(
        "average pool counts padding",
        lambda: nn.AveragePool(3, stride=2, padding=1, count_include_pad=True),
        (IMAGE,),
        (4, 3, 3),
    ),
    LayerCase("average pool 1d", lambda: nn.AveragePool(2), ((3, 8),), (3, 4)),
    LayerCase("global average pool", nn.GlobalAveragePool, (IMAGE,), (4,)),
    LayerCase("batch norm", nn.BatchNorm, (IMAGE,), IMAGE, mixes_samples=True),
    LayerCase("batch norm of a row", lambda: nn.BatchNorm(momentum=0.5), ((7,),), (7,), mixes_samples=True),
    LayerCase("relu", nn.ReLU, (IMAGE,), IMAGE),
    LayerCase("leaky relu", lambda: nn.LeakyReLU(0.1), (IMAGE,), IMAGE),
    LayerCase("elu", lambda: nn.ELU(0.7), (IMAGE,), IMAGE),
    LayerCase("sigmoid", nn.Sigmoid, (IMAGE,), IMAGE),
    LayerCase("tanh", nn.Tanh, (IMAGE,), IMAGE),
    LayerCase("softplus", nn.Softplus, (IMAGE,), IMAGE),
    LayerCase("silu", nn.SiLU, (IMAGE,), IMAGE),
    LayerCase("gelu", nn.GELU, (IMAGE,), IMAGE),
    LayerCase("softmax", nn.Softmax, (IMAGE,), IMAGE),
    LayerCase("softmax of an axis", lambda: nn.Softmax(3), (IMAGE,), IMAGE),
    LayerCase("dropout", lambda: nn.Dropout(0.4), (IMAGE,), IMAGE),
    LayerCase("add", nn.Add, (IMAGE, IMAGE), IMAGE),
    LayerCase("add broadcast", nn.Add, (IMAGE, (4, 1, 1)), IMAGE),
    LayerCase("subtract", nn.Subtract, (IMAGE, IMAGE), IMAGE),
    LayerCase("multiply", nn.Multiply, (IMAGE, IMAGE), IMAGE),
    LayerCase("multiply broadcast", nn.Multiply, ((1, 6, 5), IMAGE), IMAGE),
    LayerCase("concatenate", nn.Concatenate, (IMAGE, (3, 6, 5), IMAGE), (11, 6, 5)),
    LayerCase("concatenate rows", lambda: nn.Concatenate(axis=2), (IMAGE, (4, 2, 5)), (4, 8, 5)),
    LayerCase("flatten", nn.Flatten, (IMAGE,), (120,)),
    LayerCase("reshape", lambda: nn.Reshape((2, -1, 5)), (IMAGE,), (2, 12, 5)),
    LayerCase("pad", lambda: nn.Pad(((1, 0), (2, 1)), value=0.5), (IMAGE,), (4, 7, 8)),
    LayerCase("upsample nearest", lambda: nn.Upsample((2, 3)), (IMAGE,), (4, 12, 15)),
    LayerCase("upsample linear", lambda: nn.Upsample(2, mode="linear"), (IMAGE,), (4, 12, 10)),
)  # fmt: skip
