"""What marks the object that a decorator leaves in the place of a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any


class TaskFunction:
    """Base of decorated functions: a worker that imports one by name runs ``function``, not the decorated call."""

    function: Callable[..., Any]
