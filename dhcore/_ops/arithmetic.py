"""Functions of two arrays whose shapes are broadcast; the derivative sums over what was stretched."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

import numpy as np

from dhcore._backends.base import Array
from dhcore._ops import dtype_rules
from dhcore._ops.operation import REQUIRED, Call, Gradients, Operation
from dhcore._ops.shape_rules import broadcast, same


def _reduced(call: Call, *gradients: Array | None) -> Gradients:
    """Sum each gradient to the shape of its argument."""
    pairs = zip(gradients, call.inputs, strict=True)
    return tuple(
        None
        if gradient is None or argument is None
        else call.kernels("sum_to", gradient, shape=argument.shape)
        for gradient, argument in pairs
    )


def _add(call: Call, g: Array) -> Gradients:
    return _reduced(call, g, g)


def _subtract(call: Call, g: Array) -> Gradients:
    return _reduced(call, g, call.kernels("negate", g) if call.needs[1] else None)


def _multiply(call: Call, g: Array) -> Gradients:
    a, b = call.inputs
    k = call.kernels
    return _reduced(
        call,
        k("multiply", g, b) if call.needs[0] else None,
        k("multiply", g, a) if call.needs[1] else None,
    )


def _divide(call: Call, g: Array) -> Gradients:
    _, b = call.inputs
    k = call.kernels
    share = k("divide", g, b)
    return _reduced(
        call, share, k("negate", k("multiply", share, call.output)) if call.needs[1] else None
    )


def _power(call: Call, g: Array) -> Gradients:
    a, b = call.inputs
    k = call.kernels
    base = exponent = None
    if call.needs[0]:
        one = np.ones((), a.dtype)  # type: ignore[union-attr]  # both arguments are required
        slope = k("multiply", b, k("power", a, k("subtract", b, one)))
        # 0 ** (0 - 1) is infinite, yet x ** 0 is constant.
        zero = k("equal", b, one - one)
        base = k("multiply", g, k("where", zero, one - one, slope))
    if call.needs[1]:
        exponent = _power_exponent(call, g)
    return _reduced(call, base, exponent)


def _power_exponent(call: Call, g: Array) -> Array:
    """``g * y * log(a)``, and 0 where a is 0, as the limit for positive exponents is."""
    a = call.inputs[0]
    k = call.kernels
    zero = np.zeros((), g.dtype)
    positive = k("greater", a, zero)
    logarithm = k("log", k("where", positive, a, zero + 1))
    return k("multiply", g, k("multiply", call.output, logarithm))


def _extreme(call: Call, g: Array) -> Gradients:
    """The larger (smaller) argument takes the gradient; equal ones share it."""
    a, b = call.inputs
    k = call.kernels
    half = np.full((), 0.5, g.dtype)
    shared = k("multiply", g, half)
    zero = half - half
    tie = k("equal", a, b)
    return _reduced(
        call,
        k("where", tie, shared, k("where", k("equal", a, call.output), g, zero)),
        k("where", tie, shared, k("where", k("equal", b, call.output), g, zero)),
    )


def _where(call: Call, g: Array) -> Gradients:
    condition = call.inputs[0]
    k = call.kernels
    zero = np.zeros((), g.dtype)
    chosen, rest = k("where", condition, g, zero), k("where", condition, zero, g)
    return _reduced(call, None, chosen, rest)


def _cast(call: Call, g: Array) -> Gradients:
    argument = call.inputs[0]
    assert argument is not None
    return (call.kernels("cast", g, dtype=argument.dtype),)


def _row(
    name: str,
    onnx: str,
    backward: Callable[[Call, Array], Gradients] | None,
    dtype: Any = dtype_rules.numeric,
) -> Operation:
    return Operation(name, ("a", "b"), broadcast(name), dtype, backward, onnx=onnx)


OPERATIONS: Final = (
    _row("add", "Add", _add),
    _row("subtract", "Sub", _subtract),
    _row("multiply", "Mul", _multiply),
    _row("divide", "Div", _divide, dtype_rules.quotient),
    _row("power", "Pow", _power),
    _row("maximum", "Max", _extreme),
    _row("minimum", "Min", _extreme),
    _row("equal", "Equal", None, dtype_rules.comparison),
    _row("not_equal", "", None, dtype_rules.comparison),
    _row("less", "Less", None, dtype_rules.comparison),
    _row("less_equal", "LessOrEqual", None, dtype_rules.comparison),
    _row("greater", "Greater", None, dtype_rules.comparison),
    _row("greater_equal", "GreaterOrEqual", None, dtype_rules.comparison),
    Operation(
        "where",
        ("condition", "a", "b"),
        broadcast("where"),
        dtype_rules.selection,
        _where,
        onnx="Where",
    ),
    Operation(
        "cast",
        ("x",),
        same,
        dtype_rules.unchanged,
        _cast,
        attributes={"dtype": REQUIRED},
        onnx="Cast",
    ),
)
