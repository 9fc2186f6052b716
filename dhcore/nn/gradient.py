"""What a backward pass leaves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import final

import numpy as np
from numpy.typing import NDArray

from dhcore.nn.measurement import Measurement


@final
@dataclass(frozen=True, slots=True, eq=False)
class Gradient:
    """The gradient of the mean loss of some samples.

    The gradient of two parts together is the mean of theirs, weighted by ``samples``.
    """

    #: Mean loss; 0 when nothing counts.
    loss: float
    #: Flat float32, in the order of the parameters.
    values: NDArray[np.float32]
    #: Sum of the samples' weights.
    samples: float
    #: Loss and tallies of the metrics, on the outputs that this pass made (dropout and batch statistics included).
    measurement: Measurement
