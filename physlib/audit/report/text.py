"""An audit in plain sentences, every number from its record."""

from __future__ import annotations

import numpy as np

from physlib.audit.report.advice import advice
from physlib.audit.report.findings import explanation, plausibility, verdict
from physlib.audit.report.words import in_words, kernel_in_words, listed, number, share
from physlib.audit.result import AuditResult

FEW = 4  # places named one by one
ASSUMED = (
    "These are assumptions: models that err anew at every step move the mean this way, generators that are smooth often the "
    "other way (on published pedestrian models, 20 of 24 signs right and 9 of 21). One thing decides it: reconstruction errors of "
    "a model (--residuals), or samples (--samples)."
)


def sentences(result: AuditResult) -> dict[str, list[str]]:
    """Sentences by section of the report, in reading order."""
    found = {
        "demonstrations": _demonstrations(result),
        "forecast": _forecast(result),
        "sensitivity": [_sensitivity(result)],
        "representations": [_representations(result)],
    }
    if result.findings is not None:
        found = {
            "verdict": verdict(result, result.findings),
            "explanation": explanation(result, result.findings),
            "plausibility": plausibility(result.findings),
        } | found
    found["advice"] = [advice(result)]
    return ({"warnings": list(result.warnings)} if result.warnings else {}) | found


def _demonstrations(result: AuditResult) -> list[str]:
    demos, loaded = result.demos, result.demos.loaded
    q = loaded.finite
    low, high = np.quantile(q, [0.005, 0.995])
    lines = [
        f"{loaded.name} holds {len(loaded.q):,} demonstrations of {demos.shape[0]} steps and {demos.shape[1]} column(s) used; their "
        f"{demos.title} is {number(q.mean(), demos.unit)} on average, 99 % between {number(low)} and {number(high, demos.unit)}."
    ]
    if demos.units is not None:
        lines.append(f"In their groups they are worth {demos.counted.effective:,.0f} independent ones.")
    if loaded.dropped:
        lines.append(f"{loaded.dropped:,} others have no {demos.title} and were left out.")
    elif len(q) < len(loaded.q):
        lines.append(f"{len(loaded.q) - len(q):,} of them have no {demos.title}: a bin of their own.")
    return lines


def _forecast(result: AuditResult) -> list[str]:
    found, typical, unit = result.forecast, result.forecast.typical, result.demos.unit
    tv, low, high = found.tv
    lines = [
        f"Forecast: {kernel_in_words(typical.kernel)} changes the mean {result.demos.title} by "
        f"{number(typical.mean_shift, unit, sign=True)} and puts {share(tv)} of all trajectories in the wrong bin."
    ]
    means = [m.mean_shift for m in found.members]
    assumed = result.request.residuals is None
    over = f"{len(found.members)} errors that were assumed, of 1 to 5 % and from white to smooth"
    if not assumed:
        over = f"{len(found.members) - 1} resamplings of the residuals, which set size and spectrum"
    elif result.request.kernel is not None:
        over = f"{len(found.members)} sizes that were assumed, from 1 to 5 %"
    lines.append(
        f"Over {over}, that is {share(low)} to {share(high)} of all, and {number(min(means), sign=True)} to "
        f"{number(max(means), unit, sign=True)}."
    )
    if assumed and result.findings is None:
        lines.append(ASSUMED)
    for verb, stretches in (("Over-produced", found.gains), ("Under-produced", found.losses)):
        if stretches:
            ends = [
                tuple(min(end, 0.0) for end in s.range) if s.mass < 0 else tuple(max(end, 0.0) for end in s.range)
                for s in stretches
            ]
            every = list(zip(stretches, ends, strict=True))
            lines.append(f"{verb} by all of these errors, if at all: {in_words(every, unit)}.")
    if result.ends:
        ends = listed([f"{share(e.lost)} at {number(e.at, unit)}" for e in result.ends])
        lines.append(
            f"The distribution ends abruptly, and any generator with such an error loses, whatever it learns, {ends} "
            f"of all: show it a guard band {number(max(e.guard for e in result.ends), unit)} wide beyond, and trim samples to the range."
        )
    if not found.gains and not found.losses:
        why = "they disagree on where mass goes" if high > 0.01 else "this quantity hardly changes under such errors"
        lines.append(f"No bin surely gains or loses: {why}.")
    return lines


def _sensitivity(result: AuditResult) -> str:
    slope, windows = np.nan_to_num(result.sensitivity.slope), result.sensitivity.windows
    largest, median = slope.max(), np.median(slope)
    if largest == 0:
        return "No small error anywhere along the trajectory changes it."
    if largest < 1.5 * median:
        return "An error matters about equally everywhere along the trajectory."
    ends = np.append(windows[1:], result.demos.shape[0]) - 1
    named = [f"{a}" if a == b else f"{a} to {b}" for a, b in zip(windows, ends, strict=True)]
    w, d = np.unravel_index(slope.argmax(), slope.shape)
    most = f"An error matters most at step {named[w]} of column {d}"
    places = np.flatnonzero((slope > largest / 4).any(axis=1))
    if len(places) > len(windows) / 2 or len(windows) < FEW:
        return f"{most}: {largest / max(median, 1e-300):.1f} times as much as at the median place."
    shown = [named[i] for i in places[:FEW]] + ([f"{len(places) - FEW} other places"] if len(places) > FEW else [])
    return f"{most}, and more than a quarter as much only at step {listed(shown)}."


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
