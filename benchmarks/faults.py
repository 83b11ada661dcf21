"""Faults of machines and stores under sweeps, one function each: how often it was tried, and how often anything was lost."""

from __future__ import annotations

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import psutil
import torch

from benchmarks import hostile
from physlib.core.files import seal, unseal, write_atomic
from physlib.runs.presets import resolve
from physlib.runs.store import Store

PHYSLIB = str(Path(sys.executable).with_name("physlib"))
SWEEP = ("sweep", "--claim", "C7", "--profile", "smoke")
KILLS = 50
OF_THE_DAY = ("seconds", "revision", "dirty")
"""What a record says of the moment and of the working tree, not of the run."""
LATE = """
import time
real, began = time.time, time.time()
time.time = lambda: real() - 3600 * (real() - began > 4)
"""
"""A clock that somebody sets back by an hour after four seconds."""


def sweep(build: Path, *words: str, before: str = "", after: str = "", **more: str) -> subprocess.CompletedProcess:
    """A sweep with a store of its own, in a shell between other commands, in a mount namespace where there are any."""
    line = " ".join([PHYSLIB, *SWEEP, *words])
    shell = ["unshare", "-rm", "sh", "-c", f"{before}; {line}; code=$?; {after or 'true'}; exit $code"]
    command = shell if before else line.split()
    env = os.environ | {"PHYSLIB_BUILD": str(build)} | more
    return subprocess.run(command, env=env, capture_output=True, text=True, check=False, timeout=900)


def contents(build: Path) -> dict:
    """Arrays of all stored runs as bytes, and their records without what is of the day."""
    found = {}
    for path in build.rglob("*.safetensors"):
        arrays, record = unseal(path.read_bytes())
        facts = {name: str(v) for name, v in record["provenance"].items() if not name.startswith(OF_THE_DAY)}
        found[path.name] = {name: array.tobytes() for name, array in arrays.items()}, facts
    return found


def whole(build: Path, expected: dict) -> bool:
    """Whether a store is as one process alone makes it, with nothing half written."""
    return contents(build) == expected and not list(build.rglob("*.partial"))


def told(done: subprocess.CompletedProcess) -> bool:
    """Whether a command ended with sentences and not with a traceback."""
    return (
        done.returncode == 2 and done.stderr.startswith(("physlib: ", "not made: ")) and "Traceback" not in done.stderr
    )


def kills(folder: Path, expected: dict) -> tuple[int, int]:
    """A worker, or in one case of five the whole sweep, is killed at a random moment; the sweep is given again till done."""
    dice, killed, lost, rounds = random.Random(0), 0, 0, 0
    while killed < KILLS:
        build, done = folder / f"kills{rounds}", False
        rounds += 1
        while not done:
            env = os.environ | {"PHYSLIB_BUILD": str(build)}
            command = [PHYSLIB, *SWEEP, "--workers", "2"]
            with subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as process:
                while killed < KILLS and process.poll() is None:
                    time.sleep(dice.uniform(0, 14))
                    killed += _kill(process, dice)
                done = process.wait() == 0
        lost += not whole(build, expected)
        shutil.rmtree(build)
    return killed, lost


def _kill(process: subprocess.Popen, dice: random.Random) -> bool:
    """Kill one of its workers, or itself."""
    try:
        parent = psutil.Process(process.pid)
        workers = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
        chosen = parent if dice.random() < 0.2 else dice.choice(workers)
        chosen.send_signal(signal.SIGKILL)
    except (psutil.Error, IndexError):  # it had just ended, or has no worker yet
        return False
    return True


def disk_full(folder: Path, expected: dict) -> tuple[int, int]:
    """A store of a few kilobytes, then one with room."""
    lost = 0
    for kilobytes in (4, 12, 24):
        build, kept = folder / f"full{kilobytes}", folder / f"kept{kilobytes}"
        build.mkdir()
        mount = f"mount -t tmpfs -o size={kilobytes}k none {build}"
        done = sweep(build, "--workers", "1", before=mount, after=f"cp -r {build} {kept}")
        half = list(kept.rglob("*.partial"))
        again = sweep(kept, "--workers", "1")
        lost += not (told(done) and not half and again.returncode == 0 and whole(kept, expected))
    return 3, lost


def read_only(folder: Path, expected: dict) -> tuple[int, int]:
    """A store that cannot be written: empty, and with every run in it."""
    build, full = folder / "locked", folder / "alone"
    build.mkdir()
    refused = sweep(build, "--workers", "1", before=f"mount -t tmpfs -o ro none {build}")
    answered = sweep(full, "--workers", "1", before=f"mount --bind {full} {full} && mount -o remount,ro,bind {full}")
    return 2, (not told(refused)) + (answered.returncode != 0 or not whole(full, expected))


