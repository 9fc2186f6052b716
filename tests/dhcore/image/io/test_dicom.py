from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
import pydicom
import pytest
from pydicom.dataset import Dataset
from pydicom.uid import JPEGLSLossless, RLELossless

from dhcore.image import (
    DecoderMissingError,
    EmptyImageError,
    ImageTooLargeError,
    MissingImageError,
    TruncatedImageError,
    UnsupportedImageError,
    display,
    inspect,
    orientation,
    read,
    read_series,
)
from tests.dhcore.image.io.dicom_files import save, save_stack, slice_dataset


def _values() -> np.ndarray:
    return np.random.default_rng(1).integers(0, 3000, (6, 7)).astype(np.uint16)


def test_rescaling_gives_hounsfield_units_in_integers(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.dcm", slice_dataset(_values(), RescaleSlope=1, RescaleIntercept=-1024)
    )
    image = read(path)
    assert image.dtype == np.int16
    np.testing.assert_array_equal(image.pixels, _values().astype(int) - 1024)


def test_fractional_slopes_give_floats(tmp_path: Path) -> None:
    path = save(
        tmp_path / "a.dcm", slice_dataset(_values(), RescaleSlope="0.25", RescaleIntercept="1.5")
    )
    np.testing.assert_allclose(read(path).pixels, _values() * 0.25 + 1.5)


def test_a_modality_table_is_looked_up(tmp_path: Path) -> None:
    item = Dataset()
    item.LUTDescriptor, item.LUTData = [4, 10, 16], [7, 70, 700, 7000]
    item.ModalityLUTType = "US"
    item["LUTDescriptor"].VR, item["LUTData"].VR = "US", "US"
    stored = np.array([[0, 10, 11], [12, 13, 99]], np.uint16)
    path = save(tmp_path / "a.dcm", slice_dataset(stored, ModalityLUTSequence=[item]))
    assert read(path).pixels.tolist() == [[7, 7, 70], [700, 7000, 7000]]


def test_the_affine_of_a_slice_agrees_with_nibabel(tmp_path: Path) -> None:
    cosines = [0.8, 0.6, 0.0, 0.0, 0.0, -1.0]
    dataset = slice_dataset(
        _values(),
        ImagePositionPatient=[5, -6, 7],
        ImageOrientationPatient=cosines,
        PixelSpacing=[0.7, 0.5],
        SliceThickness=3,
    )
    path = save(tmp_path / "a.dcm", dataset)
    # nibabel indexes [row, column, slice] in LPS.
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from nibabel.nicom.dicomwrappers import wrapper_from_file
    expected = np.diag([-1, -1, 1, 1]) @ wrapper_from_file(path).affine[:, [1, 0, 2, 3]]
    # Of a lone slice the third axis may point either way; nibabel takes column x row, we row x column.
    expected[:, 2] *= -1
    np.testing.assert_allclose(np.asarray(read(path).affine), expected, atol=1e-9)


def test_windows_and_inversion_are_kept_for_display(tmp_path: Path) -> None:
    dataset = slice_dataset(
        np.array([[0, 50, 100]], np.uint16),
        PhotometricInterpretation="MONOCHROME1",
        WindowCenter=["50", "9"],
        WindowWidth=["100", "9"],
        VOILUTFunction="LINEAR_EXACT",
    )
    image = read(save(tmp_path / "a.dcm", dataset))
    assert image.pixels.tolist() == [[0, 50, 100]]
    assert image.metadata["window"] == (50.0, 100.0)
    assert display(image).pixels.tolist() == [[255, 128, 0]]


def test_nothing_that_identifies_a_patient_is_copied(tmp_path: Path) -> None:
    dataset = slice_dataset(
        _values(), PatientName="Doe^Jane", PatientID="4711", PatientBirthDate="19700101"
    )
    text = repr(dict(read(save(tmp_path / "a.dcm", dataset)).metadata))
    assert not any(word in text for word in ("Doe", "4711", "1970"))


