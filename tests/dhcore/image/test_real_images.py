"""Real medical images, where DEEPHEALTH_DATA names a folder of them."""

from __future__ import annotations

import csv
import warnings
from pathlib import Path

import nibabel
import numpy as np
import pytest

from dhcore.data import check_dataset, from_csv, load_sample
from dhcore.image import (
    ImageFileError,
    UnsupportedImageError,
    convert,
    display,
    flip,
    haematoxylin,
    inspect,
    orientation,
    read,
)


def _folder(medical_data: Path, name: str) -> Path:
    folder = medical_data / name
    if not folder.is_dir():
        pytest.skip(f"there is no {name} in DEEPHEALTH_DATA")
    return folder


def test_a_mosaic_agrees_with_the_nifti_that_dcm2niix_made_of_it(medical_data: Path) -> None:
    folder = _folder(medical_data, "mr_epi_nih_dicom_with_nifti")
    (reference,) = (folder / "reference_nifti").glob("*.nii")
    expected = read(reference)
    # dcm2niix turns the rows upside down and adapts the affine.
    found = flip(read(folder / "In/20180918Si/mr_0003"), "y")
    assert found.axes == expected.axes == "tzyx"
    np.testing.assert_array_equal(found.pixels, expected.pixels)
    np.testing.assert_allclose(np.asarray(found.affine), np.asarray(expected.affine), atol=1e-4)
    one = min((folder / "In/20180918Si/mr_0003").iterdir())
    assert (
        (inspect(one).shape, inspect(one).axes)
        == (read(one).shape, read(one).axes)
        == ((5, 72, 72), "zyx")
    )


def test_every_corner_case_of_dicom_gives_pixels_or_a_reason(medical_data: Path) -> None:
    unread = {}
    for folder in ("dicom_corner_pydicom_data", "dicom_highdicom_seg_sm_sr"):
        for path in sorted((_folder(medical_data, folder) / "files").iterdir()):
            try:
                image = read(path)
                header = inspect(path)
            except ImageFileError as error:
                unread[path.name] = type(error)
                continue
            assert image.pixels.size > 0
            assert (header.shape, header.axes) == (image.shape, image.axes)
            assert display(image).dtype == np.uint8
    # One bit per pixel in run lengths is beyond pydicom; reports and annotations have no pixels.
    assert unread == dict.fromkeys(
        [
            "liver_rle.dcm",
            "sm_annotations.dcm",
            "sr_document.dcm",
            "sr_document_with_multiple_groups.dcm",
        ],
        UnsupportedImageError,
    )


@pytest.mark.parametrize(
    ("compressed", "plain"),
    [
        ("693_J2KR", "693_UNCR"),
        ("US1_J2KR", "US1_UNCR"),
        ("emri_small_RLE", "emri_small_jpeg_ls_lossless"),
    ],
)
def test_lossless_compressions_agree(compressed: str, plain: str, medical_data: Path) -> None:
    folder = _folder(medical_data, "dicom_corner_pydicom_data") / "files"
    np.testing.assert_array_equal(
        read(folder / f"{compressed}.dcm").pixels, read(folder / f"{plain}.dcm").pixels
    )


def test_a_ct_series_is_a_volume_in_hounsfield_units(medical_data: Path) -> None:
    image = read(_folder(medical_data, "ct_lung_4dlung_rtstruct") / "ct")
    assert image.shape == (28, 512, 512)
    assert image.spacing == pytest.approx((3.0, 0.9766, 0.9766), abs=1e-4)
    assert image.affine is not None
    assert orientation(np.asarray(image.affine)) == "LPS"
    air, tissue = (image.pixels < -800).mean(), (np.abs(image.pixels) < 200).mean()
    assert air > 0.3
    assert tissue > 0.1


def test_slices_lie_where_the_table_says(medical_data: Path) -> None:
    folder = _folder(medical_data, "ct_lung_4dlung_rtstruct")
    with (folder / "labels.csv").open() as file:
        for row in csv.DictReader(file):
            if row["path"].startswith("ct/"):
                image = read(folder / row["path"])
                assert np.asarray(image.affine)[2, 3] == pytest.approx(float(row["z_mm"]))


