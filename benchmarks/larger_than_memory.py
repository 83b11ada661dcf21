"""`python -m benchmarks.larger_than_memory 5`: memory and time of reading so many GiB of trajectories that are made as they are read."""

import resource
import sys
import time

import dask.array
import numpy as np

from physlib.audit.io.episodes import Reading
from physlib.audit.io.open import open_trajectories
from physlib.audit.io.read import load
from physlib.tasks.quantities import QUANTITIES

STEPS, COLUMNS, ROWS = 64, 2, 8_192  # of a chunk: 8 MiB


def made(block: np.ndarray, block_info: dict | None = None) -> np.ndarray:
    """A chunk of random walks, the same whenever it is read."""
    rng = np.random.default_rng(block_info[0]["chunk-location"][0])
    return rng.standard_normal(block.shape, dtype=np.float64).cumsum(axis=1)


def main(gib: float) -> None:
    """Read, and print what it took."""
    chunks = round(gib * 2**30 / (ROWS * STEPS * COLUMNS * 8))
    empty = dask.array.empty((chunks * ROWS, STEPS, COLUMNS), chunks=(ROWS, STEPS, COLUMNS))
    source = open_trajectories(empty.map_blocks(made, dtype=float), reading := Reading())
    before, began = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time()
    found = load(source, QUANTITIES["path_length"], reading, np.random.default_rng(0), STEPS)
    peak, took = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss, time.process_time() - began
    sys.stdout.write(
        f"{gib:g} GiB, {len(found.q):,} trajectories: {took:.0f} s of processor, "
        f"at most {peak / 1024:.0f} MiB, {(peak - before) / 1024:.0f} MiB more than before\n"
    )


if __name__ == "__main__":
    main(float(sys.argv[1]))
