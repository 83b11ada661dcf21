"""The command `physlib forecast`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from physlib.core.errors import PhyslibError

if TYPE_CHECKING:
    import numpy as np

    from physlib.tasks import Task


def forecast(
    task: Annotated[str, typer.Argument(help="Task name, with a range if not the default: 'logistic[2.8,3.4]'.")],
    kernel: Annotated[str, typer.Option(help="Kernel name, as printed by `physlib list`.")] = "isotropic",
    scale: Annotated[str, typer.Option(help="Its free numbers, comma-separated, relative sizes.")] = "0.06",
    against: Annotated[str | None, typer.Option(help="Score against the stored evaluation runs of this model.")] = None,
    prior: Annotated[str | None, typer.Option(help="flat, cosine or gaussian.")] = None,
    estimator: Annotated[str | None, typer.Option(help="Read the quantity by this estimator.")] = None,
    profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop",
    draws: Annotated[int, typer.Option(help="Monte Carlo size.")] = 1_000_000,
    seed: Annotated[int, typer.Option(help="Seed of the Monte Carlo.")] = 0,
    from_pilots: Annotated[
        bool, typer.Option("--from-pilots", help="Every kernel, its numbers from stored pilots of --model.")
    ] = False,
    model: Annotated[str, typer.Option(help="Whose pilots.")] = "diffusion-mlp",
    seal: Annotated[str | None, typer.Option(help="Write that forecast here, with a digest; score it later.")] = None,
) -> None:
    """Forecast the shift of a task's quantity from a kernel, without training."""
    if from_pilots:
        _from_pilots(task, prior, model, profile, seal)
        return
    if seal is not None:
        raise PhyslibError("--seal needs --from-pilots: only a forecast made from runs can be sealed.")
    from physlib import tasks
    from physlib.cli import text
    from physlib.forecasting.forecast import forecast as push
    from physlib.forecasting.score import score
    from physlib.tasks.estimators import read_by

    system = tasks.get_task(task, prior)
    read = read_by(system, estimator or "")
    # asked for before the work, so that a wrong name costs none
    found = {} if against is None else _histograms(system, against, profile, estimator)
    law = text.read_kernel(kernel, scale)
    draws = min(draws, law.most_draws)
    answer = push(read, law, draws, seed, progress=True)
    typer.echo(text.forecast_table(answer))
    typer.echo(f"{draws} draws in {answer.seconds:.1f} s")
    for run_seed, histogram in found.items():
        scores = score(histogram, answer.mass, answer.noise)
        numbers = ", ".join(f"{name} {value:.3f}" for name, value in scores._asdict().items())
        typer.echo(f"against {against} seed {run_seed}: {numbers}")


def _from_pilots(task: str, prior: str | None, model: str, profile: str, seal: str | None) -> None:
    """Make a forecast from pilots, print it, and seal it where a file is named."""
    from physlib import tasks
    from physlib.cli import text
    from physlib.evaluation import sealing
    from physlib.models import get_model

    system, row = tasks.get_task(task, prior), get_model(model)
    text.check_outputs([seal], [])
    if seal is not None:
        sealing.check_new(Path(seal), system.name, row.name, profile)
    made = sealing.make(system.name, row.name, profile)
    typer.echo(text.sealed_forecast(made))
    if seal is not None:
        sealing.write(Path(seal), made)
        typer.echo(
            f"sealed in {seal}, digest {made.digest[:12]}; commit it, train the runs, then: physlib score {seal}"
        )


def score(
    file: Annotated[str, typer.Argument(help="A sealed forecast.")],
) -> None:
    """Score a sealed forecast against the runs that came after it, beside what each baseline would have got."""
    from physlib.cli import text
    from physlib.evaluation import sealed_scores, sealing

    made = sealing.read(Path(file))
    typer.echo(text.sealed_scores(made, sealed_scores.scores(made), sealed_scores.verdicts([made])))


def _histograms(task: Task, model: str, profile: str, estimator: str | None) -> dict[int, np.ndarray]:
    """Histograms of the evaluation runs by seed, as an estimator reads them."""
    from physlib.evaluation.decision import balanced_counts
    from physlib.evaluation.shift import counts
    from physlib.runs.run import fetch, load_runs
    from physlib.studies import mechanism

    if estimator is None:
        runs = load_runs(task.name, model, profile)
        return {run.config.seed: found for run, found in zip(runs, counts(runs), strict=True)}
    runs = fetch(mechanism.followed(task.name, model, profile))
    return {run.config.seed: balanced_counts(run, task, estimator)[1] for run in runs}
