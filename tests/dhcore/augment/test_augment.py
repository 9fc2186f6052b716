from __future__ import annotations

import pickle
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest
from scipy import ndimage

from dhcore.augment import (
    AugmentationError,
    Brightness,
    CentreCrop,
    CoarseDropout,
    ColourJitter,
    Contrast,
    Elastic,
    Flip,
    Gamma,
    GaussianBlur,
    GaussianNoise,
    OneOf,
    Pipeline,
    RandomCrop,
    Resize,
    Rotate,
    Scale,
    Shift,
    Transform,
    Turn90,
    parse,
)
from dhcore.augment.text import TRANSFORMS
from dhcore.image import Image, rotate, rotate90

GEOMETRIC: list[Transform] = [
    Flip(probability=1),
    Flip(axis="y", probability=1),
    Turn90(probability=1),
    Rotate((-40, 40)),
    Scale((0.7, 1.4)),
    Shift((-0.2, 0.2)),
    RandomCrop((20, 24)),
    RandomCrop((60, 24)),
    CentreCrop((20, 24)),
    CentreCrop(),
    Resize((20, 24)),
    Elastic((1, 4)),
]
OF_VALUES: list[Transform] = [
    Brightness((0.1, 0.3)),
    Contrast((0.5, 0.8)),
    Gamma((1.5, 2)),
    GaussianNoise((0.05, 0.1)),
    GaussianBlur((1, 2)),
    ColourJitter(),
    CoarseDropout((0.3, 0.5)),
]
EVERYTHING = Pipeline(
    *GEOMETRIC[:6], OneOf((GaussianBlur(), GaussianNoise())), *OF_VALUES, Elastic()
)


def _scene(*, seed: int = 0) -> tuple[Image, Image]:
    """A picture whose red channel is the mask, in blobs."""
    noise = np.random.default_rng(seed).random((40, 40))
    mask = (ndimage.gaussian_filter(noise, 4) > 0.5).astype(np.uint8)
    pixels = np.stack([mask * 255, 255 - mask * 255, np.full_like(mask, 77)], axis=-1)
    return Image(pixels, "yxc"), Image(mask, "yx")


@pytest.mark.parametrize("transform", GEOMETRIC, ids=repr)
@pytest.mark.parametrize("index", range(3))
def test_the_mask_moves_with_the_image(transform: Transform, index: int) -> None:
    image, mask = _scene()
    moved, labels = Pipeline(transform)(image, mask, seed=5, index=index)
    assert labels is not None
    assert moved.same_geometry(labels)
    red = moved.pixels[..., 0] > 127
    outside = moved.pixels[..., 2] < 70
    # Linear and nearest interpolation may disagree on the pixels of an edge only.
    edge = ndimage.binary_dilation(red, iterations=2) & ~ndimage.binary_erosion(red, iterations=2)
    wrong = (red != (labels.pixels > 0)) & ~outside & ~edge
    assert not wrong.any()
    assert set(np.unique(labels.pixels)) <= {0, 1}


@pytest.mark.parametrize("transform", OF_VALUES, ids=repr)
def test_changes_of_value_change_the_image_and_leave_the_mask(transform: Transform) -> None:
    image, mask = _scene()
    changed, labels = Pipeline(transform)(image, mask, seed=5)
    assert labels is mask
    assert changed.dtype == image.dtype
    assert changed.shape == image.shape
    assert not np.array_equal(changed.pixels, image.pixels)


@pytest.mark.parametrize("transform", [*GEOMETRIC, *OF_VALUES], ids=repr)
def test_no_transform_changes_its_input(transform: Transform) -> None:
    image, mask = _scene()
    pixels, labels = image.pixels.copy(), mask.pixels.copy()
    Pipeline(transform)(image, mask, seed=1)
    np.testing.assert_array_equal(image.pixels, pixels)
    np.testing.assert_array_equal(mask.pixels, labels)


def test_seed_epoch_and_index_alone_decide() -> None:
    image, mask = _scene()

    def augmented(index: int) -> tuple[bytes, bytes]:
        changed, labels = EVERYTHING(image, mask, seed=3, epoch=2, index=index)
        assert labels is not None
        return changed.pixels.tobytes(), labels.pixels.tobytes()

    alone = [augmented(index) for index in range(8)]
    with ThreadPoolExecutor(4) as workers:
        together = list(workers.map(augmented, reversed(range(8))))[::-1]
    assert together == alone
    assert len(set(alone)) == 8


