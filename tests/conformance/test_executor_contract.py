"""What a program of tasks means, on every executor: the same as in plain Python."""

from __future__ import annotations

import gc
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import dhtask
from dhtask import Future, Runtime, TaskGroup, barrier, barrier_group, delete, wait_on
from dhtask.errors import (
    ConstraintError,
    DataDeletedError,
    FutureNotReadyError,
    RemoteError,
    RuntimeStateError,
    SerialisationError,
)
from tests.conformance import programs as p


def test_a_call_gives_a_future_and_wait_on_its_value(runtime: Runtime) -> None:
    future = p.add(1, 2)
    assert isinstance(future, Future)
    assert wait_on(future) == 3


def test_futures_feed_other_tasks(runtime: Runtime) -> None:
    value = p.add(1, 1)
    for _ in range(20):
        value = p.add(value, value)
    assert wait_on(value) == 2**21


def test_futures_are_found_in_lists_tuples_dicts_and_dataclasses(runtime: Runtime) -> None:
    one, two = p.add(0, 1), p.add(1, 1)
    assert wait_on(p.total([one, two, 3])) == 6
    assert wait_on(p.total((one, (two,)[0]))) == 3
    assert wait_on(p.total({"a": one, "b": two})) == 3
    assert wait_on(p.value_of(p.Sample("x", two))) == 2
    assert wait_on(p.value_of(p.Sample("x", [[one], {"k": two}]))) == [[1], {"k": 2}]


def test_wait_on_goes_into_containers_and_leaves_the_rest_alone(runtime: Runtime) -> None:
    one = p.add(0, 1)
    thing = object()
    assert wait_on([one, (one, {"k": one}), thing]) == [1, (1, {"k": 1}), thing]
    sample = wait_on(p.Sample("x", one))
    assert (sample.name, sample.value) == ("x", 1)
    assert wait_on(1, one) == [1, 1]
    assert wait_on(thing) is thing


def test_an_inout_list_is_the_same_list_after_wait_on(runtime: Runtime) -> None:
    values = [1]
    p.append(values, 2)
    p.append(values, p.add(1, 2))
    assert wait_on(values) is values
    assert values == [1, 2, 3]


def test_an_inout_list_can_be_read_by_tasks_before_wait_on(runtime: Runtime) -> None:
    values = [1]
    p.append(values, 2)
    first = p.total(values)
    p.append(values, 3)
    second = p.total(values)
    nested = p.total({"a": p.total(values), "b": 1})
    inside = p.same([values, 0])
    assert wait_on(first, second, nested, inside) == [3, 6, 7, [[1, 2, 3], 0]]


def test_the_program_may_change_an_object_after_wait_on(runtime: Runtime) -> None:
    values = [1]
    p.append(values, 2)
    wait_on(values)
    values.append(10)
    p.append(values, 3)
    assert wait_on(values) == [1, 2, 10, 3]


def test_an_input_is_what_it_was_at_the_call(runtime: Runtime) -> None:
    values = [1, 2]
    future = p.total(values)
    values.append(100)
    array = np.ones(50_000)
    large = p.same(array)
    array[:] = 0
    assert wait_on(future) == 3
    assert wait_on(large).sum() == 50_000


def test_an_inout_future_has_versions(runtime: Runtime) -> None:
    values = p.same([0])
    before = p.total(values)
    p.append(values, 5)
    after = p.total(values)
    assert wait_on(before, after, values) == [0, 5, [0, 5]]


def test_a_task_may_return_and_change_at_once(runtime: Runtime) -> None:
    values = [1, 2, 3]
    assert wait_on(p.pop(values)) == 3
    assert wait_on(values) == [1, 2]


def test_arrays_are_changed_in_place_and_come_back_into_the_same_array(runtime: Runtime) -> None:
    array = np.arange(4.0)
    p.scale(array, 2.0)
    p.scale(array, 3.0)
    assert wait_on(array) is array
    np.testing.assert_array_equal(array, [0, 6, 12, 18])


def test_an_out_array_is_written_without_being_read(runtime: Runtime) -> None:
    array = np.full((2, 3), np.nan)
    p.fill(array, 4.0)
    total = p.add(array, 1.0)
    np.testing.assert_array_equal(wait_on(total), np.full((2, 3), 5.0))
    np.testing.assert_array_equal(wait_on(array), np.full((2, 3), 4.0))


def test_commutative_tasks_all_count(runtime: Runtime) -> None:
    values = [0]
    for number in range(10):
        p.accumulate(values, p.add(number, 0))
    assert wait_on(p.total(values)) == 45


