"""A model: a graph of layers, its parameters, and how they are trained.

::

    x = nn.Input((1, 28, 28))
    y = nn.Linear(10)(nn.Flatten()(x))
    model = nn.Model(x, y)
    model.compile("adam", "softmax_cross_entropy", ["accuracy"])
    model.fit(images, classes, epochs=3)

The graph is the model's only description of itself: what runs it is chosen by the device. Parameters are one flat array
in the order of the graph's slots, which is what optimizers, checkpoints and replicas read.
"""

from __future__ import annotations

import dataclasses
import fnmatch
import time
from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, final

import numpy as np
from numpy.typing import NDArray

from dhcore import optim, random
from dhcore._ops.graph import Graph
from dhcore.device import Device, as_device, current
from dhcore.errors import OperationError, ShapeError
from dhcore.losses import Loss
from dhcore.metrics import Average, Metric, Tally
from dhcore.nn import _objective
from dhcore.nn._batches import Array, Data, Samples
from dhcore.nn._builder import Compilation
from dhcore.nn._engine import Engine, engine_for
from dhcore.nn._parameters import Parameters
from dhcore.nn._progress import Progress
from dhcore.nn._summary import summary
from dhcore.nn.callbacks import Callback
from dhcore.nn.gradient import Gradient
from dhcore.nn.history import Epoch, History
from dhcore.nn.layer import Symbol
from dhcore.nn.measurement import Measurement
from dhcore.nn.state import State
from dhcore.optim import Optimizer

Floats = NDArray[np.float32]
Feed: TypeAlias = Mapping[str, Array]


