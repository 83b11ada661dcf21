"""What samples show, in plain sentences: the verdict, its cause, their looks."""

from __future__ import annotations

from physlib.audit.after import CROWDED, Explanation
from physlib.audit.candidates import WHITE
from physlib.audit.compare import Comparison
from physlib.audit.redraw import Decision
from physlib.audit.report.words import chance, in_words, listed, number, share, span, where
from physlib.audit.result import AuditResult, Baseline, SampleFindings
from physlib.audit.spectrum import Spectrum

AGREE = 1.5  # factor within which two sizes are one
LARGE = 0.1  # share of the standard deviation beyond which an error is not called small


def verdict(result: AuditResult, f: SampleFindings) -> list[str]:
    """Whether there is a shift, how large, where; and what that rests on."""
    c, unit = f.comparison, result.demos.unit
    lines = [
        _shifted(result, f),
        *f.dependence,
        *([] if f.baseline is None else [_held_out(result, c, f.baseline)]),
        f"The mean changes by {number(c.mean_shift, unit, sign=True)} ({number(c.mean_shift_interval[0], sign=True)} to "
        f"{number(c.mean_shift_interval[1], sign=True)}); values move by {number(c.w1, unit)} on average (Wasserstein "
        f"distance, {number(c.w1_interval[0])} to {number(c.w1_interval[1])}).",
    ]
    for verb, stretches in (("Too many", c.gains), ("Too few", c.losses)):
        if stretches:
            lines.append(f"{verb}: {in_words([(s, s.interval) for s in stretches], unit)}.")
    undefined = result.demos.loaded.q.size - result.demos.loaded.finite.size
    if c.failed or undefined:
        lines.append(
            f"{c.failed:,} of {f.count:,} samples and {undefined:,} of {result.demos.loaded.q.size:,} demonstrations have no "
            f"{result.demos.title}; they count as a bin of their own, and in no mean."
        )
    return lines


def _shifted(result: AuditResult, f: SampleFindings) -> str:
    c, title = f.comparison, result.demos.title
    distance = (
        f"{share(c.tv)} of all lie in the wrong bin, where sampling alone gives {share(c.tv_floor)}; "
        f"with its part taken off, {span(c.tv_interval)}"
    )
    if c.p_value is None:
        return (
            f"There is no test of the {title} of the {f.count:,} samples in {f.name}, which takes 100 trajectories of "
            f"both kinds, and 8 groups where they come in groups. As they are, {distance}."
        )
    request, units = result.request, result.demos.units
    kind = "paired test" if request.paired else "permutation test"
    if request.groups:
        kind = f"{'paired test' if request.paired else 'test'} of whole groups"
    tested = f"{kind}, {chance(c.p_value)}"
    said = "has shifted" if f.shifted else "shows no shift that sampling could not make"
    if f.dependence:
        said = "would have shifted" if f.shifted else said
        tested += ", which takes all trajectories as independent, but they do not look it"
    worth = "" if units is None or c.effective is None else f" (worth {c.effective:,.0f} independent ones)"
    return f"The {title} of the {f.count:,} samples{worth} in {f.name} {said} ({tested}): {distance}."


def _held_out(result: AuditResult, c: Comparison, baseline: Baseline) -> str:
    """Samples beside real trajectories that were held out."""
    held, title = baseline.comparison, result.demos.title
    found = (
        f"{share(held.tv)} of the {baseline.count:,} held-out real trajectories in {baseline.name} lie in another bin"
    )
    tested = "" if held.p_value is None else f" ({chance(held.p_value)})"
    times = c.tv / max(held.tv, 1e-9)
    if times < AGREE:
        return f"{found}{tested}: real data differ from real data as much, so the {title} shows nothing of the model's own."
    surely = (
        " They differ by more than sampling makes: other conditions, or dependence."
        if (held.p_value or 1) < 0.05
        else ""
    )
    return f"{found}{tested}: the samples' shift is {times:.1f} times as large.{surely}"


def explanation(result: AuditResult, f: SampleFindings) -> list[str]:
    """How much of the shift a small error makes, and of what size."""
    if f.explanation.skill is not None:
        lines = [*_skill(result, f), *_size(result, f.explanation, f.agreement.size)]
    elif f.comparison.p_value is None:
        lines = ["Too few trajectories to fit an error to."]
    elif f.comparison.mass.max() > CROWDED:
        bins, row = result.demos.bins, int(f.comparison.mass.argmax())
        at = where(*bins.span(row, row), result.demos.unit) if row < bins.count + 2 else "without a value"
        lines = [
            f"{share(f.comparison.mass[row])} of the samples lie in one bin ({at}), so this quantity cannot identify a "
            "deviation: any large one would do. A less sensitive quantity could."
        ]
    else:
        than = "sampling alone gives" if f.baseline is None else "sampling alone or held-out real data give"
        lines = [
            f"The shift is under twice what {than}, so this quantity cannot identify a deviation: "
            "neither its size nor its kind. More samples, or a more sensitive quantity, could."
        ]
    return [*lines, _spectrum(f.spectrum), *([] if f.decision is None else [_decision(f.decision)])]