def test_concurrent_tasks_see_the_version_before_and_change_nothing(runtime: Runtime) -> None:
    values = [7]
    p.append(values, 1)
    seen = [p.look(values) for _ in range(3)]
    p.append(values, 2)
    assert wait_on(seen) == [7, 7, 7]
    assert wait_on(values) == [7, 1, 2]


def test_the_same_object_in_two_parameters_is_one_object(runtime: Runtime) -> None:
    values = [1]
    p.append(values, 0)
    p.append(values, values)
    after = wait_on(p.lengths([values]))
    assert after == [3]


def test_a_task_that_changes_its_input_changes_nothing_else(runtime: Runtime) -> None:
    values = p.same([1])
    assert wait_on(p.spoil(values), p.spoil(values)) == [2, 2]
    assert wait_on(values) == [1]
    mine = [1]
    assert wait_on(p.spoil(mine)) == 2
    assert mine == [1]


def test_an_input_array_cannot_be_written(runtime: Runtime) -> None:
    array = p.same(np.ones(3))
    with pytest.raises(ValueError, match="read-only"):
        wait_on(p.overwrite(array))


def test_what_a_task_returns_of_its_input_is_its_own(runtime: Runtime) -> None:
    array = p.same(np.ones(3))
    alias = p.same(array)
    nested = p.same([array, {"k": array}])
    p.scale(alias, 5.0)
    assert wait_on(array).tolist() == [1, 1, 1]
    assert wait_on(alias).tolist() == [5, 5, 5]
    p.scale(array, 2.0)
    assert [a.tolist() for a in (wait_on(nested)[0], wait_on(nested)[1]["k"])] == [[1] * 3] * 2


def test_what_a_task_returns_of_what_it_changes_is_its_own(runtime: Runtime) -> None:
    model = p.same(p.Model(np.zeros(2)))
    first = p.train(model)
    second = p.train(model)
    assert wait_on(first).tolist() == [1, 1]
    assert wait_on(second).tolist() == [2, 2]
    assert wait_on(model).weights.tolist() == [2, 2]


def test_what_an_object_keeps_of_an_input_is_its_own(runtime: Runtime) -> None:
    data = p.same(np.zeros(2))
    model = p.Model(np.zeros(1))
    p.keep(model, data)
    p.change_kept(model)
    p.scale(data, 0.0)
    assert wait_on(model).data.tolist() == [1, 1]
    assert wait_on(data).tolist() == [0, 0]


def test_halves_of_an_input_are_two_futures(runtime: Runtime) -> None:
    left, right = p.halves([1, 2, 3])
    p.append(left, 9)
    assert wait_on(left, right) == [[1, 9], [2, 3]]


def test_returns_forms(runtime: Runtime) -> None:
    first, second = p.pair(3)
    assert wait_on(first, second) == [3, 4]
    assert len(p.many(4, returns=4)) == 4
    assert wait_on(p.many(3, returns=3)) == [0, 1, 2]
    assert wait_on(p.many(3)) == [0, 1, 2]
    assert p.append([], 1) is None


def test_ctrl_c_in_a_task_of_the_same_process_reaches_the_program() -> None:
    @dhtask.task
    def interrupt() -> None:
        raise KeyboardInterrupt

    runtime = Runtime(executor="inline").open()
    with pytest.raises(KeyboardInterrupt):
        interrupt()
    runtime.close()


def test_a_wrong_number_of_returned_values_is_an_error(runtime: Runtime) -> None:
    futures = p.many(3, returns=2)
    with pytest.raises(ValueError, match="declared to return 2 values, found 3 values"):
        wait_on(futures)


def test_defaults_varargs_and_keywords(runtime: Runtime) -> None:
    one = p.add(0, 1)
    assert wait_on(p.times(1)) == 1
    assert wait_on(p.times(one, one, 3, scale=2, z=one)) == 12
    assert wait_on(p.times(x=one, scale=p.add(1, 2))) == 3


def test_a_call_that_plain_python_refuses_is_refused_at_the_call(runtime: Runtime) -> None:
    with pytest.raises(TypeError, match="missing a required argument: 'b'"):
        p.add(1)
    with pytest.raises(TypeError, match="too many positional"):
        p.add(1, 2, 3)
    with pytest.raises(TypeError, match="unexpected keyword"):
        p.add(1, 2, c=3)


def test_methods_change_their_object(runtime: Runtime) -> None:
    counter = p.Counter(1)
    counter.increase(2)
    counter.increase(p.add(1, 2))
    assert wait_on(counter.doubled()) == 12
    assert wait_on(counter) is counter
    assert (counter.count, counter.seen) == (6, [2, 3])


def test_class_and_static_methods(runtime: Runtime) -> None:
    counter = p.Counter(0)
    one = p.add(0, 1)
    calls = [p.Counter.stepped(one), counter.stepped_too(one), p.Counter.stepped_too(1)]
    assert wait_on(calls) == [3, 3, 3]
    assert wait_on([p.Counter.plain(one), counter.plain_too(one), counter.plain(1)]) == [1, 1, 1]


