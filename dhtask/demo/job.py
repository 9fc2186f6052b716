"""The main job: a dataset in, a trained network with its figures out.

::

    dataset ── prepare ── train ── evaluate on what was held out ── predict a whole picture
              (toppi)    (totm)
                           └── the first epochs once more on one worker: the same figures, speedup and efficiency

``dhtask train`` and ``dhtask demo`` both are this job; :mod:`dhtask.demo.summary` tells what came of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Final, Literal, final

import dhtask
from dhcore import image, nets
from dhcore.data import Dataset, Problem, load_dataset, load_sample
from dhcore.losses import Dice, Loss, SoftmaxCrossEntropy
from dhcore.optim import Adam, Cosine
from dhtask.demo.pictures import Segmented, first_examples, whole_picture
from dhtask.errors import ConfigurationError, InternalError
from dhtask.kpi import Indicators, Ledger, Scaling, indicators_of
from dhtask.observe import Recorder, RunRecord
from dhtask.pipeline import BadFiles, EmptySplitError, Prepared, Recipe, prepare
from dhtask.training import (
    Evaluation,
    Mode,
    TrainingConfig,
    TrainingObserver,
    TrainingResult,
    evaluate,
    train,
)

#: Losses of a job.
LossName = Literal["both", "cross_entropy", "dice"]

_LOSSES: Final[Mapping[LossName, Loss]] = {
    "both": SoftmaxCrossEntropy() + Dice(),
    "cross_entropy": SoftmaxCrossEntropy(),
    "dice": Dice(),
}

#: Epochs that are repeated on one worker; the first of them warms up and is not measured.
_SCALING_EPOCHS = 6


@final
@dataclass(frozen=True, slots=True, kw_only=True)
class JobOptions:
    """What to do.

    Raises:
        ConfigurationError: a value makes no sense.
    """

    #: DeepHealth YAML file with splits ``training``, ``validation`` and ``test``; the last two may be missing.
    dataset: Path
    #: Folder of checkpoints and report.
    out: Path
    network: str = "unet"
    network_options: Mapping[str, object] = field(default_factory=dict)
    epochs: int = 10
    #: Samples of a step, all partitions together.
    batch_size: int = 8
    partitions: int = 2
    learning_rate: float = 0.001
    #: ``both`` is the sum, which also finds classes that cover little; a classification has no Dice loss.
    loss: LossName = "cross_entropy"
    mode: Mode = "gradient"
    local_steps: int = 8
    recipe: Recipe = field(default_factory=Recipe)
    #: Number of classes of a segmentation; a classification counts its own.
    classes: int = 2
    #: Names of the classes of a segmentation.
    class_names: tuple[str, ...] = ()
    augmentation: str = ""
    seed: int = 0
    workers: int = 1
    #: ``inline`` does everything in this process, one task after the other.
    executor: Literal["dask", "inline"] = "dask"
    #: Address of a Dask scheduler to use instead of workers of our own.
    cluster: str | None = None
    bad_files: BadFiles = "stop"
    resume: bool = False
    #: Whether to repeat the first epochs on one worker.
    measure_scaling: bool = False
    #: Seconds that people took to design the pre-processing (T1 of toppi).
    design_seconds: float = 0.0
    #: Picture to predict whole, and its mask; by default the first one of the test split.
    picture: Path | None = None
    mask: Path | None = None

    def __post_init__(self) -> None:
        for name in ("epochs", "batch_size", "partitions", "local_steps", "workers"):
            if getattr(self, name) < 1:
                raise ConfigurationError(f"{name} must be at least 1, found {getattr(self, name)}")
        if self.learning_rate <= 0:
            raise ConfigurationError(f"learning rate must be above 0, found {self.learning_rate}")
        if self.classes < 2:
            raise ConfigurationError(f"classes must be at least 2, found {self.classes}")


@final
@dataclass(frozen=True, slots=True)
class Splits:
    """The prepared splits; a split that the dataset does not have is ``None``."""

    training: Prepared
    validation: Prepared | None
    test: Prepared | None

    @property
    def problems(self) -> tuple[Problem, ...]:
        """Files left out, of all splits."""
        known = (self.training, self.validation, self.test)
        return tuple(problem for split in known if split for problem in split.problems)


@final
@dataclass(frozen=True, slots=True, eq=False)
class JobOutcome:
    """What came of it."""

    options: JobOptions
    config: TrainingConfig
    dataset: Dataset
    class_names: tuple[str, ...]
    #: Number of samples of each split.
    counts: Mapping[str, int]
    #: Shape of one sample, (channels, height, width).
    shape: tuple[int, ...]
    training: TrainingResult
    #: Figures on the held-out split, and which one that was.
    evaluation: Evaluation
    evaluated_split: str
    indicators: Indicators
    #: Whether one worker gave the figures of all workers; ``None`` when that was not tried.
    same_figures: bool | None
    problems: tuple[Problem, ...]
    record: RunRecord
    #: One picture from edge to edge; ``None`` for a classification.
    whole: Segmented | None
    #: The first samples that were held out.
    examples: tuple[Segmented, ...]


def run_job(options: JobOptions, observer: TrainingObserver | None = None) -> JobOutcome:
    """Prepare, train, evaluate, measure.

    Args:
        options: what to do.
        observer: is told of every epoch.

    Raises:
        DatasetFileError: the dataset cannot be read.
        ConfigurationError: an option does not go with another or with the data.
        DhtaskError, DhcoreError: as :func:`dhtask.pipeline.prepare` and :func:`dhtask.training.train` raise.
    """
    nets.by_name(options.network)
    dataset = load_dataset(options.dataset)
    names = _class_names(dataset, options)
    _make_folder(options.out)
    recorder, ledger = Recorder(), Ledger()
    if options.design_seconds:
        ledger.note("design of the pre-processing", "design", seconds=options.design_seconds)
    with _runtime(options, recorder):
        with ledger.stage("pre-processing", "preprocessing"):
            splits = _prepare(dataset, options, len(names))
        _check_network(options, dataset, splits.training.shape, len(names))
        config = _configuration(options, dataset, splits.training)
        with ledger.stage("training", "training"):
            result = train(
                config,
                splits.training.shards,
                splits.validation.shards if splits.validation else (),
                classes=len(names),
                observer=observer,
            )
        held_out, samples = _held_out(splits)
        state = result.best_state
        evaluation = evaluate(config, state, samples.shards, classes=len(names))
        whole: Segmented | None = None
        examples: tuple[Segmented, ...] = ()
        if dataset.task == "segmentation":
            truth = _picture_and_mask(dataset, options, splits)
            whole = whole_picture(
                config, state, truth, options.recipe, samples.shape, len(names), options.partitions
            )
            examples = first_examples(config, state, samples.shards[0], options.recipe, len(names))
    scaling, same = _scaling(config, dataset, options, splits, result, len(names))
    return JobOutcome(
        options=options,
        config=config,
        dataset=dataset,
        class_names=names,
        counts={name: split.count for name, split in _named(splits) if split},
        shape=splits.training.shape,
        training=result,
        evaluation=evaluation,
        evaluated_split=held_out,
        indicators=indicators_of(ledger.stages, scaling=scaling),
        same_figures=same,
        problems=splits.problems,
        record=recorder.record(),
        whole=whole,
        examples=examples,
    )


def _make_folder(folder: Path) -> None:
    """Find out before the work, not after the first epoch."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(
            f"{folder}: cannot make the folder of the results: {error.strerror}"
        ) from error


