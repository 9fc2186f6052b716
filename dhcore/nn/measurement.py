"""What a pass over samples leaves: loss and tallies of the metrics, mergeable over any split of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, final

from dhcore import metrics
from dhcore.errors import OperationError
from dhcore.metrics import Average, Metric, Tally


@final
@dataclass(frozen=True, slots=True)
class Measurement:
    """Loss and metrics of some samples.

    >>> one = Measurement(Average(2.0, 4.0))
    >>> one.merged(Measurement(Average(6.0, 4.0))).loss.value
    1.0
    """

    #: Mean loss, by the samples' weights.
    loss: Average = field(default_factory=Average)
    #: Name of a metric (``output.metric`` in a model of several outputs) -> what it has counted.
    tallies: Mapping[str, Tally] = field(default_factory=dict)

    def merged(self, other: Measurement) -> Measurement:
        """The measurement of both parts; an empty one changes nothing.

        Raises:
            OperationError: the measurements have different metrics.
        """
        if not (self.tallies and other.tallies):
            tallies = self.tallies or other.tallies
        elif self.tallies.keys() != other.tallies.keys():
            raise OperationError(
                f"measurements with the same metrics merge, got {sorted(self.tallies)} and {sorted(other.tallies)}"
            )
        else:
            tallies = {
                name: metrics.merge(tally, other.tallies[name])
                for name, tally in self.tallies.items()
            }
        return Measurement(self.loss.merged(other.loss), tallies)

    def figures(self, known: Mapping[str, Metric[Any]]) -> dict[str, float]:
        """Loss and metrics as numbers, given the metrics that have counted."""
        read = {name: known[name].result(tally) for name, tally in self.tallies.items()}
        return {"loss": self.loss.value, **read}
