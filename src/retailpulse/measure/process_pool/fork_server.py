"""The fork server (a zygote): decoders are forked from it with every library loaded, so they start at once.

It forks, lowers and kills on the worker's orders, tells the beginning and end of each decoder on its own
channel, and takes all of them with it when the worker is gone. `fork_client` starts it; no worker imports it.
"""

import gc
import os
import selectors
import signal
import socket
import sys
from collections.abc import Container, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from retailpulse.analyze import Analyzer, registry, thumbnail
from retailpulse.config.settings import MeasureSettings, ReviewPictures, Sandbox
from retailpulse.measure import formats
from retailpulse.measure.process_pool.child import serve
from retailpulse.measure.process_pool.protocol import (
    FORK,
    KILL,
    LOWER,
    MAX_TEXT,
    ORDER,
    Ended,
    Forked,
    encode,
)
from retailpulse.measure.process_pool.stderr import last_words, new_pipe, read_said

LOWEST_NICENESS = 19
"""Some four parts in a hundred of a core that a decoder at its usual place wants as well, by its weight."""


class _Child(NamedTuple):
    """A living decoder: its channel, and the descriptor from which its standard error is read."""

    channel: socket.socket
    said_fd: int


class _Server:
    """The living decoders: by number their process, by process what is held of them."""

    def __init__(
        self, orders: socket.socket, settings: MeasureSettings, analyzers: Sequence[Analyzer]
    ) -> None:
        self._orders = orders
        self._settings = settings
        self._analyzers = analyzers
        self._pids: dict[int, int] = {}
        # Not `select.select`: of a worker with many sockets the numbers are too high for it.
        self._watched = selectors.DefaultSelector()
        self._children: dict[int, _Child] = {}
        self._waking, self._wakes = socket.socketpair()
        for end in (self._waking, self._wakes):
            end.setblocking(False)
        signal.set_wakeup_fd(self._wakes.fileno(), warn_on_full_buffer=False)
        signal.signal(signal.SIGCHLD, lambda *_: None)  # without a handler nothing is woken

    def run(self) -> None:
        """Follow orders until the worker is gone, then kill the decoders that are left."""
        for end in (self._orders, self._waking):
            self._watched.register(end, selectors.EVENT_READ)
        while True:
            ready = {key.fileobj for key, _ in self._watched.select()}
            if self._waking in ready:
                self._waking.recv(4096)
                self._report_ended()
            if self._orders in ready and not self._obey():
                break
        for pid in self._children:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)

    def _obey(self) -> bool:
        """Follow one order; False if there will be no more."""
        order, fds, _, _ = socket.recv_fds(self._orders, ORDER.size, 2)
        if not order:
            return False
        verb, number = ORDER.unpack(order)
        if verb == FORK:
            self._fork(number, *fds)
        elif verb == KILL and number in self._pids:  # not reaped yet, so its pid is not reused
            os.kill(self._pids[number], signal.SIGKILL)
        elif verb == LOWER and number in self._pids:
            _lower(self._pids[number])
        return True

    def _fork(self, number: int, channel_fd: int, shelf_fd: int) -> None:
        channel = socket.socket(fileno=channel_fd)
        pipe: tuple[int, ...] = ()
        try:
            pipe = said_fd, stderr_fd = new_pipe()
            pid = os.fork()
        except OSError:
            channel.close()  # the worker sees an end without an explanation
            for fd in (shelf_fd, *pipe):
                os.close(fd)
            return
        if pid == 0:
            self._become_decoder(channel, shelf_fd, said_fd, stderr_fd)
        os.close(shelf_fd)
        os.close(stderr_fd)
        self._pids[number] = pid
        self._children[pid] = _Child(channel, said_fd)
        with suppress(OSError):  # the worker may not listen
            channel.send(encode(Forked(pid)), socket.MSG_DONTWAIT)

    def _become_decoder(self, channel: socket.socket, shelf_fd: int, said_fd: int, stderr_fd: int) -> None:
        """Live as a decoder, holding nothing of its siblings; does not return."""
        code = 1
        try:
            # If the kernel shares out cores by session, niceness counts only within one.
            os.setsid()
            _lower_session(os.getpid(), os.getpriority(os.PRIO_PROCESS, 0))
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            for fd in range(3):
                os.dup2(stderr_fd, fd)
            _close_all_but({0, 1, 2, channel.fileno(), shelf_fd, said_fd})
            serve(channel, shelf_fd, said_fd, self._settings, self._analyzers)
            code = 0
        except BaseException:
            sys.excepthook(*sys.exc_info())
        finally:
            os._exit(code)

    def _report_ended(self) -> None:
        """Say of each decoder that ended how it did, on its own channel."""
        with suppress(ChildProcessError):
            while (found := os.waitpid(-1, os.WNOHANG))[0]:
                pid, status = found
                self._pids = {number: other for number, other in self._pids.items() if other != pid}
                channel, said_fd = self._children.pop(pid)
                said = last_words(read_said(said_fd), MAX_TEXT)
                os.close(said_fd)
                with channel, suppress(OSError):  # the worker may not listen
                    channel.send(encode(Ended(os.waitstatus_to_exitcode(status), said)), socket.MSG_DONTWAIT)


def _lower(pid: int) -> None:
    """Give a process the lowest priority, permanently; Linux keeps one for each thread."""
    for task in Path(f"/proc/{pid}/task").iterdir():
        with suppress(OSError):  # a thread may have ended meanwhile
            os.setpriority(os.PRIO_PROCESS, int(task.name), LOWEST_NICENESS)
    if os.getsid(pid) == pid:  # before it has a session of its own, that would be the worker's
        _lower_session(pid, LOWEST_NICENESS)


def _lower_session(pid: int, niceness: int) -> None:
    """Do the same for its session as a whole, if the kernel shares out cores by session (autogroup)."""
    with suppress(OSError):  # it does not, or was told of some session a tenth of a second ago
        Path(f"/proc/{pid}/autogroup").write_text(str(niceness))


def _close_all_but(kept: Container[int]) -> None:
    """Close every descriptor but these; the objects that hold the others must not be used again."""
    for fd in [int(entry.name) for entry in Path("/proc/self/fd").iterdir()]:
        if fd not in kept:
            with suppress(OSError):  # the one that listed them
                os.close(fd)


def _read_settings(text: str) -> MeasureSettings:
    """The settings of the worker, which were held against their limits when they were loaded."""
    given = msgspec.json.decode(text, type=dict[str, Any])
    words = {
        "sandbox": Sandbox(given["sandbox"]),
        "review_pictures": ReviewPictures(given["review_pictures"]),
    }
    return MeasureSettings(**given | words)


def main() -> None:
    """Run with the file descriptor of the worker's socket, and MeasureSettings as JSON."""
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the worker, which drains before it leaves
        signal.signal(number, signal.SIG_IGN)
    orders = socket.socket(fileno=int(sys.argv[1]))
    settings = _read_settings(sys.argv[2])
    formats.load_libraries()
    analyzers = registry.select(settings.analyzers)
    registry.load(analyzers)
    with suppress(ImportError):
        thumbnail.load()
    gc.collect()
    gc.freeze()  # a collection in a decoder would copy every page that it shares
    _Server(orders, settings, analyzers).run()


if __name__ == "__main__":
    main()
