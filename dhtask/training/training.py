"""The loop over epochs: submit, wait, note, keep."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from functools import reduce
from typing import Any, final

import numpy as np

from dhcore.augment import AugmentationError, Pipeline
from dhcore.errors import DhcoreError
from dhcore.image import Image
from dhcore.metrics import Confusion, ConfusionMetric
from dhcore.nn import Measurement, Model, State
from dhtask import Future, wait_on
from dhtask.training import _tasks
from dhtask.training._batch import parsed
from dhtask.training._epoch import submit_epoch, submit_evaluation
from dhtask.training._replica import ModelRecipe
from dhtask.training.checkpoint import BEST, LAST, Checkpoint, read_checkpoint, write_checkpoint
from dhtask.training.configuration import TrainingConfig
from dhtask.training.errors import TrainingConfigError
from dhtask.training.progress import Silence, TrainingObserver
from dhtask.training.result import EpochRecord, Evaluation, TrainingResult, is_better
from dhtask.training.samples import Samples

#: Seconds of work, beside the epoch that runs, that may have to be done again when a worker is lost.
_LINEAGE_SECONDS = 30.0


def train(
    config: TrainingConfig,
    training: Sequence[Samples],
    validation: Sequence[Samples] = (),
    *,
    classes: int,
    observer: TrainingObserver | None = None,
) -> TrainingResult:
    """Train a network on shards that lie on the workers.

    Inside a runtime the work is done by its workers, outside by this process; the figures are the same.

    Args:
        config: what to train and how.
        training: shards to learn from, one per partition.
        validation: shards to measure after every epoch; may be none.
        classes: number of classes.
        observer: is told of every epoch.

    Returns:
        The last and the best state, and the history.

    Raises:
        TrainingConfigError: the configuration does not go with the data.
        ResumeError: the checkpoint to resume from was made by a different training.
        CheckpointError: a checkpoint cannot be written or read.

    Example:
        >>> import numpy as np
        >>> from dhtask.pipeline import shards_from_arrays
        >>> from dhtask.training import TrainingConfig, train
        >>> bright = np.arange(8) % 2
        >>> images = np.ones((8, 1, 28, 28)) * bright[:, None, None, None]
        >>> config = TrainingConfig(network="lenet", batch_size=4, epochs=2, metrics=("accuracy",))
        >>> result = train(config, shards_from_arrays(images, bright, 2), classes=2)
        >>> [record.steps for record in result.history]
        [2, 4]
    """
    _check(config, training, validation)
    watcher = observer or Silence()
    try:
        return _Training(config, training, validation, classes, watcher).run()
    finally:
        watcher.training_ended()


def evaluate(
    config: TrainingConfig, state: State, shards: Sequence[Samples], *, classes: int
) -> Evaluation:
    """Measure a trained state on shards, one task each.

    Args:
        config: of the training that made the state.
        state: what to measure.
        shards: the samples.
        classes: number of classes.
    """
    recipe = ModelRecipe.of(config, tuple(shards[0].shape), classes, config.metrics)
    parts = wait_on(submit_evaluation(recipe, shards, _tasks.hold(state), config.batch_size))
    measured: Measurement = reduce(Measurement.merged, parts)
    known = recipe.build().metrics
    return Evaluation(
        measured.figures(known),
        {
            name: tuple(metric.per_class(tally).tolist())
            for name, tally in measured.tallies.items()
            if isinstance(metric := known[name], ConfusionMetric) and isinstance(tally, Confusion)
        },
    )


def predict(
    config: TrainingConfig, state: State, shards: Sequence[Samples], *, classes: int
) -> list[np.ndarray[Any, np.dtype[np.float32]]]:
    """Scores of a trained state for every shard, (samples, classes, *spatial) each.

    Args:
        config: of the training that made the state.
        state: what to predict with.
        shards: the samples.
        classes: number of classes.
    """
    recipe = ModelRecipe.of(config, tuple(shards[0].shape), classes, config.metrics)
    held: Any = _tasks.hold(state)
    task = _tasks.occupying(_tasks.predict, config.computing_units)
    scores: list[np.ndarray[Any, np.dtype[np.float32]]] = wait_on(
        [task(held, recipe, shard.images, config.batch_size) for shard in shards]
    )
    return scores


@final
@dataclass(frozen=True, slots=True)
class _Standing:
    """Where a training stands between two epochs."""

    state: State
    history: tuple[EpochRecord, ...] = ()
    best_state: State | None = None
    best_epoch: int = 0


@final
@dataclass(frozen=True, slots=True)
class _Running:
    """An epoch whose tasks have been called; futures inside a runtime."""

    epoch: int
    steps: int
    state: Any
    loss: Any
    measurements: Any


@final
class _Training:
    def __init__(
        self,
        config: TrainingConfig,
        training: Sequence[Samples],
        validation: Sequence[Samples],
        classes: int,
        observer: TrainingObserver,
    ) -> None:
        self.config = config
        self.training = training
        self.validation = validation
        self.observer = observer
        shape = tuple(training[0].shape)
        self.recipe = ModelRecipe.of(config, shape, classes)
        self.judging = ModelRecipe.of(config, shape, classes, config.metrics)
        #: Names the network, loss and metrics before anything is sent.
        self.model = _built(self.judging)
        self.sizes = tuple(shard.count for shard in training)
        #: When the epoch before ended, or the training began.
        self.mark = time.perf_counter()
        #: When a state was last sent from here.
        self.sent = self.mark

    def run(self) -> TrainingResult:
        standing = self._begin()
        resumed_from = len(standing.history) or None
        running = self._submit(standing.state, len(standing.history))
        while running is not None:
            self.observer.epoch_began(running.epoch, self.config.epochs, running.steps)
            standing, running = self._finish(standing, running)
        return TrainingResult(
            state=standing.state,
            best_state=standing.best_state or standing.state,
            best_epoch=standing.best_epoch,
            history=standing.history,
            seconds=sum(record.seconds for record in standing.history),
            resumed_from=resumed_from,
        )

    def _begin(self) -> _Standing:
        folder = self.config.checkpoint
        if folder is None or not self.config.resume or not (folder / LAST).exists():
            return _Standing(self.model.state)
        last = read_checkpoint(folder / LAST)
        last.check(self.config, self.sizes)
        best = last if last.best_epoch == len(last.history) - 1 else read_checkpoint(folder / BEST)
        return _Standing(last.state, last.history, best.state, last.best_epoch)

    def _submit(self, state: Any, epoch: int) -> _Running | None:
        """Call all tasks of an epoch, if there is one left; it begins with a state, or a future of it."""
        if epoch >= self.config.epochs:
            return None
        futures = submit_epoch(self.config, self.recipe, self.training, state, epoch)
        measurements = submit_evaluation(
            self.judging, self.validation, futures.state, self.config.batch_size
        )
        return _Running(epoch, futures.steps, futures.state, futures.loss, measurements)

    def _finish(self, before: _Standing, running: _Running) -> tuple[_Standing, _Running | None]:
        state, loss = wait_on([running.state, running.loss])
        following: _Running | None = None
        is_deferred = isinstance(running.state, Future)
        if is_deferred:
            # The workers go on while the figures are read and the checkpoint is written.
            following = self._submit(self._opening(running.state, state), running.epoch + 1)
        measured = wait_on(running.measurements)
        now = time.perf_counter()
        record = EpochRecord(
            epoch=running.epoch,
            training_loss=float(loss),
            validation=self._figures(measured),
            samples=sum(self.sizes),
            steps=int(state.step),
            seconds=now - self.mark,
        )
        self.mark = now
        after = self._judged(before, state, record)
        self._keep(after)
        self.observer.epoch_ended(record, self.config.epochs)
        if not is_deferred:
            following = self._submit(state, running.epoch + 1)
        return after, following

    def _opening(self, future: Any, state: State) -> Any:
        """What the next epoch begins with: the state where it lies, or now and then the one that came here.

        They are equal. The first costs no transfer; but whatever is lost with a worker is then made again from the
        last state that came from the program, so that must not lie too far back.
        """
        if time.perf_counter() - self.sent < _LINEAGE_SECONDS:
            return future
        self.sent = time.perf_counter()
        return state

    def _figures(self, measured: Sequence[Measurement]) -> dict[str, float]:
        return self.model.figures(reduce(Measurement.merged, measured)) if measured else {}

    def _judged(self, before: _Standing, state: State, record: EpochRecord) -> _Standing:
        name = self.config.judge
        history = (*before.history, record)
        if name in record.validation and before.history:
            best = before.history[before.best_epoch].validation[name]
            if not is_better(name, record.validation[name], best):
                return _Standing(state, history, before.best_state, before.best_epoch)
        return _Standing(state, history, state, record.epoch)

    def _keep(self, standing: _Standing) -> None:
        folder = self.config.checkpoint
        if folder is None:
            return
        checkpoint = Checkpoint(
            standing.state,
            standing.history,
            standing.best_epoch,
            self.config.description(),
            self.sizes,
        )
        # The best first: should the run end between the two, resuming repeats the epoch and writes both again.
        if standing.best_epoch == len(standing.history) - 1:
            write_checkpoint(folder / BEST, checkpoint)
        write_checkpoint(folder / LAST, checkpoint)


def _built(recipe: ModelRecipe) -> Model:
    try:
        return recipe.build()
    except (DhcoreError, TypeError) as error:
        raise TrainingConfigError(str(error)) from error


def _check(
    config: TrainingConfig, training: Sequence[Samples], validation: Sequence[Samples]
) -> None:
    if not training:
        raise TrainingConfigError("training needs at least one shard, found none")
    shapes = {tuple(shard.shape) for shard in (*training, *validation)}
    if len(shapes) > 1:
        raise TrainingConfigError(
            f"all samples must have one shape, found {sorted(shapes)}; bring them to one size"
        )
    if config.augmentation:
        _check_augmentation(config.augmentation, shapes.pop())


def _check_augmentation(text: str, shape: tuple[int, ...]) -> None:
    try:
        pipeline: Pipeline = parsed(text)
        example = Image.from_channels_first(np.zeros(shape, np.float32))
        changed, _ = pipeline(example)
    except AugmentationError as error:
        raise TrainingConfigError(f"augmentation: {error}") from error
    if changed.shape != example.shape:
        raise TrainingConfigError(
            f"the augmentation makes images of {changed.shape} out of {example.shape}; validation samples are not "
            "augmented, so use transforms that keep the size, and bring all images to it beforehand"
        )
