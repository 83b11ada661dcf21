"""What came out of runs."""
