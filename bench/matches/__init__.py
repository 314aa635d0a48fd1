"""What it costs to look for photos that were handed in before: `python -m bench.matches`."""
