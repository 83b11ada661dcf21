"""Estimators and tests that know no task and no kernel."""
