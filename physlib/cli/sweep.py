"""`physlib sweep`: many runs at once, on this machine or a scheduler's."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from physlib.core.errors import PhyslibError

if TYPE_CHECKING:
    from tqdm import tqdm

    from physlib.runs.config import Config
    from physlib.studies.plan import Cost

Workers = Annotated[int | None, typer.Option(help="Processes of one thread on this machine; one a core.")]
Scheduler = Annotated[
    str | None, typer.Option(help="Address of a Dask scheduler, tcp://HOST:PORT, whose workers do it instead.")
]


def sweep(
    study: Annotated[
        str | None,
        typer.Argument(help="all, families, applied, confounds, dial, toys, remedies, sealed, video or speech."),
    ] = None,
    claim: Annotated[str | None, typer.Option(help="The runs behind this claim: C10.")] = None,
    task: Annotated[str | None, typer.Option(help="Only runs on this task.")] = None,
    model: Annotated[str | None, typer.Option(help="Only runs of this model.")] = None,
    seeds: Annotated[str | None, typer.Option(help="In place of the judged ones: 0-9, or 0,1,2.")] = None,
    training: Annotated[int, typer.Option(help="How many times the usual training steps.")] = 1,
    profile: Annotated[str, typer.Option(help="smoke, laptop or paper.")] = "laptop",
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    workers: Workers = None,
    scheduler: Scheduler = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the runs, what they wait for, time and memory.")
    ] = False,
) -> None:
    """Make the runs of a study, of a claim, or of a task and model, and store them; those that are there stay.

    A scheduler's workers must have this version installed, and whoever reaches its port can run code on them: use
    networks that you trust.
    """
    from physlib.runs.pool import cores
    from physlib.studies import plan
    from physlib.studies import sweep as runs

    chosen = runs.choose(profile, study, claim, task, model, runs.read_seeds(seeds), training)
    graph, costs = runs.graph_of(chosen), plan.Costs(profile)
    cost = {config: costs.of(config) for config in graph}
    seconds = {config: 0.0 if runs.is_stored(config) else cost[config].seconds for config in graph}
    graph, workers = plan.in_order(graph, seconds), cores() if workers is None else workers
    if dry_run:
        typer.echo(_plan(graph, cost, seconds, workers))
        return
    failed = {}
    with minutes_bar(seconds, "sweep") as bar:
        for config, made in runs.sweep(graph, workers, scheduler, device):
            bar.update(seconds[config] / 60)
            if isinstance(made, PhyslibError):
                failed[config] = made
                typer.echo(f"not made: {_name(config)}: {made}", err=True)
    typer.echo(f"{len(graph) - len(failed)} of {len(graph)} runs are stored")
    if failed:
        raise PhyslibError(
            f"{len(failed)} of {len(graph)} runs were not made: mend what is said above, and repeat this."
        )


def minutes_bar(seconds: Mapping[Config, float], title: str) -> tqdm:
    """A bar over the minutes that runs should take on one core, with the time left; nothing but in terminals."""
    from tqdm import tqdm

    shown = "{desc}: {percentage:3.0f}% |{bar}| {n:.0f} of {total:.0f} min of one core, {remaining} left"
    return tqdm(total=sum(seconds.values()) / 60, desc=title, bar_format=shown, disable=None)


def _name(config: Config) -> str:
    """A run in a few words."""
    from physlib.runs.presets import changes

    pilot = " pilot" if config.role == "pilot" else ""
    variant = "".join(f" {name}={value}" for name, value in changes(config).items())
    return f"{config.task} {config.model}{pilot} seed {config.seed}{variant}"


def _plan(
    graph: Mapping[Config, Sequence[Config]],
    cost: Mapping[Config, Cost],
    seconds: Mapping[Config, float],
    workers: int,
) -> str:
    """The graph, run by run in the order in which they begin, and what it takes as a whole."""
    from physlib.studies.plan import estimate

    lines = [f"{'minutes':>8} {'MB':>6}  run"]
    for config, needed in graph.items():
        time = f"{seconds[config] / 60:8.1f}" if seconds[config] else "  stored"
        after = f"  after {', '.join(map(_name, needed))}" if needed else ""
        lines.append(f"{time} {cost[config].memory / 1e6:6.0f}  {_name(config)}{after}")
    new = [config for config in graph if seconds[config]]
    found, guessed = estimate(graph, seconds, workers), sum(not cost[config].measured for config in new)
    largest = max(one.memory for one in cost.values())
    return "\n".join(
        [
            *lines,
            f"{len(new)} of {len(graph)} runs are to be made: {found.work / 3600:.1f} hours of one core"
            + (f", {guessed} of them by the size of their models, the others by stored runs" if guessed else ""),
            f"on {workers} worker(s): {found.elapsed / 3600:.1f} hours; longest chain {found.chain / 3600:.1f} hours",
            f"bounded by {found.bottleneck}",
            f"memory: at most {largest / 1e9:.1f} GB a worker, {workers * largest / 1e9:.1f} GB for all",
            f"results: {sum(cost[c].stored for c in new) / 1e6:.0f} MB, which is all that is sent and stored",
        ]
    )
