"""What workers cannot import travels by value, and comes back as if it had never left; on every executor."""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pytest

import dhtask
from dhtask import INOUT, Runtime, wait_on
from dhtask.errors import SerialisationError
from tests.conformance import programs as p


class KeywordError(ValueError):
    """An exception whose ``__init__`` does not take what ``args`` holds."""

    def __init__(self, *, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


@dhtask.task
def fail_with_keyword(code: int) -> int:
    raise KeywordError(code=code)


class Node:
    other: Node | None = None


@dhtask.task(nodes=INOUT)
def link(nodes: list[Node]) -> None:
    nodes[1].other = nodes[0]


@dhtask.task
def pairs(row: list[Any]) -> list[Any]:
    pair: list[Any] = [row, row, {"again": row}]
    pair.append(pair)
    return pair


@dhtask.task
def lock() -> Any:
    return threading.Lock()


def test_a_class_stays_as_it_is_when_an_instance_comes_back(runtime: Runtime) -> None:
    limit = 1

    class Local:
        count = 1

        def read(self) -> int:
            return limit + self.count

    (first,) = wait_on([p.same(Local())])
    assert (type(first), first.read()) == (Local, 2)
    pending = p.same(first)
    Local.count = limit = 10
    method = Local.read
    assert wait_on(pending).read() == 20
    assert Local.read is method


def test_objects_that_a_result_holds_twice_are_one_object(runtime: Runtime) -> None:
    rows = wait_on(p.same([[0], 1]))
    pair = wait_on(pairs(rows))
    assert pair[0] is pair[1]
    assert pair[2]["again"] is pair[0]
    assert pair[3] is pair
    nodes = [Node(), Node()]
    nodes[0].other = nodes[1]
    link(nodes)
    wait_on(nodes)
    assert nodes[0].other is nodes[1]
    assert nodes[1].other is nodes[0]


def test_a_task_that_calls_itself_can_be_passed_to_a_task(runtime: Runtime) -> None:
    @dhtask.task
    def factorial(n: int) -> Any:
        return n * factorial(n - 1) if n else 1

    @dhtask.task
    def apply(function: Any, value: int) -> int:
        result: int = function(value)
        return result

    assert wait_on(apply(factorial, 5)) == 120


def test_an_exception_with_an_init_of_its_own_is_raised(runtime: Runtime) -> None:
    with pytest.raises(KeywordError, match="code 7") as caught:
        wait_on(fail_with_keyword(7))
    assert caught.value.code == 7
    assert caught.value.args == ("code 7",)


def test_a_result_that_does_not_pickle_is_an_error_that_says_so(runtime: Runtime) -> None:
    with pytest.raises(
        SerialisationError, match=r"brought to the program: .*cannot pickle"
    ) as told:
        wait_on(lock())
    assert len(str(told.value).splitlines()) == 1


def test_files_written_before_a_failure_come_home(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    p.write(str(path), "done")
    p.refuse(1)
    with pytest.raises(p.RefusedError):
        runtime.stop()
    assert path.read_text(encoding="utf-8") == "done"
