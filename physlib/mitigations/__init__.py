"""Strategies against the shift: what each changes of a run, and what a kernel forecasts of it."""

from physlib.mitigations.base import Change, Mitigation
from physlib.mitigations.forecast import forecast_mitigation
from physlib.mitigations.learned import FlowChart
from physlib.mitigations.strategies import STRATEGIES, get

__all__ = ["STRATEGIES", "Change", "FlowChart", "Mitigation", "forecast_mitigation", "get"]
