"""Scheduling in simulated time: many workers and hosts for minutes, in seconds, the same each time.

What a host bears is decided by the product's own `HostLimiter`, how often an image is tried by its `Attempt`;
PostgreSQL's part is a model of the statements in `storage/scheduling`. Weak: a worker costs no CPU here, and
a statement takes the same time whoever else asks. Run it as `python -m bench.simulation`.
"""
