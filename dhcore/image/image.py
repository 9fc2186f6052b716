"""The model of an image: pixels and what is known about them.

    axes      one letter for each dimension of the array, slowest first, as NumPy prints its shape:
              t time or page, z slice, y row, x column, c colour. "yx" grey, "yxc" colour, "zyx" volume, "tzyx" series
    spacing   millimetres between neighbours, one for each of the axes z, y, x that are present, in the order of `axes`
    affine    (4, 4): (x, y, z, 1) indices to millimetres in the patient, right, anterior, superior (RAS), as in NIfTI

An image never copies or changes the array it is given. Operations (`dhcore.image.resize` and so on) are functions that
return a new image; reading and writing are in `dhcore.image.io`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any, Final, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from dhcore.image.errors import AxesError

__all__ = ["Colour", "Image"]

#: What the values of the colour axis are; "gray" has no colour axis, "other" is any number of channels.
Colour = Literal["gray", "hsv", "other", "rgb", "rgba", "ycbcr"]

_CHANNELS: Final = {"rgb": 3, "rgba": 4, "hsv": 3, "ycbcr": 3}
_LETTERS: Final = "tzyxc"
_SPATIAL: Final = "zyx"


@dataclass(frozen=True, slots=True, eq=False)
class Image:
    """Pixels with named axes, colour model, spacing, affine and metadata.

    Args:
        pixels: array of any dtype, one dimension for each letter of `axes`; kept as it is, without a copy.
        axes: letters out of t, z, y, x, c, each at most once; y and x are needed.
        colour: the colour model; found from the axes and their size when not given.
        spacing: millimetres for each spatial axis in the order of `axes`; None when unknown.
        affine: (4, 4), indices (x, y, z, 1) to RAS millimetres; None when unknown.
        metadata: anything else that was read with the image.

    Raises:
        AxesError: the arguments contradict each other.

    >>> import numpy as np
    >>> image = Image(np.zeros((480, 640, 3), np.uint8), "yxc", spacing=(0.5, 0.5))
    >>> image.colour, image.size
    ('rgb', {'y': 480, 'x': 640})
    >>> image.channels_first().shape
    (3, 480, 640)
    """

    pixels: NDArray[Any]
    axes: str
    colour: Colour | None = None
    spacing: tuple[float, ...] | None = None
    affine: NDArray[np.float64] | None = None
    metadata: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        _check_axes(self.pixels, self.axes)
        object.__setattr__(self, "colour", _colour_of(self))
        object.__setattr__(self, "metadata", MappingProxyType(dict(self.metadata)))
        if self.spacing is not None:
            object.__setattr__(self, "spacing", _checked_spacing(self.spacing, self.spatial_axes))
        if self.affine is not None:
            object.__setattr__(self, "affine", _checked_affine(self.affine))

    def __repr__(self) -> str:
        sizes = " ".join(
            f"{letter}={count}" for letter, count in zip(self.axes, self.shape, strict=True)
        )
        spacing = (
            "" if self.spacing is None else " " + "x".join(f"{s:.4g}" for s in self.spacing) + " mm"
        )
        return f"<Image {sizes} {self.pixels.dtype} {self.colour}{spacing}>"

    def __array__(self, dtype: Any = None, *, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.pixels, dtype=dtype, copy=copy)

    def __reduce__(self) -> tuple[Any, ...]:
        # A mapping proxy does not pickle; the plain dict does.
        return Image, (
            self.pixels,
            self.axes,
            self.colour,
            self.spacing,
            self.affine,
            dict(self.metadata),
        )

    @property
    def shape(self) -> tuple[int, ...]:
        """Size of every axis, in the order of `axes`."""
        return tuple(self.pixels.shape)

    @property
    def dtype(self) -> np.dtype[Any]:
        """Element type of the pixels."""
        return self.pixels.dtype

    @property
    def spatial_axes(self) -> str:
        """The letters of `axes` that are places: z, y, x."""
        return "".join(letter for letter in self.axes if letter in _SPATIAL)

    @property
    def size(self) -> dict[str, int]:
        """Number of pixels along each spatial axis."""
        return {letter: self.count(letter) for letter in self.spatial_axes}

    @property
    def channels(self) -> int:
        """Number of colour channels; 1 without a colour axis."""
        return self.count("c") if "c" in self.axes else 1

    def count(self, axis: str) -> int:
        """Number of pixels along one axis.

        Args:
            axis: a letter of `axes`.

        Raises:
            AxesError: the image has no such axis.
        """
        return int(self.pixels.shape[self.dimension(axis)])

    def dimension(self, axis: str) -> int:
        """Position of an axis in the array.

        Args:
            axis: a letter of `axes`.

        Raises:
            AxesError: the image has no such axis.
        """
        if len(axis) != 1 or axis not in self.axes:
            raise AxesError(f"Expected one of the axes {self.axes!r}, got {axis!r}.")
        return self.axes.index(axis)

    def transpose(self, axes: str) -> Image:
        """The same image with the axes in another order; a view.

        Args:
            axes: the letters of `self.axes` in the wanted order.

        Raises:
            AxesError: other letters than those of the image.

        >>> import numpy as np
        >>> Image(np.zeros((4, 5, 3)), "yxc").transpose("cyx").shape
        (3, 4, 5)
        """
        if sorted(axes) != sorted(self.axes):
            raise AxesError(
                f"Expected the letters of {self.axes!r} in another order, got {axes!r}."
            )
        pixels = self.pixels.transpose([self.axes.index(letter) for letter in axes])
        spacing = self.spacing
        if spacing is not None:
            known = dict(zip(self.spatial_axes, spacing, strict=True))
            spacing = tuple(known[letter] for letter in axes if letter in _SPATIAL)
        return replace(self, pixels=pixels, axes=axes, spacing=spacing)

    def channels_first(self, dtype: Any = None) -> NDArray[Any]:
        """The pixels as a network takes them: (channels, *spatial), spatial in the order z, y, x.

        A time axis comes before the channels. Without `dtype` the result is a view.

        Args:
            dtype: element type of the result.
        """
        wanted = [letter for letter in "tczyx" if letter in self.axes]
        array = self.transpose("".join(wanted)).pixels
        if "c" not in self.axes:
            array = np.expand_dims(array, 1 if "t" in self.axes else 0)
        return array if dtype is None else np.ascontiguousarray(array, dtype=dtype)

    @staticmethod
    def from_channels_first(array: NDArray[Any], colour: Colour | None = None) -> Image:
        """An image from (channels, y, x) or (channels, z, y, x); one channel becomes a grey image. A view.

        Args:
            array: 3 or 4 dimensions.
            colour: the colour model; found from the number of channels when not given.

        Raises:
            AxesError: another number of dimensions.

        >>> import numpy as np
        >>> Image.from_channels_first(np.zeros((1, 4, 5), np.float32)).axes
        'yx'
        """
        if array.ndim not in (3, 4):
            raise AxesError(
                f"Expected (channels, y, x) or (channels, z, y, x), got shape {array.shape}."
            )
        spatial = _SPATIAL[-(array.ndim - 1) :]
        if array.shape[0] == 1:
            return Image(array[0], spatial, colour)
        return Image(np.moveaxis(array, 0, -1), spatial + "c", colour)

    def with_pixels(self, pixels: NDArray[Any], **changes: Any) -> Image:
        """A copy of this description around other pixels.

        Args:
            pixels: the new array.
            **changes: other fields of `Image` that change with it.
        """
        return replace(self, pixels=pixels, **changes)

    def same_geometry(self, other: Image) -> bool:
        """Whether both have the same number of pixels along the same spatial axes.

        Args:
            other: the image to compare with.
        """
        return self.size == other.size


def _check_axes(pixels: NDArray[Any], axes: str) -> None:
    if not isinstance(pixels, np.ndarray):
        raise AxesError(
            f"Expected a NumPy array of pixels, got {type(pixels).__name__}; use numpy.asarray(...)."
        )
    if len(set(axes)) != len(axes) or any(letter not in _LETTERS for letter in axes):
        raise AxesError(f"Expected axes out of t, z, y, x, c, each once, got {axes!r}.")
    if "y" not in axes or "x" not in axes:
        raise AxesError(f"An image has a y and an x axis, got axes {axes!r}.")
    if pixels.ndim != len(axes):
        raise AxesError(
            f"Axes {axes!r} name {len(axes)} dimensions, the pixels have shape {pixels.shape}."
        )


def _colour_of(image: Image) -> Colour:
    if image.colour is not None and image.colour not in get_args(Colour):
        raise AxesError(f"Expected a colour model out of {get_args(Colour)}, got {image.colour!r}.")
    if "c" not in image.axes:
        if image.colour not in {None, "gray", "other"}:
            raise AxesError(f"Colour {image.colour!r} needs an axis 'c', got axes {image.axes!r}.")
        return image.colour or "gray"
    channels = image.channels
    if image.colour is None:
        return {3: "rgb", 4: "rgba"}.get(channels, "other")  # type: ignore[return-value]  # get() widens to str
    if image.colour == "gray":
        raise AxesError(f"A gray image has no axis 'c', got axes {image.axes!r}.")
    if _CHANNELS.get(image.colour, channels) != channels:
        raise AxesError(
            f"Colour {image.colour!r} has {_CHANNELS[image.colour]} channels, the pixels {channels}."
        )
    return image.colour


def _checked_spacing(spacing: tuple[float, ...], axes: str) -> tuple[float, ...]:
    values = tuple(float(value) for value in spacing)
    if len(values) != len(axes):
        raise AxesError(f"Expected a spacing for each of the axes {axes!r}, got {values}.")
    if not all(np.isfinite(value) and value > 0 for value in values):
        raise AxesError(f"Expected positive spacings in millimetres, got {values}.")
    return values


def _checked_affine(affine: NDArray[Any]) -> NDArray[np.float64]:
    matrix = np.array(affine, dtype=np.float64)
    if matrix.shape != (4, 4):
        raise AxesError(f"Expected an affine of shape (4, 4), got {matrix.shape}.")
    matrix.flags.writeable = False
    return matrix
