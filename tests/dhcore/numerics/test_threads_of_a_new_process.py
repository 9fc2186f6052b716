"""The first kernel of a process uses as many threads as the thousandth."""

from __future__ import annotations

import subprocess
import sys

PROGRAM = """
import ctypes, sys
import numba
from dhcore import threads
with threads.limit(1):
    threads.synchronise()
    sys.stdout.write(str(ctypes.CDLL("libgomp.so.1").omp_get_max_threads()))
"""


def test_starting_the_pool_of_numba_does_not_undo_the_limit() -> None:
    ended = subprocess.run(
        [sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True
    )
    assert ended.stdout == "1"
