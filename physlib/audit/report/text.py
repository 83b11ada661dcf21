"""An audit in plain sentences, every number from its record."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from physlib.audit.after import CROWDED, Explanation
from physlib.audit.before import AgreedStretch
from physlib.audit.candidates import WHITE
from physlib.audit.compare import Stretch
from physlib.audit.result import AuditResult, SampleFindings
from physlib.audit.spectrum import Spectrum
from physlib.kernels import Kernel, Residuals, Smooth

SHOWN = 4  # stretches named in a sentence


def number(value: float, unit: str = "", sign: bool = False) -> str:
    """Three figures and the unit."""
    text = f"{value:{'+' if sign else ''}.3g}"
    return f"{text} {unit}" if unit else text


def share(value: float) -> str:
    """A share of all trajectories in per cent, with two figures."""
    return f"{100 * value:.1f} %" if abs(value) < 0.0995 else f"{100 * value:.0f} %"


def _signed(value: float) -> str:
    """Per cent with its sign, and none for zero."""
    return f"{round(100 * value, 1) + 0:{'' if abs(value) < 0.0005 else '+'}.1f}"


def where(lo: float | None, hi: float | None, unit: str) -> str:
    """A stretch of values in words; None is an open end."""
    if lo is None and hi is None:
        return "everywhere"
    if lo is None:
        return f"below {number(hi, unit)}"
    if hi is None:
        return f"above {number(lo, unit)}"
    return f"from {number(lo)} to {number(hi, unit)}"


def kernel_in_words(kernel: Kernel) -> str:
    """A deviation in words."""
    if isinstance(kernel, Residuals):
        return "an error with the size and spectrum of the residuals"
    kind = f"{kernel.name} error"
    if isinstance(kernel, Smooth):
        kind = "white error" if kernel.length == 0 else f"smooth error (correlation {kernel.length:.2g} steps)"
    return f"{kind} of {share(kernel.parameters['s'])} of each column's standard deviation"


def sentences(result: AuditResult) -> dict[str, list[str]]:
    """Sentences by section of the report, in reading order."""
    found = {
        "demonstrations": [_demonstrations(result)],
        "forecast": _forecast(result),
        "sensitivity": [_sensitivity(result)],
        "representations": [_representations(result)],
    }
    if result.findings is not None:
        found = {
            "verdict": _verdict(result, result.findings),
            "explanation": _explanation(result, result.findings),
            "plausibility": _plausibility(result.findings),
        } | found
    return found


def _demonstrations(result: AuditResult) -> str:
    q, demos = result.demos.loaded.q, result.demos
    low, high = np.quantile(q, [0.005, 0.995])
    return (
        f"{demos.loaded.name} holds {len(q):,} demonstrations of {demos.shape[0]} steps and {demos.shape[1]} column(s) used; their "
        f"{result.demos.title} is {number(q.mean(), result.demos.unit)} on average, 99 % between {number(low)} and {number(high, result.demos.unit)}."
    )


def _list(stretches: Sequence[tuple[Stretch | AgreedStretch, tuple[float, float]]], unit: str) -> str:
    """Stretches, each with its interval or range."""
    return "; ".join(
        f"{where(s.lo, s.hi, unit)} ({_signed(s.mass)} % of all, {_signed(low)} to {_signed(high)})"
        for s, (low, high) in stretches[:SHOWN]
    )


def _forecast(result: AuditResult) -> list[str]:
    found, typical, unit = result.forecast, result.forecast.typical, result.demos.unit
    tv, low, high = found.tv
    lines = [
        f"Forecast: {kernel_in_words(typical.kernel)} changes the mean {result.demos.title} by "
        f"{number(typical.mean_shift, unit, sign=True)} and puts {share(tv)} of all trajectories in the wrong bin."
    ]
    means = [m.mean_shift for m in found.members]
    over = f"the {len(found.members)} sizes and spectra that trained models are known to leave"
    if result.request.residuals is not None:
        over = f"{len(found.members) - 1} resamplings of the residuals, which set size and spectrum"
    lines.append(
        f"Over {over}, that is {share(low)} to {share(high)} of all, and {number(min(means), sign=True)} to "
        f"{number(max(means), unit, sign=True)}."
    )
    for verb, stretches in (("Over-produced", found.gains), ("Under-produced", found.losses)):
        if stretches:
            listed = _list([(s, s.range) for s in stretches], unit)
            lines.append(f"{verb}, and by none of these errors the other way: {listed}.")
    if not found.gains and not found.losses:
        why = "they disagree on where mass goes" if high > 0.01 else "this quantity hardly changes under such errors"
        lines.append(f"No bin surely gains or loses: {why}.")
    return lines


def _sensitivity(result: AuditResult) -> str:
    slope, windows = np.nan_to_num(result.sensitivity.slope), result.sensitivity.windows
    largest, median = slope.max(), np.median(slope)
    if largest == 0:
        return "No small error anywhere along the trajectory changes it."
    w, d = np.unravel_index(slope.argmax(), slope.shape)
    end = windows[w + 1] - 1 if w + 1 < len(windows) else result.demos.shape[0] - 1
    steps = f"step {windows[w]}" if end == windows[w] else f"steps {windows[w]} to {end}"
    if largest < 1.5 * median:
        return "An error matters about equally everywhere along the trajectory."
    if largest > 20 * median:
        places = np.unique(windows[(slope > largest / 4).any(axis=1)])
        return (
            f"An error matters at some places only, most at {steps} of column {d}; above a quarter of that, "
            f"from step {places.min()} to step {places.max()}."
        )
    return (
        f"An error matters most at {steps} of column {d}: {largest / median:.1f} times as much as at the median place."
    )


def _representations(result: AuditResult) -> str:
    given = next(r for r in result.ranking if r.name == "as given")
    best = result.ranking[0]
    order = ", ".join(f"{r.name} {share(r.tv)}" for r in result.ranking)
    if best.tv + 2 * (best.spread + given.spread) >= given.tv:
        return f"No representation tried would reduce the forecast shift by more than its noise. Forecast shift, least first: {order}."
    return (
        f"Stored as {best.name}, an error of the same relative size would put {share(best.tv)} of all trajectories in the "
        f"wrong bin instead of {share(given.tv)}. Forecast shift, least first: {order}."
    )


def _verdict(result: AuditResult, f: SampleFindings) -> list[str]:
    c, unit = f.comparison, result.demos.unit
    moved = c.p_value < 0.05
    lines = [
        f"The {result.demos.title} of the {f.count:,} samples in {f.name} {'has shifted' if moved else 'shows no shift that sampling could not make'} "
        f"(permutation test, p = {c.p_value:.3f}): {share(c.tv)} of all lie in the wrong bin, where sampling alone gives "
        f"{share(c.tv_floor)}; with its part taken off, {_span(c.tv_interval)}.",
        f"The mean changes by {number(c.mean_shift, unit, sign=True)} ({number(c.mean_shift_interval[0], sign=True)} to "
        f"{number(c.mean_shift_interval[1], sign=True)}); values move by {number(c.w1, unit)} on average (Wasserstein "
        f"distance; with sampling taken off, {number(c.w1_interval[0])} to {number(c.w1_interval[1])}).",
    ]
    for verb, stretches in (("Too many", c.gains), ("Too few", c.losses)):
        if stretches:
            lines.append(f"{verb}: {_list([(s, s.interval) for s in stretches], unit)}.")
    if c.failed:
        lines.append(f"{c.failed} samples have no finite {result.demos.title}; they count as a bin of their own.")
    return lines


def _explanation(result: AuditResult, f: SampleFindings) -> list[str]:
    if f.explanation.skill is not None:
        lines = [*_skill(f.explanation), *_scale(result, f.explanation)]
    elif f.comparison.mass.max() > CROWDED:
        bins, row = result.demos.bins, int(f.comparison.mass.argmax())
        at = where(*bins.span(row, row), result.demos.unit) if row < bins.count + 2 else "without a finite value"
        lines = [
            f"{share(f.comparison.mass[row])} of the samples lie in one bin ({at}), so this quantity cannot identify a "
            "deviation: any large one would do. A less sensitive quantity could."
        ]
    else:
        lines = [
            "The shift is under twice what sampling alone gives, so this quantity cannot identify a deviation: "
            "neither its size nor its kind. More samples, or a more sensitive quantity, could."
        ]
    return [*lines, _spectrum(f.spectrum)]


def _skill(e: Explanation) -> list[str]:
    lines = [
        f"A small error added to the demonstrations explains {share(e.skill)} of the shift ({_span(e.skill_interval)}; "
        f"fitted to one half of the samples, tested on the other): the best-fitting kernel is {e.kernel}. "
        f"A blur of the quantity that knows nothing of trajectories explains {share(e.skill - e.advantage)}; "
        f"the difference is {_span(e.advantage_interval)}."
    ]
    if e.advantage_interval[0] <= 0:
        lines.append(
            "No kernel surely beats that blur, so nothing here shows that an error along the trajectory is the cause."
        )
    elif e.skill_interval[1] < 0.5:
        lines.append("So most of the shift is not of the kind that the forecast describes: look for another cause.")
    elif e.skill_interval[0] < 0.5:
        lines.append("Whether that is most of the shift, these numbers of samples and demonstrations do not settle.")
    return lines


def _span(ends: tuple[float, float]) -> str:
    return f"{share(ends[0])} to {share(ends[1])}"


def _scale(result: AuditResult, e: Explanation) -> list[str]:
    if e.white is None:
        return []
    sizes = ", ".join(number(s * e.white.size) for s in result.demos.scale)
    lines = [
        f"Of white errors, one of {share(e.white.size)} of each column's standard deviation comes nearest "
        f"({_span(e.white.size_interval)}; {sizes}{' ' + result.unit_in if result.unit_in else ''} by column)."
    ]
    if e.kernel != WHITE:
        lines.append("The best-fitting kernel is not white, so this is a white-equivalent size, not the error's own.")
    return lines


def _spectrum(s: Spectrum) -> str:
    found = f"the error is {s.kind}"
    if s.size is not None:
        kind = "white" if s.length < 0.5 else f"smooth over {s.length:.1f} steps"
        found = f"an error of {share(s.size)}, {kind}"
    elif s.moved:
        found = "no error can be distinguished from a motion that is itself a little faster, slower or larger"
    return f"Read from differences between steps, whatever the quantity: {found}."


def _plausibility(f: SampleFindings) -> list[str]:
    p, c = f.plausibility, f.comparison
    lines = [
        f"{share(p.within)} of the samples are as near to a demonstration and as smooth as 99 % of demonstrations are "
        f"(of demonstrations held out, {share(p.expected)})."
    ]
    if c.p_value < 0.05 and p.within > 0.8 * p.expected:
        lines.append("Looked at one by one they seem right; their distribution is wrong.")
    return lines
