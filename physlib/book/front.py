"""The figure of the front page and of the README, written from stored runs: `python -m physlib.book.front`."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from physlib.core.files import write_atomic
from physlib.evaluation import shares
from physlib.figures import CaptionedFigure, Origin, samples_and_count
from physlib.runs.run import load_runs
from physlib.tasks import get_task

TASK, MODEL = "pendulum-regular-state", "diffusion-unet"
SHOWN = 6
STATIC = Path(__file__).resolve().parents[2] / "book" / "_static"


def headline() -> CaptionedFigure:
    """Swings of a double pendulum that look right, and their energies, which are not."""
    task, runs = get_task(TASK), load_runs(TASK, MODEL)
    revisions = ", ".join(dict.fromkeys(str(run.provenance["revision"]) for run in runs))
    found = samples_and_count(
        "headline",
        task,
        task.bank(SHOWN).x[..., 0],
        runs[0]["trajectories"][:SHOWN, :, 0].astype(float),
        shares(runs),
        runs[0].provenance["n"],
        float(np.mean([run.provenance["plausible"] for run in runs])),
        Origin("laptop", [run.config.seed for run in runs], revisions),
    )
    return found.saying(
        "Swings of a double pendulum: the samples look right one by one, and there are too few of the gentlest and of the "
        "liveliest among them."
    )


def write() -> None:
    """Write the figure for the site, which takes the page's ink, and for the README."""
    figure = headline()
    write_atomic(STATIC / "headline.html", figure._repr_html_().encode())
    write_atomic(STATIC / "headline.svg", figure.svg().encode())


if __name__ == "__main__":
    write()
