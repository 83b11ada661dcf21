"""Testing a reader's own task, kernel or model against its contract (running layer)."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import TYPE_CHECKING, NamedTuple

import numpy as np
from scipy.stats import kstest

from physlib import tasks
from physlib.core.errors import PhyslibError
from physlib.core.imports import find
from physlib.core.rng import numpy_rng, torch_rng
from physlib.kernels import Kernel

if TYPE_CHECKING:
    from physlib.models.base import TrajectoryModel

COUNT = 2_000  # trajectories each check looks at


class Check(NamedTuple):
    """One clause of a contract."""

    passed: bool
    sentence: str


def check(reference: str) -> list[Check]:
    """Check `module:Name` clause by clause: a `Task` class, a `Kernel` class, or whatever makes a `TrajectoryModel`.

    A model may be given as a class or a function; it is called with `mean`, `std` and `steps`. The
    module is imported (the working directory is searched first), so its code runs. Raises
    `PhyslibError` where it cannot be imported or is none of the three.
    """
    found = find(reference)
    if inspect.isclass(found) and issubclass(found, tasks.Task):
        return _collect(_task(found))
    if inspect.isclass(found) and issubclass(found, Kernel):
        return _collect(_kernel(found))
    from physlib.models.base import TrajectoryModel

    if inspect.isfunction(found) or (inspect.isclass(found) and issubclass(found, TrajectoryModel)):
        return _collect(_model(found))
    raise PhyslibError(f"{reference} is neither a Task, a Kernel nor a TrajectoryModel: derive it from one of them.")


def _collect(clauses: Iterator[Check]) -> list[Check]:
    """Run clauses until the first exception, which fails the contract with its own words."""
    done = []
    try:
        for clause in clauses:
            done.append(clause)
    except Exception as error:  # a reader's code may raise anything
        done.append(Check(False, f"stops with {type(error).__name__}: {error}"))
    return done


def _task(cls: type[tasks.Task]) -> Iterator[Check]:
    import torch

    missing = tasks.lacking(cls)
    yield Check(
        not missing,
        f"all parts are set: {', '.join(tasks.REQUIRED)}" + (f"; missing: {', '.join(missing)}" if missing else ""),
    )
    if missing:
        return
    task = cls()
    data = task.sample(COUNT, numpy_rng(0, "check"))
    again = task.sample(COUNT, numpy_rng(0, "check"))
    shape = (COUNT, *task.shape)
    yield Check(data.x.shape == shape, f"sample gives x of shape {shape}: found {data.x.shape}")
    yield Check(np.array_equal(data.x, again.x), "the same generator gives the same trajectories")
    p = kstest(data.q, task.prior.cdf).pvalue
    yield Check(p > 1e-4, f"the quantity is flat on [{task.lo:g}, {task.hi:g}]: p = {p:.3f}")
    error = float(np.abs(task.measure(data.x) - data.q).max())
    yield Check(error < 1e-3 * (task.hi - task.lo), f"measure recovers the quantity: largest error {error:.1e}")
    largest = float(np.max(task.residual(data.x)))
    yield Check(largest < task.info.threshold, f"data are plausible: largest residual {largest:.1e}")
    regenerated = task.generate(data.q, data.z)
    yield Check(np.array_equal(regenerated, data.x), "generate(q, z) is the rule behind sample")
    if not task.differentiable:
        return
    tensor = torch.as_tensor(data.x[:8])
    try:
        close = np.allclose(task.measure(tensor).numpy(), task.measure(data.x[:8]))
    except (TypeError, AttributeError) as error:
        yield Check(
            False,
            f"measure takes PyTorch tensors ({error}): write it against the array API, or set differentiable = False",
        )
        return
    yield Check(close, "measure gives the same for PyTorch tensors")
    slope = torch.func.vmap(torch.func.grad(task.measure))(tensor)
    yield Check(bool(torch.isfinite(slope).all()), "measure has finite gradients")


def _kernel(cls: type[Kernel]) -> Iterator[Check]:
    numbers = is_dataclass(cls) and all(f.type in ("float", float) for f in fields(cls))
    yield Check(numbers, "the kernel is a dataclass whose fields are its free numbers, floats")
    if not numbers:
        return
    kernel = cls(*[0.05 for _ in fields(cls)])
    for name in ("ring", "sinusoid", "logistic"):
        task = tasks.get_task(name)
        data = task.sample(COUNT, numpy_rng(0, "check"))
        before = data.x.copy()
        moved = kernel.push(task, data, numpy_rng(1, "check"))
        yield Check(
            np.shape(moved) == (COUNT,), f"{name}: push gives one quantity a trajectory: found {np.shape(moved)}"
        )
        yield Check(np.isfinite(moved).mean() > 0.5, f"{name}: most pushed quantities are finite at 0.05")
        yield Check(np.array_equal(before, data.x), f"{name}: push leaves the data as they were")
        again = kernel.push(task, data, numpy_rng(1, "check"))
        yield Check(
            np.array_equal(moved, again, equal_nan=True), f"{name}: the same generator gives the same quantities"
        )


def _model(cls: Callable[..., TrajectoryModel]) -> Iterator[Check]:
    import torch

    task = tasks.get_task("sinusoid")
    x = torch.as_tensor(task.sample(64, numpy_rng(0, "check")).x, dtype=torch.float32)
    model = cls(x.mean((0, 1)).numpy(), x.std((0, 1)).numpy(), task.shape[0])
    loss = model.loss(x, torch_rng(0, "check"))
    yield Check(loss.shape == () and bool(torch.isfinite(loss)), f"loss is a finite number: {loss}")
    loss.backward()
    trained = [p.grad is not None for p in model.parameters() if p.requires_grad]
    yield Check(any(trained), "the loss reaches the weights")
    first, second = (model.sample(5, torch_rng(1, "check")) for _ in range(2))
    yield Check(first.shape == (5, *task.shape), f"sample gives (5, T, D): found {tuple(first.shape)}")
    yield Check(torch.equal(first, second), "the same generator gives the same samples")
    twin = cls(x.mean((0, 1)).numpy(), x.std((0, 1)).numpy(), task.shape[0])
    twin.load(model.save())
    same = all(np.array_equal(a, b) for a, b in zip(model.save().values(), twin.save().values(), strict=True))
    yield Check(same, "load(save()) gives the same weights")
