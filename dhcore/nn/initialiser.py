"""Initialisers: what a parameter is before anything was learned.

Each parameter draws from a stream of its own, named after it, so the same seed gives the same weights whichever layers
surround it, in whatever process, in whatever order.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]


@final
@dataclass(frozen=True, slots=True)
class Fans:
    """How many inputs each output reads, and how many outputs each input feeds."""

    inputs: float = 1.0
    outputs: float = 1.0


class Initialiser(ABC):
    """A distribution of starting values."""

    __slots__ = ()

    @abstractmethod
    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:
        """Values for an array of that shape, float32."""


@final
@dataclass(frozen=True, slots=True)
class Constant(Initialiser):
    """The same value everywhere.

    >>> Constant(0.5).draw((2,), Fans(), np.random.default_rng(0))
    array([0.5, 0.5], dtype=float32)
    """

    value: float = 0.0

    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:  # noqa: ARG002 - one signature for all
        """Values for an array of that shape."""
        return np.full(shape, self.value, np.float32)


@final
@dataclass(frozen=True, slots=True)
class Normal(Initialiser):
    """Gaussian values of a given deviation.

    >>> values = Normal(0.1).draw((64, 9), Fans(9, 64), np.random.default_rng(0))
    >>> values.shape, str(values.dtype)
    ((64, 9), 'float32')
    """

    deviation: float = 0.05
    mean: float = 0.0

    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:  # noqa: ARG002 - one signature for all
        """Values for an array of that shape."""
        return _gaussian(shape, self.deviation, generator) + np.float32(self.mean)


@final
@dataclass(frozen=True, slots=True)
class Uniform(Initialiser):
    """Values between two bounds.

    >>> values = Uniform(-0.1, 0.1).draw((64, 9), Fans(9, 64), np.random.default_rng(0))
    >>> values.shape, str(values.dtype)
    ((64, 9), 'float32')
    """

    low: float = -0.05
    high: float = 0.05

    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:  # noqa: ARG002 - one signature for all
        """Values for an array of that shape."""
        return _between(shape, self.low, self.high, generator)


@final
@dataclass(frozen=True, slots=True)
class HeNormal(Initialiser):
    """Gaussian of deviation ``sqrt(2 / inputs)``, which keeps the variance through ReLU (He et al., 2015).

    >>> values = HeNormal().draw((64, 9), Fans(9, 64), np.random.default_rng(0))
    >>> values.shape, str(values.dtype)
    ((64, 9), 'float32')
    """

    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:
        """Values for an array of that shape."""
        return _gaussian(shape, math.sqrt(2 / fans.inputs), generator)


@final
@dataclass(frozen=True, slots=True)
class HeUniform(Initialiser):
    """Uniform within ``sqrt(6 / inputs)``, of the same variance as :class:`HeNormal`.

    >>> values = HeUniform().draw((64, 9), Fans(9, 64), np.random.default_rng(0))
    >>> values.shape, str(values.dtype)
    ((64, 9), 'float32')
    """

    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:
        """Values for an array of that shape."""
        bound = math.sqrt(6 / fans.inputs)
        return _between(shape, -bound, bound, generator)


@final
@dataclass(frozen=True, slots=True)
class GlorotNormal(Initialiser):
    """Gaussian of deviation ``sqrt(2 / (inputs + outputs))`` (Glorot and Bengio, 2010).

    >>> values = GlorotNormal().draw((64, 9), Fans(9, 64), np.random.default_rng(0))
    >>> values.shape, str(values.dtype)
    ((64, 9), 'float32')
    """

    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:
        """Values for an array of that shape."""
        return _gaussian(shape, math.sqrt(2 / (fans.inputs + fans.outputs)), generator)


@final
@dataclass(frozen=True, slots=True)
class GlorotUniform(Initialiser):
    """Uniform within ``sqrt(6 / (inputs + outputs))``, of the same variance as :class:`GlorotNormal`.

    >>> values = GlorotUniform().draw((64, 9), Fans(9, 64), np.random.default_rng(0))
    >>> values.shape, str(values.dtype)
    ((64, 9), 'float32')
    """

    def draw(self, shape: tuple[int, ...], fans: Fans, generator: np.random.Generator) -> Floats:
        """Values for an array of that shape."""
        bound = math.sqrt(6 / (fans.inputs + fans.outputs))
        return _between(shape, -bound, bound, generator)


def _gaussian(shape: tuple[int, ...], deviation: float, generator: np.random.Generator) -> Floats:
    return generator.standard_normal(shape, np.float32) * np.float32(deviation)


def _between(
    shape: tuple[int, ...], low: float, high: float, generator: np.random.Generator
) -> Floats:
    return generator.random(shape, np.float32) * np.float32(high - low) + np.float32(low)
