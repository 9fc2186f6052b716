"""However a program ends, nothing of it is left behind."""

from __future__ import annotations

import gc
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import psutil
import pytest

import dhtask

pytestmark = pytest.mark.slow

ROOT = Path(__file__).resolve().parents[3]
PREAMBLE = """
import os, sys, time, threading
import psutil
import dhtask

@dhtask.task
def double(x):
    return 2 * x

@dhtask.task
def snore(x):
    time.sleep(60)

def children():
    return [child.pid for child in psutil.Process().children(recursive=True)]

def living(pids):
    found = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    for _ in range(50):
        found = [p for p in found if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        psutil.wait_procs(found, timeout=0.1)
    return [p.pid for p in found]
"""


def start(body: str, tmp_path: Path) -> subprocess.Popen[str]:
    script = tmp_path / "app.py"
    script.write_text(textwrap.dedent(PREAMBLE) + textwrap.dedent(body))
    return subprocess.Popen(
        [sys.executable, str(script)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT), "TMPDIR": str(tmp_path)},
    )


def run(body: str, tmp_path: Path) -> tuple[int, str, str]:
    process = start(body, tmp_path)
    out, err = process.communicate(timeout=60)
    return process.returncode, out, err


def pids_of(line: str) -> list[int]:
    return [int(word) for word in line.split() if word.isdecimal()]


def alive(pids: list[int]) -> list[int]:
    """Those that do not end soon; one that has ended and that nobody has asked about counts as ended."""
    processes = [psutil.Process(pid) for pid in pids if psutil.pid_exists(pid)]
    for _ in range(100):
        processes = [p for p in processes if p.is_running() and p.status() != psutil.STATUS_ZOMBIE]
        if not processes:
            break
        psutil.wait_procs(processes, timeout=0.1)
    return [p.pid for p in processes]


def test_a_script_without_a_main_guard_runs_in_parallel(tmp_path: Path) -> None:
    code, out, err = run(
        """
        with dhtask.Runtime(workers=2):
            pids = children()
            print(dhtask.wait_on([double(n) for n in range(3)]))
        print("left", living(pids), pids != [])
        """,
        tmp_path,
    )
    assert (code, err) == (0, "")
    assert out == "[0, 2, 4]\nleft [] True\n"
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith("dhtask-")] == []


def test_the_same_script_without_a_runtime_is_plain_python(tmp_path: Path) -> None:
    code, out, err = run("print(dhtask.wait_on([double(n) for n in range(3)]))", tmp_path)
    assert (code, out, err) == (0, "[0, 2, 4]\n", "")


def test_an_exit_without_stop_leaves_nothing_and_says_so(tmp_path: Path) -> None:
    code, out, err = run(
        """
        dhtask.start(workers=2)
        snore(1)
        print(*children())
        """,
        tmp_path,
    )
    assert code == 0
    assert "ended without dhtask.stop(); 1 tasks had not ended" in err
    assert "Traceback" not in err
    assert len(pids_of(out)) >= 3
    assert alive(pids_of(out)) == []


def test_an_exception_in_the_program_leaves_nothing(tmp_path: Path) -> None:
    code, out, err = run(
        """
        with dhtask.Runtime(workers=2):
            snore(1)
            print(*children())
            raise KeyError("oops")
        """,
        tmp_path,
    )
    assert code == 1
    assert "KeyError: 'oops'" in err
    assert alive(pids_of(out)) == []


@pytest.mark.parametrize(
    ("number", "expected"),
    [(signal.SIGINT, "KeyboardInterrupt"), (signal.SIGTERM, ""), (signal.SIGKILL, "")],
)
def test_a_signal_leaves_nothing(number: signal.Signals, expected: str, tmp_path: Path) -> None:
    process = start(
        """
        with dhtask.Runtime(workers=2):
            future = snore(1)
            print(*children(), flush=True)
            dhtask.wait_on(future)
        """,
        tmp_path,
    )
    assert process.stdout is not None
    pids = pids_of(process.stdout.readline())
    assert len(pids) >= 3
    process.send_signal(number)
    _out, err = process.communicate(timeout=30)
    assert process.returncode in {-number, 128 + number, 1}
    assert expected in err
    assert alive(pids) == []


def test_a_forked_child_runs_tasks_as_plain_python(tmp_path: Path) -> None:
    code, out, err = run(
        """
        import warnings
        warnings.simplefilter("ignore")
        with dhtask.Runtime(workers=1):
            child = os.fork()
            if child == 0:
                print("child", double(4), flush=True)
                sys.exit(0)
            os.waitpid(child, 0)
            print("parent", dhtask.wait_on(double(4)))
        """,
        tmp_path,
    )
    assert (code, err) == (0, "")
    assert out == "child 8\nparent 8\n"


