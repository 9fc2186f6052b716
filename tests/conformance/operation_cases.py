"""One case for each operation and each kind of shape it has to serve."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from dhcore.random import generator
from tests.conformance import oracles

Array = np.ndarray[Any, Any]
#: Draws an argument of some shape.
Draw = Callable[[np.random.Generator, tuple[int, ...]], Array]


def normal(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return random.standard_normal(shape)


def positive(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return random.uniform(0.5, 2.0, shape)


def distinct(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """No two elements near each other: a maximum stays the same one under a small step."""
    size = int(np.prod(shape))
    return (random.permutation(size).reshape(shape) - size / 2 + 0.25) / max(size, 1) * 4


def away(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Not near 0, where some functions have a corner."""
    values = random.standard_normal(shape)
    return values + np.copysign(0.1, values)


def truth(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return random.random(shape) < 0.5


def one_hot(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    classes = random.integers(shape[1], size=(shape[0], *shape[2:]))
    return np.moveaxis(np.eye(shape[1])[classes], -1, 1)


def unit(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return random.uniform(0.05, 0.95, shape)


def padded_weights(random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    """Weights of which the last is 0, as for a sample that only fills the batch."""
    weights = random.uniform(0.5, 2.0, shape)
    weights[-1] = 0
    return weights


def nothing(_random: np.random.Generator, shape: tuple[int, ...]) -> Array:
    return np.zeros(shape)


@dataclass(frozen=True)
class Case:
    op: str
    shapes: tuple[tuple[int, ...], ...]
    oracle: Callable[..., Any]
    attributes: dict[str, Any] = field(default_factory=dict)
    draws: tuple[Draw, ...] = ()
    #: Arguments that have a gradient; None for all.
    differentiable: tuple[int, ...] | None = None
    training: bool = False

    def arguments(self, dtype: str) -> list[Array]:
        random = generator(3, self.op, *map(str, self.shapes))
        draws = self.draws or (normal,) * len(self.shapes)
        drawn = [draw(random, shape) for draw, shape in zip(draws, self.shapes, strict=True)]
        return [array if array.dtype == bool else array.astype(dtype) for array in drawn]

    def expected(self, arguments: list[Array]) -> Array:
        exact = [array if array.dtype == bool else array.astype(np.float64) for array in arguments]
        return np.asarray(self.oracle(*exact, **self.attributes))

    @property
    def positions(self) -> tuple[int, ...]:
        return (
            tuple(range(len(self.shapes))) if self.differentiable is None else self.differentiable
        )

    def __str__(self) -> str:
        shapes = "-".join("x".join(map(str, shape)) or "scalar" for shape in self.shapes)
        detail = ",".join(f"{name}={value}" for name, value in self.attributes.items())
        return f"{self.op}[{shapes}{',' if detail else ''}{detail}{',training' if self.training else ''}]".replace(
            " ", ""
        )


def _unary(op: str, oracle: Any, draw: Draw = normal, **attributes: Any) -> list[Case]:
    return [Case(op, (shape,), oracle, attributes, (draw,)) for shape in ((7,), (2, 3, 5, 4), ())]


def _binary(op: str, oracle: Any, *draws: Draw, gradient: bool = True) -> list[Case]:
    pairs = (((2, 3, 4), (2, 3, 4)), ((2, 1, 4), (3, 1)), ((5,), ()))
    return [Case(op, pair, oracle, {}, draws, None if gradient else ()) for pair in pairs]


ELEMENTWISE = [
    *_unary("relu", oracles.relu, away),
    *_unary("leaky_relu", oracles.leaky_relu, away, alpha=0.2),
    *_unary("elu", oracles.elu, away, alpha=1.3),
    *_unary("sigmoid", oracles.sigmoid),
    *_unary("tanh", oracles.tanh),
    *_unary("softplus", oracles.softplus),
    *_unary("silu", oracles.silu),
    *_unary("gelu", oracles.gelu),
    *_unary("exp", np.exp),
    *_unary("log", np.log, positive),
    *_unary("sqrt", np.sqrt, positive),
    *_unary("abs", np.abs, away),
    *_unary("negate", lambda x: 0 - x),
    *_unary("scale", lambda x, factor: sum([x] * 3) * factor / 3, factor=-1.7),
    Case("sign", ((5,),), np.sign, differentiable=()),
    Case("cast", ((5,),), lambda x, dtype: x.astype(dtype), {"dtype": "float64"}),
]

ARITHMETIC = [
    *_binary("add", lambda a, b: a + b, normal, normal),
    *_binary("subtract", lambda a, b: a - b, normal, normal),
    *_binary("multiply", lambda a, b: a * b, normal, normal),
    *_binary("divide", lambda a, b: a / b, normal, positive),
    *_binary("power", lambda a, b: np.exp(b * np.log(a)), positive, normal),
    *_binary("maximum", lambda a, b: np.where(a > b, a, b), normal, normal),
    *_binary("minimum", lambda a, b: np.where(a < b, a, b), normal, normal),
    *_binary("equal", lambda a, b: np.abs(a - b) == 0, nothing, nothing, gradient=False),
    *_binary("not_equal", lambda a, b: np.abs(a - b) > 0, normal, normal, gradient=False),
    *_binary("less", lambda a, b: b - a > 0, normal, normal, gradient=False),
    *_binary("less_equal", lambda a, b: b - a >= 0, normal, normal, gradient=False),
    *_binary("greater", lambda a, b: a - b > 0, normal, normal, gradient=False),
    *_binary("greater_equal", lambda a, b: a - b >= 0, normal, normal, gradient=False),
    Case(
        "where",
        ((3, 1), (2, 3, 4), (4,)),
        lambda c, a, b: c * a + (1 - c) * b,
        {},
        (truth, normal, normal),
        (1, 2),
    ),
]


def _reduced(function: Any) -> Any:
    return lambda x, axes, keepdims: function(x, axis=axes, keepdims=keepdims)


REDUCTION = [
    Case(op, ((2, 3, 5),), _reduced(function), {"axes": axes, "keepdims": keepdims}, (distinct,))
    for op, function in (("sum", np.sum), ("mean", np.mean), ("max", np.amax), ("min", np.amin))
    for axes, keepdims in (((1,), False), ((0, 2), True), ((0, 1, 2), False), ((), False))
] + [
    Case("argmax", ((2, 3, 5),), lambda x, axis: x.argmax(axis), {"axis": 1}, (distinct,), ()),
    *(
        Case(op, (shape,), oracle, {"axis": axis})
        for op, oracle in (("softmax", oracles.softmax), ("log_softmax", oracles.log_softmax))
        for shape, axis in (((4, 7), 1), ((2, 3, 5, 3), 1), ((2, 3, 4), 2), ((3, 2), 0))
    ),
]

_SLICE = {"axes": (0, 2), "starts": (1, 4), "stops": (3, None), "steps": (1, -2)}
_ROWS, _COLUMNS = np.array([0, 1, 1]), np.array([2, 0, 2])

SHAPE = [
    Case(
        "reshape",
        ((2, 3, 4),),
        lambda x, shape: np.array(list(x.flat)).reshape(shape),
        {"shape": (4, 6)},
    ),
    Case("transpose", ((2, 3, 4),), lambda x, **_: np.einsum("abc->cab", x), {"axes": (2, 0, 1)}),
    Case("broadcast_to", ((3, 1),), lambda x, shape: x + np.zeros(shape), {"shape": (2, 3, 4)}),
    Case(
        "concatenate",
        ((2, 3, 4), (2, 1, 4), (2, 2, 4)),
        lambda *xs, **_: np.hstack(xs),
        {"axis": 1},
    ),
    Case("slice", ((4, 2, 6),), lambda x, **_: x[1:3, :, 4::-2], _SLICE),
    Case(
        "slice",
        ((4, 3),),
        lambda x, **_: x[-3:-1],
        {"axes": (0,), "starts": (-3,), "stops": (-1,), "steps": (1,)},
    ),
    Case(
        "pad",
        ((2, 3, 4),),
        lambda x, **_: np.pad(x, ((0, 0), (1, 0), (0, 2)), constant_values=1.5),
        {
            "padding": ((1, 0), (0, 2)),
            "value": 1.5,
        },
    ),
    Case(
        "take",
        ((2, 3),),
        lambda x, **_: np.array([x[0, 2], x[1, 0], x[1, 2]]),
        {"index": (_ROWS, _COLUMNS)},
    ),
]

LINEAR = [
    Case("linear", ((5, 7), (3, 7), (3,)), oracles.linear),
    Case("linear", ((1, 4), (6, 4)), oracles.linear),
    Case("matmul", ((3, 5), (5, 2)), lambda a, b: np.einsum("mk,kl->ml", a, b)),
    Case(
        "matmul",
        ((2, 1, 3, 5), (4, 5, 2)),
        lambda a, b: np.einsum("abmk,bkl->abml", np.repeat(a, 4, 1), b),
    ),
]


def _window(
    rank: int, stride: Any = 1, padding: Any = 0, dilation: Any = 1, groups: int = 1
) -> dict[str, Any]:
    def each(value: Any) -> tuple[int, ...]:
        return (value,) * rank if isinstance(value, int) else value

    pairs = ((padding, padding),) * rank if isinstance(padding, int) else padding
    return {"stride": each(stride), "padding": pairs, "dilation": each(dilation), "groups": groups}


def _convolution(
    x: tuple[int, ...], weight: tuple[int, ...], *, bias: bool = True, **window: Any
) -> Case:
    shapes = (x, weight, (weight[0],)) if bias else (x, weight)
    return Case("convolution", shapes, oracles.convolution, _window(len(x) - 2, **window))


def _transposed(
    x: tuple[int, ...], weight: tuple[int, ...], extra: Any = 0, *, bias: bool = True, **window: Any
) -> Case:
    attributes = _window(len(x) - 2, **window)
    attributes["output_padding"] = (extra,) * (len(x) - 2) if isinstance(extra, int) else extra
    shapes = (x, weight, (weight[1] * attributes["groups"],)) if bias else (x, weight)
    return Case("convolution_transpose", shapes, oracles.convolution_transpose, attributes)


CONVOLUTION = [
    _convolution((2, 3, 7, 5), (4, 3, 3, 3), padding=1),
    _convolution((2, 3, 7, 6), (2, 3, 1, 1), bias=False),
    _convolution((1, 2, 8, 9), (3, 2, 3, 2), stride=(2, 3), padding=((1, 0), (0, 2))),
    _convolution((2, 2, 9, 8), (2, 2, 3, 3), dilation=(2, 3), padding=((2, 1), (3, 3))),
    _convolution((2, 4, 5, 5), (6, 2, 3, 3), groups=2, padding=1),
    _convolution((2, 3, 6, 5), (6, 1, 3, 2), groups=3, stride=2, padding=1, bias=False),
    _convolution((1, 1, 3, 3), (2, 1, 3, 3), padding=3),
    _convolution((3, 2, 11), (4, 2, 4), stride=3, padding=((2, 1),), dilation=2),
    _convolution((1, 4, 6), (4, 1, 3), groups=4, padding=1),
    _convolution(
        (1, 2, 4, 5, 3), (3, 2, 2, 3, 2), padding=((1, 0), (0, 1), (1, 1)), stride=(1, 2, 1)
    ),
    _convolution((2, 2, 3, 4, 4), (4, 1, 1, 3, 2), groups=2, dilation=(1, 1, 2), padding=1),
    _transposed((2, 3, 4, 5), (3, 2, 2, 2), stride=2),
    _transposed(
        (1, 4, 3, 4), (4, 3, 3, 3), 1, stride=2, padding=((1, 0), (0, 1)), groups=2, bias=False
    ),
    _transposed((2, 2, 5), (2, 3, 3), stride=2, padding=((1, 1),), dilation=2),
    _transposed(
        (1, 2, 2, 3, 2), (2, 2, 2, 2, 3), (0, 1, 0), stride=2, padding=((0, 0), (0, 0), (1, 1))
    ),
]


def _pool(
    op: str, x: tuple[int, ...], kernel: Any, stride: Any, padding: Any = 0, **more: Any
) -> Case:
    rank = len(x) - 2
    attributes = {
        name: value
        for name, value in _window(rank, stride, padding).items()
        if name in ("stride", "padding")
    }
    attributes["kernel"] = (kernel,) * rank if isinstance(kernel, int) else kernel
    return Case(op, (x,), getattr(oracles, op), {**attributes, **more}, (distinct,))


_POOLS = (
    ((2, 3, 6, 8), 2, 2, 0),
    ((1, 2, 7, 9), (3, 2), (2, 3), ((1, 0), (0, 1))),
    ((2, 2, 5, 5), 3, 1, 1),
    ((2, 3, 9), 4, 3, ((2, 1),)),
    ((1, 2, 4, 5, 6), (2, 3, 2), (2, 1, 3), ((0, 1), (1, 1), (0, 0))),
)

POOLING = [
    *(_pool("max_pool", *pool) for pool in _POOLS),
    *(
        _pool("average_pool", *pool, count_include_pad=include)
        for pool in _POOLS
        for include in (True, False)
    ),
    *(
        Case("global_average_pool", (shape,), oracles.global_average_pool)
        for shape in ((2, 3, 5), (2, 3, 4, 5), (1, 2, 2, 3, 2))
    ),
]


def _norm(shape: tuple[int, ...], *, training: bool) -> Case:
    c = (shape[1],)
    oracle = (
        oracles.batch_norm_training
        if training
        else lambda *a, epsilon, **_: oracles.batch_norm(*a, epsilon=epsilon)
    )
    return Case(
        "batch_norm",
        (shape, c, c, c, c),
        oracle,
        {"momentum": 0.3, "epsilon": 1e-3},
        (normal, positive, normal, normal, positive),
        (0, 1, 2),
        training,
    )


NORMALISATION = [
    _norm(shape, training=training)
    for shape in ((6, 3), (4, 2, 5), (2, 3, 3, 4), (2, 2, 2, 3, 2))
    for training in (True, False)
]

RESIZE = [
    Case("upsample", (shape,), oracles.upsample, {"factor": factor, "mode": mode})
    for mode in ("nearest", "linear")
    for shape, factor in (
        ((2, 3, 5), (3,)),
        ((2, 2, 3, 4), (2, 3)),
        ((1, 2, 4, 1), (1, 2)),
        ((1, 2, 2, 3, 2), (2, 1, 3)),
    )
]

RANDOM = [Case("dropout", ((4, 5),), lambda x, **_: x, {"rate": 0.4})]


def _loss(
    op: str, shape: tuple[int, ...], prediction: Draw, target: Draw, **attributes: Any
) -> list[Case]:
    oracle = getattr(oracles, op)
    return [
        Case(op, (shape, shape), oracle, attributes, (prediction, target), (0,)),
        Case(
            op,
            (shape, shape, shape[:1]),
            oracle,
            attributes,
            (prediction, target, padded_weights),
            (0,),
        ),
        Case(
            op, (shape, shape, shape[:1]), oracle, attributes, (prediction, target, nothing), (0,)
        ),
    ]


LOSS = [
    *_loss("softmax_cross_entropy", (4, 3), normal, one_hot),
    *_loss("softmax_cross_entropy", (2, 3, 4, 5), normal, unit),
    *_loss("binary_cross_entropy", (3, 1, 4, 2), normal, unit),
    *_loss("binary_cross_entropy", (3,), normal, unit),
    *_loss("dice_loss", (3, 2, 4, 5), unit, one_hot, smooth=0.5),
    *_loss("dice_loss", (2, 1, 6), unit, truth),
    *_loss("mean_squared_error", (4, 3, 2), normal, normal),
]

CASES: list[Case] = [
    *ELEMENTWISE,
    *ARITHMETIC,
    *REDUCTION,
    *SHAPE,
    *LINEAR,
    *CONVOLUTION,
    *POOLING,
    *NORMALISATION,
    *RESIZE,
    *RANDOM,
    *LOSS,
]
