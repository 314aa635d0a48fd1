"""Builds each process once, handing every room only its own settings: object graphs, nothing else."""
