from __future__ import annotations

import pickle

import pytest

from dhcore import errors

CASES = [
    errors.ShapeError("linear", "(N, 3)", "(8, 4)", "flatten x"),
    errors.MissingPackageError("reading JPEG", "pylibjpeg", "dicom"),
    *(
        getattr(errors, name)("what happened")
        for name in errors.__all__
        if name not in ("ShapeError", "MissingPackageError")
    ),
]


@pytest.mark.parametrize("error", CASES, ids=lambda error: type(error).__name__)
def test_an_error_survives_pickling_with_its_message(error: errors.DhcoreError) -> None:
    again = pickle.loads(pickle.dumps(error))
    assert type(again) is type(error)
    assert str(again) == str(error)


@pytest.mark.parametrize("error", CASES, ids=lambda error: type(error).__name__)
def test_an_error_is_also_a_built_in_one(error: errors.DhcoreError) -> None:
    built_in = (ValueError, TypeError, RuntimeError, ImportError)
    assert isinstance(error, built_in) or type(error) is errors.DhcoreError


def test_a_shape_error_keeps_its_parts_when_a_layer_tells_it() -> None:
    error = errors.ShapeError("linear", "(N, 3)", "(8, 4)", "flatten x").within("head")
    assert (error.expected, error.found, error.hint) == ("(N, 3)", "(8, 4)", "flatten x")
    assert str(error) == "head (linear): expected (N, 3), found (8, 4); flatten x"
