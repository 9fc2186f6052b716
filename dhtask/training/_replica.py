"""What lives on a worker: replicas of the model, and compiled models that wait to be used again."""

from __future__ import annotations

import json
import weakref
from collections import defaultdict, deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, final

import numpy as np
import numpy.typing as npt

from dhcore import nets, random
from dhcore.losses import Loss
from dhcore.metrics import Average
from dhcore.nn import Model, State
from dhcore.optim import Optimizer
from dhtask.training._merge import Contribution, Floats
from dhtask.training.configuration import NetworkBuilder, TrainingConfig

Array = npt.NDArray[Any]


@final
@dataclass(frozen=True, slots=True)
class ModelRecipe:
    """Everything a worker needs to build the model; equal recipes share models."""

    network: str | NetworkBuilder
    #: Keyword arguments of the network as JSON, so that a recipe can be a key.
    options: str
    #: (channels, *spatial).
    input_shape: tuple[int, ...]
    classes: int
    optimizer: Optimizer
    loss: Loss
    metrics: tuple[str, ...]
    seed: int
    threads: int

    @classmethod
    def of(
        cls,
        config: TrainingConfig,
        input_shape: tuple[int, ...],
        classes: int,
        metrics: tuple[str, ...] = (),
    ) -> ModelRecipe:
        """The recipe of a training."""
        return cls(
            network=config.network,
            options=json.dumps(dict(config.network_options), sort_keys=True),
            input_shape=input_shape,
            classes=classes,
            optimizer=config.optimizer,
            loss=config.loss,
            metrics=metrics,
            seed=config.seed,
            threads=config.computing_units,
        )

    def build(self) -> Model:
        """A fresh model, its parameters drawn from the seed."""
        builder = nets.by_name(self.network) if isinstance(self.network, str) else self.network
        model = builder(self.input_shape, self.classes, **json.loads(self.options))
        model.compile(self.optimizer, self.loss, self.metrics, seed=self.seed)
        return model


#: Models nobody uses, by recipe. A model is compiled for its batch sizes when it first meets them, which takes longer
#: than a step: it outlives the replica of an epoch. Appending and popping a deque is atomic.
_IDLE: Final[defaultdict[ModelRecipe, deque[Model]]] = defaultdict(deque)


def borrow(recipe: ModelRecipe) -> Model:
    """A compiled model; whatever its state is, it must be loaded."""
    try:
        return _IDLE[recipe].pop()
    except IndexError:
        return recipe.build()


def give_back(recipe: ModelRecipe, model: Model) -> None:
    """Let another use the model."""
    _IDLE[recipe].append(model)


@final
class Replica:
    """The model of one partition during one epoch; it travels as its state."""

    __slots__ = ("__weakref__", "_seed", "loss", "model", "partition", "recipe", "samples")

    def __init__(self, recipe: ModelRecipe, partition: int, state: State) -> None:
        self.recipe = recipe
        self.partition = partition
        self.model = borrow(recipe)
        self.model.load_state(state)
        # Partitions drop different elements, or a batch would not be a batch.
        self._seed = int(random.generator(recipe.seed, "dropout", partition).integers(2**31))
        #: Mean loss of the samples that the merged contributions of this epoch were made of, and their number.
        self.loss = 0.0
        self.samples = 0.0
        weakref.finalize(self, give_back, recipe, self.model).atexit = False

    def __reduce__(self) -> tuple[Callable[..., Replica], tuple[Any, ...]]:
        arguments = (self.recipe, self.partition, self.model.state, self.loss, self.samples)
        return _revive, arguments

    def apply_gradient(self, merged: Contribution) -> None:
        """Take the step that all partitions take together."""
        gradient, buffers = merged.arrays
        self.model.apply_gradients(gradient)
        if buffers.size:
            self.model.load_weights(_buffers_by_name(self.model, buffers))
        self._note(merged)

    def adopt_state(self, merged: Contribution) -> None:
        """Go on from the mean of all partitions."""
        self.model.load_state(_state_of(self.model.state, merged.arrays))
        self._note(merged)

    def _note(self, merged: Contribution) -> None:
        self.samples += merged.weight
        self.loss += (merged.loss - self.loss) * merged.weight / self.samples

    def gradient(self, images: Array, targets: Array) -> Contribution:
        """Mean gradient, and running statistics after these samples."""
        gradient = self.model.gradients(images, targets, seed=self._seed)
        return Contribution((gradient.values, self._buffers()), gradient.samples, gradient.loss)

    def take_step(self, images: Array, targets: Array) -> Average:
        """One step alone; the loss before it."""
        gradient = self.model.gradients(images, targets, seed=self._seed)
        self.model.apply_gradients(gradient.values)
        return gradient.measurement.loss

    def local_state(self, weight: float, loss: float) -> Contribution:
        """All arrays of the state, for an average."""
        return Contribution(tuple(self.model.state.arrays().values()), weight, loss)

    def _buffers(self) -> Floats:
        if self.model.graph.flat_size("buffer") == 0:
            return np.empty(0, np.float32)
        return self.model.state.buffers


def _revive(
    recipe: ModelRecipe, partition: int, state: State, loss: float, samples: float
) -> Replica:
    replica = Replica(recipe, partition, state)
    replica.loss = loss
    replica.samples = samples
    return replica


def _buffers_by_name(model: Model, flat: Floats) -> dict[str, Floats]:
    return {
        name: flat[slot.offset : slot.offset + slot.size].reshape(slot.shape)
        for name, slot in model.graph.slots.items()
        if slot.role == "buffer"
    }


def _state_of(like: State, arrays: tuple[Floats, ...]) -> State:
    named = dict(zip(like.arrays(), arrays, strict=True))
    slots = {name: named[f"optimizer.{name}"] for name in like.optimizer}
    return State(named["parameters"], named["buffers"], slots, like.step)
