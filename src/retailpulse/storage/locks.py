"""The advisory locks of a database, each number once: what one process at a time may do.

PostgreSQL has two spaces of them: one number of 64 bits, or two of 32. An idempotency key locks a hash of its
own in the first one. Weak: other programs in the same database may use the same numbers.
"""

from typing import LiteralString

MIGRATION = 7_236_001
"""Held by the session that brings the schema up to date."""
SWEEP = 7_236_002
"""Held by the transaction that takes from silent workers what they had in hand."""
PRUNING = 7_236_003
"""Held by the transaction of one step of pruning."""
JOB_CHANGES = 7_236_004
"""Held, with the hash of a job's id as second number, by the transaction that changes the job as a whole."""
REVIEWS = 7_236_022
"""Held by the transaction that decides on photos."""
ANALYSES = 7_236_005
"""Held by the transaction that writes an analysis, so that no photo waits in two of them."""
HELD_FILES = 7_236_025
"""Held by the transaction that makes room for a file that a page hands in."""

CHECK = 7_236_026
"""Held by the session of a check of all invariants that a page has begun."""

MATCHES = 7_236_018
"""Held by the transaction that writes or deletes matches, from before its first one on."""

TAKE: LiteralString = "SELECT pg_advisory_xact_lock(%s)"
"""Waits for a lock, and has it until the end of the transaction."""
TRY: LiteralString = "SELECT pg_try_advisory_xact_lock(%s)"
"""Gives true, and has the lock until the end of the transaction; or gives false if another has it."""
