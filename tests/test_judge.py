"""What each source of a kernel's numbers may look at, on planted tables."""

import numpy as np
import pytest

from physlib.evaluation.benchmark import _numbers, _Site
from physlib.forecasting.fit import Table
from physlib.stats.histogram import flat_mass

GRID = np.linspace(0, 1, 11)
WAVE = np.where(flat_mass() > 0, 0.01 * np.sin(np.arange(flat_mass().size)), 0)


def site(before, after):
    """A task where a kernel of size s shifts by s times a wave, with pilots and finished runs of given sizes."""
    table = Table(("s",), (GRID,), flat_mass() + GRID[:, None] * WAVE, 0.0)
    return _Site(table, flat_mass() + before * WAVE, flat_mass() + after * WAVE)


def test_forecasts_look_at_what_their_source_says():
    sites = {"own": site(0.7, 0.3), "one": site(0.9, 0.5), "two": site(0.6, 0.5)}
    assert _numbers(sites, "own", "pilot", 0.4) == {"s": pytest.approx(0.7, abs=1e-3)}
    assert _numbers(sites, "own", "scaled", 0.4) == {"s": pytest.approx(0.28, abs=1e-3)}
    assert _numbers(sites, "own", "transferred", 0.4) == {"s": pytest.approx(0.5, abs=1e-3)}


def test_no_forecast_is_told_the_answer():
    before = {"own": site(0.7, 0.3), "one": site(0.9, 0.5), "two": site(0.6, 0.4)}
    after = before | {"own": site(0.7, 0.9)}
    for source in ("pilot", "scaled", "transferred"):
        assert _numbers(before, "own", source, 0.4) == _numbers(after, "own", source, 0.4)
    # nor are the errors made elsewhere those of a fit to that very place
    elsewhere = before | {"one": site(0.9, 0.1)}
    assert _numbers(before, "one", "transferred", 0.4) == _numbers(elsewhere, "one", "transferred", 0.4)
