"""The interpreter in double precision, which plans have to agree with."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from dhcore._ops import interpreter
from dhcore._ops.graph import Graph

Array = np.ndarray


@dataclass
class Truth:
    outputs: dict[str, Array]
    gradients: dict[str, Array]
    buffers: dict[str, Array]


def truth(
    graph: Graph,
    state: tuple[Array, Array],
    inputs: dict[str, Array],
    *,
    training: bool = True,
    step: int = 0,
) -> Truth:
    slots = {
        name: view(graph, name, state[slot.role == "buffer"]).astype(np.float64)
        for name, slot in graph.slots.items()
    }
    doubles = {name: array.astype(np.float64) for name, array in inputs.items()}
    run = interpreter.run(
        graph, doubles, slots, "reference", training=training, seed=3, step=step, gradients=training
    )
    return Truth(dict(run.outputs), dict(run.gradients), dict(run.buffers))


def view(graph: Graph, name: str, flat: Array) -> Array:
    """One slot of a flat array."""
    slot = graph.slots[name]
    return flat[slot.offset : slot.offset + slot.size].reshape(slot.shape)


def worst(found: Array, expected: Array) -> float:
    """Largest difference, relative to the largest expected value."""
    assert found.shape == expected.shape
    scale = max(float(np.abs(expected).max(initial=0.0)), 1e-30)
    return float(np.abs(found - expected).max(initial=0.0)) / scale


def distance(found: Array, expected: Array) -> float:
    """Euclidean distance, relative to the expected length."""
    return float(np.linalg.norm(found - expected) / max(np.linalg.norm(expected), 1e-30))
