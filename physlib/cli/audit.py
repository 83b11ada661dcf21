"""The command `physlib audit`, whose many options would crowd the others."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from physlib.core.errors import PhyslibError

Demos = Annotated[
    str,
    typer.Argument(
        help="Demonstrations: .npz, .npy, HDF5, Zarr, CSV, Parquet, a LeRobot folder, or minari:NAME.",
        metavar="DEMOS",
    ),
]
Quantity = Annotated[
    str,
    typer.Option(
        help="Names from the list above, with commas, or module:function (its code runs: name only code you trust)."
    ),
]
Samples = Annotated[str | None, typer.Option(help="Samples of your trained model, in the same form.")]
Baseline = Annotated[
    str | None, typer.Option(help="Real trajectories that were held out: the difference that counts as none.")
]
Groups = Annotated[
    str | None,
    typer.Option(
        help="What trajectories of one group have in common (episode, subject, scene, seed): an array beside them, or a "
        "file with a label for each; two, with a comma, where samples have their own."
    ),
]
Paired = Annotated[
    str | None,
    typer.Option(help="Condition that each sample answers: an array in both files, or 'row' where sample i answers i."),
]
Redraw = Annotated[
    str | None,
    typer.Option(
        help="Your trained model, module:function of trajectories and a noise level (its code runs): says when the shift is made."
    ),
]
Kernel = Annotated[
    str | None,
    typer.Option(
        help="isotropic, smooth, random-walk, speed-scale, distance-scale, state-scale or contract; default all."
    ),
]
Residuals = Annotated[
    str | None,
    typer.Option(help="Reconstructions minus originals, (N, T, D): sets the size of the forecast's error."),
]
Html = Annotated[str | None, typer.Option(help="Write the report here, one file.")]
JsonFile = Annotated[str | None, typer.Option("--json", help="Write the numbers here.")]
Key = Annotated[
    str,
    typer.Option(
        help="Name of the array, as x, obs/eef_pos, 'data/*/obs/eef_pos' (one an episode), observation.state."
    ),
]
Episode = Annotated[
    str | None, typer.Option(help="Column of a table that says which trajectory a row belongs to, as track_id.")
]
Columns = Annotated[
    str | None, typer.Option(help="Columns that hold positions, as 0,1, or in tables x,y; default all.")
]
Angles = Annotated[
    str | None, typer.Option(help="Which of these are angles in radians, counted anew from 0; they are unwrapped.")
]
Dt = Annotated[
    float | None, typer.Option(help="Seconds between steps; default: what the file says, else time is in steps.")
]
SamplesKey = Annotated[str | None, typer.Option(help="The samples' own, where it is another.")]
SamplesDt = Annotated[float | None, typer.Option(help="The samples' own, where it is another.")]
Units = Annotated[str, typer.Option(help="Unit of the columns, such as m.")]
Ragged = Annotated[
    str | None,
    typer.Option(help="Episodes of unequal length: mask (only real steps count) or resample (all to one length)."),
]
Length = Annotated[int | None, typer.Option(help="Steps to resample to; default: those of the file.")]
TrimIdle = Annotated[bool, typer.Option("--trim-idle", help="Cut idle steps off both ends of every episode.")]
DropUndefined = Annotated[
    bool, typer.Option("--drop-undefined", help="Leave out trajectories for which the quantity has no value.")
]
Relative = Annotated[
    str | None,
    typer.Option(help="Where the model's coordinates begin, if not where the file's do: first, last or mean point."),
]
Obstacles = Annotated[
    str | None, typer.Option(help="For clearance: .npy or .csv with a place in every row, and a radius if any.")
]
Agents = Annotated[int | None, typer.Option(help="For separation: how many share the columns, one after another.")]
Masses = Annotated[str | None, typer.Option(help="For mass_energy: one a column, as 1,1,2.5.")]
FailAbove = Annotated[
    float | None,
    typer.Option(
        help="Exit with code 3 where a shift is found (p below .05) and more than this share is in the wrong bin."
    ),
]
Seed = Annotated[int, typer.Option(help="Seed of all Monte Carlo.")]


def audit(
    demos: Demos,
    quantity: Quantity,
    samples: Samples = None,
    baseline: Baseline = None,
    groups: Groups = None,
    paired: Paired = None,
    redraw: Redraw = None,
    kernel: Kernel = None,
    residuals: Residuals = None,
    html: Html = None,
    json_file: JsonFile = None,
    key: Key = "x",
    samples_key: SamplesKey = None,
    episode: Episode = None,
    columns: Columns = None,
    angles: Angles = None,
    dt: Dt = None,
    samples_dt: SamplesDt = None,
    units: Units = "",
    ragged: Ragged = None,
    length: Length = None,
    trim_idle: TrimIdle = False,
    drop_undefined: DropUndefined = False,
    relative: Relative = None,
    obstacles: Obstacles = None,
    agents: Agents = None,
    masses: Masses = None,
    fail_above: FailAbove = None,
    seed: Seed = 0,
) -> None:
    """Which values will a model trained on your own trajectories over- and under-produce, and has yours?

    Without --samples it forecasts; with --samples it tests, locates and explains. Needs no GPU and no network.

    Quantities: path_length, mean_speed, max_speed, max_acceleration, max_jerk, duration, time_to_goal, idle_share,
    kinetic_energy, displacement, straightness, heading_change, curvature, dominant_frequency, smoothness;
    clearance (--obstacles), separation (--agents), mass_energy (--masses), orientation_speed (a quaternion's columns).
    """
    _run(dict(locals()))


READING = ("key", "dt", "ragged", "length", "episode", "trim_idle", "drop_undefined", "relative")
AUDIT = ("baseline", "residuals", "paired", "redraw", "kernel", "samples_dt", "samples_key", "units", "seed")
"""Options that go on as they are, into how files are read and into the audit."""


def _run(options: dict[str, Any]) -> None:
    """Audit, write, print, and exit with code 3 where a pipeline is to stop."""
    import physlib.audit as package
    from physlib.audit.scene import read_scene
    from physlib.cli import text

    bound, files, groups = options["fail_above"], (options["html"], options["json_file"]), options["groups"]
    if bound is not None and options["samples"] is None:
        raise PhyslibError("--fail-above judges samples: give --samples as well.")
    if bound is not None and not 0 <= bound < 1:
        raise PhyslibError(f"--fail-above {bound:g} is no share of trajectories: give 0 or more, below 1.")
    outputs = text.check_outputs(files, [options[name] for name in ("demos", "samples", "baseline", "residuals")])
    names = [name.strip() for name in options["quantity"].split(",") if name.strip()]
    found = package.audit(
        *(options["demos"], names[0] if len(names) == 1 else names, options["samples"]),
        reading=package.Reading(columns=_columns(options["columns"]), **{name: options[name] for name in READING}),
        groups=tuple(groups.split(",")) if groups and "," in groups else groups,
        angles=text.read_columns(options["angles"], "angles"),
        scene=read_scene(options["obstacles"], options["agents"], options["masses"]),
        **{name: options[name] for name in AUDIT},
    )
    found.save(*files)  # before anything is printed: a closed pipe must not lose them
    typer.echo(found.summary())
    for path in outputs:
        typer.echo(f"written: {path}")
    several = found if isinstance(found, package.Audits) else package.Audits([found])
    if bound is not None and (beyond := several.shifted_beyond(bound)):
        typer.echo(f"physlib: shifted by more than {bound:g}: {', '.join(beyond)}.", err=True)
        raise typer.Exit(3)


def _columns(words: str | None) -> tuple[int | str, ...] | None:
    """Numbers of columns, or names where none of the words is a number."""
    from physlib.cli import text

    names = [word.strip() for word in (words or "").split(",") if word.strip()]
    if names and not any(name.lstrip("-").isdigit() for name in names):
        return tuple(names)
    return text.read_columns(words, "columns") or None
