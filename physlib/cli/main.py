"""The command line: `physlib list | run | sweep | forecast | when | audit | verify | benchmark | table | ledger | check | book`.

Every command imports what it needs when it runs, so that `list`, `table` and a stored `run` answer without PyTorch.
"""

from __future__ import annotations

import dataclasses
import json
from typing import Annotated

import typer
from typer.core import TyperGroup

from physlib.cli.audit import audit
from physlib.cli.forecast import forecast, score
from physlib.cli.new_task import new_task
from physlib.cli.sweep import Scheduler, Workers, minutes_bar, sweep
from physlib.cli.when import when
from physlib.core.errors import PhyslibError, unknown
from physlib.core.files import Damaged, Missing


class _Group(TyperGroup):
    """Prints the one sentence of a `PhyslibError` and exits with code 2."""

    def invoke(self, ctx):
        try:
            return super().invoke(ctx)
        except PhyslibError as error:
            typer.echo(f"physlib: {error}", err=True)
            raise typer.Exit(2) from None


app = typer.Typer(
    cls=_Group,
    no_args_is_help=True,
    add_completion=False,
    help="Forecast and measure how a generative model of motion shifts a physical quantity.",
)

TaskName = Annotated[str, typer.Argument(help="Task name, with a range if not the default: 'logistic[2.8,3.4]'.")]
ModelName = Annotated[str, typer.Option("--model", help="Model name, as printed by `physlib list`.")]
Profile = Annotated[str, typer.Option(help="smoke, laptop or paper.")]


@app.command("list")
def list_() -> None:
    """Tasks, models, kernels and profiles."""
    from physlib import kernels, models, tasks
    from physlib.runs.presets import PROFILES

    typer.echo("tasks")
    for name, family in tasks.FAMILIES.items():
        facts = family.info
        unit = "" if facts.unit == "1" else f" {facts.unit}"
        typer.echo(f"  {name:<26} {facts.title}; {facts.quantity} flat on [{facts.lo:g}, {facts.hi:g}]{unit}")
    for title, names in (("models", models.MODELS), ("kernels", kernels.FAMILIES), ("profiles", PROFILES)):
        typer.echo(f"{title}\n  {', '.join(names)}")


@app.command()
def run(
    task: TaskName,
    model: ModelName = "diffusion-mlp",
    profile: Profile = "laptop",
    seed: Annotated[int, typer.Option(help="0, 1, 2 are the evaluation seeds; tune and pilot from 100 on.")] = 0,
    device: Annotated[str, typer.Option(help="auto, cpu or cuda.")] = "auto",
    pilot: Annotated[bool, typer.Option("--pilot", help="A tenth of the training steps.")] = False,
    prior: Annotated[str | None, typer.Option(help="flat, cosine or gaussian.")] = None,
    estimator: Annotated[
        str | None, typer.Option(help="Read the quantity by this estimator as well, and follow every reading.")
    ] = None,
    changes: Annotated[
        list[str] | None, typer.Option("--set", help="Another value of a field that --dry-run prints, as name=value.")
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Print the configuration and the time it will take.")
    ] = False,
) -> None:
    """Train, sample and measure, or answer from the store."""
    from physlib import tasks
    from physlib.cli import text
    from physlib.runs import run as runner
    from physlib.runs.presets import expected_seconds, resolve
    from physlib.runs.store import Store
    from physlib.studies import catalogue, mechanism
    from physlib.tasks.estimators import get_estimator

    system, others = tasks.get_task(task, prior), text.read_changes(changes or [])
    if estimator is not None:
        get_estimator(system, estimator)
        others = {"n_decision": mechanism.size(system.name, model, profile)} | others
    config = resolve(system.name, model, profile, seed, pilot, **others)
    if dry_run:
        for name, value in dataclasses.asdict(config).items():
            typer.echo(f"{name:<13} {value}")
        typer.echo(
            f"{'key':<13} {config.key}\n{'expected':<13} about {expected_seconds(config) / 60:.1f} min on one core"
        )
        return
    result = runner.run(config, device, catalogue.keep(config))
    typer.echo(text.run_summary(system, result))
    if estimator is not None:
        typer.echo(text.reading_summary(system, result, estimator))
    typer.echo(f"stored: {Store.of(profile).path(config).name}")


app.command()(sweep)
app.command()(forecast)
app.command()(score)
app.command()(when)
app.command(name="new-task")(new_task)
app.command()(audit)


