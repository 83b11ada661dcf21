"""Work that depends on other work, in this process or on Dask's workers: those of this machine, or of a scheduler.

An item of work that loses its worker is done again by another, so it must leave the store as it would alone: runs do,
as they are stored whole, once, and go on from their checkpoints.
"""

from __future__ import annotations

import contextlib
import io
import logging
import os
import warnings
from collections.abc import Callable, Hashable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from physlib.core.errors import PhyslibError

if TYPE_CHECKING:
    from distributed import Client, Future

Item, Made = TypeVar("Item", bound=Hashable), TypeVar("Made")
Graph = Mapping[Item, Sequence[Item]]
"""Each item, those that it needs before it, and what it needs."""
DEATHS = 1_000  # of workers of this machine under one item, before it is given up
ANSWER = 20  # seconds for a scheduler to answer


def outcomes(
    work: Callable[[Item, list[Made]], Made], graph: Graph, workers: int | None = None, scheduler: str | None = None
) -> Iterator[tuple[Item, Made | PhyslibError]]:
    """Every item of a graph as it is done, with what `work(item, what it needs)` returned.

    `workers` processes of one thread share the work, by default one a core, and one being this process; with `scheduler`, an address as
    `tcp://HOST:PORT`, its workers do. Items that are listed first begin first. An item that raised a `PhyslibError` comes
    with it, and so do those that need it. Raises `PhyslibError` where there is no scheduler, or no longer.
    """
    workers = cores() if workers is None else workers
    if workers < 1:
        raise PhyslibError(f"cannot work with {workers} processes: give --workers 1 or more.")
    if scheduler is None and min(workers, len(graph)) <= 1:
        return _here(work, graph)
    return _by_dask(work, graph, min(workers, len(graph)), scheduler)


def _here(work, graph):
    made = {}
    for item, needed in graph.items():
        made[item] = _attempt(work, item, [made[one] for one in needed])
        yield item, made[item]


def _attempt(work: Callable, item: Any, before: list[Any]) -> Any:
    """What the work makes, or why it cannot."""
    if failed := next((made for made in before if isinstance(made, PhyslibError)), None):
        return failed
    try:
        return work(item, before)
    except PhyslibError as error:
        return error


def _apart(work: Callable, item: Any, before: list[tuple[Any, list[Warning]]]) -> tuple[Any, list[Warning]]:
    """The same in a worker, whose bars nobody watches, with its warnings."""
    with contextlib.redirect_stderr(io.StringIO()), warnings.catch_warnings(record=True) as said:
        made = _attempt(work, item, [made for made, _ in before])
    return made, [warning.message for warning in said]


def _by_dask(work, graph, workers, scheduler):
    with _client(workers, scheduler) as client:
        from distributed import as_completed

        futures: dict[Any, Future] = {}
        for rank, (item, needed) in enumerate(graph.items()):
            before = [futures[one] for one in needed]
            futures[item] = client.submit(_apart, work, item, before, pure=False, priority=-rank)
        items = {future.key: item for item, future in futures.items()}
        finished = as_completed(list(futures.values()))
        futures.clear()  # so that workers forget what nothing needs any more
        for future in finished:
            made, said = _outcome(future, scheduler)
            for warning in said:
                warnings.warn(warning, stacklevel=2)
            yield items[future.key], made


def _outcome(future: Future, scheduler: str | None) -> tuple[Any, list[Warning]]:
    from distributed import CancelledError, KilledWorker

    try:
        return future.result()
    except KilledWorker:
        return PhyslibError("its workers died again and again: give them more memory, and the command again."), []
    except (CancelledError, OSError):
        raise PhyslibError(
            f"the scheduler {scheduler or 'of this machine'} is gone: what was finished is stored; give the command again."
        ) from None


@contextlib.contextmanager
def _client(workers: int, scheduler: str | None) -> Iterator[Client]:
    try:
        import dask
        from distributed import Client, LocalCluster
    except ModuleNotFoundError as error:
        raise PhyslibError(
            f"{error.name} is not installed: pip install '.[sweep]' in the repository, or --workers 1."
        ) from None
    with contextlib.ExitStack() as stack:
        if scheduler is None:
            stack.enter_context(dask.config.set({"distributed.scheduler.allowed-failures": DEATHS}))
            options = {"threads_per_worker": 1, "dashboard_address": "127.0.0.1:0", "silence_logs": logging.CRITICAL}
            where = stack.enter_context(LocalCluster(n_workers=workers, host="127.0.0.1", **options))
        else:
            where = scheduler
        try:
            client = stack.enter_context(Client(where, timeout=ANSWER))
        except (OSError, ValueError) as error:
            detail = " ".join(str(error).split())[:90]
            raise PhyslibError(
                f"no scheduler answers at {scheduler} ({detail}): start one with dask scheduler."
            ) from None
        yield client


def cores() -> int:
    """Processes that this machine runs at once."""
    return os.cpu_count() or 1