@pytest.mark.parametrize("other", [{"seed": 4}, {"epoch": 3}, {"index": 1}])
def test_another_seed_epoch_or_index_is_another_picture(other: dict[str, int]) -> None:
    image, _ = _scene()
    name = {"seed": 3, "epoch": 2, "index": 0}
    first, second = EVERYTHING(image, **name)[0], EVERYTHING(image, **{**name, **other})[0]
    assert not np.array_equal(first.pixels, second.pixels)


def test_a_pipeline_pickled_to_a_worker_makes_the_same_picture() -> None:
    image, _ = _scene()
    copy = pickle.loads(pickle.dumps(EVERYTHING))
    np.testing.assert_array_equal(
        copy(image, seed=1)[0].pixels, EVERYTHING(image, seed=1)[0].pixels
    )


def test_to_switch_one_transform_off_leaves_the_draws_of_the_others() -> None:
    image, _ = _scene()
    rotated = Pipeline(Brightness((0, 0)), Rotate())(image, seed=1)[0]
    alone = Pipeline(Brightness((0, 0), probability=0), Rotate())(image, seed=1)[0]
    np.testing.assert_array_equal(rotated.pixels, alone.pixels)


def test_rotations_that_follow_each_other_sample_once() -> None:
    image = Image(np.random.default_rng(1).random((31, 31)), "yx")
    pair = Pipeline(Rotate((10, 10), border="nearest"), Rotate((15, 15), border="nearest"))(image)[
        0
    ]
    np.testing.assert_allclose(pair.pixels, rotate(image, 25, border="nearest").pixels, atol=1e-6)


def test_merged_maps_happen_in_the_order_of_the_pipeline() -> None:
    image = Image(np.random.default_rng(1).random((31, 31)), "yx", affine=np.eye(4))
    merged = Pipeline(Shift((0.2, 0.2)), Rotate((90, 90)))(image)[0]
    apart = rotate90(Pipeline(Shift((0.2, 0.2)))(image)[0])
    np.testing.assert_allclose(merged.pixels, apart.pixels, atol=1e-6)
    np.testing.assert_allclose(np.asarray(merged.affine), np.asarray(apart.affine), atol=1e-9)


def test_scaling_up_enlarges_and_shifting_moves_forward() -> None:
    pixels = np.zeros((41, 41))
    pixels[18:23, 18:23] = 1
    large = Pipeline(Scale((2, 2)))(Image(pixels, "yx"))[0].pixels
    assert large.sum() == pytest.approx(100, rel=0.1)
    shifted = Pipeline(Shift((10 / 41, 10 / 41)))(Image(pixels, "yx"))[0].pixels
    assert ndimage.center_of_mass(shifted) == pytest.approx((30, 30))


def test_the_range_of_a_parameter_is_used_evenly() -> None:
    image = Image(np.full((1, 1), 100, np.float32), "yx")
    flat = Image(np.array([[0.0, 100.0]], np.float32), "yx")
    shifts = [
        Pipeline(Brightness((-0.5, 0.5)))(flat, index=i)[0].pixels[0, 0] / 100 for i in range(400)
    ]
    assert min(shifts) < -0.45
    assert max(shifts) > 0.45
    assert abs(np.mean(shifts)) < 0.06
    assert Pipeline(Gamma())(image)[0].pixels[0, 0] == 100


def test_a_probability_is_a_frequency() -> None:
    image = Image(np.array([[0, 1]], np.uint8), "yx")
    flip = Pipeline(Flip(probability=0.3))
    flips = sum(int(flip(image, index=i)[0].pixels[0, 0]) for i in range(1000))
    assert 250 < flips < 350


def test_noise_and_blur_have_the_size_asked_for() -> None:
    random = np.random.default_rng(1)
    image = Image(np.clip(random.normal(128, 1e-3, (200, 200)), 0, 255).astype(np.float32), "yx")
    noisy = Pipeline(GaussianNoise((10.0, 10.0)))(image)[0].pixels - image.pixels
    assert noisy.std() == pytest.approx(10 * (image.pixels.max() - image.pixels.min()), rel=0.03)
    impulse = np.zeros((61, 61), np.float32)
    impulse[30, 30] = 1
    blurred = Pipeline(GaussianBlur((3, 3)))(Image(impulse, "yx"))[0].pixels
    variance = (blurred.sum(axis=0) * (np.arange(61) - 30) ** 2).sum()
    assert np.sqrt(variance) == pytest.approx(3, rel=0.02)


