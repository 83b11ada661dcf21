"""The contract of a task: trajectories whose balanced quantity follows a prior by construction.

Arrays are NumPy unless a caller passes PyTorch tensors: measurements and residuals are written
against the array API, so that `torch.func` can differentiate the very code that measures data.
Axis letters: `N` trajectories, `T` steps, `D` state dimensions, `Z` nuisance variables.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from typing import Any, ClassVar, NamedTuple

import numpy as np
from jaxtyping import Float

from physlib.core.errors import PhyslibError, unknown
from physlib.core.rng import numpy_rng
from physlib.stats.histogram import Bins
from physlib.tasks.priors import DEFAULT, PRIORS, Prior


class Trajectories(NamedTuple):
    """A set of trajectories with what they were generated from."""

    x: Float[np.ndarray, "N T D"]  # the trajectories
    q: Float[np.ndarray, " N"]  # the balanced quantity of each
    z: Float[np.ndarray, "N Z"]  # nuisance variables of the generating rule (initial value, phase, ...)


@dataclass(frozen=True)
class TaskInfo:
    """What a reader should know of a task before running it; docs, sampler and tests read this record."""

    title: str  # a few words
    rule: str  # the generating rule, LaTeX
    quantity: str  # name of the balanced quantity
    symbol: str  # its symbol, LaTeX
    unit: str  # its unit, "1" where it has none
    lo: float  # default range of the prior
    hi: float
    domain: tuple[float, float]  # values for which the rule makes sense
    steps: int  # T
    dims: int  # D
    nuisance: str  # what else is random
    regime: str  # what the motion is like over the default range
    threshold: float  # plausible: residual below this, in units of the channel's standard deviation
    threshold_reason: str
    source: str  # where the system is described

    @property
    def label(self) -> str:
        """The quantity with its unit, for an axis."""
        return self.quantity if self.unit == "1" else f"{self.quantity} ({self.unit})"


def _plain(value: float) -> str:
    """Shortest text that reads back as the same number."""
    return repr(float(value)).removesuffix(".0")


class Population(ABC):
    """Trajectories that can be drawn, and a quantity that is measured on them: all that a kernel needs."""

    name: str
    lo: float  # ends of the quantity's range
    hi: float
    shape: tuple[int, int]  # `(T, D)` of one trajectory
    scale: Float[np.ndarray, "*T D"]  # standard deviation of each channel; sizes of errors are relative to it
    bins: Bins
    differentiable: ClassVar[bool] = False  # whether `measure` takes PyTorch tensors
    can_regenerate: ClassVar[bool] = False  # whether millions of trajectories can be generated at will
    costly: ClassVar[bool] = (
        True  # whether forecasts are made from fewer draws, since motion is integrated or pushed from a bank
    )

    @abstractmethod
    def draw(self, n: int, rng: np.random.Generator) -> Trajectories:
        """`n` trajectories for Monte Carlo, where a million are asked for."""

    @abstractmethod
    def measure(self, x: Float[Any, "*N T D"]) -> Float[Any, "*N"]:
        """The quantity, recovered from trajectories alone; NaN where it cannot be."""

    def remeasure(self, x: Float[Any, "N T D"], data: Trajectories) -> Float[Any, " N"]:
        """The quantity of altered copies `x` of `data`, row by row: here the same as `measure`."""
        return self.measure(x)


class Task(Population):
    """A family of trajectories indexed by a scalar quantity with a prior on `[lo, hi]`, flat unless another is named.

    A subclass supplies `info`, `nuisance`, `generate`, `measure` and `residual`.
    Raises `PhyslibError` when the range is empty or leaves the rule's domain, and for an unknown prior.
    """

    family: ClassVar[str]
    version: ClassVar[int] = 1  # raise by hand when the meaning of the data changes: stored runs then miss
    info: ClassVar[TaskInfo]
    differentiable = True
    can_regenerate = True
    costly = False
    reference: str = ""  # `module:Name` of a reader's own task, which then stands for the family in names
    others: ClassVar[dict[str, Callable[[Any], Any]]] = {}  # name -> measurement nobody balanced
    NUISANCE: ClassVar[tuple[tuple[float, float], ...]] = ((-np.inf, np.inf),)  # where nuisance variables are flat

    def __init__(self, lo: float | None = None, hi: float | None = None, prior: str = DEFAULT):
        self.lo = self.info.lo if lo is None else lo
        self.hi = self.info.hi if hi is None else hi
        low, high = self.info.domain
        if not (low <= self.lo < self.hi <= high and np.isfinite(self.hi)):
            raise PhyslibError(
                f"range [{_plain(self.lo)},{_plain(self.hi)}] of {self.family} is not valid: "
                f"give lo < hi within [{low:g},{high:g}]."
            )
        if prior not in PRIORS:
            raise unknown("prior", prior, PRIORS)
        self.prior: Prior = PRIORS[prior](self.lo, self.hi)

    @property
    def name(self) -> str:
        """Name in commands and table, with range and prior where they are not the default ones."""
        usual = (self.lo, self.hi) == (self.info.lo, self.info.hi)
        span = "" if usual else f"[{_plain(self.lo)},{_plain(self.hi)}]"
        return (self.reference or self.family) + span + ("" if self.prior.name == DEFAULT else f"~{self.prior.name}")

    @cached_property
    def bins(self) -> Bins:
        """The prior's bins."""
        return self.prior.bins()

    @property
    def shape(self) -> tuple[int, int]:
        """`(T, D)` of one trajectory."""
        return self.info.steps, self.info.dims

    @cached_property
    def scale(self) -> Float[np.ndarray, " D"]:
        """Standard deviation of each channel over trajectories and steps, from 65,536 trajectories.

        Deviation sizes are given relative to it everywhere.
        """
        return self.sample(65_536, numpy_rng(0, f"scale of {self.family}")).x.std(axis=(0, 1))

    def prior_draws(self, n: int, rng: np.random.Generator) -> Float[np.ndarray, " N"]:
        """Independent draws from the prior."""
        return self.prior.quantile(rng.random(n))

    def sample(self, n: int, rng: np.random.Generator) -> Trajectories:
        """`n` trajectories with the quantity drawn from the prior."""
        q = self.prior_draws(n, rng)
        z = self.nuisance(q, rng)
        return Trajectories(self.generate(q, z), q, z)

    def draw(self, n: int, rng: np.random.Generator) -> Trajectories:
        """The same as `sample`."""
        return self.sample(n, rng)

    @abstractmethod
    def nuisance(self, q: Float[np.ndarray, " N"], rng: np.random.Generator) -> Float[np.ndarray, "N Z"]:
        """Whatever the rule needs besides the quantity, drawn for each trajectory."""

    @abstractmethod
    def generate(self, q: Float[np.ndarray, " N"], z: Float[np.ndarray, "N Z"]) -> Float[np.ndarray, "N T D"]:
        """The trajectories of quantity `q` and nuisance `z`: the rule itself, deterministic."""

    @abstractmethod
    def residual(self, x: Float[Any, "*N T D"]) -> Float[Any, "*N"]:
        """Distance from the rule at the best-fit quantity, root mean square, relative to `scale`."""


