"""What is computed: one table of operations, and the two ways to run it, eagerly and as a graph."""

from __future__ import annotations

from dhcore._ops.eager import apply as apply
from dhcore._ops.table import OPERATIONS as OPERATIONS
from dhcore._ops.table import infer_sample_shape as infer_sample_shape
from dhcore._ops.table import infer_shape as infer_shape

__all__ = ["OPERATIONS", "apply", "infer_sample_shape", "infer_shape"]
