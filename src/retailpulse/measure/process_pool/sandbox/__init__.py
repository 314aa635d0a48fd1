"""The sandbox of a decoder: what the kernel takes from a process before it sees the first byte of a stranger.

Each part holds without the others. Descriptors, environment, memory and time are limited in `process_pool`.
Weak: what a thread may still do is compute, take memory up to its limit, and answer what it likes.
"""

import gc
import threading
from functools import cache

from retailpulse.config.settings import Sandbox
from retailpulse.domain.errors import ConfigError
from retailpulse.measure.process_pool.sandbox import landlock, privileges, seccomp

_PARTS = (
    ("no_new_privs", privileges.forbid_new),
    ("capabilities", privileges.drop),
    ("landlock", landlock.restrict),
    ("seccomp", seccomp.install),
)
"""In this order: the last one leaves no call to apply another by."""


def confine() -> tuple[str, ...]:
    """Confine this thread, and all that it starts, permanently; returns the parts that this kernel lacks."""
    lacking = []
    for name, apply in _PARTS:
        try:
            apply()
        except OSError:
            lacking.append(name)
    return tuple(lacking)


@cache
def missing() -> tuple[str, ...]:
    """The parts of the sandbox that this kernel, or a container around us, does not give; found by trying.

    Confinement is a thread's own, so it is tried on one that ends. Takes under a millisecond, once.
    """
    found: list[str] = []
    collects = gc.isenabled()
    gc.disable()  # what a collection closes or removes could not be there
    try:
        thread = threading.Thread(target=lambda: found.extend(confine()))
        thread.start()
        thread.join()
    finally:
        if collects:
            gc.enable()
    return tuple(found)


def check(mode: Sandbox) -> tuple[str, ...]:
    """The parts that decoders will lack; raises ConfigError if the setting requires all of them."""
    if mode is Sandbox.OFF:
        return ()
    if mode is Sandbox.REQUIRED and missing():
        raise ConfigError(
            f"RETAILPULSE_MEASURE_SANDBOX is required, but here decoders cannot have {', '.join(missing())}: "
            "run on a kernel with Landlock and seccomp (Linux 5.13), allow their system calls in containers, "
            "or set it to auto"
        )
    return missing()