def _runtime(options: JobOptions, recorder: Recorder) -> dhtask.Runtime:
    embedded = options.executor == "dask" and options.cluster is None
    return dhtask.Runtime(
        workers=options.workers if embedded else None,
        cluster=options.cluster,
        executor=options.executor,
        observers=[recorder],
    )


def _class_names(dataset: Dataset, options: JobOptions) -> tuple[str, ...]:
    if dataset.task == "classification":
        return dataset.classes
    names = options.class_names or _usual_names(options.classes)
    if len(names) != options.classes:
        raise ConfigurationError(
            f"expected a name for each of {options.classes} classes, found {names}"
        )
    return names


def _usual_names(classes: int) -> tuple[str, ...]:
    if classes == 2:
        return "background", "foreground"
    return tuple(f"class {index}" for index in range(classes))


def _named(splits: Splits) -> tuple[tuple[str, Prepared | None], ...]:
    return (
        ("training", splits.training),
        ("validation", splits.validation),
        ("test", splits.test),
    )


def _prepare(dataset: Dataset, options: JobOptions, classes: int) -> Splits:
    def prepared(split: str) -> Prepared:
        partitions = options.partitions
        if split != "training":
            # Small splits are measured in fewer tasks; the figures are the same.
            partitions = max(1, min(partitions, len(dataset.indices(split))))
        return prepare(
            dataset,
            split,
            options.recipe,
            partitions=partitions,
            classes=classes,
            bad_files=options.bad_files,
        )

    if "training" not in dataset.splits:
        raise EmptySplitError(
            f"{dataset.path}: there is no split 'training'; name its images under `split:`"
        )
    return Splits(
        training=prepared("training"),
        validation=prepared("validation") if "validation" in dataset.splits else None,
        test=prepared("test") if "test" in dataset.splits else None,
    )


