from __future__ import annotations

import subprocess
import sys
import threading

import numpy as np
import pytest
from threadpoolctl import threadpool_info

from dhcore import threads
from dhcore._ops import apply
from dhcore.tensor import Tensor


def test_a_limit_ends_with_its_block() -> None:
    before = threads.count()
    with threads.limit(1):
        assert threads.count() == 1
        with threads.limit(3):
            assert threads.count() == 3
        assert threads.count() == 1
    assert threads.count() == before


def test_a_limit_holds_only_in_its_thread() -> None:
    seen: list[int] = []
    with threads.limit(threads.count() + 1):
        worker = threading.Thread(target=lambda: seen.append(threads.count()))
        worker.start()
        worker.join()
    assert seen == [threads.count()]


@pytest.mark.parametrize("number", [0, -1])
def test_less_than_one_thread_is_an_error(number: int) -> None:
    with pytest.raises(ValueError, match=str(number)):
        threads.set_threads(number)


def test_kernels_hold_blas_at_one_thread_and_numba_at_the_limit() -> None:
    import numba

    with threads.limit(1):
        apply("linear", Tensor(np.ones((4, 3), np.float32)), Tensor(np.ones((2, 3), np.float32)))
        assert numba.get_num_threads() == 1
    apply("linear", Tensor(np.ones((4, 3), np.float32)), Tensor(np.ones((2, 3), np.float32)))
    assert numba.get_num_threads() == min(threads.count(), numba.config.NUMBA_NUM_THREADS)
    blas = [pool["num_threads"] for pool in threadpool_info() if pool["user_api"] == "blas"]
    assert set(blas) == {1}


SAME_BITS = """
import hashlib, numpy as np
from dhcore import threads
from dhcore._ops import apply
from dhcore.random import generator
from dhcore.tensor import Tensor
r = generator(0, "bits")
x = Tensor(r.standard_normal((4, 8, 17, 13)).astype("f"), requires_grad=True)
w = Tensor(r.standard_normal((16, 8, 3, 3)).astype("f"), requires_grad=True)
one, zero = Tensor(np.ones(16, "f"), requires_grad=True), Tensor(np.zeros(16, "f"))
with threads.limit(2):
    y = apply("batch_norm", apply("convolution", x, w, padding=1), one, zero, zero, one.detach(), training=True)
    (apply("max_pool", apply("relu", y), kernel=2) ** 2).mean().backward()
print(hashlib.sha256(x.grad.numpy().tobytes() + w.grad.numpy().tobytes()).hexdigest())
"""


@pytest.mark.slow
def test_two_processes_with_the_same_number_of_threads_compute_the_same_bits() -> None:
    run = [sys.executable, "-c", SAME_BITS]
    first, second = (
        subprocess.run(run, capture_output=True, text=True, check=True).stdout for _ in range(2)
    )
    assert len(first.strip()) == 64
    assert first == second
