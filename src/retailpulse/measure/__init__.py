"""Measuring images: what a header says, whether a body is complete, whether it decodes.

Here are pure functions over bytes; fetching them, threads and time limits are other rooms' work.
Weak: a decoder is C code that can fault or never end; who calls must be able to lose the process.
"""

from retailpulse.measure.body import measure_body
from retailpulse.measure.header import read_header

__all__ = ["measure_body", "read_header"]