class RecurrenceTask(Task):
    """A task whose rule makes each step from those before it."""

    HEAD: ClassVar[int]  # steps that the rule leaves free
    SPAN: ClassVar[tuple[float, float]]  # least and largest value that data can take

    @staticmethod
    @abstractmethod
    def coefficient(q: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
        """What the quantity is in the rule, which is linear in it; one-to-one on all numbers."""

    @staticmethod
    @abstractmethod
    def parameter(c: Float[np.ndarray, "*N"]) -> Float[np.ndarray, "*N"]:
        """Inverse of `coefficient`."""

    @abstractmethod
    def parts(self, x: Float[np.ndarray, "N P D"]) -> tuple[Float[np.ndarray, "N D"], Float[np.ndarray, "N D"]]:
        """`(g, h)` of the step after `x`, `c g + h` for a coefficient `c`."""

    def advance(self, x: Float[np.ndarray, "N P D"], q: Float[np.ndarray, " N"]) -> Float[np.ndarray, "N D"]:
        """The step after `x` by the rule at quantity `q`."""
        g, h = self.parts(x)
        return self.coefficient(q)[:, None] * g + h

    @abstractmethod
    def information(self, x: Float[np.ndarray, "N P D"]) -> Float[np.ndarray, " N"]:
        """How sharply steps tell the quantity: 1 / variance of `measure` for errors of unit size in each made step."""


class FiniteBankTask(Task):
    """A task whose trajectories cost too much for a million of them, or whose quantity is drawn by strata.

    The quantity is stratified, one draw per 1/n quantile, shuffled, so that small sets follow the prior too.
    Monte Carlo reuses a fixed bank of trajectories; deviations are drawn anew each time.
    """

    can_regenerate = False
    costly = True
    BANK: ClassVar[int] = 20_000  # distinct trajectories behind any number of draws
    SCALED_BY: ClassVar[int] = 4_096  # trajectories behind `scale`

    @cached_property
    def scale(self):
        """Standard deviation of each channel over trajectories and steps, from `SCALED_BY` trajectories."""
        return self.sample(self.SCALED_BY, numpy_rng(0, f"scale of {self.family}")).x.std(axis=(0, 1))

    def prior_draws(self, n, rng):
        """One draw from each 1/n quantile of the prior, in random order."""
        return self.prior.quantile(rng.permutation((np.arange(n) + rng.random(n)) / n))

    def bank(self, n: int) -> Trajectories:
        """The first `n` trajectories behind Monte Carlo, at most `BANK`, made once per process."""
        n = min(n, self.BANK)
        if n not in self._banks:
            self._banks[n] = self.sample(n, numpy_rng(0, f"bank of {self.name}"))
        return self._banks[n]

    @cached_property
    def _banks(self) -> dict[int, Trajectories]:
        return {}

    def draw(self, n, rng):
        """Rows of the bank, each equally often up to one."""
        bank = self.bank(n)
        rows = rng.permutation(np.arange(n) % len(bank.q))
        return Trajectories(*(part[rows] for part in bank))
