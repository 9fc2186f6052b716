"""Primitive descriptors of the operations that plans use; ``None`` where only a reference kernel exists."""

from __future__ import annotations

import ctypes
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal, final

from dhcore._backends.cpu.onednn import constants as c
from dhcore._backends.cpu.onednn.library import check, engine, required
from dhcore._backends.cpu.onednn.memory import MemoryDescriptor, dimensions
from dhcore._backends.cpu.onednn.primitive import PrimitiveDescriptor

Direction = Literal["forward", "backward_data", "backward_weights"]


@final
@dataclass(frozen=True, slots=True)
class Window:
    """Geometry of a convolution or pooling; one entry an axis of space."""

    stride: tuple[int, ...]
    low: tuple[int, ...]
    high: tuple[int, ...]
    dilation: tuple[int, ...]
    #: Extents of the window; convolutions take them from their weights.
    kernel: tuple[int, ...] = ()


def convolution(
    direction: Direction,
    algorithm: c.Algorithm,
    source: MemoryDescriptor,
    weights: MemoryDescriptor,
    bias: MemoryDescriptor | None,
    result: MemoryDescriptor,
    window: Window,
    *,
    relu: bool = False,
) -> PrimitiveDescriptor | None:
    """Describe a convolution or one of its derivatives."""
    return _convolution(
        "convolution", direction, algorithm, (source, weights, bias, result), window, relu=relu
    )


def deconvolution(
    direction: Direction,
    source: MemoryDescriptor,
    weights: MemoryDescriptor,
    bias: MemoryDescriptor | None,
    result: MemoryDescriptor,
    window: Window,
) -> PrimitiveDescriptor | None:
    """Describe a transposed convolution or one of its derivatives; weights are (O, C, *K)."""
    layouts = (source, weights, bias, result)
    return _convolution(
        "deconvolution", direction, c.Algorithm.DECONVOLUTION_DIRECT, layouts, window
    )


def _convolution(
    kind: str,
    direction: Direction,
    algorithm: c.Algorithm,
    layouts: tuple[MemoryDescriptor, MemoryDescriptor, MemoryDescriptor | None, MemoryDescriptor],
    window: Window,
    *,
    relu: bool = False,
) -> PrimitiveDescriptor | None:
    source, weights, bias, result = (layout and layout.raw for layout in layouts)
    geometry = (
        dimensions(window.stride),
        dimensions([extent - 1 for extent in window.dilation]),
        dimensions(window.low),
        dimensions(window.high),
    )
    arrays = {
        "forward": (
            int(c.Propagation.FORWARD_TRAINING),
            int(algorithm),
            source,
            weights,
            bias,
            result,
        ),
        "backward_data": (int(algorithm), source, weights, result),
        "backward_weights": (int(algorithm), source, weights, bias, result),
    }[direction]
    function = f"dnnl_dilated_{kind}_{direction}_desc_init"
    return _describe(function, (*arrays, *geometry), relu=relu)


def batch_norm(
    direction: Literal["forward", "backward"],
    data: MemoryDescriptor,
    epsilon: float,
    *,
    relu: bool,
    given: bool = False,
    hint: PrimitiveDescriptor | None = None,
) -> PrimitiveDescriptor | None:
    """Describe batch normalisation with scale and shift; ``given`` takes the statistics instead of computing them."""
    flags = (
        c.WITH_SCALE
        | c.WITH_SHIFT
        | (c.WITH_RELU if relu else 0)
        | (c.GLOBAL_STATISTICS if given else 0)
    )
    tail = (ctypes.c_float(epsilon), ctypes.c_uint(flags))
    arguments: tuple[object, ...]
    if direction == "forward":
        kind = c.Propagation.FORWARD_INFERENCE if given else c.Propagation.FORWARD_TRAINING
        arguments = (int(kind), data.raw, *tail)
    else:
        arguments = (int(c.Propagation.BACKWARD), data.raw, data.raw, *tail)
    return _describe(f"dnnl_batch_normalization_{direction}_desc_init", arguments, hint=hint)


def pooling(
    direction: Literal["forward", "backward"],
    algorithm: c.Algorithm,
    source: MemoryDescriptor,
    result: MemoryDescriptor,
    window: Window,
    *,
    training: bool = True,
    hint: PrimitiveDescriptor | None = None,
) -> PrimitiveDescriptor | None:
    """Describe max or average pooling or its derivative."""
    kind = c.Propagation.FORWARD_TRAINING if training else c.Propagation.FORWARD_INFERENCE
    head = (int(kind),) if direction == "forward" else ()
    geometry = tuple(map(dimensions, (window.stride, window.kernel, window.low, window.high)))
    arguments = (*head, int(algorithm), source.raw, result.raw, *geometry)
    return _describe(f"dnnl_pooling_{direction}_desc_init", arguments, hint=hint)


