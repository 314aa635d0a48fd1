"""Measuring images: what a header says, whether a body is complete, whether it decodes.

The readers are pure functions over bytes. Decoding is C code that can fault or never end, so `DecoderPool`
runs it in processes that may be lost; fetching the bytes is another room's work.
"""

from retailpulse.measure.body import measure_body
from retailpulse.measure.formats.work import Work
from retailpulse.measure.header import read_header
from retailpulse.measure.measurement import make_measurement
from retailpulse.measure.pieces import Digest, measure_pieces
from retailpulse.measure.process_pool.machine_lock import MachineLock, new_lock_file
from retailpulse.measure.process_pool.pool import DecoderPool
from retailpulse.measure.process_pool.sandbox import check as check_sandbox

__all__ = [
    "DecoderPool",
    "Digest",
    "MachineLock",
    "Work",
    "check_sandbox",
    "make_measurement",
    "measure_body",
    "measure_pieces",
    "new_lock_file",
    "read_header",
]