def _check_network(
    options: JobOptions, dataset: Dataset, shape: tuple[int, ...], classes: int
) -> None:
    """Refuse a network that answers another question, before hours are spent on it."""
    try:
        model = nets.by_name(options.network)(shape, classes, **dict(options.network_options))
    except TypeError as error:
        raise ConfigurationError(f"network {options.network}: {error}") from error
    (place,) = model.graph.outputs.values()
    is_map = len(model.graph.nodes[place].shape) > 1
    if dataset.task == "classification" and options.loss != "cross_entropy":
        raise ConfigurationError(
            f"a classification is trained with cross_entropy, not {options.loss}"
        )
    if is_map and dataset.task == "classification":
        raise ConfigurationError(
            f"{options.network} gives a map of classes, the dataset has one class per image; "
            "choose another network with --net"
        )
    if not is_map and dataset.task == "segmentation":
        raise ConfigurationError(
            f"{options.network} gives one answer per image, the dataset has masks; "
            "choose another network with --net, such as unet"
        )


def _configuration(options: JobOptions, dataset: Dataset, training: Prepared) -> TrainingConfig:
    steps = options.epochs * max(1, -(-training.count // options.batch_size))
    warmup = min(steps // 10, 50)
    overlap = ("dice", "iou")
    return TrainingConfig(
        network=options.network,
        network_options=options.network_options,
        batch_size=options.batch_size,
        epochs=options.epochs,
        optimizer=Adam(Cosine(options.learning_rate, steps=steps, warmup=warmup)),
        loss=_LOSSES[options.loss],
        metrics=("accuracy", *overlap) if dataset.task == "classification" else overlap,
        mode=options.mode,
        local_steps=options.local_steps,
        seed=options.seed,
        augmentation=options.augmentation,
        checkpoint=options.out / "checkpoints",
        resume=options.resume,
    )


def _held_out(splits: Splits) -> tuple[str, Prepared]:
    """The test split, or the best there is."""
    return next((name, split) for name, split in reversed(_named(splits)) if split is not None)


def _picture_and_mask(
    dataset: Dataset, options: JobOptions, splits: Splits
) -> tuple[image.Image, image.Image]:
    if options.picture is not None and options.mask is not None:
        picture = image.convert(image.read(options.picture), options.recipe.colour)
        return picture, image.read(options.mask)
    bad = {problem.entry for problem in splits.problems}
    name = "test" if splits.test else "training"
    usable = [index for index in dataset.indices(name) if f"image {index}" not in bad]
    loaded = load_sample(dataset, usable[0], colour=options.recipe.colour, size=options.recipe.size)
    if loaded.mask is None:
        raise InternalError(f"{dataset.path}: image {usable[0]} was trained on without a mask")
    return loaded.image, loaded.mask


def _scaling(
    config: TrainingConfig,
    dataset: Dataset,
    options: JobOptions,
    splits: Splits,
    result: TrainingResult,
    classes: int,
) -> tuple[Scaling | None, bool | None]:
    """Repeat the first epochs on one worker and compare time and figures."""
    epochs = min(_SCALING_EPOCHS, len(result.history))
    embedded = options.executor == "dask" and options.cluster is None
    can_compare = embedded and options.workers > 1 and epochs > 1
    if not (options.measure_scaling and can_compare) or result.resumed_from:
        return None, None
    shorter = replace(config, epochs=epochs, checkpoint=None, resume=False)
    with dhtask.Runtime(workers=1):
        again = _prepare(dataset, options, classes)
        alone = train(
            shorter,
            again.training.shards,
            again.validation.shards if again.validation else (),
            classes=classes,
        )
    same = alone.history == result.history[:epochs]
    if again.training.count != splits.training.count:
        raise InternalError("the dataset changed while it was read a second time")
    scaling = Scaling(
        workers=options.workers,
        one_worker_s=_measured_seconds(alone, epochs),
        all_workers_s=_measured_seconds(result, epochs),
    )
    return scaling, same


def _measured_seconds(result: TrainingResult, epochs: int) -> float:
    """Seconds of the epochs after the first, in which models are compiled."""
    seconds: Sequence[float] = [record.seconds for record in result.history[1:epochs]]
    return sum(seconds)
