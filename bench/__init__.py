"""Measures how many images a second the service settles, beside what the same machine could do at most.

Run it as `python -m bench`; it needs nothing but the checkout, and is not part of the installed package.
"""

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")  # as decoders have it, before anything imports numpy
