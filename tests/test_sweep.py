"""Sweeps: the graph and what it takes, and results that do not depend on who makes them or on who dies meanwhile."""

import os
import re
import signal
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import psutil
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner

from physlib.cli.main import app
from physlib.core.errors import PhyslibError
from physlib.core.files import unseal
from physlib.runs.pool import outcomes
from physlib.runs.presets import resolve
from physlib.studies import plan
from physlib.studies.sweep import choose, graph_of, read_seeds

OF_THE_DAY = ("seconds", "revision", "dirty")
SWEEP = ["sweep", "--claim", "C7", "--profile", "smoke"]  # a run without a strategy, and two that must have seen it


@st.composite
def graphs(draw):
    """Graphs of up to nine items, earlier ones first, and their seconds."""
    count = draw(st.integers(1, 9))
    graph = {item: tuple(draw(st.sets(st.integers(0, item - 1), max_size=2))) if item else () for item in range(count)}
    return graph, {item: draw(st.floats(0, 10)) for item in graph}


@settings(max_examples=50)
@given(graphs(), st.integers(1, 4))
def test_an_estimate_lies_between_graham_s_bounds(drawn, workers):
    """R. L. Graham 1966: list scheduling ends by work / m + (1 - 1 / m) of the longest chain, and never before either."""
    graph, seconds = drawn
    found = plan.estimate(graph, seconds, workers)
    least = max(found.chain, found.work / workers)
    assert least - 1e-9 <= found.elapsed <= found.work / workers + (1 - 1 / workers) * found.chain + 1e-9
    assert plan.estimate(graph, seconds, len(graph)).elapsed == pytest.approx(found.chain)
    ordered = list(plan.in_order(graph, seconds))
    assert all(ordered.index(needed) < ordered.index(item) for item in graph for needed in graph[item])


def test_a_strategy_waits_for_what_it_must_have_seen():
    config = resolve("tent", "diffusion-mlp", "laptop", 0, mitigation="reweight-twice")
    graph = graph_of([config])
    assert [c.mitigation for c in graph] == ["", "reweight", "reweight-twice"]
    assert [c.mitigation for c in graph[config]] == ["", "reweight"]


def test_seeds_stand_in_for_the_judged_ones_and_for_those_of_pilots():
    assert read_seeds("0-3,7") == [0, 1, 2, 3, 7]
    found = choose("laptop", "families", task="tent", model="diffusion-mlp", seeds=[4, 5], training=10)
    assert sorted((c.role, c.seed, c.steps) for c in found) == [
        *(("judged", seed, 80_000) for seed in (4, 5)),
        *(("pilot", seed, 8_000) for seed in (104, 105)),
    ]
    assert len(choose("laptop", task="tent[1.3,1.5]", model="diffusion-mlp")) == 3


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "nothing to sweep"),
        (["tays"], "did you mean 'toys'"),
        (["toys", "--claim", "C10"], "give one of them"),
        (["toys", "--seeds", "0-"], "give them as 0-9"),
        (["toys", "--training", "0"], "--training 1 or more"),
        (["toys", "--task", "tent"], "has no run of tent"),
        (["toys", "--profile", "smoke", "--workers", "0"], "--workers 1 or more"),
        (["toys", "--profile", "smoke", "--scheduler", "nowhere"], "no scheduler answers at nowhere"),
    ],
)
def test_what_cannot_be_swept_is_said_in_a_sentence(words, said):
    done = CliRunner().invoke(app, ["sweep", *words])
    assert (done.exit_code, done.stdout) == (2, "")
    assert said in done.stderr
    assert done.stderr.count("\n") == 1


def test_a_plan_is_printed_and_nothing_made(tmp_path, monkeypatch):
    monkeypatch.setenv("PHYSLIB_BUILD", str(tmp_path))
    text = CliRunner().invoke(app, [*SWEEP, "--dry-run", "--workers", "3"]).stdout
    assert "mitigation=resample  after logistic diffusion-mlp seed 0 n_probe=0" in text
    assert "3 of 3 runs are to be made" in text
    assert "on 3 worker(s)" in text
    assert not list(tmp_path.rglob("*.safetensors"))