def two_at_once(folder: Path, expected: dict) -> tuple[int, int]:
    """Two sweeps of the same runs on one store."""
    build = folder / "two"
    env = os.environ | {"PHYSLIB_BUILD": str(build)}
    both = [subprocess.Popen([PHYSLIB, *SWEEP, "--workers", "2"], env=env, stdout=subprocess.DEVNULL) for _ in range(2)]
    ended = [process.wait() for process in both]
    return 1, int(any(ended) or not whole(build, expected))


def clock_set_back(folder: Path, expected: dict) -> tuple[int, int]:
    """The clock of every process goes back by an hour while it works."""
    late = folder / "late"
    late.mkdir()
    (late / "sitecustomize.py").write_text(LATE)
    done = sweep(folder / "clock", "--workers", "2", PYTHONPATH=f"{late}:{os.environ.get('PYTHONPATH', '')}")
    return 1, int(done.returncode != 0 or not whole(folder / "clock", expected))


def spoilt(spoil: Callable[[Path], None]) -> Callable[[Path, dict], tuple[int, int]]:
    """A fault of the files of a store: each run's is spoilt, and the sweep given again."""

    def fault(folder: Path, expected: dict) -> tuple[int, int]:
        build = Path(tempfile.mkdtemp(dir=folder)) / "build"
        shutil.copytree(folder / "alone", build)
        files = sorted(build.rglob("*.safetensors"))
        for path in files:
            spoil(path)
        done = sweep(build, "--workers", "1")
        return len(files), int(done.returncode != 0 or not whole(build, expected))

    return fault


def truncate(path: Path) -> None:
    """A file that ends half way."""
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])


def flip(path: Path) -> None:
    """A file with one bit changed."""
    data = bytearray(path.read_bytes())
    data[random.Random(path.name).randrange(len(data))] ^= 1 << 3
    path.write_bytes(data)


def empty(path: Path) -> None:
    """A file of no bytes."""
    path.write_bytes(b"")


def older(path: Path) -> None:
    """A whole file of an earlier version, whose configuration lacks a field and has one that is no more."""
    arrays, record = unseal(path.read_bytes())
    record["config"] = {"units": 1} | {name: value for name, value in record["config"].items() if name != "seed"}
    path.write_bytes(seal(arrays, record))


def foreign(path: Path) -> None:
    """A whole file of another kind."""
    path.write_bytes(seal({}, {"a": 1}) if path.stat().st_size % 2 else b"PK\x03\x04" + os.urandom(2_000))


def checkpoints(folder: Path, expected: dict) -> tuple[int, int]:
    """Checkpoints of another device, of nothing, cut off, and of another program."""
    config, build = resolve("logistic", "diffusion-mlp", "smoke", 0, n_probe=0), folder / "checkpoints"
    path = Store(build / "store").work(config, "checkpoint")
    other = folder / "other"
    torch.save({"device": "cuda"}, other)
    sealed, bad = hostile.sealed(other.read_bytes()), hostile.sealed(hostile.pickled())
    lost = 0
    for data in (sealed, b"", sealed[:100], bad):
        write_atomic(path, data)
        done = sweep(build, "--workers", "1")
        lost += not (told(done) and "checkpoint" in done.stderr) or bool(hostile.opened)
    path.unlink()
    done = sweep(build, "--workers", "1")
    return 4, lost + (done.returncode != 0 or not whole(build, expected))


def scheduler_restarted(folder: Path, expected: dict) -> tuple[int, int]:
    """A scheduler is killed while its workers work, another is started, and the sweep is given again."""
    build = folder / "scheduler"
    env = os.environ | {"PHYSLIB_BUILD": str(build)}
    for wait in (20, None):
        with _cluster(env) as (address, scheduler):
            command = [PHYSLIB, *SWEEP, "--scheduler", address]
            process = subprocess.Popen(command, env=env, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
            if wait is not None:
                time.sleep(wait)
                scheduler.kill()
            said = process.communicate(timeout=600)[1]
            if wait is not None and not (process.returncode in (0, 2) and "Traceback" not in said):
                return 1, 1
    return 1, int(process.returncode != 0 or not whole(build, expected))


class _cluster:
    """A scheduler with two workers, as separate processes."""

    def __init__(self, env: dict[str, str]):
        self.env, self.file = env, Path(tempfile.mkdtemp()) / "scheduler.json"

    def __enter__(self):
        quiet = {"env": self.env, "stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        python, common = [sys.executable, "-m"], ["--no-dashboard", "--scheduler-file", str(self.file)]
        one = [*python, "distributed.cli.dask_scheduler", *common, "--port", "0", "--host", "127.0.0.1"]
        self.scheduler = subprocess.Popen(one, **quiet)
        while not self.file.exists():
            time.sleep(0.2)
        many = [
            *python,
            "distributed.cli.dask_worker",
            *common,
            "--nthreads",
            "1",
            "--nworkers",
            "2",
            "--death-timeout",
            "5",
        ]
        self.workers = subprocess.Popen(many, **quiet)
        return json.loads(self.file.read_text())["address"], self.scheduler

    def __exit__(self, *_):
        for process in (self.workers, self.scheduler):
            process.terminate()
            process.wait()
