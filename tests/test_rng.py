"""Random streams are repeatable, separate and independent of global state."""

import numpy as np
import torch

from physlib.core.rng import numpy_rng, torch_rng


def test_same_seed_and_purpose_repeat():
    assert numpy_rng(3, "a").random() == numpy_rng(3, "a").random()
    assert torch.rand(1, generator=torch_rng(3, "a")) == torch.rand(1, generator=torch_rng(3, "a"))


def test_seed_and_purpose_both_matter():
    draws = {numpy_rng(s, p).random() for s in range(20) for p in ("data", "weights", "sampling")}
    assert len(draws) == 60


def test_purposes_are_uncorrelated():
    a, b = numpy_rng(0, "data").standard_normal(100_000), numpy_rng(0, "sampling").standard_normal(100_000)
    assert abs(np.corrcoef(a, b)[0, 1]) < 0.015


def test_global_state_is_untouched():
    before = torch.get_rng_state()
    torch.rand(3, generator=torch_rng(0, "a"))
    assert torch.equal(before, torch.get_rng_state())
