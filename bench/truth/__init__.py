"""How surely bad photos are flagged, and what the analyzers cost: `python -m bench.truth`."""

import os

# As decoders have it. Read when numpy is loaded, which other parts of the bench have not done by then.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
