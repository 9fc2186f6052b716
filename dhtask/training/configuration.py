"""Everything that decides the numbers of a training, and a little that does not."""

from __future__ import annotations

import dataclasses
import hashlib
import inspect
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, final, get_args

from dhcore.losses import Loss, SoftmaxCrossEntropy
from dhcore.nn import Model
from dhcore.optim import Adam, Optimizer
from dhtask.training.errors import TrainingConfigError

#: How partitions keep together: they average gradients every step, or parameters every few steps.
Mode = Literal["gradient", "local"]

#: Makes a network that is not in :mod:`dhcore.nets`; a function of a module, so that workers can import it.
NetworkBuilder = Callable[..., Model]

#: Fields that may differ between a checkpoint and the training that goes on from it.
_FREE_TO_CHANGE = frozenset({"epochs", "checkpoint", "resume", "keep_best"})


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class TrainingConfig:
    """What to train and how.

    Every step reads ``batch_size`` samples, the union of one small batch from each partition. In mode ``gradient`` each
    partition applies the mean gradient of the union, so with ``w_p`` samples and mean gradient ``g_p`` of partition p

        g = sum_p w_p g_p / sum_p w_p

    is the gradient of one process that has the whole batch (Dean et al., Large Scale Distributed Deep Networks, 2012).
    In mode ``local`` each partition takes ``local_steps`` steps alone; then parameters, buffers and optimizer slots are
    averaged with the same weights (Stich, Local SGD Converges Fast and Communicates Little, 2019).

    Raises:
        TrainingConfigError: a value makes no sense; the message names it.

    Example:
        >>> TrainingConfig(network="unet", batch_size=8, epochs=2).mode
        'gradient'
    """

    #: Name of a network of :mod:`dhcore.nets`, or a function of input shape and number of classes.
    network: str | NetworkBuilder
    #: Keyword arguments of the network beside its input shape and number of classes.
    network_options: Mapping[str, object] = field(default_factory=dict)
    #: Samples of a step, all partitions together.
    batch_size: int = 16
    epochs: int = 10
    #: Rule of :mod:`dhcore.optim`, with its learning rate or schedule.
    optimizer: Optimizer = field(default_factory=Adam)
    #: Loss of :mod:`dhcore.losses`, or a sum of several.
    loss: Loss = field(default_factory=SoftmaxCrossEntropy)
    #: Names of metrics of :mod:`dhcore.metrics`, measured on the validation samples.
    metrics: tuple[str, ...] = ("dice", "iou")
    mode: Mode = "gradient"
    #: Steps between two averages in mode ``local``.
    local_steps: int = 8
    seed: int = 0
    #: Augmentation pipeline as text, one per line; empty for none.
    augmentation: str = ""
    #: Threads of a training task; the numbers depend on it, hence not "all there are".
    computing_units: int = 1
    #: Folder of the checkpoints; ``None`` for none.
    checkpoint: Path | None = None
    #: Go on from the checkpoint if there is one.
    resume: bool = False
    #: Metric (or ``loss``) of the validation samples by which the best model is kept; ``None`` for the first metric.
    keep_best: str | None = None

    def __post_init__(self) -> None:
        if self.checkpoint is not None:
            # A string, too, is what people write.
            object.__setattr__(self, "checkpoint", Path(self.checkpoint))
        for name in ("batch_size", "epochs", "local_steps", "computing_units"):
            _expect(getattr(self, name) >= 1, name, getattr(self, name), "at least 1")
        _expect(self.mode in get_args(Mode), "mode", self.mode, f"one of {get_args(Mode)}")
        _expect(
            self.keep_best in {None, "loss", *self.metrics},
            "keep_best",
            self.keep_best,
            f"'loss' or one of the metrics {self.metrics}",
        )
        if self.resume and self.checkpoint is None:
            raise TrainingConfigError("resume needs the folder of the checkpoint: give checkpoint")

    @property
    def judge(self) -> str:
        """Figure of the validation samples that tells the best model."""
        return self.keep_best or (self.metrics[0] if self.metrics else "loss")

    def description(self) -> dict[str, object]:
        """All values that decide the numbers, as plain data.

        Example:
            >>> TrainingConfig(network="unet").description()["network"]
            'unet'
        """
        plain = {
            entry.name: getattr(self, entry.name)
            for entry in dataclasses.fields(self)
            if entry.name not in _FREE_TO_CHANGE
        }
        decoded: dict[str, object] = json.loads(json.dumps(plain, default=_plain, sort_keys=True))
        return decoded

    def fingerprint(self) -> str:
        """SHA-256 of :meth:`description` in hexadecimal.

        Example:
            >>> one, other = TrainingConfig(network="unet"), TrainingConfig(network="unet", epochs=20)
            >>> one.fingerprint() == other.fingerprint()
            True
        """
        text = json.dumps(self.description(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()


def _expect(holds: bool, name: str, found: object, expected: str) -> None:  # noqa: FBT001 - the condition itself
    if not holds:
        raise TrainingConfigError(f"{name} must be {expected}, found {found!r}")


def _plain(value: object) -> object:
    if isinstance(value, Mapping):
        return dict(value)
    if inspect.isfunction(value):
        return f"{value.__module__}.{value.__qualname__}"
    # Optimizers, schedules and losses are frozen dataclasses: their repr names every figure.
    return repr(value)