def _skill(result: AuditResult, f: SampleFindings) -> list[str]:
    e, c, unit = f.explanation, f.comparison, result.demos.unit
    fit = e.fit_of(e.kernel)
    names = e.ties if len(e.ties) < 4 else [*e.ties[:2], f"{len(e.ties) - 2} others"]
    ties = f", or {listed(names)}, which fit as well" if names else ""
    kind = f"{'A small error' if fit.size <= LARGE else 'An error'} of {share(fit.size)} ({e.kernel}{ties})"
    tested = f"{span(e.skill_interval, 0.0)}; fitted to one half of the samples, tested on the other, by bins and mean"
    first = f"{kind} explains {share(e.skill)} of the shift ({tested})."
    if e.skill < 0.005:
        first = f"No error of the kinds tried explains any of the shift ({tested}). Look for another cause."
    elif f.agreement.contradictions:
        reasons = {
            "mean": f"would change the mean by {number(fit.mean_shift, unit, sign=True)}, where it changed by {number(c.mean_shift, unit, sign=True)}",
            "differences": "would make the samples far rougher from step to step than they are",
        }
        why = listed([reasons[key] for key in f.agreement.contradictions])
        first = f"No error of the kinds tried explains the shift: the one that fits best, {kind[0].lower()}{kind[1:]}, {why}. Look for another cause."
    base = e.skill - e.advantage
    lines = [
        first,
        f"A blur of the quantity that knows nothing of trajectories explains {share(max(0.0, base)) if base > 0.005 else 'nothing'}; "
        f"the difference is {span(e.advantage_interval)}.",
    ]
    if f.agreement.contradictions or e.skill < 0.005:
        return lines
    if e.advantage_interval[0] <= 0:
        lines.append(
            "No kernel surely beats that blur, so nothing here shows that an error along the trajectory is the cause."
        )
    elif e.skill_interval[1] < 0.5:
        lines.append("So most of the shift is not of the kind that the forecast describes: look for another cause.")
    elif e.skill_interval[0] < 0.5:
        lines.append("Whether that is most of the shift, these numbers of samples and demonstrations do not settle.")
    return lines


def _size(result: AuditResult, e: Explanation, read: float | None) -> list[str]:
    lines, fit = [], e.fit_of(e.kernel)
    if e.white is not None:
        sizes = ", ".join(number(value * e.white.size) for value in result.demos.scale)
        of = "" if e.kernel == WHITE else ", a white-equivalent size and not the error's own"
        lines.append(
            f"Of white errors, one of {share(e.white.size)} of each column's standard deviation comes nearest "
            f"({span(e.white.size_interval)}; {sizes}{' ' + result.unit_in if result.unit_in else ''} by column{of})."
        )
    if read is not None:
        apart = max(fit.size / read, read / fit.size)
        both = f"{share(fit.size)} fitted to the {result.demos.title}, {share(read)} to the differences between steps"
        lines.append(
            f"The two sizes of the best-fitting kernel agree: {both}."
            if apart < AGREE
            else f"The two sizes of the best-fitting kernel disagree: {both}. So the error is not of one size and kind along the whole "
            "trajectory, or the shift has another cause besides: trust neither size alone."
        )
    return lines


def _spectrum(s: Spectrum) -> str:
    found = f"the error is {s.kind}"
    if s.size is not None:
        kind = "white" if s.length < 0.5 else f"smooth over {s.length:.1f} steps"
        found = f"an error of {share(s.size)}, {kind}"
    elif s.moved:
        found = "no error can be distinguished from a motion that is itself a little faster, slower or larger"
    elif s.kind == "smoother than the demonstrations":
        found = "the samples are smoother than the demonstrations: no error was added, detail is missing"
    return f"Read from differences between steps, whatever the quantity: {found}."


def _decision(d: Decision) -> str:
    """When the reader's own model makes the shift, and what that suggests."""
    if d.level is None:
        return (
            f"{d.name} redrew {d.count:,} demonstrations from {len(d.levels)} noise levels; half of the shift does not come "
            "back from any of them, or the shift is too near its floor to tell."
        )
    suggested = {
        "late": "it is made late, by the last small steps: a representation in which the quantity is plain, longer training "
        "or finer levels at the end could mend it",
        "in between": "it is made neither early nor late",
        "early": "it is made early, when samples are still a blur: look at the data, at conditioning and at capacity at high noise",
    }[d.when]
    return (
        f"{d.name} redrew {d.count:,} demonstrations: half of the shift comes back from noise level {number(d.level)} of a "
        f"standard deviation, so {suggested}."
    )


def plausibility(f: SampleFindings) -> list[str]:
    """Whether samples look like demonstrations one by one."""
    p = f.plausibility
    lines = [
        f"{share(p.within)} of the samples are as near to a demonstration and as smooth as 99 % of demonstrations are "
        f"(of demonstrations held out, {share(p.expected)})."
    ]
    if f.shifted and not f.dependence and p.within > 0.8 * p.expected:
        lines.append("Looked at one by one they seem right; their distribution is wrong.")
    return lines
