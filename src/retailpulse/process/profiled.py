"""The side of a process that is looked into: it admits `serve` for a while, and traces its own memory.

Weak: only where Yama is in the kernel does a process have to admit another; elsewhere this does nothing.
"""

import asyncio
import contextlib
import ctypes
from collections.abc import AsyncIterator

from retailpulse.domain.errors import NotProfiled
from retailpulse.process.links import Admit, Answer, Link, Question, TraceMemory

PR_SET_PTRACER = 0x59616D61
"""From linux/prctl.h: which process, with its descendants, may trace this one (Yama, ptrace_scope 1)."""


@contextlib.asynccontextmanager
async def profiled(descriptor: int | None) -> AsyncIterator[None]:
    """Lets the parent look into this process while the block runs, over its end of a link; None: nobody."""
    if descriptor is None:
        yield
        return
    async with Link.over(descriptor) as link:
        task = asyncio.create_task(link.answer_forever(_obey))
        try:
            yield
        finally:
            task.cancel()


async def _obey(question: Question) -> Answer:
    match question:
        case Admit(pid):
            _admit(pid)
            return Answer()
        case TraceMemory(seconds):
            from retailpulse.process.memory_profiler import trace_memory

            return Answer(content=await trace_memory(seconds))
    raise NotProfiled("this process does not do that")


def _admit(pid: int) -> None:
    """Lets one process trace this one, 0: none; a kernel without Yama answers that it knows no such thing."""
    ctypes.CDLL(None).prctl(ctypes.c_int(PR_SET_PTRACER), ctypes.c_ulong(pid), 0, 0, 0)
