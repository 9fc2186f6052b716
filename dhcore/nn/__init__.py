"""Layers and models.

Layers are called with symbols and give symbols; a :class:`Model` makes a graph of them, trains it and uses it.

>>> from dhcore import nn
>>> x = nn.Input((3, 32, 32), name="image")
>>> y = nn.ReLU()(nn.Conv2d(16, 3)(x))
>>> y = nn.Linear(10)(nn.Flatten()(nn.MaxPool(2)(y)))
>>> model = nn.Model(x, y, name="small")
>>> model.parameter_count
41418
"""

from __future__ import annotations

from dhcore.nn.activation import (
    ELU,
    GELU,
    LeakyReLU,
    ReLU,
    Sigmoid,
    SiLU,
    Softmax,
    Softplus,
    Tanh,
)
from dhcore.nn.callbacks import Callback, EarlyStopping
from dhcore.nn.combination import Add, Concatenate, Multiply, Subtract
from dhcore.nn.convolution import Conv1d, Conv2d, Conv3d, ConvTranspose2d, ConvTranspose3d
from dhcore.nn.dropout import Dropout
from dhcore.nn.gradient import Gradient
from dhcore.nn.history import Epoch, History
from dhcore.nn.initialiser import (
    Constant,
    Fans,
    GlorotNormal,
    GlorotUniform,
    HeNormal,
    HeUniform,
    Initialiser,
    Normal,
    Uniform,
)
from dhcore.nn.input import Input
from dhcore.nn.layer import Application, ArraySpec, Layer, Symbol
from dhcore.nn.linear import Linear
from dhcore.nn.measurement import Measurement
from dhcore.nn.model import Model
from dhcore.nn.normalisation import BatchNorm
from dhcore.nn.pooling import AveragePool, GlobalAveragePool, MaxPool
from dhcore.nn.reshaping import Flatten, Interpolation, Pad, Reshape, Upsample
from dhcore.nn.state import State

__all__ = [
    "ELU",
    "GELU",
    "Add",
    "Application",
    "ArraySpec",
    "AveragePool",
    "BatchNorm",
    "Callback",
    "Concatenate",
    "Constant",
    "Conv1d",
    "Conv2d",
    "Conv3d",
    "ConvTranspose2d",
    "ConvTranspose3d",
    "Dropout",
    "EarlyStopping",
    "Epoch",
    "Fans",
    "Flatten",
    "GlobalAveragePool",
    "GlorotNormal",
    "GlorotUniform",
    "Gradient",
    "HeNormal",
    "HeUniform",
    "History",
    "Initialiser",
    "Input",
    "Interpolation",
    "Layer",
    "LeakyReLU",
    "Linear",
    "MaxPool",
    "Measurement",
    "Model",
    "Multiply",
    "Normal",
    "Pad",
    "ReLU",
    "Reshape",
    "SiLU",
    "Sigmoid",
    "Softmax",
    "Softplus",
    "State",
    "Subtract",
    "Symbol",
    "Tanh",
    "Uniform",
    "Upsample",
]
