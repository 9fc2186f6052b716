from __future__ import annotations

import threading
import warnings

import pytest

from dhcore.image.io._quiet import Quiet


def test_warnings_come_back_when_the_last_of_overlapping_threads_has_left() -> None:
    quiet = Quiet()
    first_is_in, second_is_in, first_is_out = (threading.Event() for _ in range(3))

    def first() -> None:
        with quiet():
            first_is_in.set()
            second_is_in.wait(10)
        first_is_out.set()

    def second() -> None:
        first_is_in.wait(10)
        with quiet():
            second_is_in.set()
            first_is_out.wait(10)
            warnings.warn("not heard", UserWarning, stacklevel=1)

    threads = [threading.Thread(target=action) for action in (first, second)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with pytest.warns(UserWarning, match="heard again"):
        warnings.warn("heard again", UserWarning, stacklevel=1)


def test_warnings_come_back_after_an_error() -> None:
    quiet = Quiet()
    with pytest.raises(KeyError), quiet():
        raise KeyError
    with pytest.raises(UserWarning, match="heard"):
        # The configuration of the tests makes errors of warnings, unless they are silenced.
        warnings.warn("heard", UserWarning, stacklevel=1)
