"""Everything dhcore raises on purpose.

::

    DhcoreError
    ├── ShapeError (ValueError)              shapes that do not fit together
    ├── DtypeError (TypeError)               a dtype the operation cannot work in
    ├── DeviceError (ValueError)             a device that is unknown, absent, or mixed with another
    ├── OperationError (ValueError)          an unknown operation, a wrong argument or attribute
    ├── GradientError (RuntimeError)         a derivative that does not exist or was not recorded
    ├── GraphError (ValueError)              a model graph that contradicts itself
    ├── StateError (ValueError)              stored parameters that do not fit the model
    └── MissingPackageError (ImportError)    an optional package that a feature needs

The rooms for images, augmentation and datasets draw their own branches in :mod:`dhcore.image.errors`,
:mod:`dhcore.augment.errors` and :mod:`dhcore.data.errors`.

Messages say what was expected, what was found and what to do. All of them pickle, so they survive a trip between
processes.
"""

from __future__ import annotations

from typing import final

__all__ = [
    "DeviceError",
    "DhcoreError",
    "DtypeError",
    "GradientError",
    "GraphError",
    "MissingPackageError",
    "OperationError",
    "ShapeError",
    "StateError",
]


class DhcoreError(Exception):
    """Root of every error this package raises on purpose."""


@final
class ShapeError(DhcoreError, ValueError):
    """Shapes that do not fit together.

    Args:
        subject: Operation or layer that found it, as in ``"linear"`` or ``"head.linear1 (linear)"``.
        expected: What would have fitted.
        found: What was there.
        hint: What to do about it; may be empty.

    >>> print(ShapeError("linear", "x of shape (N, 3)", "(8, 4)", "flatten x first"))
    linear: expected x of shape (N, 3), found (8, 4); flatten x first
    """

    def __init__(self, subject: str, expected: str, found: str, hint: str = "") -> None:
        super().__init__(subject, expected, found, hint)
        self.subject = subject
        self.expected = expected
        self.found = found
        self.hint = hint

    def __str__(self) -> str:
        advice = f"; {self.hint}" if self.hint else ""
        return f"{self.subject}: expected {self.expected}, found {self.found}{advice}"

    def within(self, layer: str) -> ShapeError:
        """Return the same error, told by the layer in which it happened.

        >>> print(ShapeError("linear", "x of shape (N, 3)", "(8, 4)").within("head"))
        head (linear): expected x of shape (N, 3), found (8, 4)
        """
        return ShapeError(f"{layer} ({self.subject})", self.expected, self.found, self.hint)


@final
class DtypeError(DhcoreError, TypeError):
    """A dtype the operation cannot work in."""


@final
class DeviceError(DhcoreError, ValueError):
    """A device that is unknown, absent, or mixed with another."""


@final
class OperationError(DhcoreError, ValueError):
    """An unknown operation, a wrong number of arguments or a wrong attribute."""


@final
class GradientError(DhcoreError, RuntimeError):
    """A derivative that does not exist or was not recorded."""


@final
class GraphError(DhcoreError, ValueError):
    """A model graph that contradicts itself."""


@final
class StateError(DhcoreError, ValueError):
    """Stored parameters that do not fit the model."""


@final
class MissingPackageError(DhcoreError, ImportError):
    """An optional package that a feature needs is not installed.

    Args:
        feature: What was asked for.
        package: What is missing.
        extra: The extra that brings it.

    >>> print(MissingPackageError("reading compressed DICOM", "pylibjpeg", "dicom"))
    reading compressed DICOM needs the package 'pylibjpeg'; pip install 'deephealth[dicom]'
    """

    def __init__(self, feature: str, package: str, extra: str) -> None:
        super().__init__(feature, package, extra)
        self.feature = feature
        self.package = package
        self.extra = extra

    def __str__(self) -> str:
        return f"{self.feature} needs the package {self.package!r}; pip install 'deephealth[{self.extra}]'"