def test_a_palette_becomes_colours_or_stays_indices(tmp_path: Path) -> None:
    dataset = slice_dataset(
        np.array([[0, 1], [1, 0]], np.uint8), PhotometricInterpretation="PALETTE COLOR"
    )
    for colour, values in (("Red", [0, 65535]), ("Green", [0, 32768]), ("Blue", [0, 0])):
        setattr(dataset, f"{colour}PaletteColorLookupTableDescriptor", [2, 0, 16])
        dataset[f"{colour}PaletteColorLookupTableDescriptor"].VR = "US"
        setattr(dataset, f"{colour}PaletteColorLookupTableData", np.array(values, "<u2").tobytes())
    path = save(tmp_path / "a.dcm", dataset)
    assert read(path).pixels[0].tolist() == [[0, 0, 0], [255, 128, 0]]
    assert read(path, palette="index").pixels.tolist() == [[0, 1], [1, 0]]


def test_ybr_becomes_rgb(tmp_path: Path) -> None:
    ybr = np.broadcast_to(np.array([76, 85, 255], np.uint8), (4, 4, 3)).copy()
    path = save(tmp_path / "a.dcm", slice_dataset(ybr, PhotometricInterpretation="YBR_FULL"))
    image = read(path)
    assert image.colour == "rgb"
    assert np.abs(image.pixels[0, 0].astype(int) - [254, 0, 0]).max() <= 1


def test_a_file_without_preamble_is_recognised(tmp_path: Path) -> None:
    path = tmp_path / "a"
    dataset = slice_dataset(_values())
    del dataset.file_meta
    dataset.save_as(path, enforce_file_format=False, implicit_vr=True, little_endian=True)
    np.testing.assert_array_equal(read(path).pixels, _values())


def test_a_dicom_file_with_a_tiff_header_in_its_preamble_is_dicom(tmp_path: Path) -> None:
    path = save(tmp_path / "a.dcm", slice_dataset(_values()))
    content = path.read_bytes()
    path.write_bytes(b"II*\0" + content[4:])
    assert read(path).metadata["format"] == "DICOM"


def test_run_lengths_are_decoded(tmp_path: Path) -> None:
    dataset = slice_dataset(_values())
    dataset.compress(RLELossless)
    np.testing.assert_array_equal(read(save(tmp_path / "a.dcm", dataset)).pixels, _values())


def test_a_missing_decoder_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    dataset = slice_dataset(_values())
    dataset.compress(RLELossless)
    dataset.file_meta.TransferSyntaxUID = JPEGLSLossless
    path = save(tmp_path / "a.dcm", dataset)
    # As on a machine where pylibjpeg is not installed.
    monkeypatch.setattr(pydicom.pixels.get_decoder(JPEGLSLossless), "_available", {})
    with pytest.raises(DecoderMissingError, match=r"deephealth\[dicom\]"):
        read(path)


def _groups(positions: list[list[float]]) -> dict[str, object]:
    frames = []
    for position in positions:
        place, frame = Dataset(), Dataset()
        place.ImagePositionPatient = position
        frame.PlanePositionSequence = [place]
        frames.append(frame)
    direction, measures, shared = Dataset(), Dataset(), Dataset()
    direction.ImageOrientationPatient = [1, 0, 0, 0, 1, 0]
    measures.PixelSpacing = [0.7, 0.5]
    shared.PlaneOrientationSequence, shared.PixelMeasuresSequence = [direction], [measures]
    return {"PerFrameFunctionalGroupsSequence": frames, "SharedFunctionalGroupsSequence": [shared]}


def test_frames_of_an_enhanced_file_are_sorted_by_place(tmp_path: Path) -> None:
    pixels = np.arange(3, dtype=np.uint16)[:, None, None] * np.ones((3, 4, 5), np.uint16)
    dataset = slice_dataset(pixels, **_groups([[0, 0, 4], [0, 0, 0], [0, 0, 2]]))
    path = save(tmp_path / "a.dcm", dataset)
    image = read(path)
    assert image.axes == "zyx"
    assert image.pixels[:, 0, 0].tolist() == [1, 2, 0]
    assert image.spacing == (2.0, 0.7, 0.5)
    assert read(path, frame=2).pixels[0, 0] == 0
    assert inspect(path).axes == "zyx"