def test_an_elastic_field_has_the_deviation_asked_for() -> None:
    ramp = Image(np.broadcast_to(np.arange(200.0), (200, 200)).copy(), "yx")
    moved = Pipeline(Elastic((3, 3), smoothness=5))(ramp)[0].pixels - ramp.pixels
    inner = moved[20:-20, 20:-20]
    assert inner.std() == pytest.approx(3, rel=0.15)


def test_hue_leaves_grey_alone_and_turns_colours() -> None:
    still = {"brightness": (1.0, 1.0), "contrast": (1.0, 1.0), "saturation": (1.0, 1.0)}
    third = ColourJitter(**still, hue=(1 / 3, 1 / 3))  # type: ignore[arg-type]  # keywords from a dict
    pixels = np.array([[[90, 90, 90], [200, 10, 40]]], np.uint8)
    turned = Pipeline(third)(Image(pixels, "yxc"))[0].pixels
    assert turned[0].tolist() == [[90, 90, 90], [40, 200, 10]]


def test_transparency_is_not_made_brighter() -> None:
    image = Image(np.full((4, 4, 4), 100, np.uint8), "yxc")
    changed = Pipeline(Brightness((0.2, 0.2)))(image)[0].pixels
    assert (changed[..., :3] == 151).all()
    assert (changed[..., 3] == 100).all()


@pytest.mark.parametrize(
    "transform",
    [
        Flip(axis="z", probability=1),
        Rotate((20, 20), plane="zx"),
        Elastic(),
        Scale(),
        RandomCrop((4, 5, 6)),
        GaussianBlur((1, 1)),
    ],
)
def test_volumes_are_augmented_too(transform: Transform) -> None:
    volume = Image(np.random.default_rng(1).random((8, 9, 10)).astype(np.float32), "zyx")
    changed, mask = Pipeline(transform)(volume, volume, seed=1)
    assert changed.axes == "zyx"
    assert mask is not None
    assert changed.shape == mask.shape
    assert not np.array_equal(changed.pixels, volume.pixels)


def test_image_and_mask_of_different_sizes_are_refused() -> None:
    with pytest.raises(AugmentationError, match="one size"):
        EVERYTHING(Image(np.zeros((4, 4, 3)), "yxc"), Image(np.zeros((4, 5)), "yx"))


def test_what_repr_prints_can_be_parsed() -> None:
    assert parse(repr(EVERYTHING)) == EVERYTHING
    assert parse(repr(Pipeline(*GEOMETRIC))) == Pipeline(*GEOMETRIC)
    assert hash(parse(repr(EVERYTHING))) == hash(EVERYTHING)


def test_a_pipeline_may_be_written_by_hand() -> None:
    text = """
    Flip(axis='y')      # upside down
    Rotate((-5, 5))

    OneOf([Gamma(), GaussianBlur()], probability=0.5)
    """
    import textwrap

    expected = Pipeline(
        Flip(axis="y"), Rotate((-5, 5)), OneOf((Gamma(), GaussianBlur()), probability=0.5)
    )
    assert parse(textwrap.dedent(text)) == expected


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("Flop()", "Line 1 .*no transform 'Flop'"),
        ("Flip()\nFlip(axes='y')", "Line 2 .*axes"),
        ("Flip(probability=2)", "Line 1 .*within 0..1"),
        ("Rotate(degrees=(5, -5))", "Line 1 .*order"),
        ("Rotate(degrees=5)", "Line 1 .*degrees"),
        ("Rotate(border='mirror')", "Line 1 .*border"),
        ("Flip(", "not a transform"),
        ("Flip", "expected a transform"),
        ("__import__('os').system('true')", "no transform"),
        ("Rotate(degrees=open('x'))", "no transform 'open'"),
        ("Rotate(degrees=a)", "plain value"),
        ("Resize(size=(0, 4))", "positive"),
        ("OneOf(())", "tuple of transforms"),
    ],
)
def test_a_mistake_in_a_text_is_named_with_its_line(text: str, message: str) -> None:
    with pytest.raises(AugmentationError, match=message):
        parse(text)


def test_every_transform_can_be_written_in_a_text() -> None:
    import dhcore.augment as package

    kinds = {name for name in package.__all__ if hasattr(getattr(package, name), "draw")} - {
        "Transform"
    }
    assert kinds == set(TRANSFORMS)


def test_a_pipeline_does_not_change() -> None:
    with pytest.raises(AttributeError):
        EVERYTHING.transforms = ()
