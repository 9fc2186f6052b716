from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dhcore.image import AxesError, Blending, Border, Image, stitch, tile


@settings(max_examples=60, deadline=None)
@given(
    st.tuples(st.integers(1, 20), st.integers(1, 20)),
    st.tuples(st.integers(1, 8), st.integers(1, 8)),
    st.sampled_from(["constant", "nearest", None]),
    st.sampled_from(["last", "mean", "weighted"]),
    st.data(),
)
def test_stitching_undoes_tiling(
    counts: tuple[int, int],
    size: tuple[int, int],
    padding: Border | None,
    blending: Blending,
    data: st.DataObject,
) -> None:
    overlap = (data.draw(st.integers(0, size[0] - 1)), data.draw(st.integers(0, size[1] - 1)))
    if padding is None:
        size = (min(size[0], counts[0]), min(size[1], counts[1]))
        overlap = (min(overlap[0], size[0] - 1), min(overlap[1], size[1] - 1))
    pixels = np.random.default_rng(1).integers(0, 256, (*counts, 3)).astype(np.uint8)
    tiles = tile(Image(pixels, "yxc"), size, overlap=overlap, padding=padding)
    assert all(part.image.pixels.shape == (*size, 3) for part in tiles)
    whole = stitch([t.image for t in tiles], [t.position for t in tiles], counts, blending=blending)
    np.testing.assert_array_equal(whole.pixels, pixels)


def test_without_overlap_floats_come_back_bit_for_bit() -> None:
    pixels = np.random.default_rng(1).random((3, 10, 11), dtype=np.float32)
    tiles = tile(Image(pixels, "cyx"), (4, 4), padding="reflect")
    whole = stitch([t.image for t in tiles], [t.position for t in tiles], (10, 11))
    assert whole.pixels.tobytes() == pixels.tobytes()


def test_volumes_tile_in_three_dimensions() -> None:
    pixels = np.random.default_rng(1).random((5, 6, 7))
    tiles = tile(Image(pixels, "zyx"), (3, 4, 4), overlap=1)
    whole = stitch([t.image for t in tiles], [t.position for t in tiles], (5, 6, 7))
    np.testing.assert_allclose(whole.pixels, pixels, rtol=1e-12)


def test_weighted_blending_is_the_weighted_mean() -> None:
    left, right = np.full((1, 4), 10.0), np.full((1, 4), 20.0)
    whole = stitch([Image(left, "yx"), Image(right, "yx")], [(0, 0), (0, 2)], (1, 6)).pixels
    # Weights fall off as 1/2 1 1 1/2 over each tile.
    expected = [[10, 10, (10 * 1 + 20 * 0.5) / 1.5, (10 * 0.5 + 20 * 1) / 1.5, 20, 20]]
    np.testing.assert_allclose(whole, expected)


def test_what_a_network_made_of_tiles_may_have_other_channels() -> None:
    tiles = tile(Image(np.zeros((6, 6, 3), np.uint8), "yxc"), (3, 3))
    masks = [Image(np.full((3, 3), number), "yx") for number, _ in enumerate(tiles)]
    whole = stitch(masks, [t.position for t in tiles], (6, 6))
    assert whole.pixels[0, 0] == 0
    assert whole.pixels[5, 5] == 3


def test_tiles_know_where_they_are_in_the_patient() -> None:
    parts = tile(Image(np.zeros((8, 8)), "yx", affine=np.eye(4)), (4, 4))
    assert parts[-1].image.affine is not None
    assert parts[-1].image.affine[:2, 3].tolist() == [4.0, 4.0]


def test_a_hole_between_tiles_is_an_error() -> None:
    with pytest.raises(AxesError, match="covers"):
        stitch([Image(np.zeros((2, 2)), "yx")], [(0, 0)], (2, 3))


def test_a_tile_larger_than_the_image_needs_padding() -> None:
    with pytest.raises(AxesError, match="padding"):
        tile(Image(np.zeros((2, 2)), "yx"), (4, 4))


def test_unequal_tiles_are_an_error() -> None:
    parts = [Image(np.zeros((2, 2)), "yx"), Image(np.zeros((2, 3)), "yx")]
    with pytest.raises(AxesError, match="alike"):
        stitch(parts, [(0, 0), (0, 2)], (2, 5))
