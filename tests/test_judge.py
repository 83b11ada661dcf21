"""What each source of a kernel's numbers may look at, on planted responses."""

import numpy as np
import pytest

from physlib import tasks
from physlib.evaluation.benchmark import _calibrate, _Site
from physlib.forecasting.fit import Response
from physlib.kernels import Isotropic
from physlib.stats.histogram import Bins, flat_mass

TENT = tasks.get_task("tent")
GRID = np.concatenate([[0], 0.01 * 2.0 ** (np.arange(57) / 8)])
WAVE = np.where(flat_mass() > 0, 0.01 * np.sin(np.arange(flat_mass().size)), 0)


class Planted(Response):
    """A kernel of size s shifts by s times a wave."""

    def at(self, place):
        return np.stack([flat_mass() + GRID[place[0]] * WAVE, np.zeros(WAVE.size)])


def site(pilot, finished):
    """A task where pilots and finished runs did what given sizes do."""
    response = Planted(TENT, Isotropic, {"s": GRID}, 0, Bins.uniform(0.0, 1.0))
    return _Site(response, flat_mass() + pilot * WAVE, flat_mass() + finished * WAVE)


def size(source, here, elsewhere):
    return _calibrate(source, here, elsewhere, 0.4).numbers["s"]


def test_forecasts_look_at_what_their_source_says():
    here, elsewhere = site(0.7, 0.3), [site(0.9, 0.5), site(0.6, 0.5)]
    assert size("pilot", here, elsewhere) == pytest.approx(0.7, rel=5e-3)
    assert size("scaled", here, elsewhere) == pytest.approx(0.28, rel=5e-3)
    assert size("transferred", here, elsewhere) == pytest.approx(0.5, rel=5e-3)


def test_no_forecast_sees_the_answer():
    elsewhere = [site(0.9, 0.5), site(0.6, 0.4)]
    for source in ("pilot", "scaled", "transferred"):
        assert size(source, site(0.7, 0.3), elsewhere) == size(source, site(0.7, 0.9), elsewhere)
    # nor are the errors made elsewhere those of a fit to that very place
    one, other = elsewhere
    assert size("transferred", one, [other]) == size("transferred", site(0.9, 0.1), [other])
