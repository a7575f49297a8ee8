"""Python imports this at the start of a process: the wall clock is ahead by the seconds in the file FAULT_CLOCK.

The monotonic clock is not: a clock that was set does not move it either.
"""

import os
import pathlib
import time

_file = pathlib.Path(os.environ["FAULT_CLOCK"])
_true_time = time.time


def _shifted() -> float:
    return _true_time() + float(_file.read_text())


time.time = _shifted
time.time_ns = lambda: int(_shifted() * 1_000_000_000)
