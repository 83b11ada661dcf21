"""Numbers, stretches and kernels in words."""

from __future__ import annotations

from collections.abc import Sequence

from physlib.audit.before import AgreedStretch
from physlib.audit.compare import Stretch
from physlib.kernels import Kernel, Residuals, Smooth

SHOWN = 4  # stretches named in a sentence


def number(value: float, unit: str = "", sign: bool = False) -> str:
    """Three figures and the unit."""
    text = f"{value:{'+' if sign else ''}.3g}"
    return f"{text} {unit}" if unit else text


def share(value: float) -> str:
    """A share of all trajectories in per cent, with two figures."""
    return f"{100 * value:.1f} %" if abs(value) < 0.0995 else f"{100 * value:.0f} %"


def span(ends: tuple[float, float], least: float = -1.0) -> str:
    """An interval of shares, none of which can be beyond 100 %."""
    low, high = (min(1.0, max(least, end)) for end in ends)
    return f"{share(low)} to {share(high)}"


def chance(p: float) -> str:
    """A p-value, which so many permutations cannot show to be any smaller than .001."""
    return "p at most 0.001" if p <= 0.001 else f"p = {p:.3f}"


def listed(names: Sequence[str]) -> str:
    """Names with commas, the last with `and`."""
    return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)


def where(lo: float | None, hi: float | None, unit: str) -> str:
    """A stretch of values in words; None is an open end."""
    if lo is None and hi is None:
        return "everywhere"
    if lo is None:
        return f"below {number(hi, unit)}"
    if hi is None:
        return f"above {number(lo, unit)}"
    if f"{lo:.3g}" == f"{hi:.3g}":
        return f"at {number(hi, unit)}"
    return f"from {number(lo)} to {number(hi, unit)}"


def kernel_in_words(kernel: Kernel) -> str:
    """A deviation in words."""
    if isinstance(kernel, Residuals):
        return "an error with the size and spectrum of the residuals"
    kind = f"{kernel.name} error"
    if isinstance(kernel, Smooth):
        kind = "white error" if kernel.length == 0 else f"smooth error (correlation {kernel.length:.2g} steps)"
    return f"{kind} of {share(kernel.parameters['s'])} of each column's standard deviation"


def in_words(stretches: Sequence[tuple[Stretch | AgreedStretch, tuple[float, float]]], unit: str) -> str:
    """Stretches, each with its interval or range."""
    return "; ".join(
        f"{where(s.lo, s.hi, unit)} ({_signed(s.mass)} % of all, {_signed(low)} to {_signed(high)})"
        for s, (low, high) in stretches[:SHOWN]
    )


def _signed(value: float) -> str:
    """Per cent with its sign, and none for zero."""
    return f"{round(100 * value, 1) + 0:{'' if abs(value) < 0.0005 else '+'}.1f}"
