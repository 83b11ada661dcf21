"""One clock for every benchmark."""

import time
from collections.abc import Callable

import numpy as np


def seconds(work: Callable[[], object], repeats: int = 5) -> float:
    """Median wall time of `work`."""
    times = []
    for _ in range(repeats):
        started = time.perf_counter()
        work()
        times.append(time.perf_counter() - started)
    return float(np.median(times))
