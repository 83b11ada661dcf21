"""What coordinates do to data and to errors: how simple the codes are, how well they invert, how errors grow."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pandas as pd
from jaxtyping import Float

from physlib.core.rng import numpy_rng
from physlib.tasks import Task
from physlib.tasks.representations import Chart

ERROR = 0.01  # size of the errors that are followed, in standard deviations
HELD = 0.99
COUNT = 5_000


def components(codes: Float[np.ndarray, "N T E"], held: float = HELD) -> int:
    """Number of principal components that hold a share of the variance of codes."""
    spread = np.linalg.eigvalsh(np.cov(codes.reshape(len(codes), -1).T))[::-1]
    return 1 + int(np.sum(np.cumsum(spread) / spread.sum() < held))


def chart_properties(task: Task, charts: Mapping[str, Chart], seed: int = 0) -> pd.DataFrame:
    """Properties of the values of a task, and of its codes in each chart: a row each.

    `components`: principal components of what a model sees; `inverts_to`: largest error of decoding; `grows_out`: root
    mean square growth of white errors from codes to values, and `grows_in` the other way, both in standard deviations.
    """
    x = task.sample(COUNT, numpy_rng(seed, "chart")).x
    error = ERROR * numpy_rng(seed, "error").standard_normal(x.shape)
    rows = [{"chart": "values", "components": components(x), "inverts_to": None, "grows_out": 1.0, "grows_in": 1.0}]
    for name, chart in charts.items():
        codes = chart.encode(x)
        unit = codes.std(axis=0)
        out = (chart.decode(codes + unit * error) - x) / task.scale
        into = (chart.encode(x + task.scale * error) - codes) / unit
        row = {"chart": name, "components": components(codes / unit)}
        row |= {"inverts_to": float(np.abs(chart.decode(codes) - x).max())}
        grown = (float(np.sqrt(np.mean(moved**2))) / ERROR for moved in (out, into))
        rows.append(row | dict(zip(("grows_out", "grows_in"), grown, strict=True)))
    return pd.DataFrame(rows).assign(task=task.name)
