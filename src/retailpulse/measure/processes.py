"""The worker's ends of its processes: the nursery that forks decoders, and a decoder with its body in flight.

A body is written into memory that both sides hold; orders, requests and answers are single datagrams.
Weak: where nursery and decoder are killed together, nobody says how; the body is tried again.
"""

import asyncio
import os
import signal
import socket
import subprocess
import sys
from contextlib import suppress

import msgspec

from retailpulse.config.settings import MeasureSettings
from retailpulse.domain.images import Cause
from retailpulse.measure.answers import (
    FORK,
    KILL,
    MAX_ANSWER_BYTES,
    ORDER,
    REQUEST,
    TAKEN,
    WAITING,
    Answer,
    Ended,
    Failed,
    decode,
)
from retailpulse.measure.decoder import Limits

OVERDUE_SECONDS = 10.0
"""How long after its own alarm a decoder is given up that is not gone; a nursery may start first."""
SLICE_BYTES = 1_000_000
"""Copied at a time; between two slices the loop does other work."""


class Nursery:
    """The process that decoders are forked from; its end is theirs."""

    def __init__(self, settings: MeasureSettings) -> None:
        """Starts the process, which blocks for some milliseconds; raises OSError."""
        limits = Limits(
            max_pixels=settings.max_pixels,
            timeout_seconds=settings.timeout_seconds,
            memory_bytes=settings.memory_bytes,
        )
        self._is_lost = False
        self._orders, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        module = "retailpulse.measure.nursery"
        command = [sys.executable, "-m", module, str(theirs.fileno()), msgspec.json.encode(limits).decode()]
        # Blocked, a signal to the whole group cannot hit it before it ignores them; threads have own masks.
        before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT, signal.SIGTERM})
        try:
            self._process = subprocess.Popen(
                command,
                pass_fds=(theirs.fileno(),),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                # A BLAS of many threads comes with numpy, is never used, and does not like forks.
                env={**os.environ, "OPENBLAS_NUM_THREADS": "1"},
            )
        except BaseException:
            self._orders.close()
            raise
        finally:
            signal.pthread_sigmask(signal.SIG_SETMASK, before)
            theirs.close()

    def is_alive(self) -> bool:
        """Whether the process still runs and listens."""
        return not self._is_lost and self._process.poll() is None

    def fork(self, number: int, channel: socket.socket, shelf_fd: int) -> None:
        """Have a decoder forked that listens on this channel; raises OSError where the process is gone."""
        try:
            socket.send_fds(self._orders, [ORDER.pack(FORK, number)], [channel.fileno(), shelf_fd])
        except OSError:  # it stops listening some time before it counts as ended
            self._is_lost = True
            raise

    def kill(self, number: int) -> None:
        """Have a decoder killed, dead or alive."""
        with suppress(OSError):
            self._orders.send(ORDER.pack(KILL, number))

    def close(self) -> None:
        """End the process and all decoders; blocks until it is gone."""
        self._orders.close()
        self._process.wait()


class Decoder:
    """One decoder, which measures one body at a time; closed for good once it ended or was given up."""

    def __init__(self, nursery: Nursery, number: int) -> None:
        """Has the process forked and does not wait for it; raises OSError."""
        self._nursery = nursery
        self._number = number
        self._loop = asyncio.get_running_loop()
        self._answer: asyncio.Future[Answer | None] | None = None
        self.is_open = True
        self._channel, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        try:
            self._shelf_fd = os.memfd_create("body")
        except OSError:
            self._channel.close()
            theirs.close()
            raise
        self._channel.setblocking(False)
        self._loop.add_reader(self._channel.fileno(), self._hear)
        try:
            nursery.fork(number, theirs, self._shelf_fd)
        except OSError:
            self.close()
            raise
        finally:
            theirs.close()

    async def measure(self, body: bytes, timeout_seconds: float) -> Answer | None:
        """The decoder's answer, or None where it ended before it had taken the body.

        Cancelled, it gives the process up, so that a late answer is never taken for the next one's.
        """
        self._answer = self._loop.create_future()
        give_up = self._loop.call_later(timeout_seconds + OVERDUE_SECONDS, self._give_up)
        try:
            await self._lay_down(body)
            with suppress(OSError):  # it has just ended, which the channel tells
                self._channel.send(REQUEST.pack(len(body)))
            return await self._answer
        except BaseException:
            self.close()
            raise
        finally:
            give_up.cancel()
            self._answer = None

    async def _lay_down(self, body: bytes) -> None:
        with memoryview(body) as view:
            os.pwritev(self._shelf_fd, (WAITING, view[:SLICE_BYTES]), 0)
            for start in range(SLICE_BYTES, len(body), SLICE_BYTES):
                await asyncio.sleep(0)
                if not self.is_open:
                    return
                os.pwrite(self._shelf_fd, view[start : start + SLICE_BYTES], len(WAITING) + start)

    def _hear(self) -> None:
        """Take what came over the channel: an answer, the news of the end, or nonsense."""
        try:
            answer = decode(frame) if (frame := self._channel.recv(MAX_ANSWER_BYTES)) else None
        except BlockingIOError:
            return
        except OSError:
            answer = None
        except (msgspec.MsgspecError, UnicodeDecodeError):
            answer = Failed(Cause.DECODER_CRASHED, "the decoder gave no answer that makes sense")
            self.close()
        if isinstance(answer, Ended) and os.pread(self._shelf_fd, 1, 0) != TAKEN:
            answer = None
        if answer is None or isinstance(answer, Ended) or self._answer is None:
            self.close()
        self._settle(answer)

    def _give_up(self) -> None:
        self.close()
        self._settle(Ended(-signal.SIGALRM))

    def _settle(self, answer: Answer | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_result(answer)

    def close(self) -> None:
        """Kill the process and let go of everything shared with it."""
        if not self.is_open:
            return
        self.is_open = False
        self._loop.remove_reader(self._channel.fileno())
        self._channel.close()
        os.close(self._shelf_fd)
        self._nursery.kill(self._number)

    def abort(self) -> None:
        """Close it; who waits for its answer gets a RuntimeError."""
        self.close()
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(RuntimeError("the decoders are closed"))