def test_oblique_slices_and_repeated_volumes_are_put_in_order(medical_data: Path) -> None:
    oblique = read(_folder(medical_data, "mr_t1_studyforrest") / "dicom")
    assert oblique.shape[0] == 24
    series = read(_folder(medical_data, "mr_bold4d_studyforrest") / "dicom")
    assert series.axes == "tzyx"
    assert series.shape == (6, 35, 80, 80)
    # Volumes of one brain resemble each other far more than neighbouring slices do.
    volumes = series.pixels.astype(np.float64)
    assert np.abs(np.diff(volumes, axis=0)).mean() < 0.3 * np.abs(np.diff(volumes, axis=1)).mean()


@pytest.mark.parametrize("name", ["t2.nii.gz", "t1_seg_gif.nii.gz", "dmri_oeslle.nii.gz"])
def test_nifti_volumes_are_those_of_nibabel(name: str, medical_data: Path) -> None:
    path = _folder(medical_data, "nifti_torchio_brain") / name
    expected, image = nibabel.load(path), read(path)
    np.testing.assert_array_equal(image.pixels.T, np.asarray(expected.dataobj))
    np.testing.assert_array_equal(np.asarray(image.affine), expected.affine)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("nuclei_dsb2018", {"mask": "mask_binary", "mask_threshold": 127}),
        ("nuclei_dsb2018", {"mask": "mask", "mask_threshold": 0}),
        ("retina_chase_db1", {"mask": "mask", "mask_threshold": 127, "group": "subject"}),
        ("dermoscopy_isic2017", {"mask": "mask", "mask_threshold": 127}),
        ("hippocampus_msd04", {"mask": "mask"}),
        ("histology_nct_crc", {"image": "path", "label": "label"}),
        ("cxr_pneumonia_kermany", {"image": "path", "label": "label", "group": "patient"}),
    ],
)
def test_whole_datasets_are_without_problems(
    name: str, options: dict[str, object], medical_data: Path
) -> None:
    dataset = from_csv(_folder(medical_data, name) / "labels.csv", **options)  # type: ignore[arg-type]  # by keyword
    assert check_dataset(dataset) == ()
    for index in (0, len(dataset) // 2, len(dataset) - 1):
        sample = load_sample(dataset, index)
        if "mask" in options:
            assert sample.mask is not None
            assert sample.mask.same_geometry(sample.image)
            if "mask_threshold" in options:
                assert np.unique(sample.mask.pixels).tolist() == [0, 1]


def test_both_kinds_of_nuclei_masks_agree(medical_data: Path) -> None:
    table = _folder(medical_data, "nuclei_dsb2018") / "labels.csv"
    binary = from_csv(table, mask="mask_binary", mask_threshold=127)
    numbered = from_csv(table, mask="mask", mask_threshold=0)
    for index in range(0, 140, 35):
        first, second = load_sample(binary, index).mask, load_sample(numbered, index).mask
        assert first is not None
        assert second is not None
        np.testing.assert_array_equal(first.pixels, second.pixels)


def test_nuclei_take_up_haematoxylin(medical_data: Path) -> None:
    folder = _folder(medical_data, "histology_nct_crc") / "images"
    lymphocytes, fat = read(folder / "LYM-AATTSRNN.tif"), read(folder / "ADI-AAQEFMRI.tif")
    assert haematoxylin(lymphocytes).pixels.mean() > 2 * haematoxylin(fat).pixels.mean()


def test_a_slide_is_read_at_its_full_resolution(medical_data: Path) -> None:
    path = _folder(medical_data, "wsi_aperio_cmu1") / "CMU-1-Small-Region.svs"
    assert inspect(path).shape == read(path).shape == (2967, 2220, 3)


def test_transparent_pictures_lose_nothing_but_transparency(medical_data: Path) -> None:
    path = min((_folder(medical_data, "nuclei_dsb2018") / "images").iterdir())
    image = read(path)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        np.testing.assert_array_equal(convert(image, "rgb").pixels, image.pixels[..., :3])
