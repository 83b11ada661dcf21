"""What to do next, by the decision tree of the audit's page."""

from __future__ import annotations

from physlib.audit.after import CROWDED
from physlib.audit.result import AuditResult, SampleFindings

SMALL = 0.02  # forecast share in the wrong bin that is hardly worth a change


def advice(result: AuditResult) -> str:
    """One sentence: the leaf of the tree that the findings lead to."""
    if result.warnings:
        return "First look at your files: see what is said of them."
    if result.findings is None:
        return _before(result)
    f = result.findings
    if f.dependence:
        return "First say what makes trajectories depend on each other (--groups); until then p-value and intervals are too small."
    if f.shifted is None:
        return "Get more trajectories, 100 at least of both kinds, before you decide anything."
    if not f.shifted:
        return "Use the model as it is; ask for more samples if a smaller shift would matter."
    return _shifted(f)


def _before(result: AuditResult) -> str:
    if result.forecast.tv[2] < SMALL:
        return "Train, then audit the samples: this quantity hardly feels small errors."
    given = next(r for r in result.ranking if r.name == "as given")
    best = result.ranking[0]
    if best.tv < given.tv / 2:
        return f"Try storing trajectories as {best.name}, and audit again with --residuals once a model exists."
    return (
        "No representation tried would help: train, then audit the samples, or calibrate the forecast with --residuals."
    )


def _shifted(f: SampleFindings) -> str:
    e = f.explanation
    if f.comparison.mass.max() > CROWDED:
        return "Train longer, or look for a bug in scaling; audit a less sensitive quantity."
    if e.skill is None:
        return "Ask for more samples, or a more sensitive quantity: the shift is too near its floor to find its cause."
    if f.agreement.contradictions or e.advantage_interval[0] <= 0 or e.skill < 0.5:
        return "Look for another cause than a small error: ends that are not held, missing modes, too few data, other conditions, a bug in scaling."
    if f.plausibility.within < 0.8 * f.plausibility.expected:
        return "Train longer until the size of the error falls no further, then change the representation."
    if f.decision is not None and f.decision.when == "early":
        return "Look at data, conditioning and capacity at high noise: the shift is made early, where small errors are not."
    return "Change the representation, or train longer until the size of the error falls; do not filter samples by their looks."
