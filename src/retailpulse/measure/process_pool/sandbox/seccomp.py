"""The system calls of a decoder, as a seccomp filter: a list of those allowed, everything else is refused.

A list of what is forbidden would have to grow with every kernel. What is refused fails with EPERM instead of
killing, as libraries try things that they can do without. Weak: the list was found with glibc, and by tests.
"""

import ctypes
import os
import struct
from collections.abc import Iterator

from retailpulse.measure.process_pool.sandbox.calls import Architecture, architecture, call

_ALLOWED = (
    # what it has: the channel, bodies that come over it, and the pipe that stands for stderr
    ("recvmsg", "sendto", "pread64", "read", "write", "writev", "close"),
    # memory, never executable: see below
    ("brk", "munmap", "mremap", "madvise"),
    # the threads of decoders, and waiting for each other
    ("futex", "set_robust_list", "rseq", "gettid", "getpid", "sched_yield", "sched_getaffinity", "getcpu"),
    ("nanosleep", "clock_nanosleep", "restart_syscall"),
    # clocks, its own alarm, dice, and how much memory there is
    ("clock_gettime", "clock_getres", "gettimeofday", "setitimer", "getrandom", "sysinfo"),
    # its own signals and its own end
    ("rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "exit", "exit_group"),
)
_WITHOUT_EXECUTION = ("mmap", "mprotect")
_ON_ITSELF = ("kill", "tgkill")  # abort() ends a process by the latter
_PROT_EXEC = 4
_CLONE_THREAD = 0x00010000
_CLONE_NEW = 0x7E020000  # all namespaces
_EPERM, _ENOSYS = 1, 38

_LOAD, _IS, _HAS, _RETURN = 0x20, 0x15, 0x45, 0x06  # BPF: a word, jumps on equal and on common bits, the end
_NUMBER, _ARCHITECTURE = 0, 4  # offsets in struct seccomp_data
_KILL, _ALLOW, _REFUSE = 0x80000000, 0x7FFF0000, 0x00050000
_SET_MODE_FILTER, _SPEC_ALLOW = 1, 1 << 2

Instruction = tuple[int, int, int, int]
"""Code, how many instructions to skip if it is so and if not, and an operand."""


def install() -> None:
    """Refuse this thread, and all that it starts, every call that is not on the list; raises OSError."""
    code = b"".join(struct.pack("=HBBI", *one) for one in program(architecture(), os.getpid()))
    held = ctypes.create_string_buffer(code, len(code))
    pointer = struct.pack("@HP", len(code) // 8, ctypes.addressof(held))
    try:
        # Without the flag, kernels before 5.16 slow the thread down against reading its own memory by
        # speculation, of which it has none that it must not read.
        call("seccomp", _SET_MODE_FILTER, _SPEC_ALLOW, pointer)
    except OSError:
        call("seccomp", _SET_MODE_FILTER, 0, pointer)


def program(of: Architecture, pid: int) -> list[Instruction]:
    """The filter for a process of an architecture, as instructions of classic BPF."""
    return list(_program(of, pid))


def _program(of: Architecture, pid: int) -> Iterator[Instruction]:
    numbers = of.numbers
    yield _LOAD, 0, 0, _ARCHITECTURE
    yield _IS, 1, 0, of.audit
    yield _RETURN, 0, 0, _KILL
    yield _LOAD, 0, 0, _NUMBER
    for name in (name for names in _ALLOWED for name in names):
        yield _IS, 0, 1, numbers[name]
        yield _RETURN, 0, 0, _ALLOW
    for name in _WITHOUT_EXECUTION:
        yield from _checked(numbers[name], _argument(2), (_HAS, 1, 0, _PROT_EXEC))
    for name in _ON_ITSELF:
        yield from _checked(numbers[name], _argument(0), (_IS, 0, 1, pid))
    yield from _checked(numbers["clone"], _argument(0), (_HAS, 2, 0, _CLONE_NEW), (_HAS, 0, 1, _CLONE_THREAD))
    # Its flags lie in memory, if no filter sees them. Told that it does not exist, libraries use clone.
    yield _IS, 0, 1, numbers["clone3"]
    yield _RETURN, 0, 0, _REFUSE | _ENOSYS
    yield _RETURN, 0, 0, _REFUSE | _EPERM


def _checked(number: int, *checks: Instruction) -> Iterator[Instruction]:
    """Allow a call whose checks lead to the next instruction; they skip as many as lead to the refusal."""
    yield _IS, 0, len(checks) + 2, number
    yield from checks
    yield _RETURN, 0, 0, _ALLOW
    yield _RETURN, 0, 0, _REFUSE | _EPERM


def _argument(index: int) -> Instruction:
    """Load the lower half of an argument; both architectures put it first."""
    return _LOAD, 0, 0, 16 + 8 * index
