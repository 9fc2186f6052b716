"""Content that comes home: put into the object that the program holds, where an object can be given new content."""

from __future__ import annotations

import copyreg
from collections import deque
from typing import Any

import numpy as np


def put_into(target: Any, content: Any) -> Any:
    """Make ``target`` equal to ``content`` and return it; where that cannot be, return the content."""
    if type(target) is not type(content):
        return content
    if isinstance(target, np.ndarray):
        return _put_into_array(target, content)
    if isinstance(target, list | bytearray):
        target[:] = content
        return target if _put_into_instance(target, content) else content
    if isinstance(target, dict | set):
        target.clear()
        target.update(content)
        return target if _put_into_instance(target, content) else content
    if isinstance(target, deque):
        target.clear()
        target.extend(content)
        return target
    return target if _put_into_instance(target, content, must=True) else content


def _put_into_array(target: Any, content: Any) -> Any:
    if target.shape != content.shape or target.dtype != content.dtype or not target.flags.writeable:
        return content
    target[...] = content
    return target


def _put_into_instance(target: Any, content: Any, *, must: bool = False) -> bool:
    """Take over the attributes; False when there is no place for content at all."""
    slots = copyreg._slotnames(type(target))  # type: ignore[attr-defined]  # noqa: SLF001 - what pickle uses
    for name in slots:
        if hasattr(content, name):
            object.__setattr__(target, name, getattr(content, name))
        elif hasattr(target, name):
            object.__delattr__(target, name)
    if hasattr(target, "__dict__"):
        vars(target).clear()
        vars(target).update(vars(content))
        return True
    return bool(slots) or not must
