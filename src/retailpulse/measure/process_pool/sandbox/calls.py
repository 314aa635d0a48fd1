"""System calls by ctypes, for what Python has no function for, and their numbers on each architecture."""

import ctypes
import os
import platform
import sys
from collections.abc import Mapping
from typing import NamedTuple

_LIBC = ctypes.CDLL(None, use_errno=True)
_LIBC.syscall.restype = ctypes.c_long


class Architecture(NamedTuple):
    """What the kernel calls an architecture in filters, and its numbers of the calls that we make or name."""

    audit: int
    numbers: Mapping[str, int]


_X86_64 = Architecture(
    0xC000003E,
    {
        "brk": 12,
        "capset": 126,
        "clock_getres": 229,
        "clock_gettime": 228,
        "clock_nanosleep": 230,
        "clone": 56,
        "clone3": 435,
        "close": 3,
        "exit": 60,
        "exit_group": 231,
        "futex": 202,
        "getcpu": 309,
        "getpid": 39,
        "getrandom": 318,
        "gettid": 186,
        "gettimeofday": 96,
        "kill": 62,
        "landlock_create_ruleset": 444,
        "landlock_restrict_self": 446,
        "madvise": 28,
        "mmap": 9,
        "mprotect": 10,
        "mremap": 25,
        "munmap": 11,
        "nanosleep": 35,
        "pread64": 17,
        "prctl": 157,
        "read": 0,
        "recvmsg": 47,
        "restart_syscall": 219,
        "rseq": 334,
        "rt_sigaction": 13,
        "rt_sigprocmask": 14,
        "rt_sigreturn": 15,
        "sched_getaffinity": 204,
        "sched_yield": 24,
        "seccomp": 317,
        "sendto": 44,
        "set_robust_list": 273,
        "setitimer": 38,
        "sigaltstack": 131,
        "sysinfo": 99,
        "tgkill": 234,
        "write": 1,
        "writev": 20,
    },
)
_ARM64 = Architecture(
    0xC00000B7,
    {
        "brk": 214,
        "capset": 91,
        "clock_getres": 114,
        "clock_gettime": 113,
        "clock_nanosleep": 115,
        "clone": 220,
        "clone3": 435,
        "close": 57,
        "exit": 93,
        "exit_group": 94,
        "futex": 98,
        "getcpu": 168,
        "getpid": 172,
        "getrandom": 278,
        "gettid": 178,
        "gettimeofday": 169,
        "kill": 129,
        "landlock_create_ruleset": 444,
        "landlock_restrict_self": 446,
        "madvise": 233,
        "mmap": 222,
        "mprotect": 226,
        "mremap": 216,
        "munmap": 215,
        "nanosleep": 101,
        "pread64": 67,
        "prctl": 167,
        "read": 63,
        "recvmsg": 212,
        "restart_syscall": 128,
        "rseq": 293,
        "rt_sigaction": 134,
        "rt_sigprocmask": 135,
        "rt_sigreturn": 139,
        "sched_getaffinity": 123,
        "sched_yield": 124,
        "seccomp": 277,
        "sendto": 206,
        "set_robust_list": 99,
        "setitimer": 103,
        "sigaltstack": 132,
        "sysinfo": 179,
        "tgkill": 131,
        "write": 64,
        "writev": 66,
    },
)
ARCHITECTURES = {"x86_64": _X86_64, "aarch64": _ARM64}
"""By the name that `uname -m` gives."""


def architecture() -> Architecture:
    """The one that this process runs on; raises OSError if its numbers are not known."""
    known = ARCHITECTURES.get(platform.machine())
    if known is None or sys.maxsize < 2**32:  # a 32-bit program makes other calls on the same machine
        raise OSError(f"the system calls of {platform.machine()} are not known")
    return known


def call(name: str, *arguments: int | bytes) -> int:
    """Make a system call; numbers become longs, bytes a pointer to them. Raises OSError."""
    number = architecture().numbers[name]
    longs = [one if isinstance(one, bytes) else ctypes.c_long(one) for one in arguments]
    result: int = _LIBC.syscall(ctypes.c_long(number), *longs)
    if result < 0:
        error = ctypes.get_errno()
        raise OSError(error, os.strerror(error))
    return result
