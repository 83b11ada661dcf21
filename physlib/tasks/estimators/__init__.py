"""A second way to read each balanced quantity, consistent under small errors.

`task.measure` is simple and differentiable, and biased by error. The estimators here fit the rule to the whole
trajectory, or smooth first; they work on NumPy arrays.
"""

from physlib.tasks.estimators.registry import ALL, DEFAULT, ESTIMATORS, Estimator, estimators_of, get_estimator
from physlib.tasks.estimators.reread import Reread, read_by

__all__ = ["ALL", "DEFAULT", "ESTIMATORS", "Estimator", "Reread", "estimators_of", "get_estimator", "read_by"]
