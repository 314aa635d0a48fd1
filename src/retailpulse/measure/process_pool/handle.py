"""The worker's end of a decoder: the bodies it was given, in their order, and what came of them.

Bodies lie on a ring buffer that both sides map; a batch of requests or of answers is one datagram.
Weak: if fork server and decoder are killed together, no cause is known; the bodies are tried again.
"""

import asyncio
import logging
import os
import signal
import socket
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass

import msgspec

from retailpulse.domain.images import Cause
from retailpulse.measure.process_pool.child import CLOCK_FACTOR
from retailpulse.measure.process_pool.cpu_clock import CpuClock, Stopwatch
from retailpulse.measure.process_pool.drawing import DRAWING
from retailpulse.measure.process_pool.fork_client import ForkServer
from retailpulse.measure.process_pool.job import Job
from retailpulse.measure.process_pool.outcome import exit_reason
from retailpulse.measure.process_pool.protocol import (
    BATCH,
    MAX_ANSWER_BYTES,
    REQUEST,
    Answer,
    Ended,
    Failed,
    Forked,
    Measured,
    Reply,
    Skipped,
    decode,
)
from retailpulse.measure.process_pool.ring_buffer import (
    ANALYZING,
    FILE_ROOM_BYTES,
    REVOKED,
    SLOTS,
    WAITING,
    RingBuffer,
    is_begun,
)

logger = logging.getLogger(__name__)

OVERDUE_SECONDS = 10.0
"""How long after its own alarms a decoder is given up that is not gone; a fork server may start first."""
SLOW_SECONDS = 0.5
"""A body that waits behind one that takes longer, in seconds, is given to another decoder."""
EXPENSIVE_SECONDS = 0.25
"""A body that has taken more CPU time is dear: its decoder takes what others leave of the cores."""
BATCH_BYTES = 400_000
"""Bytes at which a batch is full: some milliseconds of work, and the ring buffer stays in the cache."""
BATCHES = SLOTS // BATCH
"""Batches on their way to a decoder: one that it works on, one that is there when it comes back."""


@dataclass(slots=True, eq=False)
class _Ticket:
    """A body that a decoder was given, until its answer comes; without a job once no task waits for it."""

    job: Job | None
    slot: int
    ends_batch: bool = False