def test_task_methods_can_be_called_on_the_future_of_an_object(runtime: Runtime) -> None:
    counter = p.make_counter(1)
    counter.increase(4)
    assert wait_on(counter.doubled()) == 10
    assert wait_on(counter).count == 5


def test_collection_out_gives_elements_that_can_be_used_singly(runtime: Runtime) -> None:
    out: list[Any] = [None, None, None]
    p.spread(out, 5)
    p.append(out[1], 0)
    assert wait_on(p.total(out[1])) == 6
    assert wait_on(out) is out
    assert out == [[5], [6, 0], [7]]


def test_collection_out_with_placeholders_tracks_them(runtime: Runtime) -> None:
    one, two = object(), object()
    p.spread([one, two], 5)
    assert wait_on(p.total(two)) == 6
    assert wait_on([one, two]) == [[5], [6]]


def test_collection_inout_goes_as_deep_as_it_says(runtime: Runtime) -> None:
    rows = [[1, 2], [3]]
    p.bump(rows)
    p.bump(rows)
    assert wait_on(p.add(rows[0][1], 0)) == 4
    assert wait_on(rows) == [[3, 4], [5]]


def test_elements_of_a_collection_are_data_of_their_own(runtime: Runtime) -> None:
    first, second = [1], p.same([2, 2])
    p.grow_each([first, second])
    p.append(first, 9)
    p.grow_each([second, first])
    sizes = p.lengths([first, second, second])
    assert wait_on(sizes) == [4, 4, 4]
    assert wait_on(first) == [1, 1, 9, 3]
    assert wait_on(second) == [2, 2, 2, 3]


def test_a_collection_that_changes_its_length_is_an_error(runtime: Runtime) -> None:
    items = [[1], [2]]
    p.shorten(items)
    with pytest.raises(ValueError, match="made a collection shorter"):
        wait_on(items)


def test_files_are_versioned_and_come_home(runtime: Runtime, tmp_path: Path) -> None:
    path = str(tmp_path / "text.txt")
    p.write(path, "one")
    first = p.read(path)
    p.extend(path, " two")
    second = p.read(path)
    p.write(path, "three")
    assert wait_on(first, second) == ["one", "one two"]
    assert dhtask.wait_on_file(path) == path
    assert Path(path).read_text() == "three"


def test_a_file_of_the_program_is_read_as_it_was_at_the_call(
    runtime: Runtime, tmp_path: Path
) -> None:
    path = tmp_path / "in.txt"
    texts = []
    for number in range(3):
        path.write_text(str(number))
        texts.append(p.read(path))
    assert wait_on(texts) == ["0", "1", "2"]


