"""The command `physlib when`: at which level the shift of each quantity is made."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from physlib.core.errors import PhyslibError, unknown

WIDTH = 44  # characters of the axis


def when(
    task: Annotated[str, typer.Argument(help="Task name, with a range or a prior if not the default.")],
    model: Annotated[str, typer.Option(help="Model name, as printed by `physlib list`.")] = "diffusion-mlp",
    prior: Annotated[str | None, typer.Option(help="flat, cosine or gaussian.")] = None,
    quantity: Annotated[list[str] | None, typer.Option(help="Only this quantity; may be given again.")] = None,
    profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop",
    out: Annotated[str | None, typer.Option(help="Write the figure here, .svg, .png or .pdf.")] = None,
) -> None:
    """Where each quantity's shift is made: the share that redrawing from each level brings back."""
    from physlib import tasks
    from physlib.cli.text import check_outputs
    from physlib.evaluation.decision import decision_curves
    from physlib.models import get_model
    from physlib.runs.run import fetch
    from physlib.studies import mechanism

    check_outputs([out], [])
    if out is not None and Path(out).suffix not in (".svg", ".png", ".pdf"):
        raise PhyslibError(f"cannot write '{out}': give a name that ends in .svg, .png or .pdf.")
    system, row = tasks.get_task(task, prior), get_model(model)
    runs = fetch(mechanism.followed(system.name, row.name, profile))
    curves = decision_curves(runs)
    for name in quantity or ():
        if name not in curves:
            raise unknown(f"quantity of {system.name}", name, curves)
    shown = [curve for name, curve in curves.items() if not quantity or name in quantity]
    typer.echo(f"{system.name} {row.name}, {len(runs)} seeds; level: {row.probe.meaning}")
    typer.echo(_text(shown))
    if out is not None:
        _write(out, system.name, shown, row.probe.meaning, runs)


def _text(curves: list) -> str:
    """A line for each quantity: its shift, its share at each level, and where half of the shift is made, with its ends."""
    import numpy as np

    levels = curves[0].levels
    title = " ".join(f"{level:5g}" for level in levels)
    lines = [f"{'':24} shift {title}  half made: late{'early':>{WIDTH - 15}}"]
    for curve in curves:
        shares = " ".join(f"{mean:5.2f}" if np.isfinite(mean) else "    -" for mean, *_ in curve.mean)
        at, axis = curve.decision_levels, ["."] * WIDTH
        place = np.log(at[np.isfinite(at)] / levels[0]) / np.log(levels[-1] / levels[0]) * (WIDTH - 1)
        if place.size:
            for i in range(round(place.min()), round(place.max()) + 1):
                axis[i] = "-"
            axis[round(place.mean())] = "o"
        lines.append(f"{curve.reading:24} {curve.shift.mean():5.3f} {shares}  {''.join(axis)}")
    return "\n".join(lines)


def _write(out: str, system: str, curves: list, axis: str, runs: list) -> None:
    from physlib.evaluation.decision import decision_frame
    from physlib.figures import Origin, decision_curves

    config = runs[0].config
    origin = Origin(config.profile, [run.config.seed for run in runs], runs[0].provenance["revision"])
    drawn = decision_curves("decision", {f"{system}, {config.model}": decision_frame(curves)}, axis, origin)
    drawn.figure.savefig(out, bbox_inches="tight", facecolor="white", dpi=200)
    typer.echo(f"wrote {out}: {drawn.finding}")
