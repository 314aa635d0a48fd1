"""Drives libcurl's multi handle from the running asyncio loop: sockets, one timer, and the tasks that wait.

It knows nothing of HTTP: an easy handle goes in, libcurl's result code comes out.
Weak: it must be made, used and closed on one loop, in one thread.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Container, Iterator
from time import perf_counter

import pycurl

from retailpulse.fetch.http.sockets import Sockets

_TURN_SECONDS = 0.01
"""So long the loop works for libcurl in one go; what is ready beyond that has its turn after others."""
_NO_SOCKET = -1
"""What libcurl says of a transfer that has no connection now."""
MOST_DECISIONS = 2_000
"""Pieces of bodies that are decided on within one call of libcurl; a transfer with more pauses."""


class Transport:
    """Runs many easy handles at once; each is awaited on its own.

    `decisions_left` is counted down by the code that takes bodies; below zero the transfer pauses, to go on
    later.
    """

    def __init__(self, *, idle_connections: int, has_proxy: bool) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[pycurl.Curl, asyncio.Future[tuple[int, str]]] = {}
        # For a proxy's name libcurl opens sockets unseen.
        self._sockets = Sockets(trusting=not has_proxy, busy=self._busy)
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._timer_at = 0.0
        self._due_at: float | None = None
        self.decisions_left = MOST_DECISIONS
        self._ready: Iterator[tuple[int, int]] | None = None
        self._paused: deque[Callable[[], object]] = deque()
        self._going_on: asyncio.Handle | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._sockets.want)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, idle_connections)
        self._loop.add_reader(self._sockets.fileno(), self._on_ready)

    def begin(self, handle: pycurl.Curl) -> asyncio.Future[tuple[int, str]]:
        """Run a handle; the future gives libcurl's result code (0 is success) and its error text.

        A caller that does not wait for that must `drop` the handle.
        """
        done: asyncio.Future[tuple[int, str]] = self._loop.create_future()
        self._multi.add_handle(handle)
        self._waiting[handle] = done
        return done

    def drop(self, handle: pycurl.Curl) -> None:
        """End a transfer that no task waits for any more."""
        if handle in self._waiting:
            self._release(handle)

    def dials(self) -> None:
        """To be called when libcurl opens a socket."""
        self._sockets.opened()

    def go_on_later(self, go_on: Callable[[], object]) -> None:
        """Call `go_on` once the loop has done its other work."""
        self._paused.append(go_on)
        if self._going_on is None:
            self._going_on = self._loop.call_soon(self._on_turn)

    def close_idle(self, peers: Container[tuple[str, int]]) -> None:
        """Close the connections to some addresses that are kept and not in use."""
        self._sockets.shut_idle(peers, self._busy())

    def runs(self, handle: pycurl.Curl) -> bool:
        """Whether the transfer of this handle is still running."""
        return handle in self._waiting

    def abort(self, handle: pycurl.Curl) -> None:
        """End a transfer now, as if libcurl had given it up for time."""
        if handle in self._waiting:
            self._settle(handle, pycurl.E_OPERATION_TIMEDOUT, "aborted")

    def close(self) -> None:
        """Abort everything and cancel the tasks that wait; the handles themselves stay their owners'."""
        for handle in list(self._waiting):
            done = self._waiting[handle]
            self._release(handle)
            done.cancel()
        self._multi.close()
        if self._timer is not None:
            self._timer.cancel()
        if self._going_on is not None:
            self._going_on.cancel()
        if not self._sockets.is_closed:
            self._loop.remove_reader(self._sockets.fileno())
            self._sockets.close()

    def _on_timer(self, timeout_ms: int) -> None:
        """Remember when libcurl wants to be called; a timer that is armed for earlier is left to fire.

        libcurl moves its time forward with every request: arming the timer each time costs more.
        """
        if timeout_ms < 0:
            self._due_at = None
            return
        due_at = self._due_at = self._loop.time() + timeout_ms / 1_000
        if self._timer is not None:
            if self._timer_at <= due_at:
                return
            self._timer.cancel()
        self._arm(due_at, timeout_ms / 1_000)

    def _arm(self, due_at: float, delay_seconds: float) -> None:
        self._timer_at = due_at
        if delay_seconds > 0:
            self._timer = self._loop.call_later(delay_seconds, self._on_time)
        else:
            self._timer = self._loop.call_soon(self._on_time)

    def _on_time(self) -> None:
        self._timer = None
        due_at = self._due_at
        if due_at is None:
            return
        early_seconds = due_at - self._loop.time()
        if early_seconds > 0:
            self._arm(due_at, early_seconds)
            return
        self._due_at = None
        self._sockets.close_orphans()
        self._act(pycurl.SOCKET_TIMEOUT, 0)
        self._collect()

    def _on_ready(self) -> None:
        """Have libcurl work on the sockets that are ready, then see what has come to its end.

        Those that are left when the turn is over come first in the next one: the kernel tells of them again.
        """
        until = perf_counter() + _TURN_SECONDS
        ready = self._ready or self._sockets.ready()
        self._ready = None
        for fd, events in ready:  # what is not wanted any more when its turn comes is left out
            self._act(fd, events)
            if perf_counter() > until:
                self._ready = ready
                break
        self._collect()

    def _on_turn(self) -> None:
        """Let those that paused go on, as long as the turn lasts."""
        self._going_on = None
        until = perf_counter() + _TURN_SECONDS
        while self._paused:
            self.decisions_left = MOST_DECISIONS
            self._paused.popleft()()
            if perf_counter() > until:
                break
        if self._paused:
            self._going_on = self._loop.call_soon(self._on_turn)
        self._collect()

    def _busy(self) -> set[int]:
        """The sockets of running transfers: of one that pauses nothing is wanted, but it is in use."""
        return {handle.getinfo(pycurl.ACTIVESOCKET) for handle in self._waiting} - {_NO_SOCKET}

    def _act(self, fd: int, events: int) -> None:
        self.decisions_left = MOST_DECISIONS
        self._multi.socket_action(fd, events)

    def _collect(self) -> None:
        left = 1
        while left:
            left, succeeded, failed = self._multi.info_read()
            for handle in succeeded:
                self._settle(handle, 0, "")
            for handle, code, message in failed:
                self._settle(handle, code, message)

    def _settle(self, handle: pycurl.Curl, code: int, message: str) -> None:
        done = self._release(handle)
        if not done.done():
            done.set_result((code, message))

    def _release(self, handle: pycurl.Curl) -> asyncio.Future[tuple[int, str]]:
        self._multi.remove_handle(handle)
        return self._waiting.pop(handle)
