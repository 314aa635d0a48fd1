"""Rights that a process gives up permanently: new ones by exec, and the capabilities of root."""

import struct

from retailpulse.measure.process_pool.sandbox.calls import call

_PR_SET_NO_NEW_PRIVS = 38
_CAPABILITY_VERSION_3 = 0x20080522


def forbid_new() -> None:
    """No program that it runs has more rights; Landlock and seccomp want that too. Raises OSError."""
    call("prctl", _PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def drop() -> None:
    """Give up all capabilities, so that root is a user whose files are others' to protect; raises OSError."""
    call("capset", struct.pack("=Ii", _CAPABILITY_VERSION_3, 0), bytes(24))
