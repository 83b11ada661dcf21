"""Sweeps and audits under fire: `python -m benchmarks.campaign [KIND ...]` writes `book/campaign.csv`, a row a kind of fault.

A row says how often a fault was made to happen, and how often anything was lost: a run that is not, or not to the last
bit, as one process alone makes it; a file half written; an error that is no sentence. Mounts of its own need Linux and
the right to make namespaces. Everything takes about half an hour of one core.
"""

from __future__ import annotations

import csv
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

from hypothesis import HealthCheck, Phase, given, settings

from benchmarks import faults, hostile

TABLE = Path(__file__).resolve().parents[1] / "book" / "campaign.csv"
COLUMNS = ("kind", "fault", "tried", "lost")
INPUTS = 1_000


def generated(folder: Path, expected: dict) -> tuple[int, int]:
    """Files and arrays of every kind, most of them spoilt."""
    tried, lost = 0, []

    @settings(
        max_examples=INPUTS,
        database=None,
        deadline=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(hostile.cases())
    def try_one(case):
        nonlocal tried
        tried += 1
        with tempfile.TemporaryDirectory(dir=folder) as place, warnings.catch_warnings():
            warnings.simplefilter("ignore")
            lost.extend(hostile.faults(case, Path(place)))
            lost.extend(hostile.faults_in_memory(case[1]))

    try_one()
    return tried, len(lost)


def bombs(folder: Path, expected: dict) -> tuple[int, int]:
    """Small files that say they hold very much, and headers without end."""
    made = hostile.bombs(folder)
    return len(made), sum(bool(hostile.faults_in_memory(path)) for path in made.values())


FAULTS: dict[str, tuple[str, Callable[[Path, dict], tuple[int, int]]]] = {
    "kills": ("a worker or the whole sweep killed at a random moment, two workers", faults.kills),
    "full": ("the disk full", faults.disk_full),
    "read-only": ("a store that cannot be written", faults.read_only),
    "two": ("two sweeps at once on one store", faults.two_at_once),
    "clock": ("the clock set back by an hour", faults.clock_set_back),
    "scheduler": ("the scheduler killed and started again", faults.scheduler_restarted),
    "truncated": ("a stored run cut off", faults.spoilt(faults.truncate)),
    "flipped": ("a stored run with one bit changed", faults.spoilt(faults.flip)),
    "empty": ("a stored run of no bytes", faults.spoilt(faults.empty)),
    "older": ("a stored run of another version", faults.spoilt(faults.older)),
    "foreign": ("a foreign file in a run's place", faults.spoilt(faults.foreign)),
    "checkpoints": ("a checkpoint of another device, empty, cut off, or a pickle", faults.checkpoints),
    "generated": ("generated files and arrays, most of them spoilt, given to the audit", generated),
    "bombs": ("small files that claim to hold very much, given to the audit", bombs),
}


def main(names: list[str]) -> None:
    """Make faults happen, and write what was lost."""
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        faults.sweep(folder / "alone", "--workers", "1")
        expected = faults.contents(folder / "alone")
        for kind in names or FAULTS:
            words, fault = FAULTS[kind]
            began = time.perf_counter()
            tried, lost = fault(folder, expected)
            sys.stdout.write(f"{kind:<12} {tried:>5} tried, {lost} lost, {time.perf_counter() - began:.0f} s\n")
            sys.stdout.flush()
            _note({"kind": kind, "fault": words, "tried": tried, "lost": lost})


def _note(row: dict[str, str | int]) -> None:
    """Put a row into the table, in the order of the faults."""
    rows = {one["kind"]: one for one in csv.DictReader(TABLE.open())} if TABLE.exists() else {}
    rows[row["kind"]] = row
    with TABLE.open("w", newline="") as file:
        table = csv.DictWriter(file, COLUMNS, lineterminator="\n")
        table.writeheader()
        table.writerows(rows[kind] for kind in FAULTS if kind in rows)


if __name__ == "__main__":
    main(sys.argv[1:])
