"""The command `physlib audit`, whose many options would crowd the others."""

from __future__ import annotations

from typing import Annotated

import typer


def audit(
    demos: Annotated[
        str,
        typer.Argument(help="Demonstrations: .npy, .npz or HDF5 with x (N, T, D), or minari:NAME.", metavar="DEMOS"),
    ],
    quantity: Annotated[
        str,
        typer.Option(help="A name from the list above, or module:function (its code runs: name only code you trust)."),
    ],
    samples: Annotated[str | None, typer.Option(help="Samples of your trained model, in the same form.")] = None,
    kernel: Annotated[
        str | None,
        typer.Option(help="isotropic, smooth, speed-scale, distance-scale, state-scale or contract; default all."),
    ] = None,
    residuals: Annotated[
        str | None,
        typer.Option(help="Reconstructions minus originals, (N, T, D): sets the size of the forecast's error."),
    ] = None,
    html: Annotated[str | None, typer.Option(help="Write the report here, one file.")] = None,
    json_file: Annotated[str | None, typer.Option("--json", help="Write the numbers here.")] = None,
    key: Annotated[str, typer.Option(help="Name of the array in .npz and HDF5 files.")] = "x",
    columns: Annotated[str | None, typer.Option(help="Columns that hold positions, as 0,1; default all.")] = None,
    angles: Annotated[
        str | None, typer.Option(help="Which of these are angles in radians, counted anew from 0.")
    ] = None,
    dt: Annotated[float | None, typer.Option(help="Seconds between steps; default: time is counted in steps.")] = None,
    units: Annotated[str, typer.Option(help="Unit of the columns, such as m.")] = "",
    ragged: Annotated[
        str | None, typer.Option(help="Episodes of unequal length, by 'steps' or 'mask' in the file: mask or resample.")
    ] = None,
    length: Annotated[int | None, typer.Option(help="Steps to resample to; default: those of the file.")] = None,
    seed: Annotated[int, typer.Option(help="Seed of all Monte Carlo.")] = 0,
) -> None:
    """Which values will a model trained on your own trajectories over- and under-produce, and has yours?

    Without --samples it forecasts; with --samples it tests, locates and explains. Needs no GPU and no network.

    Quantities: path_length, mean_speed, max_speed, duration, kinetic_energy, displacement,
    curvature, dominant_frequency, smoothness.
    """
    import physlib.audit as package
    from physlib.cli import text

    outputs = text.check_outputs((html, json_file), (demos, samples, residuals))
    reading = package.Reading(key, text.read_columns(columns, "columns") or None, dt, ragged, length)
    found = package.audit(
        *(demos, quantity, samples),
        kernel=kernel,
        residuals=residuals,
        reading=reading,
        units=units,
        angles=text.read_columns(angles, "angles"),
        seed=seed,
    )
    found.save(html, json_file)  # before anything is printed: a closed pipe must not lose them
    typer.echo(found.summary())
    for path in outputs:
        typer.echo(f"written: {path}")