def test_a_cluster_that_does_not_answer_is_named_quickly() -> None:
    with (
        pytest.raises(
            dhtask.errors.ClusterUnreachableError, match=r"tcp://127\.0\.0\.1:9.*dask scheduler"
        ),
        dhtask.Runtime(cluster="tcp://127.0.0.1:9", connect_timeout=1.0),
    ):
        pass
    assert dhtask.Runtime(executor="inline").open() is dhtask.start()
    dhtask.stop()


def test_a_cluster_whose_address_is_none_is_named_at_once_and_leaves_nothing() -> None:
    runtime = dhtask.Runtime(cluster="nonsense", connect_timeout=60.0)
    with pytest.raises(dhtask.errors.ClusterUnreachableError, match="missing port number"):
        runtime.open()
    # What a client that was never made says when it is collected is an error here.
    gc.collect()


def test_workers_leave_the_screen_to_the_program(tmp_path: Path) -> None:
    code, out, err = run(
        """
        import logging

        @dhtask.task
        def level() -> int:
            print("printed", file=sys.stderr, flush=True)
            return logging.getLogger("distributed.batched").getEffectiveLevel()

        with dhtask.Runtime(workers=1):
            print(dhtask.wait_on(level()) == logging.CRITICAL)
        """,
        tmp_path,
    )
    assert (code, out, err) == (0, "True\n", "printed\n")


def test_more_workers_than_cores_is_a_warning_with_both_numbers() -> None:
    cores = len(os.sched_getaffinity(0))
    with pytest.warns(RuntimeWarning, match=rf"{cores + 1} workers .* {cores} cores"):
        dhtask.Runtime(workers=cores + 1)


def test_classes_and_globals_of_the_main_module_travel(tmp_path: Path) -> None:
    code, out, err = run(
        """
        from dataclasses import dataclass

        FACTOR = 3

        def helper(x):
            return FACTOR * x

        @dhtask.task
        def triple(x):
            return helper(x)

        @dhtask.task
        def both(x):
            return triple(x) + double(x)

        class Tally:
            def __init__(self):
                self.items = []

            @dhtask.task
            def add(self, x):
                self.items.append(helper(x))
                return self

        @dataclass
        class Pair:
            left: object
            right: object

        @dhtask.task
        def swap(pair: Pair) -> Pair:
            return Pair(pair.right, pair.left)

        with dhtask.Runtime(workers=1):
            tally = Tally()
            tally.add(1)
            same = tally.add(triple(2))
            print(dhtask.wait_on(both(4)), dhtask.wait_on(tally) is tally, tally.items)
            print(type(dhtask.wait_on(same)) is Tally, dhtask.wait_on(same).items)
            FACTOR = 10
            print(dhtask.wait_on(triple(1)))
            pair = dhtask.wait_on(swap(Pair(double(1), double(2))))
            print(pair, type(pair) is Pair)
        """,
        tmp_path,
    )
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "20 True [3, 18]",
        "True [3, 18]",
        "10",
        "Pair(left=4, right=2) True",
    ]


def test_several_threads_may_call_tasks(tmp_path: Path) -> None:
    code, out, err = run(
        """
        from concurrent.futures import ThreadPoolExecutor

        def chain(start):
            value = start
            for _ in range(20):
                value = double(value)
            return dhtask.wait_on(value)

        with dhtask.Runtime(workers=1), ThreadPoolExecutor(4) as pool:
            print(list(pool.map(chain, range(4))) == [n * 2**20 for n in range(4)])
        """,
        tmp_path,
    )
    assert (code, out, err) == (0, "True\n", "")


def test_the_output_of_tasks_reaches_the_terminal(tmp_path: Path) -> None:
    code, out, err = run(
        """
        @dhtask.task
        def speak():
            print("hello from a task", flush=True)

        with dhtask.Runtime(workers=1):
            speak()
        """,
        tmp_path,
    )
    assert (code, out, err) == (0, "hello from a task\n", "")


def test_a_result_that_does_not_pickle_is_told_by_the_exception_alone(tmp_path: Path) -> None:
    code, out, err = run(
        """
        @dhtask.task
        def lock():
            return threading.Lock()

        with dhtask.Runtime(workers=1):
            try:
                dhtask.wait_on(lock())
            except dhtask.errors.SerialisationError as error:
                print(error)
        """,
        tmp_path,
    )
    assert (code, err) == (0, "")
    assert "cannot pickle '_thread.lock' object; return something that pickles" in out