class Decoder:
    """One decoder and the bodies it was given, in their order; closed once it ended or was given up.

    After each change it calls `changed` with the bodies that must be given to another decoder.
    """

    def __init__(
        self, fork_server: ForkServer, number: int, changed: Callable[["Decoder", list[Job]], None]
    ) -> None:
        """Has the process forked and does not wait for it; raises OSError."""
        self._fork_server = fork_server
        self._number = number
        self._changed = changed
        self._loop = asyncio.get_running_loop()
        self._tickets: deque[_Ticket] = deque()
        self._given = 0
        self._batches = 0
        self._since = 0.0
        self.is_open = True
        self.is_slow = False
        self.is_lowered = False
        self.is_dropped = False
        self._clock: CpuClock | None = None
        self._at_body, self._at_analyzer = Stopwatch(), Stopwatch()
        self._ring_buffer = RingBuffer()
        try:
            self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        except OSError:
            os.close(self._ring_buffer.fd)
            self._ring_buffer.close()
            raise
        self._channel.setblocking(False)
        self._loop.add_reader(self._channel.fileno(), self._hear)
        try:
            fork_server.fork(number, theirs, self._ring_buffer.fd)
        except OSError:
            self.close()
            raise
        finally:
            theirs.close()
            os.close(self._ring_buffer.fd)

    @property
    def is_idle(self) -> bool:
        """Whether it has nothing to do."""
        return not self._tickets

    @property
    def is_ready(self) -> bool:
        """Whether it may be given another batch."""
        alone = len(self._tickets) == 1 and (job := self._tickets[0].job) is not None and job.is_alone
        return self.is_open and self._batches < BATCHES and not alone

    @property
    def load(self) -> int:
        """How many bodies it has."""
        return len(self._tickets)

    def hand_out(self, jobs: deque[Job], most: int) -> None:
        """Give it as many of these as fit, taken from the front, in one batch."""
        was_idle = self.is_idle
        requests: list[bytes] = []
        batch_bytes = 0
        fds: list[int] = []
        while jobs and len(requests) < min(most, BATCH) and batch_bytes < BATCH_BYTES:
            job = jobs[0]
            if job.answer.done():
                jobs.popleft()
                continue
            if job.is_alone and self._tickets:
                break
            laid = (job.pieces, job.size_bytes) if job.file is None else ((), FILE_ROOM_BYTES)
            room = self._ring_buffer.lay(*laid)
            if room is None:
                break
            slot = self._enter(jobs.popleft())
            requests.append(REQUEST.pack(slot, job.left_out_bits, *room, job.size_bytes))
            batch_bytes += job.size_bytes
            if job.is_alone:
                fds = [] if job.file is None else [job.file]
                if job.is_dear:
                    self._lower()
                break
        if requests:
            self._send(b"".join(requests), fds, is_first=was_idle)

    def drop(self, job: Job) -> None:
        """No task waits for this one any more: if it has begun, the process is given up."""
        ticket = next((one for one in self._tickets if one.job is job), None)
        if ticket is None or not self.is_open:
            return
        ticket.job = None
        if is_begun(self._ring_buffer.memory[ticket.slot]):
            self.is_dropped = True
            self._end(ticket, None)
        else:
            self._ring_buffer.memory[ticket.slot] = REVOKED

    def look(self, timeout_seconds: float, analyzer_seconds: float) -> None:
        """Lower it at a dear body, take from a slow one what waits, give up what is overdue."""
        if self._quiet_seconds() > SLOW_SECONDS:
            self._hear()  # this process itself may have slept
        if not self.is_open or not self._tickets:
            return
        quiet, taken = self._quiet_seconds(), self._current()
        now = 0.0 if self._clock is None else self._clock.seconds()
        spent = 0.0 if taken is None else self._at_body.seconds(now, taken)
        analyzer = None if taken is None else self._analyzer_at(taken)
        analyzed = 0.0 if analyzer is None else self._at_analyzer.seconds(now, (taken, analyzer))
        if spent > timeout_seconds + OVERDUE_SECONDS:
            self._end(taken, Ended(-signal.SIGPROF))
        elif quiet > CLOCK_FACTOR * timeout_seconds + OVERDUE_SECONDS:
            self._end(taken or self._tickets[0], Ended(-signal.SIGALRM))
        elif analyzed > analyzer_seconds:
            self._end(taken, Ended(-signal.SIGPROF))
        elif taken is not None:
            if spent > EXPENSIVE_SECONDS or self.is_lowered:
                self._lower()
            if (quiet > SLOW_SECONDS or self.is_lowered) and not self.is_slow:
                self.is_slow = True
                self._changed(self, self._revoke_all_but(taken))

    def revoke(self) -> Job | None:
        """Close a slow one in the middle of its body and return that; None: no task waits for it."""
        job = next((ticket.job for ticket in self._tickets if ticket.job is not None), None)
        self._retire()
        return job

    def close(self) -> None:
        """Kill the process and free everything shared with it."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()
        self._ring_buffer.close()
        self._fork_server.kill(self._number)

    def abort(self, error: Exception) -> None:
        """Close it; tasks that wait for an answer get the error."""
        self.close()
        for ticket in self._tickets:
            if ticket.job is not None:
                ticket.job.fail(error)

    def _enter(self, job: Job) -> int:
        """Keep in mind that it has this one now; gives the place of its state."""
        slot = self._given % SLOTS
        self._given += 1
        self._ring_buffer.memory[slot] = WAITING
        self._tickets.append(_Ticket(job, slot))
        self.is_slow = job.is_big
        job.decoder = self
        return slot

    def _send(self, requests: bytes, fds: Sequence[int], *, is_first: bool) -> None:
        if is_first:
            self._since = self._loop.time()
        self._tickets[-1].ends_batch = True
        self._batches += 1
        with suppress(OSError):  # it has just ended, which the channel tells
            if fds:
                socket.send_fds(self._channel, [requests], fds)
            else:
                self._channel.send(requests)

    def _hear(self) -> None:
        """Take what came over the channel: answers, the news of the end, or nonsense."""
        try:
            frame = self._channel.recv(MAX_ANSWER_BYTES)
            told = decode(frame) if frame else None
        except (BlockingIOError, ConnectionResetError):
            # A reset says that it left requests unread; what was said before it is still there to be heard.
            return
        except OSError:
            told = None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            self._fail_protocol()
            return
        if told is None:
            self._end(None, None)
        elif isinstance(told, Forked):
            self._clock = self._clock or CpuClock(told.pid)  # the first word is the fork server's
        elif isinstance(told, Ended):
            if told.said:
                logger.warning("a decoder ended with code %d and said: %s", told.code, told.said)
            self._end(self._current(), told)
        elif len(told) > len(self._tickets):
            self._fail_protocol()
        else:
            self._settle(told)

    def _settle(self, replies: Sequence[Reply]) -> None:
        left: list[Job] = []
        for reply in replies:
            ticket = self._tickets.popleft()
            self._batches -= ticket.ends_batch
            told = reply.thumbnail_bytes if isinstance(reply, Measured) else {}
            left_there = self._ring_buffer.free_oldest(list(told.values()))
            if ticket.job is None:
                continue
            if isinstance(reply, Skipped):  # it was not told to
                ticket.job.attempts += 1
                left.append(ticket.job)
            else:
                ticket.job.thumbnails = dict(zip(told, left_there, strict=False))
                ticket.job.settle(reply)
        self._since = self._loop.time()
        self.is_slow = False
        if self.is_lowered and not any(ticket.job for ticket in self._tickets):
            self._retire()  # an ordinary process cannot raise it again, and a new one is there at once
        self._changed(self, left)

    def _fail_protocol(self) -> None:
        """A picture has compromised it. Which one is only known if it was the only one."""
        alone = len(self._tickets) == 1
        for ticket in self._tickets:
            if ticket.job is not None and alone:
                ticket.job.settle(
                    Failed(Cause.DECODER_CRASHED, "the decoder gave no answer that makes sense")
                )
            elif ticket.job is not None:
                ticket.job.is_alone = True
        self._end(self._tickets[0] if self._tickets else None, None)

    def _end(self, blamed: _Ticket | None, answer: Answer | None) -> None:
        """It has ended: one body may be to blame and gets the answer, the others go to another decoder.

        If an analyzer was at its picture, that is to blame: the body is measured again without it.
        """
        analyzer = None if blamed is None else self._analyzer_at(blamed)
        self.close()
        left: list[Job] = []
        for ticket in self._tickets:
            if ticket.job is None:
                continue
            if ticket is blamed and analyzer is not None and analyzer not in ticket.job.left_out:
                ticket.job.left_out[analyzer] = exit_reason(answer)
            elif ticket is blamed and answer is not None:
                ticket.job.settle(answer)
                continue
            ticket.job.attempts += blamed is None
            left.append(ticket.job)
        self._tickets.clear()
        self._changed(self, left)

    def _retire(self) -> None:
        """Close it for no fault of anybody's."""
        self.is_dropped = True
        self.close()
        self._tickets.clear()

    def _lower(self) -> None:
        """To be repeated while it lives: it may start threads, and the kernel may refuse a part for now."""
        self.is_lowered = True
        self._fork_server.lower(self._number)

    def _current(self) -> _Ticket | None:
        """The one that the decoder is at."""
        return next((one for one in self._tickets if is_begun(self._ring_buffer.memory[one.slot])), None)

    def _analyzer_at(self, ticket: _Ticket) -> int | None:
        """The place of the analyzer, or of the drawing, that is at a picture; None where none is."""
        state = self._ring_buffer.memory[ticket.slot] if self.is_open else 0
        return state - ANALYZING if 0 <= state - ANALYZING <= DRAWING else None

    def _revoke_all_but(self, kept: _Ticket) -> list[Job]:
        """Take back what the decoder has not begun, or has not answered for."""
        revoked: list[Job] = []
        for ticket in self._tickets:
            if ticket is not kept and ticket.job is not None:
                self._ring_buffer.memory[ticket.slot] = REVOKED
                revoked.append(ticket.job)
                ticket.job = None
        return revoked

    def _quiet_seconds(self) -> float:
        """How long it has owed an answer."""
        return self._loop.time() - self._since if self._tickets else 0.0
