"""A kernel pushed through the measurement, fitted, and scored."""
