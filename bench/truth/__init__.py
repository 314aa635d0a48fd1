"""How surely bad photos are flagged, and what the analyzers cost: `python -m bench.truth`."""
