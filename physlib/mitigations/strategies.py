"""The strategies by name."""

from physlib.core.errors import unknown
from physlib.mitigations.base import Mitigation
from physlib.mitigations.condition import Condition, ConditionApart, ConditionEnds, Guide
from physlib.mitigations.coordinates import Coordinates, CosineCoordinates, IncrementCoordinates
from physlib.mitigations.deconvolve import Deconvolve
from physlib.mitigations.guard import GuardBand
from physlib.mitigations.learned import Learned
from physlib.mitigations.penalty import Penalty
from physlib.mitigations.resample import Resample
from physlib.mitigations.reweight import Reweight, ReweightTwice

STRATEGIES: dict[str, Mitigation] = {
    cls.name: cls()
    for cls in (
        *(Reweight, ReweightTwice, Deconvolve, Resample, Penalty, GuardBand),
        *(Condition, Guide, ConditionEnds, ConditionApart),
        *(Coordinates, IncrementCoordinates, CosineCoordinates, Learned),
    )
}


def get(name: str) -> Mitigation:
    """The strategy of that name. Raises `PhyslibError` for an unknown one, with the nearest name."""
    if name not in STRATEGIES:
        raise unknown("mitigation", name, STRATEGIES)
    return STRATEGIES[name]
