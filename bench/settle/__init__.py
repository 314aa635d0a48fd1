"""What it costs to write results with all that is known of photos: `python -m bench.settle`."""
