"""Landlock without a rule: no file may be opened, and, if the kernel supports it, no TCP and no signals.

Weak: it does not know chmod, stat, unnamed sockets, UDP and more: those are `seccomp`'s.
"""

import os
import struct

from retailpulse.measure.process_pool.sandbox.calls import call

TCP_SINCE, SCOPES_SINCE = 4, 6
_ASK_VERSION = 1
_FILES = {1: 13, 2: 14, 3: 15, 5: 16}
"""How many rights over files each version knows, from the lowest bit on (linux/landlock.h)."""
_TCP = 0b11  # bind and connect
_SCOPES = 0b11  # abstract sockets and signals


def restrict() -> None:
    """Take every right from this thread that this kernel's Landlock can take; raises OSError."""
    rights = _rights(version())
    ruleset = call("landlock_create_ruleset", rights, len(rights), 0)
    try:
        call("landlock_restrict_self", ruleset, 0)
    finally:
        os.close(ruleset)


def version() -> int:
    """What this kernel's Landlock knows, see `restrict`; raises OSError if it has none."""
    return call("landlock_create_ruleset", 0, 0, _ASK_VERSION)


def _rights(known: int) -> bytes:
    files = (1 << max(bits for since, bits in _FILES.items() if since <= known)) - 1
    handled = [files]
    if known >= TCP_SINCE:
        handled.append(_TCP)
    if known >= SCOPES_SINCE:
        handled.append(_SCOPES)
    return struct.pack(f"={len(handled)}Q", *handled)
