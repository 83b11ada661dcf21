"""What knows nothing of physics or learning: errors, random numbers, files, provenance, imports."""