def test_a_run_that_fails_takes_only_those_with_it_that_need_it():
    def work(item, before):
        if item == "bad":
            raise PhyslibError("no.")
        return item + "".join(before)

    found = dict(outcomes(work, {"a": (), "bad": (), "b": ("a",), "worse": ("bad", "a")}, 1))
    assert found["b"] == "ba"
    assert {item for item, made in found.items() if isinstance(made, PhyslibError)} == {"bad", "worse"}


def contents(folder):
    """Arrays of every stored run as bytes, and its record without times."""
    found = {}
    for path in Path(folder).rglob("*.safetensors"):
        arrays, record = unseal(path.read_bytes())
        facts = {name: str(v) for name, v in record["provenance"].items() if not name.startswith(OF_THE_DAY)}
        found[path.name] = ({name: array.tobytes() for name, array in arrays.items()}, facts)
    return found


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    """The sweep made by one process."""
    folder = tmp_path_factory.mktemp("alone")
    with pytest.MonkeyPatch.context() as patched:
        patched.setenv("PHYSLIB_BUILD", str(folder))
        assert CliRunner().invoke(app, [*SWEEP, "--workers", "1"]).stdout == "3 of 3 runs are stored\n"
    return contents(folder)


def test_a_killed_worker_without_a_common_folder_changes_no_file(alone, tmp_path, monkeypatch):
    """Workers and client have stores of their own; what a strategy must have seen travels with the work."""
    here, there = tmp_path / "here", tmp_path / "there"
    monkeypatch.setenv("PHYSLIB_BUILD", str(here))
    with scheduler() as address, two_workers(address, there) as parent, ThreadPoolExecutor() as pool:
        swept = pool.submit(CliRunner().invoke, app, [*SWEEP, "--scheduler", address])
        until(lambda: list(there.rglob("*.lock")))  # a run is under way
        busiest(parent).send_signal(signal.SIGKILL)
        assert swept.result(240).stdout == "3 of 3 runs are stored\n"
    assert contents(here) == contents(there) == alone
    assert not list(tmp_path.rglob("*.partial"))


def test_this_machine_s_workers_are_other_processes():
    found = dict(
        outcomes(lambda item, before: (os.getpid(), item + sum(n for _, n in before)), {1: (), 2: (), 4: (1, 2)}, 2)
    )
    assert found[4][1] == 7
    assert os.getpid() not in {pid for pid, _ in found.values()}


@contextmanager
def process(*words, **options):
    """A process that ends with the block."""
    with subprocess.Popen([sys.executable, "-m", *words], stderr=subprocess.PIPE, text=True, **options) as started:
        yield started
        started.terminate()
        started.communicate()


@contextmanager
def scheduler():
    """The address of a scheduler."""
    with process("distributed.cli.dask_scheduler", "--port", "0", "--host", "127.0.0.1", "--no-dashboard") as started:
        yield next(found.group() for line in started.stderr if (found := re.search(r"tcp://127\S+\d", line)))


@contextmanager
def two_workers(address, build):
    """The parent of two workers of a scheduler, with a store of their own; dead ones are replaced."""
    options = ("--nthreads", "1", "--nworkers", "2", "--no-dashboard")
    there = os.environ | {"PHYSLIB_BUILD": str(build)}
    with process("distributed.cli.dask_worker", address, *options, env=there) as started:
        yield psutil.Process(started.pid)


def busiest(parent):
    """The worker that has worked most."""
    workers = [child for child in parent.children() if "spawn_main" in " ".join(child.cmdline())]
    return max(workers, key=lambda worker: worker.cpu_times().user)


def until(true, seconds=120):
    end = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.05)
