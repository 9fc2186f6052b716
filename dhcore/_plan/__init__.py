"""A graph of operations made fast for a batch size: layouts, fusion, one arena, primitives bound once.

::

    Graph ── fusion ── lowering ──> steps ── buffers ──> Program (forward, backward) ──> Plan
             groups    layouts,             lifetimes,   one batch size                  state in its own layout
                       algorithms           one arena

The interpreter of :mod:`dhcore._ops` gives a graph its meaning; a plan computes the same numbers with oneDNN in blocked
layout, and with the kernels of the table of operations where oneDNN has none or is absent.
"""

from __future__ import annotations

from dhcore._plan.plan import Gradients, Plan, UpdateRule, compile_plan

__all__ = ["Gradients", "Plan", "UpdateRule", "compile_plan"]
