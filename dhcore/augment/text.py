"""Pipelines as text: what `repr` prints can be read again, or written by hand, one transform a line.

Flip(axis='x', probability=0.5)
Rotate(degrees=(-15, 15))          # comments and defaults may be left out
"""

from __future__ import annotations

import ast
from collections.abc import Callable
from typing import Any, Final

from dhcore.augment.colour import ColourJitter
from dhcore.augment.dropout import CoarseDropout
from dhcore.augment.elastic import Elastic
from dhcore.augment.errors import AugmentationError
from dhcore.augment.geometric import Flip, RandomCrop, Rotate, Scale, Shift, Turn90
from dhcore.augment.intensity import Brightness, Contrast, Gamma, GaussianBlur, GaussianNoise
from dhcore.augment.pipeline import OneOf, Pipeline
from dhcore.augment.sizing import CentreCrop, Resize

__all__ = ["TRANSFORMS", "parse"]

#: Every name a pipeline text may use.
TRANSFORMS: Final[dict[str, Callable[..., Any]]] = {
    "Brightness": Brightness,
    "CentreCrop": CentreCrop,
    "CoarseDropout": CoarseDropout,
    "ColourJitter": ColourJitter,
    "Contrast": Contrast,
    "Elastic": Elastic,
    "Flip": Flip,
    "Gamma": Gamma,
    "GaussianBlur": GaussianBlur,
    "GaussianNoise": GaussianNoise,
    "OneOf": OneOf,
    "RandomCrop": RandomCrop,
    "Resize": Resize,
    "Rotate": Rotate,
    "Scale": Scale,
    "Shift": Shift,
    "Turn90": Turn90,
}


def parse(text: str) -> Pipeline:
    """Read a pipeline; only the names of transforms and plain values are understood, nothing is run.

    Args:
        text: what `repr` of a pipeline prints, or one transform a line.

    Raises:
        AugmentationError: an unknown name or parameter, with the line.

    >>> parse("Flip(axis='y')  # upside down")
    Pipeline(
        Flip(axis='y', probability=0.5),
    )
    """
    try:
        body = ast.parse(text.strip()).body
    except (SyntaxError, ValueError, RecursionError, MemoryError) as error:
        line = getattr(error, "lineno", None)
        raise AugmentationError(
            f"Line {line} of the pipeline is not a transform: {error}"
        ) from None
    values = [
        statement.value if isinstance(statement, ast.Expr) else statement for statement in body
    ]
    if len(values) == 1 and isinstance(values[0], ast.Call) and _name(values[0]) == "Pipeline":
        return Pipeline(*(_build(argument) for argument in values[0].args))
    return Pipeline(*(_build(value) for value in values))


def _build(node: ast.AST) -> Any:
    if not isinstance(node, ast.Call):
        raise AugmentationError(
            f"Line {getattr(node, 'lineno', '?')} of the pipeline: expected a transform, as Flip()."
        )
    name = _name(node)
    if name not in TRANSFORMS:
        known = ", ".join(TRANSFORMS)
        raise AugmentationError(
            f"Line {node.lineno} of the pipeline: no transform {name!r}; there are {known}."
        )
    positional = [_value(argument) for argument in node.args]
    named = {str(keyword.arg): _value(keyword.value) for keyword in node.keywords}
    try:
        return TRANSFORMS[name](*positional, **named)
    except TypeError as error:
        raise AugmentationError(f"Line {node.lineno} of the pipeline: {error}.") from None
    except AugmentationError as error:
        raise AugmentationError(f"Line {node.lineno} of the pipeline: {name}: {error}") from None


def _name(node: ast.Call) -> str:
    return node.func.id if isinstance(node.func, ast.Name) else ast.unparse(node.func)


def _value(node: ast.AST) -> Any:
    if isinstance(node, ast.Call):
        return _build(node)
    if isinstance(node, (ast.Tuple, ast.List)):
        return tuple(_value(item) for item in node.elts)
    try:
        return ast.literal_eval(node)
    except (ValueError, TypeError):
        raise AugmentationError(
            f"Line {getattr(node, 'lineno', '?')} of the pipeline: expected a plain value, got {ast.unparse(node)!r}."
        ) from None