@final
class Model:
    """Layers from inputs to outputs, with their parameters.

    Args:
        inputs: what ``Input`` gave, one or several.
        outputs: what layers gave, one, several, or several by name.
        name: what the model is called in tables.
        seed: what the parameters are drawn from.
        device: where it computes; the current device by default.

    Raises:
        GraphError: an output depends on an input that is not listed, an input is not read, or a name is used twice.

    >>> from dhcore import nn
    >>> x = nn.Input((4,))
    >>> model = nn.Model(x, nn.Linear(2)(x))
    >>> model.predict(np.zeros((3, 4), np.float32)).shape
    (3, 2)
    """

    def __init__(
        self,
        inputs: Symbol | Sequence[Symbol],
        outputs: Symbol | Sequence[Symbol] | Mapping[str, Symbol],
        *,
        name: str = "model",
        seed: int = 0,
        device: Device | str | None = None,
    ) -> None:
        begins = (inputs,) if isinstance(inputs, Symbol) else tuple(inputs)
        compilation = Compilation(begins, _by_name(outputs))
        self.name = name
        self.device = current() if device is None else as_device(device)
        #: What predict computes.
        self.graph: Graph = compilation.graph
        #: Name of a figure -> the metric behind it; an output's name stands before it where there are several.
        self.metrics: dict[str, Metric[Any]] = {}
        self._parameters = Parameters(compilation.graph, compilation.specs, seed)
        self._engine: Engine | None = None
        self._training: Graph | None = None

    # --- description

    @property
    def parameter_count(self) -> int:
        """Number of learned numbers, frozen ones included."""
        return self.graph.flat_size("parameter")

    def summary(self) -> str:
        """The layers as a table: operation, shape of the output, parameters, what they read."""
        return summary(self.name, self.graph)

    def __repr__(self) -> str:
        outputs = ", ".join(self.graph.outputs)
        return f"<Model {self.name}: {', '.join(self.graph.inputs)} -> {outputs}, {self.parameter_count:,} parameters>"

    # --- parameters

    @property
    def seed(self) -> int:
        """What parameters, order of the samples and dropout are drawn from."""
        return self._parameters.seed

    @property
    def step(self) -> int:
        """Number of updates made."""
        return self._parameters.step

    def initialise(self, seed: int) -> None:
        """Draw all parameters anew; buffers, optimizer slots and step begin again as well.

        Each array draws from the stream of its own name: the same seed gives the same values everywhere.
        """
        self._parameters.initialise(seed)

    @property
    def state(self) -> State:
        """Everything that training changes, copied."""
        return self._parameters.state()

    @property
    def buffers(self) -> Floats:
        """The flat array of buffers, copied: running statistics, without the cost of a whole state."""
        return self._parameters.arena.buffers.copy()

    def load_state(self, state: State) -> None:
        """Take over a state; one without optimizer slots starts the optimizer afresh.

        Raises:
            StateError: the state belongs to another model or another optimizer.
        """
        self._parameters.load(state)

    def weights(self) -> dict[str, Floats]:
        """Every parameter and buffer under the name of its slot, copied."""
        return {name: view.copy() for name, view in self._parameters.views().items()}

    def load_weights(self, weights: Mapping[str, Array]) -> None:
        """Set parameters and buffers by the names of their slots; those left out stay as they are.

        Raises:
            StateError: there is no such slot, or it has another shape.
        """
        self._parameters.write(weights)

    def freeze(self, *patterns: str, trainable: bool = False) -> None:
        """Leave parameters as they are in training (or no longer, with ``trainable=True``).

        Args:
            patterns: names of slots, with ``*``: ``"encoder*"``, ``"*.bias"``.
            trainable: learn them again.

        Raises:
            OperationError: a pattern fits no parameter.
        """
        names = [name for name, slot in self.graph.slots.items() if slot.role == "parameter"]
        chosen: set[str] = set()
        for pattern in patterns:
            fitting = fnmatch.filter(names, pattern)
            if not fitting:
                raise OperationError(
                    f"no parameter of {self.name} fits {pattern!r}; there are {names}"
                )
            chosen.update(fitting)
        slots = {
            name: dataclasses.replace(slot, trainable=trainable) if name in chosen else slot
            for name, slot in self.graph.slots.items()
        }
        self.graph = dataclasses.replace(self.graph, slots=slots)
        self._training = self._training and dataclasses.replace(self._training, slots=slots)
        self._parameters.regraph(self.graph)
        self._engine = None

    # --- training

    def compile(
        self,
        optimizer: Optimizer | str,
        loss: Loss | str | Mapping[str, Loss | str],
        metrics: Sequence[Metric[Any] | str] | Mapping[str, Sequence[Metric[Any] | str]] = (),
        *,
        seed: int | None = None,
    ) -> None:
        """Say how the model is trained.

        Args:
            optimizer: a rule of :mod:`dhcore.optim`, or its name.
            loss: a loss of :mod:`dhcore.losses`, or its name; by output where there are several.
            metrics: of :mod:`dhcore.metrics`, or their names; by output where outputs differ. A metric by name decides
                where the loss does: at one half for probabilities, at zero for logits.
            seed: draw the parameters anew from this seed; without it they stay as they are.

        Raises:
            OperationError: an unknown name.
            GraphError: the loss does not go with the model's last activation.
        """
        rule = (
            optim.by_name(optimizer)
            if isinstance(optimizer, str)
            else _objective.checked(optimizer, Optimizer)
        )
        chosen = _objective.chosen_losses(self.graph, loss)
        self._training = _objective.training_graph(self.graph, chosen)
        self.metrics = _objective.chosen_metrics(self.graph, chosen, metrics)
        self._engine = None
        self._parameters.reset(rule)
        if seed is not None:
            self.initialise(seed)

    def gradients(
        self, x: Data, y: Data, weight: Array | None = None, *, seed: int | None = None
    ) -> Gradient:
        """Loss, gradient and metrics of one batch in training; running statistics move, parameters do not.

        Args:
            x: one array (samples, *shape) per input.
            y: one array per output with a loss: of the output's shape, or integer classes (samples, *spatial); a single
                channel may leave its axis out.
            weight: (samples,); 1 by default. The loss is the mean by these weights.
            seed: names the random numbers of dropout, with the step; the model's by default. Replicas that train on
                parts of a batch use different ones.

        Raises:
            ShapeError: an array does not fit, or there is no sample; the message names the input or output.
            DtypeError: an array does not hold numbers.
            OperationError: a number is not finite, a class or probability is out of range, a weight is negative.
        """
        batch = self._samples(x, y, weight).whole()
        return self._gradients(batch, self.seed if seed is None else seed)

    def apply_gradients(self, gradient: Floats) -> None:
        """Let the optimizer take one step along a flat gradient.

        Raises:
            OperationError: the model is not compiled.
            ShapeError: the gradient has another length than the parameters.
        """
        self._compiled()
        self._parameters.update(np.ascontiguousarray(gradient, np.float32))

    def train_batch(self, x: Data, y: Data, weight: Array | None = None) -> Measurement:
        """One step of training on one batch: :meth:`gradients`, then :meth:`apply_gradients`."""
        return self._train(self._samples(x, y, weight).whole())

    def fit(
        self,
        x: Data,
        y: Data,
        *,
        weight: Array | None = None,
        batch_size: int = 32,
        epochs: int = 1,
        validation_data: tuple[Data, Data] | None = None,
        shuffle: bool = True,
        callbacks: Sequence[Callback] = (),
        progress: bool | None = None,
    ) -> History:
        """Train for some epochs; every sample is read once in each.

        Args:
            x, y, weight: as in :meth:`gradients`, for all samples.
            batch_size: samples per step; the last batch of an epoch may be smaller.
            epochs: number of passes.
            validation_data: x and y of samples that are measured after each epoch.
            shuffle: read the samples in an order drawn from the model's seed and step.
            callbacks: called with the model and the epoch after each; True ends the training.
            progress: draw a bar on the standard error stream; by default only where that is a terminal.

        Raises:
            ShapeError, DtypeError, OperationError: as in :meth:`gradients`.
        """
        samples = self._samples(x, y, weight)
        if not samples.count:
            raise ShapeError("fit", "at least one sample", "none")
        steps = samples.steps(batch_size)
        check = None if validation_data is None else self._samples(*validation_data)
        history: list[Epoch] = []
        for number in range(1, epochs + 1):
            bar = Progress(f"{number}/{epochs}", steps, visible=progress)
            order = self._order(samples, shuffle=shuffle)
            epoch = self._epoch(number, samples, order, batch_size, check, bar)
            history.append(epoch)
            # Every callback is called, also after one that ends the training.
            if True in {callback(self, epoch) for callback in callbacks}:
                break
        return History(tuple(history))

    # --- use

    def forward(self, x: Data, *, training: bool = False) -> Any:
        """Outputs of one batch: an array, or arrays by name where there are several outputs."""
        samples = Samples(self.graph, x)
        if not samples.count:
            return self._unpacked(_nothing(self.graph))
        return self._unpacked(self._forward(samples.whole(), training=training))

    def predict(self, x: Data, *, batch_size: int = 32) -> Any:
        """Outputs of any number of samples: an array, or arrays by name where there are several outputs."""
        batches = Samples(self.graph, x).batches(batch_size)
        parts = [self._forward(feed, training=False) for feed in batches]
        if not parts:
            return self._unpacked(_nothing(self.graph))
        return self._unpacked(
            {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        )

    def measure(
        self, x: Data, y: Data, weight: Array | None = None, *, batch_size: int = 32
    ) -> Measurement:
        """Loss and tallies of some samples, which merge with those of others."""
        return self._measure(self._samples(x, y, weight), batch_size)

    def evaluate(
        self, x: Data, y: Data, weight: Array | None = None, *, batch_size: int = 32
    ) -> dict[str, float]:
        """Loss and metrics of some samples."""
        return self.figures(self.measure(x, y, weight, batch_size=batch_size))

    def figures(self, measurement: Measurement) -> dict[str, float]:
        """A measurement as numbers."""
        return measurement.figures(self.metrics)

    # --- how it computes

    def __getstate__(self) -> dict[str, Any]:
        """A copy takes the arrays along, not what was compiled for them."""
        self._parameters.arena.settle()
        return {**self.__dict__, "_engine": None}

    def _running(self) -> Engine:
        if self._engine is None:
            self._engine = engine_for(self._training or self.graph, self.device)
        return self._engine

    def _forward(self, feed: Feed, *, training: bool) -> Mapping[str, Array]:
        return self._running().forward(
            self._parameters.arena, feed, training=training, seed=self.seed, step=self.step
        )

    def _gradients(self, feed: Feed, seed: int) -> Gradient:
        backward = self._running().backward(self._parameters.arena, feed, seed=seed, step=self.step)
        measurement = self._measured(backward.outputs, feed)
        loss = float(backward.outputs[_objective.LOSS])
        return Gradient(loss, backward.gradient, measurement.loss.weight, measurement)

    def _train(self, feed: Feed) -> Measurement:
        parameters = self._parameters
        assert parameters.optimizer is not None
        outputs = self._running().train(
            parameters.arena, feed, parameters.optimizer, seed=self.seed, step=self.step
        )
        parameters.step += 1
        return self._measured(outputs, feed)

    def _measure(self, samples: Samples, batch_size: int) -> Measurement:
        total = Measurement()
        for feed in samples.batches(batch_size):
            outputs = self._forward(feed, training=False)
            total = total.merged(self._measured(outputs, feed))
        return total

    def _measured(self, outputs: Mapping[str, Array], feed: Feed) -> Measurement:
        weight = feed[_objective.WEIGHT]
        samples = float(weight.sum(dtype=np.float64))
        tallies: dict[str, Tally] = {}
        for name, metric in self.metrics.items():
            output = _objective.output_of(self.graph, name)
            target = feed[_objective.target_name(self.graph, output)]
            tallies[name] = metric.measure(outputs[output], target, weight)
        return Measurement(Average(float(outputs[_objective.LOSS]) * samples, samples), tallies)

    def _epoch(
        self,
        number: int,
        samples: Samples,
        order: NDArray[np.int64],
        batch_size: int,
        check: Samples | None,
        bar: Progress,
    ) -> Epoch:
        began, total = time.monotonic(), Measurement()
        for done, feed in enumerate(samples.batches(batch_size, order), start=1):
            total = total.merged(self._train(feed))
            bar.show(done, {"loss": total.loss.value})
        figures = self.figures(total)
        if check is not None:
            measured = self.figures(self._measure(check, batch_size))
            figures |= {f"validation_{name}": value for name, value in measured.items()}
        epoch = Epoch(number, figures, time.monotonic() - began)
        bar.finish(str(epoch))
        return epoch

    def _order(self, samples: Samples, *, shuffle: bool) -> NDArray[np.int64]:
        if not shuffle:
            return np.arange(samples.count)
        # Named by the step, so a run that goes on from a checkpoint reads what it would have read.
        return random.generator(self.seed, "shuffle", self.step).permutation(samples.count)

    def _samples(self, x: Data, y: Data, weight: Array | None = None) -> Samples:
        targets = _objective.targets_of(self.graph, self._compiled())
        return Samples(self.graph, x, y, weight, targets=targets)

    def _compiled(self) -> Graph:
        if self._training is None:
            raise OperationError(
                f"{self.name} has no loss yet; call compile(optimizer, loss) before training or evaluating"
            )
        return self._training

    def _unpacked(self, outputs: Mapping[str, Array]) -> Any:
        chosen = {name: outputs[name] for name in self.graph.outputs}
        return chosen if len(chosen) > 1 else next(iter(chosen.values()))


def _by_name(
    outputs: Symbol | Sequence[Symbol] | Mapping[str, Symbol],
) -> list[tuple[str | None, Symbol]]:
    if isinstance(outputs, Symbol):
        return [(None, outputs)]
    if isinstance(outputs, Mapping):
        return list(outputs.items())
    return [(None, symbol) for symbol in outputs]


def _nothing(graph: Graph) -> dict[str, Array]:
    shapes = {name: graph.nodes[index].shape for name, index in graph.outputs.items()}
    return {name: np.zeros((0, *shape), np.float32) for name, shape in shapes.items()}
