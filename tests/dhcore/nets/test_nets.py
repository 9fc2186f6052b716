"""Networks have the sizes of their papers, and learn."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from dhcore import nets, nn, optim
from dhcore.errors import OperationError, ShapeError


def convolution(inputs: int, outputs: int, kernel: int, *, bias: bool = True) -> int:
    return inputs * outputs * kernel**2 + bias * outputs


@pytest.mark.parametrize(
    ("model", "parameters"),
    [
        # The counts of torchvision's networks of the same names.
        (nets.resnet18, 11_689_512),
        (nets.vgg11, 132_863_336),
        (nets.vgg13, 133_047_848),
        (nets.vgg16, 138_357_544),
        (nets.vgg19, 143_667_240),
        (lambda: nets.resnet18((3, 64, 64), 10), 11_689_512 - 990 * 513),
    ],
)
def test_parameters_are_as_many_as_elsewhere(model: object, parameters: int) -> None:
    assert model().parameter_count == parameters  # type: ignore[operator]


def test_vgg_with_batch_norm_has_a_scale_and_a_shift_for_each_bias_of_its_own() -> None:
    plain, normalised = nets.vgg16(), nets.vgg16(batch_norm=True)
    filters = 2 * 64 + 2 * 128 + 3 * 256 + 6 * 512
    assert normalised.parameter_count - plain.parameter_count == filters
    assert normalised.graph.flat_size("buffer") == 2 * filters


def test_lenet_follows_its_formula() -> None:
    expected = convolution(1, 20, 5) + convolution(20, 50, 5) + 50 * 49 * 500 + 500 + 500 * 10 + 10
    assert nets.lenet().parameter_count == expected


@pytest.mark.parametrize("batch_norm", [False, True])
@pytest.mark.parametrize("upsampling", ["transposed", "nearest", "linear"])
@pytest.mark.parametrize("levels", [2, 4])
def test_unet_follows_its_formula(*, batch_norm: bool, upsampling: str, levels: int) -> None:
    def double(inputs: int, outputs: int) -> int:
        norm = 2 * outputs * batch_norm
        first = convolution(inputs, outputs, 3, bias=not batch_norm) + norm
        return first + convolution(outputs, outputs, 3, bias=not batch_norm) + norm

    widths = [6 * 2**level for level in range(levels)]
    down = sum(double(a, b) for a, b in zip([2, *widths[:-1]], widths, strict=True))
    up = sum(
        convolution(below, above, 2) + double(2 * above, above)
        for above, below in itertools.pairwise(widths)
    )
    model = nets.unet(
        (2, 32, 48), 3, width=6, levels=levels, batch_norm=batch_norm, upsampling=upsampling  # type: ignore[arg-type]
    )  # fmt: skip
    assert model.parameter_count == down + up + convolution(6, 3, 1)
    assert model.graph.nodes[model.graph.outputs["head"]].shape == (3, 32, 48)


def test_unet_pools_as_asked() -> None:
    ops = {
        node.op for node in nets.unet((1, 16, 16), width=2, levels=2, pooling="average").graph.nodes
    }
    assert "average_pool" in ops
    assert "max_pool" not in ops


@pytest.mark.parametrize(
    "build",
    [
        lambda: nets.unet((3, 40, 64)),
        lambda: nets.by_name("unet")((3, 64, 40), 1),
    ],
)
def test_unet_refuses_sizes_that_cannot_be_halved(build: object) -> None:
    with pytest.raises(ShapeError, match="multiples of 16 for 5 levels"):
        build()  # type: ignore[operator]


@pytest.mark.parametrize(
    "build",
    [
        lambda: nets.by_name("alexnet"),
        lambda: nets.vgg(12),  # type: ignore[arg-type]
        lambda: nets.vgg16((3, 16, 16)),
        lambda: nets.unet(pooling="sum"),  # type: ignore[arg-type]
        lambda: nets.unet(upsampling="cubic"),  # type: ignore[arg-type]
        lambda: nets.unet(levels=1),
    ],
)
def test_what_does_not_exist_is_answered_with_what_does(build: object) -> None:
    with pytest.raises(OperationError, match=r"expected|at least"):
        build()  # type: ignore[operator]


@pytest.mark.parametrize("name", nets.names())
def test_every_network_is_reached_by_name(name: str) -> None:
    model = nets.by_name(name)((1, 32, 32), 5)
    assert next(iter(model.graph.inputs)) == "image"
    assert model.graph.nodes[model.graph.outputs["head"]].shape[0] == 5
    names = [slot.name for slot in model.graph.slots.values()]
    assert len(names) == len(set(names))


def overfit(
    model: nn.Model, images: np.ndarray, target: np.ndarray, loss: str, steps: int
) -> float:
    model.compile(optim.Adam(0.003), loss, ["accuracy"], seed=0)
    for _ in range(steps):
        model.train_batch(images, target)
    return model.evaluate(images, target)["accuracy"]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("build", "steps"),
    [
        (lambda: nets.lenet((1, 12, 12), 4), 25),
        (lambda: nets.resnet18((1, 32, 32), 4, width=8), 30),
        (lambda: nets.vgg(11, (1, 32, 32), 4, width=8, hidden=(32,), dropout=0.0), 50),
    ],
    ids=["lenet", "resnet18", "vgg11"],
)
def test_a_classifier_learns_eight_images_by_heart(build: object, steps: int) -> None:
    model: nn.Model = build()  # type: ignore[operator]
    shape = model.graph.nodes[model.graph.inputs["image"]].shape
    images = np.random.default_rng(1).standard_normal((8, *shape)).astype(np.float32)
    assert overfit(model, images, np.arange(8) % 4, "softmax_cross_entropy", steps) == 1.0


@pytest.mark.slow
@pytest.mark.parametrize("loss", ["dice", "binary_cross_entropy"])
def test_a_unet_learns_a_mask_by_heart(loss: str) -> None:
    model = nets.unet((1, 16, 16), width=8, levels=3)
    draw = np.random.default_rng(1)
    images = draw.standard_normal((2, 1, 16, 16)).astype(np.float32)
    masks = (images[:, 0] > 0.5).astype(int)
    assert overfit(model, images, masks, loss, 60) > 0.97
