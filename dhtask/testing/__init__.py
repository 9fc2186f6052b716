"""Tools to test programs made of tasks."""

from __future__ import annotations

from dhtask._executors.fake import FakeExecutor

__all__ = ["FakeExecutor"]