def test_the_program_and_tasks_may_write_a_file_in_turn(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    path.write_text("a")
    p.extend(path, "b")
    with dhtask.open_file(path, "a") as file:
        file.write("c")
    p.extend(path, "d")
    barrier()
    assert path.read_text() == "abcd"
    assert [entry.name for entry in tmp_path.iterdir()] == ["log.txt"]


def test_a_file_that_was_not_written_is_an_error(runtime: Runtime, tmp_path: Path) -> None:
    path = str(tmp_path / "never.txt")
    p.forget_to_write(path)
    with pytest.raises(FileNotFoundError, match="was declared to write 'never\\.txt'"):
        dhtask.wait_on_file(path)


def test_files_come_home_when_the_runtime_stops(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "out.txt"
    p.write(path, "done")
    runtime.stop()
    assert path.read_text() == "done"


def test_wait_on_raises_the_exception_of_the_user(runtime: Runtime) -> None:
    needed = p.add(p.add(p.refuse(1), 1), 1)
    with pytest.raises(p.RefusedError, match="no such thing") as caught:
        wait_on(needed)
    assert caught.value.code == 7
    notes = "\n".join(caught.value.__notes__)
    assert "raise RefusedError" in notes
    assert "task 1, refuse, attempt 1" in notes
    assert "task 3 add <- task 2 add <- task 1 refuse" in notes


def test_barrier_raises_what_failed(runtime: Runtime) -> None:
    p.refuse(1)
    with pytest.raises(p.RefusedError):
        barrier()


def test_stop_raises_what_nobody_was_told(runtime: Runtime) -> None:
    p.refuse(1)
    with pytest.raises(p.RefusedError):
        runtime.stop()
    assert not runtime.is_open


def test_stop_does_not_raise_again(runtime: Runtime) -> None:
    with pytest.raises(p.RefusedError):
        wait_on(p.refuse(1))
    runtime.stop()


def test_an_exception_that_does_not_pickle_is_told_by_name(runtime: Runtime) -> None:
    with pytest.raises(RemoteError, match="UnpicklableError: it hurts") as caught:
        wait_on(p.raise_unpicklable())
    assert "in raise_unpicklable" in caught.value.remote_traceback


def test_sys_exit_in_a_task_is_a_failure_of_the_task(runtime: Runtime) -> None:
    with pytest.raises(RemoteError, match="SystemExit: 3"):
        wait_on(p.leave())


def test_a_retried_task_starts_from_the_same_inputs(runtime: Runtime, tmp_path: Path) -> None:
    values = ["start"]
    p.fail_once(values, str(tmp_path / "marker"))
    assert wait_on(values) == ["start", "half done"]


def test_an_ignored_failure_gives_defaults(runtime: Runtime) -> None:
    values = [1]
    p.ignored_change(values)
    p.append(values, 2)
    assert wait_on(p.add(p.ignored(1), 10)) == 9
    assert wait_on(values) == [1, 2]
    barrier()


def test_cancelled_successors_leave_the_version_before(runtime: Runtime) -> None:
    values = [1]
    p.stop_here(values)
    result = p.total(values)
    p.append(values, 2)
    assert wait_on(result) is None
    assert wait_on(values) == [1]
    barrier()


def test_a_group_has_a_barrier_of_its_own(runtime: Runtime) -> None:
    values = [0]
    with TaskGroup("adding"):
        for number in range(4):
            p.accumulate(values, number)
    barrier_group("adding")
    assert wait_on(values) == [6]


def test_a_cancelled_group_raises_nothing(runtime: Runtime) -> None:
    with TaskGroup("later", implicit_barrier=False):
        p.add(1, 2)
    dhtask.cancel_group("later")
    barrier()


def test_a_task_inside_a_task_runs_inline(runtime: Runtime) -> None:
    assert wait_on(p.nested(3)) == 7


def test_a_future_is_no_value(runtime: Runtime) -> None:
    future = p.add(1, 2)
    for use in (bool, len, iter, int, float, str.join.__get__(",")):
        with pytest.raises(TypeError):
            use(future)  # type: ignore[operator]
    for operation in (
        lambda: future + 1,
        lambda: 1 + future,
        lambda: future < 2,
        lambda: future == 3,
        lambda: future[0],
        lambda: np.asarray(future),
        lambda: future.attribute,
    ):
        with pytest.raises(FutureNotReadyError, match="wait_on"):
            operation()
    assert not hasattr(future, "attribute")
    assert "add" in repr(future)


def test_a_deleted_future_cannot_be_used(runtime: Runtime) -> None:
    future = p.add(1, 2)
    used = p.add(future, 1)
    delete([future])
    delete(future)
    assert wait_on(used) == 4
    with pytest.raises(DataDeletedError):
        wait_on(future)


def test_delete_removes_a_file(runtime: Runtime, tmp_path: Path) -> None:
    path = tmp_path / "text.txt"
    p.write(path, "one")
    dhtask.wait_on_file(path)
    delete(path)
    barrier()
    assert not path.exists()


def test_a_deleted_object_is_an_object_like_any_other(runtime: Runtime) -> None:
    values = [1]
    p.append(values, 2)
    delete(values)
    assert wait_on(p.total(values)) == 1


def test_an_argument_that_does_not_pickle_is_named(runtime: Runtime) -> None:
    with pytest.raises(SerialisationError, match=r"argument 'value' of task same"):
        p.same(gc.get_objects.__self__ and (x for x in ()))


def test_a_constraint_that_cannot_be_met_is_an_error_at_the_call(runtime: Runtime) -> None:
    with pytest.raises(ConstraintError, match=r"enormous asks for computing_units=4096.*offer"):
        p.enormous()


def test_a_second_runtime_is_refused(runtime: Runtime) -> None:
    with (
        pytest.raises(RuntimeStateError, match="one at a time"),
        dhtask.Runtime(executor="inline"),
    ):
        pass
    assert dhtask.start() is runtime


def test_a_future_of_a_stopped_runtime_is_refused(runtime: Runtime) -> None:
    future = p.add(1, 2)
    runtime.stop()
    with pytest.raises(RuntimeStateError, match="before its runtime stops"):
        wait_on([future])


def test_functions_that_workers_cannot_import_travel_by_value(runtime: Runtime) -> None:
    offset = 10

    @dhtask.task
    def shifted(x: int) -> int:
        return x + offset

    assert wait_on(shifted(p.add(1, 1))) == 12
    offset = 100
    assert wait_on(shifted(1)) == 101
    assert wait_on(dhtask.task(lambda x: x * 2)(4)) == 8
