"""Datasets small enough for a test, written as a user would write them."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import yaml
from PIL import Image

SPLIT: Mapping[str, list[int]] = {"training": [0, 1, 2, 3], "validation": [4], "test": [5]}


def write_discs(
    folder: Path,
    *,
    split: Mapping[str, list[int]] = SPLIT,
    size: tuple[int, int] = (32, 32),
    count: int = 6,
) -> Path:
    """Bright discs on noise; a mask says where they are."""
    generator = np.random.default_rng(0)
    rows, columns = np.mgrid[: size[0], : size[1]]
    images = []
    for index in range(count):
        centre = generator.uniform(8, 24, 2)
        disc = (rows - centre[0]) ** 2 + (columns - centre[1]) ** 2 < 36
        noise = generator.integers(0, 100, (*size, 3))
        pixels = (noise + 120 * disc[..., None]).astype(np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        Image.fromarray((disc * 255).astype(np.uint8)).save(folder / f"{index}_mask.png")
        images.append({"location": f"{index}.png", "label": f"{index}_mask.png"})
    return write_yaml(folder, images, split)


def write_classes(folder: Path) -> Path:
    """Dark and bright pictures."""
    images = []
    for index in range(8):
        pixels = np.full((28, 28), 40 + 150 * (index % 2) + index, np.uint8)
        Image.fromarray(pixels).save(folder / f"{index}.png")
        images.append({"location": f"{index}.png", "label": ["dark", "bright"][index % 2]})
    split = {"training": [0, 1, 2, 3], "validation": [4, 5], "test": [6, 7]}
    return write_yaml(folder, images, split, classes=["dark", "bright"])


def write_yaml(
    folder: Path, images: list[dict[str, str]], split: Mapping[str, list[int]], **more: object
) -> Path:
    path = folder / "set.yml"
    content = {"name": "test", **more, "images": images, "split": dict(split)}
    path.write_text(yaml.safe_dump(content))
    return path
