"""Numbers of the C interface of oneDNN 2.6 (``dnnl_types.h``)."""

from __future__ import annotations

from enum import IntEnum
from typing import Final


class Status(IntEnum):
    """What every function of the library returns."""

    SUCCESS = 0
    OUT_OF_MEMORY = 1
    INVALID_ARGUMENTS = 2
    UNIMPLEMENTED = 3
    ITERATOR_ENDS = 4
    RUNTIME_ERROR = 5
    NOT_REQUIRED = 6


class Tag(IntEnum):
    """Order of the elements of an array in memory."""

    ANY = 1
    A = 2
    AB = 3
    ABC = 4
    ABCD = 5
    ABCDE = 7
    NCW16C = 47
    NCHW16C = 69
    NCDHW16C = 112


class Propagation(IntEnum):
    """Direction of a primitive."""

    FORWARD_TRAINING = 64
    FORWARD_INFERENCE = 96
    BACKWARD = 128
    BACKWARD_DATA = 160
    BACKWARD_WEIGHTS = 192


class Algorithm(IntEnum):
    """Kind of convolution, pooling, resampling or element-wise function."""

    CONVOLUTION_DIRECT = 1
    CONVOLUTION_WINOGRAD = 2
    DECONVOLUTION_DIRECT = 10
    RELU = 31
    MAX_POOL = 511
    AVERAGE_POOL_INCLUDE_PADDING = 767
    AVERAGE_POOL_EXCLUDE_PADDING = 1023
    RESAMPLING_LINEAR = 196593


class Query(IntEnum):
    """What a primitive descriptor can be asked."""

    IMPLEMENTATION = 8
    SOURCE = 129
    SOURCE_GRADIENT = 130
    WEIGHTS = 131
    WEIGHTS_GRADIENT = 132
    RESULT = 133
    RESULT_GRADIENT = 134
    WORKSPACE = 135
    SCRATCHPAD = 136


class Argument(IntEnum):
    """Role of an array in the execution of a primitive."""

    SOURCE = 1
    RESULT = 17
    WEIGHTS = 33
    BIAS = 41
    MEAN = 49
    VARIANCE = 50
    SCALE = 51
    SHIFT = 52
    WORKSPACE = 64
    SCRATCHPAD = 80
    SOURCE_GRADIENT = 129
    RESULT_GRADIENT = 145
    WEIGHTS_GRADIENT = 161
    BIAS_GRADIENT = 169
    SCALE_GRADIENT = 255
    SHIFT_GRADIENT = 256


#: Batch normalisation: statistics are given / scale, shift are given / the result is rectified.
GLOBAL_STATISTICS: Final = 1
WITH_RELU: Final = 4
WITH_SCALE: Final = 8
WITH_SHIFT: Final = 16

#: Bits of the instruction set AVX-512 with BW, DQ and VL (avx512_core).
AVX512_CORE: Final = 0x27
FLOAT32: Final = 3
ENGINE_CPU: Final = 1
STREAM_DEFAULT: Final = 1
SCRATCHPAD_BY_USER: Final = 1
MAXIMUM_AXES: Final = 12
MEMORY_DESCRIPTOR_BYTES: Final = 696
#: Larger than the largest operation descriptor (convolution, 5976 bytes).
OPERATION_DESCRIPTOR_BYTES: Final = 8192
