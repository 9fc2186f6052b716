"""What users pass as data: what does not fit is named, and what is no number never reaches a kernel."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from dhcore import losses, metrics, nn, optim
from dhcore.errors import DhcoreError, DtypeError, OperationError, ShapeError

IMAGES = np.zeros((4, 1, 6, 6), np.float32)
CLASSES = np.array([0, 1, 2, 0])


def classifier(loss: str = "softmax_cross_entropy") -> nn.Model:
    x = nn.Input((1, 6, 6), name="image")
    model = nn.Model(x, nn.Linear(3, name="head")(nn.Flatten()(x)))
    model.compile("sgd", loss)
    return model


def segmenter(loss: str = "dice") -> nn.Model:
    x = nn.Input((1, 6, 6), name="image")
    model = nn.Model(x, nn.Conv2d(1, 1, name="mask")(x))
    model.compile("sgd", loss, ["dice"])
    return model


def with_one(value: float) -> np.ndarray:
    images = IMAGES.copy()
    images[2, 0, 3, 3] = value
    return images


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_an_input_that_is_not_finite_is_refused_with_its_sample(value: float) -> None:
    message = rf"input 'image': expected finite numbers, found {value} in sample 2 of the batch"
    with pytest.raises(OperationError, match=message):
        classifier().predict(with_one(value))
    with pytest.raises(OperationError, match=message):
        classifier().fit(with_one(value), CLASSES, shuffle=False, progress=False)


def test_large_numbers_whose_sum_overflows_are_finite() -> None:
    x = nn.Input((1, 6, 6))
    assert nn.Model(x, nn.Flatten()(x)).predict(np.full_like(IMAGES, 3e38)).max() == np.float32(
        3e38
    )


def test_a_target_that_is_not_finite_is_refused() -> None:
    model = classifier("mean_squared_error")
    with pytest.raises(OperationError, match="target 'head': expected finite numbers, found nan"):
        model.gradients(IMAGES, np.full((4, 3), np.nan))


@pytest.mark.parametrize(
    "images",
    [np.full(IMAGES.shape, "a"), np.full(IMAGES.shape, None), np.full(IMAGES.shape, 1j)],
    ids=["text", "objects", "complex"],
)
def test_an_input_of_other_things_than_real_numbers_is_refused(images: np.ndarray) -> None:
    with pytest.raises(DtypeError, match="input 'image': expected real numbers, found an array of"):
        classifier().predict(images)


@pytest.mark.parametrize("loss", ["dice", "binary_cross_entropy"])
def test_a_mask_of_0_and_255_is_refused(loss: str) -> None:
    model, mask = segmenter(loss), np.full((4, 1, 6, 6), 255, np.uint8)
    with pytest.raises(
        OperationError, match=r"target 'mask': .* from 0 to 1, found 0 to 255; .* 255"
    ):
        model.gradients(IMAGES, mask * (np.arange(6) > 2).astype(np.uint8))
    with pytest.raises(OperationError, match="from 0 to 1, found 255 to 255"):
        model.gradients(IMAGES, mask[:, 0])


def test_a_mask_may_be_truth_values_classes_or_probabilities() -> None:
    mask = np.random.default_rng(0).random((4, 6, 6)) > 0.5
    model = segmenter()
    expected = model.evaluate(IMAGES, mask[:, np.newaxis].astype(np.float32))
    assert model.evaluate(IMAGES, mask) == expected
    assert model.evaluate(IMAGES, mask.astype(np.uint8)) == expected
    # What interpolating a mask rounds to.
    model.evaluate(IMAGES, np.where(mask, 1.0000002, -1e-7)[:, np.newaxis])


def test_a_single_number_to_predict_may_leave_its_axis_out() -> None:
    x = nn.Input((1, 6, 6), name="image")
    model = nn.Model(x, nn.Linear(1, name="age")(nn.Flatten()(x)))
    model.compile("sgd", "mean_squared_error")
    ages = np.array([34, 80, 51, 9])
    for target in (ages, ages.astype(float), ages[:, np.newaxis]):
        assert model.gradients(IMAGES, target).loss == pytest.approx(np.mean(ages**2))
    with pytest.raises(
        ShapeError, match=r"target 'age': expected \(samples, 1\), .* single channel: \(samples,\)"
    ):
        model.gradients(IMAGES, np.zeros((4, 2)))


def test_classes_that_are_no_integers_are_refused_with_what_fits() -> None:
    with pytest.raises(
        ShapeError,
        match=r"expected \(samples, 3\), found \(4,\); or classes as integers: \(samples,\)",
    ):
        classifier().gradients(IMAGES, CLASSES.astype(float))


@pytest.mark.parametrize("weight", [[1, 1, -1, 1], [1, 1, np.nan, 1], [1, 1, np.inf, 1]])
def test_weights_are_finite_and_not_negative(weight: list[float]) -> None:
    with pytest.raises(OperationError, match="weight: expected finite numbers of 0 or more"):
        classifier().gradients(IMAGES, CLASSES, np.array(weight))


def test_there_is_no_training_on_nothing() -> None:
    model = classifier()
    for train in (model.train_batch, model.gradients, model.fit):
        with pytest.raises(ShapeError, match="expected at least one sample, found none"):
            train(IMAGES[:0], CLASSES[:0])
    assert model.forward(IMAGES[:0]).shape == (0, 3)


@pytest.mark.parametrize("size", [0, -4])
def test_a_batch_holds_at_least_one_sample(size: int) -> None:
    model = classifier()
    with pytest.raises(OperationError, match=f"batch_size: expected at least 1, found {size}"):
        model.fit(IMAGES, CLASSES, batch_size=size)
    with pytest.raises(OperationError, match=f"batch_size: expected at least 1, found {size}"):
        model.predict(IMAGES, batch_size=size)


@pytest.mark.parametrize("part", ["optimizer", "loss", "metric", "metrics"])
def test_what_compile_cannot_use_is_refused_at_once(part: str) -> None:
    wrong: dict[str, tuple[Any, Any, Any]] = {
        "optimizer": (optim.Adam, "softmax_cross_entropy", ()),
        "loss": ("adam", losses.Dice, ()),
        "metric": ("adam", "softmax_cross_entropy", [metrics.Accuracy]),
        "metrics": ("adam", "softmax_cross_entropy", "accuracy"),
    }
    with pytest.raises(DhcoreError, match=r"call it: \w+\(\)|write \['accuracy'\]"):
        classifier().compile(*wrong[part])