def test_places_that_repeat_are_volumes_in_time(tmp_path: Path) -> None:
    pixels = np.arange(4, dtype=np.uint16)[:, None, None] * np.ones((4, 4, 5), np.uint16)
    dataset = slice_dataset(pixels, **_groups([[0, 0, 2], [0, 0, 0], [0, 0, 2], [0, 0, 0]]))
    image = read(save(tmp_path / "a.dcm", dataset))
    assert image.axes == "tzyx"
    assert image.pixels[:, :, 0, 0].tolist() == [[1, 0], [3, 2]]


def test_a_film_has_a_time_axis(tmp_path: Path) -> None:
    film = np.random.default_rng(1).integers(0, 256, (5, 6, 7, 3)).astype(np.uint8)
    path = save(tmp_path / "a.dcm", slice_dataset(film))
    image = read(path)
    assert image.axes == "tyxc"
    np.testing.assert_array_equal(image.pixels, film)
    np.testing.assert_array_equal(read(path, frame=3).pixels, film[3])


def test_a_series_is_ordered_by_geometry_and_not_by_name(tmp_path: Path) -> None:
    slices = save_stack(
        tmp_path / "series", [4.0, 7.0, 10.0, 13.0], RescaleSlope=1, RescaleIntercept=-5
    )
    image = read(tmp_path / "series")
    np.testing.assert_array_equal(image.pixels, np.stack(slices) - 5)
    assert image.spacing == pytest.approx((3.0, 0.7, 0.5))
    np.testing.assert_allclose(np.asarray(image.affine) @ [0, 0, 0, 1], [10, 20, 4, 1])
    np.testing.assert_allclose(np.asarray(image.affine) @ [4, 3, 3, 1], [10 - 2.0, 20 - 2.1, 13, 1])
    assert orientation(np.asarray(image.affine)) == "LPS"


def test_files_that_are_not_dicom_are_passed_over(tmp_path: Path) -> None:
    save_stack(tmp_path / "series", [0.0, 1.0])
    (tmp_path / "series" / "notes.txt").write_text("two slices")
    assert read_series(tmp_path / "series").count("z") == 2


def test_a_missing_slice_is_named(tmp_path: Path) -> None:
    save_stack(tmp_path / "series", [0.0, 3.0, 6.0, 12.0, 15.0])
    with pytest.raises(UnsupportedImageError, match=r"6 mm from \d\d_2\.dcm to \d\d_3\.dcm, 3 mm"):
        read_series(tmp_path / "series")


def test_two_series_in_one_folder_have_to_be_told_apart(tmp_path: Path) -> None:
    save_stack(tmp_path / "series", [0.0, 1.0])
    extra = slice_dataset(_values(), SeriesInstanceUID="9.9")
    save(tmp_path / "series" / "other.dcm", extra)
    with pytest.raises(UnsupportedImageError, match="2 series"):
        read_series(tmp_path / "series")
    assert read_series(tmp_path / "series", series="1.2.3").count("z") == 2


def test_folders_without_slices_are_errors(tmp_path: Path) -> None:
    with pytest.raises(EmptyImageError, match="no DICOM"):
        read_series(tmp_path)
    with pytest.raises(MissingImageError, match="no such folder"):
        read_series(tmp_path / "missing")


def test_an_object_without_pixels_says_what_it_is(tmp_path: Path) -> None:
    dataset = slice_dataset(_values())
    for keyword in ("PixelData", "Rows", "Columns"):
        delattr(dataset, keyword)
    with pytest.raises(UnsupportedImageError, match="CT Image Storage, which has no pixels"):
        read(save(tmp_path / "a.dcm", dataset))


@pytest.mark.parametrize(
    ("rows", "columns", "frames"), [(65535, 65535, 9999), (60000, 2000, 1), (0, 7, 1)]
)
def test_dimensions_that_the_file_cannot_hold_are_refused(
    rows: int, columns: int, frames: int, tmp_path: Path
) -> None:
    dataset = slice_dataset(_values(), Rows=rows, Columns=columns, NumberOfFrames=frames)
    with pytest.raises((ImageTooLargeError, TruncatedImageError), match="header"):
        read(save(tmp_path / "a.dcm", dataset))
