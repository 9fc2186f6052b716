"""Tells those who watch what happens; a watcher that raises is told nothing more, and the run goes on."""

from __future__ import annotations

import warnings
from collections.abc import Iterable

from dhtask._model.observation import Observation, Observer


class Observers:
    """The observers of a run."""

    __slots__ = ("_observers",)

    def __init__(self, observers: Iterable[Observer]) -> None:
        self._observers = list(observers)

    def __bool__(self) -> bool:
        return bool(self._observers)

    def tell(self, observation: Observation) -> None:
        """Hand an observation to each of them."""
        for observer in list(self._observers):
            try:
                observer.observe(observation)
            except Exception as error:  # noqa: BLE001 - an observer must not end the run
                self._observers.remove(observer)
                warnings.warn(
                    f"the observer {observer!r} raised {error!r} and is told nothing more",
                    RuntimeWarning,
                    stacklevel=2,
                )
