"""Objects of the program that tasks write: tracked by identity for as long as the program can reach them.

An object that can be weakly referenced is forgotten when it dies. One that cannot (a list, a dict) is pinned, so
that its address is not used again, and looked at now and then: when nothing but the pin refers to it, it is forgotten.
"""

from __future__ import annotations

import sys
import weakref
from collections.abc import Callable
from typing import Any, Final

from dhtask._model.invocation import DatumId

#: References to a pinned object that nobody else refers to: the pin, a variable, the argument of getrefcount.
_UNREACHABLE: Final = 3
_FIRST_SWEEP: Final = 256


class _Pin:
    """One tracked object."""

    __slots__ = ("datum", "strong", "weak")

    def __init__(self, datum: DatumId, strong: Any, weak: weakref.ref[Any] | None) -> None:
        self.datum = datum
        self.strong = strong
        self.weak = weak


class ObjectTracker:
    """Which datum an object of the program is.

    Args:
        forget: told the datum of an object that the program can no longer reach; may be called at any time, by
            any thread, and must not wait for anything.
    """

    __slots__ = ("_forget", "_pins", "_sweep_at")

    def __init__(self, forget: Callable[[DatumId], None]) -> None:
        self._forget = forget
        self._pins: dict[int, _Pin] = {}
        self._sweep_at = _FIRST_SWEEP

    def __bool__(self) -> bool:
        return bool(self._pins)

    def __len__(self) -> int:
        return len(self._pins)

    def find(self, obj: Any) -> DatumId | None:
        """The datum of an object, None when it is not tracked."""
        pin = self._pins.get(id(obj))
        return None if pin is None else pin.datum

    def track(self, obj: Any, datum: DatumId) -> None:
        """From now on this object is that datum."""
        address = id(obj)
        try:
            weak = weakref.ref(obj, lambda _dead: self._died(address))
        except TypeError:
            self._pins[address] = _Pin(datum, obj, None)
        else:
            self._pins[address] = _Pin(datum, None, weak)
        if len(self._pins) >= self._sweep_at:
            self.sweep()

    def untrack(self, obj: Any) -> DatumId | None:
        """Forget an object; the datum it was, None when it was not tracked."""
        pin = self._pins.pop(id(obj), None)
        return None if pin is None else pin.datum

    def _died(self, address: int) -> None:
        pin = self._pins.pop(address, None)
        if pin is not None:
            self._forget(pin.datum)

    def sweep(self) -> None:
        """Forget the pinned objects that nothing else refers to."""
        for address, pin in list(self._pins.items()):
            obj = pin.strong
            if pin.weak is None and sys.getrefcount(obj) == _UNREACHABLE:
                self._died(address)
            del obj
        self._sweep_at = max(_FIRST_SWEEP, 2 * len(self._pins))

    def clear(self) -> None:
        """Forget everything, telling nobody."""
        self._pins.clear()