@app.command()
def verify(
    sample: Annotated[
        int | None, typer.Option(help="How many stored runs to retrain; 3, or all behind a claim.")
    ] = None,
    profile: Profile = "laptop",
    seed: Annotated[int, typer.Option(help="Seed of the choice of runs.")] = 0,
    claim: Annotated[str | None, typer.Option(help="Only runs behind this claim: C7.")] = None,
    task: Annotated[str | None, typer.Option(help="Only runs behind claims on this task: tent.")] = None,
    model: Annotated[str | None, typer.Option(help="Only runs of this model that are behind claims.")] = None,
    workers: Workers = None,
    scheduler: Scheduler = None,
) -> None:
    """Retrain stored runs from nothing and compare them with the store."""
    from physlib.evaluation import reproduce
    from physlib.runs.pool import outcomes
    from physlib.runs.presets import expected_seconds

    chosen = reproduce.choose(profile, sample, seed, claim, task, model)
    seconds = {config: expected_seconds(config) for config in sorted(chosen, key=expected_seconds, reverse=True)}
    typer.echo(f"retraining {len(chosen)} runs, about {sum(seconds.values()) / 60:.0f} min on one core")
    failed, work = 0, lambda config, _: reproduce.compare(config)
    with minutes_bar(seconds, "verify") as bar:
        for config, verdict in outcomes(work, dict.fromkeys(seconds, ()), workers, scheduler):
            bar.update(seconds[config] / 60)
            if isinstance(verdict, PhyslibError):
                raise verdict
            failed += not verdict.agrees
            typer.echo(verdict.line)
    if failed:
        typer.echo(f"{failed} of {len(chosen)} runs do not agree with the store", err=True)
        raise typer.Exit(1)


@app.command()
def benchmark(
    task: Annotated[str | None, typer.Argument(help="Only groups of runs on this task.")] = None,
    profile: Profile = "laptop",
    again: Annotated[bool, typer.Option("--again", help="Make them anew even where they are stored.")] = False,
) -> None:
    """Forecast every group of runs with every kernel, and every remedy, and store it for the table and the pages."""
    from physlib.evaluation import (
        benchmark,
        estimator_forecasts,
        ideal_denoising,
        obedience,
        remedy_forecasts,
        run_group,
    )
    from physlib.studies import forecasts, mechanism

    pairs = (*forecasts.groups(profile), *mechanism.groups(profile))
    if task not in (None, *(name for name, _ in pairs)):
        raise unknown("benchmarked task", task, dict.fromkeys(name for name, _ in pairs))
    for name, model in pairs:
        if task in (None, name):
            group = run_group.gather(name, model, profile)
            try:
                entries = benchmark.make(group) if again else run_group.stored(group)
            except (Missing, Damaged):
                entries = benchmark.make(group)
            typer.echo(f"{name} {model}: {len(entries)} forecasts")
    derived = (*(remedy_forecasts.STORED, estimator_forecasts.STORED, obedience.STORED), *ideal_denoising.STORED)
    for kind in derived if task is None else ():
        if again or not kind.path(profile).exists():
            kind.make(profile)


@app.command()
def table(
    claim: Annotated[str | None, typer.Option(help="Only rows of this claim: C5.")] = None,
    task: Annotated[str | None, typer.Option(help="Only rows of this task.")] = None,
    model: Annotated[str | None, typer.Option(help="Only rows of this model.")] = None,
    kernel: Annotated[str | None, typer.Option(help="Only rows of this kernel.")] = None,
    source: Annotated[str | None, typer.Option(help="Only kernels whose numbers come from here: scaled.")] = None,
    csv: Annotated[bool, typer.Option("--csv", help="Print all columns as CSV.")] = False,
    profile: Profile = "laptop",
    again: Annotated[bool, typer.Option("--again", help="Compute it from the stored runs.")] = False,
    write: Annotated[
        bool, typer.Option("--write", help="Likewise, and store it with its part of REPRODUCING.md.")
    ] = False,
) -> None:
    """Every number that the book rests on, with its tolerance: `results/table.csv`, or a part of it."""
    from physlib.book import reference
    from physlib.cli import text
    from physlib.evaluation import table

    rows = table.compute(profile) if again or write else table.rows(profile)
    if write:
        table.write(rows)
        reference.write_expected(rows)
    rows = table.select(rows, claim=claim, task=task, model=model, kernel=kernel, source=source)
    typer.echo(table.text(rows).rstrip() if csv else text.results_table(rows))


@app.command()
def ledger(
    as_json: Annotated[bool, typer.Option("--json", help="Print the rows as JSON, all columns.")] = False,
    profile: Profile = "laptop",
) -> None:
    """The results table for programs; `physlib table` filters it."""
    from physlib.cli import text
    from physlib.evaluation import table

    rows = table.rows(profile)
    typer.echo(json.dumps(table.records(rows), indent=1, allow_nan=False) if as_json else text.results_table(rows))


@app.command()
def check(
    reference: Annotated[str, typer.Argument(metavar="MODULE:NAME", help="Your task, kernel or model.")],
) -> None:
    """Test your own task, kernel or model against its contract. The module is imported, so it runs: check only code you trust."""
    from physlib.cli import check as contract

    clauses = contract.check(reference)
    for clause in clauses:
        typer.echo(f"{'ok' if clause.passed else 'FAILED':<6} {clause.sentence}")
    if not all(clause.passed for clause in clauses):
        raise PhyslibError(f"{reference} breaks its contract: see the lines marked FAILED.")


@app.command()
def book(
    profile: Profile = "laptop",
    page: Annotated[list[str] | None, typer.Option(help="Execute only pages whose name starts so; no HTML.")] = None,
) -> None:
    """Execute every page with papermill and build the HTML book."""
    try:
        from physlib.book import build as press
    except ModuleNotFoundError as error:
        raise PhyslibError(f"{error.name} is not installed: pip install '.[book]' in the repository.") from None
    press.build(profile, page)
