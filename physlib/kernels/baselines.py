"""Laws that know nothing of trajectories; a kernel must beat them to say anything (kernels layer)."""

from __future__ import annotations

from dataclasses import dataclass

from physlib.kernels.base import QuantityKernel


@dataclass(frozen=True)
class NoShift(QuantityKernel):
    """The model reproduces the intended distribution."""

    name = "no-shift"

    def push(self, task, data, rng):
        return data.q


@dataclass(frozen=True)
class Blur(QuantityKernel):
    """`q + b z`: the quantity itself is blurred, the same everywhere."""

    name = "blur"
    b: float  # share of the range

    def push(self, task, data, rng):
        return data.q + self.b * (task.hi - task.lo) * rng.standard_normal(data.q.shape)


@dataclass(frozen=True)
class ShrinkAndBlur(QuantityKernel):
    """`E[q | q + a z] + b z'`: contraction and blur in quantity space, as many numbers as noise-contract-q."""

    name = "shrink-and-blur"
    a: float  # shares of the range
    b: float

    def push(self, task, data, rng):
        span = task.hi - task.lo
        first, second = rng.standard_normal((2, data.q.size))
        if self.a == 0:
            return data.q + self.b * span * second
        width = self.a * span
        return task.prior.posterior_mean(data.q + width * first, width) + self.b * span * second


@dataclass(frozen=True)
class Shrink(QuantityKernel):
    """`ShrinkAndBlur` with one number, as many as `contract`."""

    name = "shrink"
    a: float  # share of the range

    def push(self, task, data, rng):
        return ShrinkAndBlur(self.a, self.a).push(task, data, rng)