def inner_product(
    direction: Direction,
    source: MemoryDescriptor,
    weights: MemoryDescriptor,
    bias: MemoryDescriptor | None,
    result: MemoryDescriptor,
    *,
    relu: bool = False,
) -> PrimitiveDescriptor | None:
    """Describe ``source @ weights.T + bias`` or one of its derivatives."""
    bias_raw = bias and bias.raw
    arguments = {
        "forward": (
            int(c.Propagation.FORWARD_TRAINING),
            source.raw,
            weights.raw,
            bias_raw,
            result.raw,
        ),
        "backward_data": (source.raw, weights.raw, result.raw),
        "backward_weights": (source.raw, weights.raw, bias_raw, result.raw),
    }[direction]
    return _describe(f"dnnl_inner_product_{direction}_desc_init", arguments, relu=relu)


def resampling(
    direction: Literal["forward", "backward"],
    factors: Sequence[float],
    source: MemoryDescriptor,
    result: MemoryDescriptor,
    *,
    hint: PrimitiveDescriptor | None = None,
) -> PrimitiveDescriptor | None:
    """Describe linear interpolation between half-pixel centres, or its derivative."""
    head = (int(c.Propagation.FORWARD_TRAINING),) if direction == "forward" else ()
    scales = (ctypes.c_float * len(factors))(*factors)
    arguments = (*head, int(c.Algorithm.RESAMPLING_LINEAR), scales, source.raw, result.raw)
    return _describe(f"dnnl_resampling_{direction}_desc_init", arguments, hint=hint)


def reorder(source: MemoryDescriptor, result: MemoryDescriptor) -> PrimitiveDescriptor:
    """Describe a copy from one layout to another."""
    handle = ctypes.c_void_p()
    with_scratchpad = _attributes(relu=False)
    status = required().dnnl_reorder_primitive_desc_create(
        ctypes.byref(handle), source.raw, engine(), result.raw, engine(), with_scratchpad
    )
    required().dnnl_primitive_attr_destroy(with_scratchpad)
    check(status, "reorder_primitive_desc_create")
    return PrimitiveDescriptor(handle)


def _describe(
    function: str,
    arguments: tuple[object, ...],
    *,
    relu: bool = False,
    hint: PrimitiveDescriptor | None = None,
) -> PrimitiveDescriptor | None:
    library = required()
    operation = ctypes.create_string_buffer(c.OPERATION_DESCRIPTOR_BYTES)
    initialise: Callable[..., int] = getattr(library, function)
    check(initialise(operation, *arguments), function)
    attributes = _attributes(relu=relu)
    handle = ctypes.c_void_p()
    status = library.dnnl_primitive_desc_create(
        ctypes.byref(handle), operation, attributes, engine(), hint and hint.handle
    )
    library.dnnl_primitive_attr_destroy(attributes)
    if status == c.Status.UNIMPLEMENTED:
        return None
    check(status, function)
    descriptor = PrimitiveDescriptor(handle)
    return None if descriptor.is_reference else descriptor


def _attributes(*, relu: bool) -> ctypes.c_void_p:
    library = required()
    attributes = ctypes.c_void_p()
    check(library.dnnl_primitive_attr_create(ctypes.byref(attributes)), "primitive_attr_create")
    status = library.dnnl_primitive_attr_set_scratchpad_mode(attributes, c.SCRATCHPAD_BY_USER)
    check(status, "primitive_attr_set_scratchpad_mode")
    if relu:
        _append_relu(attributes)
    return attributes


def _append_relu(attributes: ctypes.c_void_p) -> None:
    library = required()
    chain = ctypes.c_void_p()
    check(library.dnnl_post_ops_create(ctypes.byref(chain)), "post_ops_create")
    zero, one = ctypes.c_float(0.0), ctypes.c_float(1.0)
    status = library.dnnl_post_ops_append_eltwise(chain, one, int(c.Algorithm.RELU), zero, zero)
    check(status, "post_ops_append_eltwise")
    check(
        library.dnnl_primitive_attr_set_post_ops(attributes, chain), "primitive_attr_set_post_ops"
    )
    check(library.dnnl_post_ops_destroy(chain), "post_ops_destroy")
