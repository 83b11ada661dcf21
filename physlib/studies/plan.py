"""What a sweep will take: minutes from the runs that are stored, memory, bytes, and what bounds its time."""

from __future__ import annotations

import dataclasses
import heapq
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from physlib.core.files import Damaged, Missing
from physlib.runs.config import Config
from physlib.runs.decision import REFERENCE
from physlib.runs.pool import Graph, Item
from physlib.runs.presets import expected_seconds
from physlib.runs.store import Store
from physlib.studies import catalogue
from physlib.tasks import get_task

INTERPRETER = 400e6  # bytes of a process with PyTorch before it has any data
COPIES = 40  # bytes that a run holds for each number of its data: double and single precision, and work on them


@dataclass(frozen=True)
class Cost:
    """What one run takes."""

    seconds: float  # on one core
    memory: float  # bytes at most
    stored: float  # bytes of its file
    measured: bool  # whether stored runs say so, or only the size of the model


class Costs:
    """Costs of runs by the stored ones of a profile that differ from them in the seed and the training steps at most."""

    def __init__(self, profile: str):
        self._found = defaultdict(list)
        store = Store.of(profile)
        for config in catalogue.runs(profile):
            try:
                facts = store.get(config).provenance
            except (Missing, Damaged):
                continue
            trained, size = facts["seconds_train"], store.path(config).stat().st_size
            self._found[_kind(config)].append((trained / config.steps, facts["seconds_total"] - trained, size))
        everything = [size for found in self._found.values() for _, _, size in found]
        self._usual = float(np.mean(everything)) if everything else 0.0

    def of(self, config: Config) -> Cost:
        """The cost of a run."""
        task = get_task(config.task)
        steps, dims = task.shape
        followed = REFERENCE if config.n_decision and task.can_regenerate and config.profile != "smoke" else 0
        memory = INTERPRETER + COPIES * steps * dims * (config.n_train + config.n_samples + followed)
        if known := self._found.get(_kind(config)):
            each, rest, size = np.mean(known, axis=0)
            return Cost(float(each * config.steps + rest), memory, float(size), True)
        return Cost(expected_seconds(config), memory, self._usual, False)


def _kind(config: Config) -> Config:
    return dataclasses.replace(config, seed=0, steps=0)


@dataclass(frozen=True)
class Estimate:
    """How long a graph of runs takes on some workers, and why."""

    work: float  # seconds of all runs together
    chain: float  # seconds of the longest chain of runs that wait for each other
    elapsed: float  # seconds from first to last on the workers, each beginning the longest chain that can begin

    @property
    def bottleneck(self) -> str:
        """What more workers would or would not help against."""
        if self.elapsed < 1.05 * self.chain:
            return "the longest chain of runs: more workers do not help"
        return "the number of workers: nearly all are busy nearly all the time"


def in_order(graph: Graph, seconds: Mapping[Item, float]) -> dict[Item, tuple[Item, ...]]:
    """The graph with the runs that the longest chains begin with first; what a run needs still comes before it."""
    ahead = _ahead(graph, seconds)
    return {config: tuple(graph[config]) for config in sorted(graph, key=lambda config: -ahead[config])}


def _ahead(graph: Graph, seconds: Mapping[Item, float]) -> dict[Item, float]:
    """Seconds of the longest chain that begins with each run."""
    ahead = dict.fromkeys(graph, 0.0)
    for config in reversed(graph):
        ahead[config] += seconds[config]
        for needed in graph[config]:
            ahead[needed] = max(ahead[needed], ahead[config])
    return ahead


def estimate(graph: Graph, seconds: Mapping[Item, float], workers: int) -> Estimate:
    """Time of a graph on as many workers, run by run, as if they began it now."""
    ahead = _ahead(graph, seconds)
    waiting = {config: len(needed) for config, needed in graph.items()}
    after = defaultdict(list)
    for config, needed in graph.items():
        for one in needed:
            after[one].append(config)
    ready = [(-ahead[c], rank, c) for rank, c in enumerate(graph) if not waiting[c]]
    heapq.heapify(ready)
    rank, now, busy = len(graph), 0.0, []
    while ready or busy:
        while ready and len(busy) < workers:
            _, _, config = heapq.heappop(ready)
            heapq.heappush(busy, (now + seconds[config], rank := rank + 1, config))
        now, _, config = heapq.heappop(busy)
        for one in after[config]:
            waiting[one] -= 1
            if not waiting[one]:
                heapq.heappush(ready, (-ahead[one], rank := rank + 1, one))
    return Estimate(sum(seconds[c] for c in graph), max(ahead.values(), default=0.0), now)
