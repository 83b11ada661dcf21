"""What looks wrong in a file before anything is made of it, a sentence each: axes, units, angles, precision, padding."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from jaxtyping import Float

from physlib.audit.io.read import Loaded

SPREAD = 300.0  # ratio of columns' standard deviations beyond which they are hardly of one kind
TURN = 0.05  # share of a full turn by which a jump may be short of it
FINE = 0.01  # share of a typical step that the spacing of the numbers may have
ZEROS = 0.05  # share of trajectories ending in zeros that look like padding
RAMP = 0.5  # share of trajectories whose lowest frequency has the most power


def warnings(loaded: Loaded, columns: Sequence[int], angles: Sequence[int], quantity: str) -> list[str]:
    """Sentences on one file; `columns` are the numbers of those that were chosen, `angles` places among them."""
    x, name = loaded.head, loaded.name
    found = [
        _transposed(x),
        _quaternion(x, columns),
        _spread(loaded.scale, columns, angles),
        _wrapped(x, columns, angles),
        _coarse(x, loaded.precision, columns),
        _padding(x, loaded.kept.steps),
        _ramp(loaded, quantity),
    ]
    return [f"{name}: {said}" for said in found if said is not None] + list(loaded.notes)


def _gap(x: Float[np.ndarray, "N T D"], axis: int, lag: int) -> float:
    """Typical distance of points `lag` apart along trajectories (1) or from one to another (0)."""
    near, far = (x[:, :-lag], x[:, lag:]) if axis else (x[:-lag], x[lag:])
    away = np.linalg.norm(far - near, axis=2)
    return float(np.median(away[np.isfinite(away)])) if np.isfinite(away).any() else 0.0


def _transposed(x: Float[np.ndarray, "N T D"]) -> str | None:
    """Motion is along one axis: neighbours on it are near, and points further apart on it further away."""
    if min(x.shape[:2]) < 8:
        return None
    steps, rows = _gap(x, 1, 1), _gap(x, 0, 1)
    along, across = _gap(x, 1, x.shape[1] // 3), _gap(x, 0, x.shape[0] // 3)
    if steps > 2 * rows > 0 and across > 2 * rows and along < 1.5 * steps:
        return (
            f"neighbouring steps are {steps / rows:.0f} times as far apart as neighbouring trajectories, so shape "
            f"{x.shape[:2]} may be steps by trajectories: swap them, x.swapaxes(0, 1)."
        )
    return None


def _quaternion(x: Float[np.ndarray, "N T D"], columns: Sequence[int]) -> str | None:
    for first in range(x.shape[2] - 3):
        if x.shape[2] == 4:
            return None  # orientations alone
        norm = np.linalg.norm(x[:, :, first : first + 4], axis=2)
        if np.allclose(norm[np.isfinite(norm)], 1, atol=2e-3):
            four = ",".join(str(columns[first + i]) for i in range(4))
            rest = ",".join(str(c) for i, c in enumerate(columns) if not first <= i < first + 4)
            return f"columns {four} are a quaternion, not lengths like the others: choose --columns {rest}."
    return None


def _spread(scale: Float[np.ndarray, " D"], columns: Sequence[int], angles: Sequence[int]) -> str | None:
    moving = scale > 0
    if moving.sum() < 2:
        return None
    low, high = int(np.where(moving, scale, np.inf).argmin()), int(scale.argmax())
    if scale[high] > SPREAD * scale[low]:
        return (
            f"column {columns[high]} varies {scale[high] / scale[low]:,.0f} times as much as column {columns[low]}, so they are "
            "hardly of one unit, and are added up as if they were: choose --columns, or convert them."
        )
    return None


def _wrapped(x: Float[np.ndarray, "N T D"], columns: Sequence[int], angles: Sequence[int]) -> str | None:
    for d in range(x.shape[2]):
        values, jump = x[:, :, d], np.abs(np.diff(x[:, :, d], axis=1))
        for turn, unit in ((2 * np.pi, "radians"), (360.0, "degrees")):
            span = np.nanmax(values) - np.nanmin(values)
            near = (jump > (1 - 4 * TURN) * turn) & (jump <= (1 + 1e-6) * turn)
            if d not in angles and near.any() and (1 - TURN) * turn < span <= (1 + 1e-6) * turn:
                how = (
                    f"name it with --angles {d}"
                    if unit == "radians"
                    else "convert it to radians and name it with --angles"
                )
                return f"column {columns[d]} jumps by nearly a full turn {int(near.sum()):,} times, as angles in {unit} do: {how}, or it counts as motion."
    return None


def _coarse(x: Float[np.ndarray, "N T D"], precision: float, columns: Sequence[int]) -> str | None:
    step = np.abs(np.diff(x, axis=1))
    for d in range(x.shape[2]):
        moving = step[:, :, d][step[:, :, d] > 0]
        spacing = precision * float(np.nanmax(np.abs(x[:, :, d])))
        if moving.size and spacing > FINE * float(np.median(moving)):
            return (
                f"numbers in column {columns[d]} are stored to {spacing:.2g}, its typical step is {np.median(moving):.2g}: too "
                "coarse for speeds and turns; take off an origin in double precision before storing them."
            )
    return None


def _padding(x: Float[np.ndarray, "N T D"], steps: np.ndarray) -> str | None:
    if x.shape[1] < 3 or np.any(steps < steps.max()):
        return None
    ends = (x[:, -1] == 0).all(axis=1) & (x[:, -2] == 0).all(axis=1) & (x[:, 0] != 0).any(axis=1)
    if ends.mean() > ZEROS:
        return (
            f"{ends.mean():.0%} of the trajectories end in zeros: if these are padding, put steps (N,) or mask (N, T) beside "
            "the array and give --ragged mask, or they count as motion."
        )
    return None


def _ramp(loaded: Loaded, quantity: str) -> str | None:
    if quantity != "dominant_frequency":
        return None
    e = loaded.kept
    lowest = loaded.kept_q * e.dt * e.steps < 1
    if np.mean(lowest[np.isfinite(loaded.kept_q)]) > RAMP:
        return "most trajectories go somewhere rather than back and forth, so their dominant frequency is that of the way as a whole."
    return None
