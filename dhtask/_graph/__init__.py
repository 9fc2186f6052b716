"""DECIDE: which task runs when, on which versions, and what a failure means. Pure and deterministic."""

from __future__ import annotations

from dhtask._graph.graph import TaskGraph
from dhtask._graph.picture import Edge, Node, Picture

__all__ = ["Edge", "Node", "Picture", "TaskGraph"]
