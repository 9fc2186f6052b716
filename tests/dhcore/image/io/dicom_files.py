"""Small DICOM files for the tests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from pydicom.dataset import Dataset, FileMetaDataset
from pydicom.uid import CTImageStorage, ExplicitVRLittleEndian, generate_uid


def slice_dataset(pixels: np.ndarray, **attributes: Any) -> Dataset:
    """An image with the attributes every test needs; others on top."""
    dataset = Dataset()
    dataset.file_meta = FileMetaDataset()
    dataset.file_meta.TransferSyntaxUID = ExplicitVRLittleEndian
    dataset.SOPClassUID, dataset.SOPInstanceUID = CTImageStorage, generate_uid()
    dataset.StudyInstanceUID = dataset.SeriesInstanceUID = "1.2.3"
    dataset.Modality = "CT"
    coloured = pixels.ndim > 2 and pixels.shape[-1] == 3
    frames = pixels.shape[:-3] if coloured else pixels.shape[:-2]
    dataset.Rows, dataset.Columns = pixels.shape[len(frames) : len(frames) + 2]
    if frames:
        dataset.NumberOfFrames = frames[0]
    dataset.SamplesPerPixel = 3 if coloured else 1
    dataset.PhotometricInterpretation = "RGB" if dataset.SamplesPerPixel == 3 else "MONOCHROME2"
    if dataset.SamplesPerPixel == 3:
        dataset.PlanarConfiguration = 0
    dataset.BitsAllocated = dataset.BitsStored = pixels.dtype.itemsize * 8
    dataset.HighBit = dataset.BitsStored - 1
    dataset.PixelRepresentation = int(pixels.dtype.kind == "i")
    body = pixels.tobytes()
    dataset.PixelData = body + b"\0" * (len(body) % 2)
    dataset["PixelData"].VR = "OW" if pixels.dtype.itemsize > 1 else "OB"
    for keyword, value in attributes.items():
        setattr(dataset, keyword, value)
    return dataset


def save(path: Path, dataset: Dataset) -> Path:
    dataset.save_as(path, enforce_file_format=True)
    return path


def save_stack(folder: Path, depths: list[float], **attributes: Any) -> list[np.ndarray]:
    """Slices at these depths, saved under names and numbers in another order; slice k is full of 10 k."""
    folder.mkdir()
    slices = []
    for place, depth in enumerate(depths):
        pixels = np.full((4, 5), 10 * place, np.int16)
        pixels[0, 0] = 1
        slices.append(pixels)
        dataset = slice_dataset(
            pixels,
            ImagePositionPatient=[-10.0, -20.0, depth],
            ImageOrientationPatient=[1, 0, 0, 0, 1, 0],
            PixelSpacing=[0.7, 0.5],
            InstanceNumber=(place * 7) % len(depths),
            **attributes,
        )
        save(folder / f"{(place * 5) % 11:02d}_{place}.dcm", dataset)
    return slices
