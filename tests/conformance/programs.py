"""Toy tasks that the conformance suite runs on every executor; each means the same as a plain function."""

from __future__ import annotations

import os
import signal
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

import dhtask
from dhtask import (
    COLLECTION_IN,
    COLLECTION_INOUT,
    COLLECTION_OUT,
    COMMUTATIVE,
    CONCURRENT,
    FILE_IN,
    FILE_INOUT,
    FILE_OUT,
    INOUT,
    OUT,
)


@dhtask.task
def add(a: Any, b: Any) -> Any:
    return a + b


@dhtask.task
def total(values: Any) -> Any:
    return sum(values.values() if isinstance(values, dict) else values)


@dhtask.task(values=INOUT)
def append(values: list[Any], value: Any) -> None:
    values.append(value)


@dhtask.task(values=INOUT)
def pop(values: list[Any]) -> Any:
    return values.pop()


@dhtask.task(values=COMMUTATIVE)
def accumulate(values: list[int], value: int) -> None:
    values[0] += value


@dhtask.task(values=CONCURRENT)
def look(values: list[int]) -> int:
    values.append(99)
    return values[0]


@dhtask.task(array=INOUT)
def scale(array: np.ndarray, factor: float) -> None:
    array *= factor


@dhtask.task(array=OUT)
def fill(array: np.ndarray, value: float) -> None:
    array[...] = value


@dhtask.task
def spoil(values: list[Any]) -> int:
    values.append("spoiled")
    return len(values)


@dhtask.task
def overwrite(array: np.ndarray) -> float:
    array[0] = -1.0
    return float(array[0])


@dhtask.task
def same(value: Any) -> Any:
    return value


@dhtask.task(returns=2)
def halves(values: list[Any]) -> Any:
    return values[: len(values) // 2], values[len(values) // 2 :]


@dhtask.task
def pair(x: int) -> tuple[int, int]:
    return x, x + 1


@dhtask.task
def times(x: int, *more: int, scale: int = 1, **named: int) -> int:
    return scale * (x + sum(more) + sum(named.values()))


@dhtask.task(returns=1)
def many(count: int) -> Any:
    return list(range(count))


@dhtask.task(out=COLLECTION_OUT)
def spread(out: list[Any], start: int) -> None:
    for index in range(len(out)):
        out[index] = [start + index]


@dhtask.task(rows=COLLECTION_INOUT(depth=2))
def bump(rows: list[list[Any]]) -> None:
    for row in rows:
        for index in range(len(row)):
            row[index] = row[index] + 1


@dhtask.task(items=COLLECTION_INOUT)
def grow_each(items: list[list[int]]) -> None:
    for item in items:
        item.append(len(item))


@dhtask.task(items=COLLECTION_IN)
def lengths(items: list[list[int]]) -> list[int]:
    return [len(item) for item in items]


@dhtask.task(items=COLLECTION_INOUT)
def shorten(items: list[Any]) -> None:
    items.pop()


@dhtask.task(path=FILE_OUT)
def write(path: str, text: str) -> None:
    Path(path).write_text(text, encoding="utf-8")


@dhtask.task(path=FILE_INOUT)
def extend(path: str, text: str) -> None:
    with Path(path).open("a", encoding="utf-8") as file:
        file.write(text)


@dhtask.task(path=FILE_IN)
def read(path: str) -> str:
    return Path(path).read_text(encoding="utf-8")


@dhtask.task(path=FILE_IN)
def read_length(path: str) -> int:
    return len(Path(path).read_text(encoding="utf-8"))


@dhtask.task(path=FILE_OUT)
def forget_to_write(path: str) -> None:
    del path


@dataclass
class Sample:
    name: str
    value: Any


@dhtask.task
def value_of(sample: Sample) -> Any:
    return sample.value


class Counter:
    """A class with every sort of task method."""

    step = 2

    def __init__(self, start: int) -> None:
        self.count = start
        self.seen: list[int] = []

    @dhtask.task
    def increase(self, by: int) -> None:
        self.count += by
        self.seen.append(by)

    @dhtask.task(target_direction=dhtask.IN)
    def doubled(self) -> int:
        return 2 * self.count

    @dhtask.task
    @classmethod
    def stepped(cls, x: int) -> int:
        return x + cls.step

    @classmethod
    @dhtask.task
    def stepped_too(cls, x: int) -> int:
        return x + cls.step

    @dhtask.task
    @staticmethod
    def plain(x: int) -> int:
        return x

    @staticmethod
    @dhtask.task
    def plain_too(x: int) -> int:
        return x


@dhtask.task
def make_counter(start: int) -> Counter:
    return Counter(start)


class Model:
    def __init__(self, weights: np.ndarray) -> None:
        self.weights = weights
        self.data: np.ndarray | None = None


@dhtask.task(model=INOUT)
def train(model: Model) -> Any:
    """Gives away an array that it goes on changing."""
    model.weights += 1
    return model.weights


@dhtask.task(model=INOUT)
def keep(model: Model, data: np.ndarray) -> None:
    model.data = data


@dhtask.task(model=INOUT)
def change_kept(model: Model) -> None:
    assert model.data is not None
    model.data += 1


class RefusedError(ValueError):
    """The user's own exception."""

    def __init__(self, message: str, code: int) -> None:
        super().__init__(message, code)
        self.code = code


@dhtask.task
def refuse(x: int) -> int:
    raise RefusedError("no such thing", 7)


class UnpicklableError(Exception):
    def __reduce__(self) -> Any:
        raise TypeError("never")


@dhtask.task
def raise_unpicklable() -> int:
    raise UnpicklableError("it hurts")


@dhtask.task
def leave() -> int:
    raise SystemExit(3)


@dhtask.task(on_failure="RETRY", attempts=3, values=INOUT)
def fail_once(values: list[Any], marker: str) -> None:
    values.append("half done")
    if not Path(marker).exists():
        Path(marker).touch()
        raise OSError("not yet")


@dhtask.on_failure("IGNORE", returns=-1)
@dhtask.task
def ignored(x: int) -> int:
    raise ValueError(x)


@dhtask.task(on_failure="IGNORE", values=INOUT)
def ignored_change(values: list[Any]) -> None:
    values.append("never")
    raise ValueError("ignored")


@dhtask.task(on_failure="CANCEL_SUCCESSORS", values=INOUT)
def stop_here(values: list[Any]) -> None:
    raise ValueError("enough")


@dhtask.task
def nested(x: int) -> int:
    return dhtask.wait_on(add(x, add(x, 1)))


@dhtask.task
def die(marker: str) -> int:
    """Kill the worker, unless the marker says that it was done before."""
    if marker and Path(marker).exists():
        return 5
    if marker:
        Path(marker).touch()
    os.kill(os.getpid(), signal.SIGKILL)
    return 0


@dhtask.task
def sleep(seconds: float) -> float:
    time.sleep(seconds)
    return seconds


@dhtask.task(returns=1)
def lock() -> Any:
    return threading.Lock()


@dhtask.task
def process_id() -> int:
    return os.getpid()


@dhtask.constraint(computing_units=4096)
@dhtask.task
def enormous() -> int:
    return 1
