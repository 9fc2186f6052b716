"""A dataset out of one picture: colon tissue in which DAB stains a protein brown, from scikit-image's wheel.

The picture (512 x 512, immunohistochemistry with haematoxylin counterstain) is cut into three vertical regions, and
each into tiles::

    column  0                                   320     384             512
            │ training                          │ valid │ test          │
            │ 9 x 15 tiles, each half over      │ 1 x 8 │ 2 x 8         │
            │ the next                          │       │               │

Tiles overlap within the training region alone; no pixel is in two regions. **The truth is made, not given**: stains are
separated by colour deconvolution (Ruifrok and Johnston 2001) and a pixel is "DAB" where there is more of that stain
than a threshold (Otsu 1979), chosen on the training region alone. No pathologist has looked at it: the demonstration
shows that the software works, not that a network sees what a doctor sees.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final, final

import yaml
from skimage.data import immunohistochemistry
from skimage.filters import threshold_otsu

from dhcore import image
from dhtask.errors import ConfigurationError

#: First and last column (excluded) of each region.
REGIONS: Final = {"training": (0, 320), "validation": (320, 384), "test": (384, 512)}

#: Said wherever figures of this dataset are shown.
TRUTH: Final = (
    "The truth of this dataset is made by stain separation (Ruifrok and Johnston 2001) and a threshold (Otsu 1979), "
    "not by a pathologist; the figures say how well the network imitates that rule on a region it has never seen."
)

#: Said where the whole picture is shown.
PLACES: Final = (
    "In pictures of the whole tissue only the columns "
    f"{REGIONS['test'][0]} to {REGIONS['test'][1] - 1}, at the right, are held out; the network was trained on the "
    f"columns {REGIONS['training'][0]} to {REGIONS['training'][1] - 1}."
)


@final
@dataclass(frozen=True, slots=True)
class TissueDataset:
    """Where the dataset was written, and how its truth was made."""

    #: The DeepHealth YAML file.
    path: Path
    #: The whole picture and its mask, for the stitched prediction.
    picture: Path
    mask: Path
    #: Amount of DAB, in optical density, above which a pixel is of class 1.
    threshold: float
    #: Share of the pixels of class 1 in each region.
    shares: dict[str, float]


def write_tissue_dataset(folder: Path, *, tile: int = 64) -> TissueDataset:
    """Write the tiles of the picture and their masks as a DeepHealth dataset.

    Args:
        folder: where to; made if it is not there.
        tile: side of a tile in pixels; 64 or an even divisor of it, so that regions hold whole tiles.

    Raises:
        ConfigurationError: the regions do not hold whole tiles of that side.
    """
    if tile < 2 or 64 % tile:
        raise ConfigurationError(
            f"tile must divide 64, so that regions hold whole tiles, found {tile!r}"
        )
    picture = image.Image(immunohistochemistry(), "yxc")
    mask, threshold = stain_mask(picture)
    for name in ("images", "masks"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    image.write(picture, folder / "picture.png")
    image.write(mask, folder / "mask.png")
    entries: list[dict[str, str]] = []
    split: dict[str, list[int]] = {}
    for region, columns in REGIONS.items():
        stride = tile // 2 if region == "training" else tile
        names = _write_tiles(folder, picture, mask, columns, tile, stride)
        split[region] = list(range(len(entries), len(entries) + len(names)))
        entries += [{"location": f"images/{name}", "label": f"masks/{name}"} for name in names]
    path = folder / "tissue.yml"
    content = {
        "name": "tissue",
        "description": f"DAB against the rest in colon tissue (scikit-image). {TRUTH}",
        "images": entries,
        "split": split,
    }
    path.write_text(yaml.safe_dump(content, sort_keys=False), encoding="utf-8")
    shares = {
        region: float(mask.pixels[:, start:stop].mean())
        for region, (start, stop) in REGIONS.items()
    }
    return TissueDataset(path, folder / "picture.png", folder / "mask.png", threshold, shares)


def stain_mask(picture: image.Image) -> tuple[image.Image, float]:
    """Class 1 where there is more DAB than Otsu's threshold of the training region, and that threshold.

    Args:
        picture: RGB, at least as wide as the training region.
    """
    amount = image.dab(picture)
    start, stop = REGIONS["training"]
    threshold = float(threshold_otsu(amount.pixels[:, start:stop]))
    return image.threshold(amount, threshold), threshold


def _write_tiles(
    folder: Path,
    picture: image.Image,
    mask: image.Image,
    columns: tuple[int, int],
    tile: int,
    stride: int,
) -> list[str]:
    start, stop = columns
    names = []
    for row in range(0, picture.size["y"] - tile + 1, stride):
        for column in range(start, stop - tile + 1, stride):
            name = f"row{row:03d}_column{column:03d}.png"
            place, size = (row, column), (tile, tile)
            image.write(image.crop(picture, place, size), folder / "images" / name)
            image.write(image.crop(mask, place, size), folder / "masks" / name)
            names.append(name)
    return names
