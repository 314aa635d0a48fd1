"""Drives libcurl's multi handle from the running asyncio loop: sockets, one timer, and who waits for what.

It knows nothing of HTTP: an easy handle goes in, libcurl's result code comes out.
Weak: it must be made, used and closed on one loop, in one thread.
"""

import asyncio

import pycurl


class Transport:
    """Runs many easy handles at once; each is awaited on its own."""

    def __init__(self, *, idle_connections: int) -> None:
        self._loop = asyncio.get_running_loop()
        self._waiting: dict[pycurl.Curl, asyncio.Future[tuple[int, str]]] = {}
        self._watched: dict[int, int] = {}
        self._timer: asyncio.TimerHandle | asyncio.Handle | None = None
        self._timer_at = 0.0
        self._due_at: float | None = None
        self._multi = pycurl.CurlMulti()
        self._multi.setopt(pycurl.M_SOCKETFUNCTION, self._on_socket)
        self._multi.setopt(pycurl.M_TIMERFUNCTION, self._on_timer)
        self._multi.setopt(pycurl.M_MAXCONNECTS, idle_connections)

    async def perform(self, handle: pycurl.Curl) -> tuple[int, str]:
        """Run a handle to its end: libcurl's code (0 is success) and its words; a cancel aborts it."""
        done: asyncio.Future[tuple[int, str]] = self._loop.create_future()
        self._multi.add_handle(handle)
        self._waiting[handle] = done
        try:
            return await done
        finally:
            if handle in self._waiting:
                self._release(handle)

    def runs(self, handle: pycurl.Curl) -> bool:
        """Whether a handle has not come to its end."""
        return handle in self._waiting

    def abort(self, handle: pycurl.Curl) -> None:
        """End a transfer now, as if libcurl had given it up for time."""
        if handle in self._waiting:
            self._settle(handle, pycurl.E_OPERATION_TIMEDOUT, "aborted")

    def close(self) -> None:
        """Abort everything, whoever waits is cancelled; the handles themselves stay their owners'."""
        for handle in list(self._waiting):
            done = self._waiting[handle]
            self._release(handle)
            done.cancel()
        self._multi.close()
        if self._timer is not None:
            self._timer.cancel()
        for fd in list(self._watched):
            self._watch(fd, pycurl.POLL_REMOVE)

    def _on_socket(self, what: int, fd: int, _multi: pycurl.CurlMulti, _data: object) -> None:
        self._watch(fd, what)

    def _watch(self, fd: int, what: int) -> None:
        """Tell the loop what libcurl wants to hear of a socket; POLL_IN and POLL_OUT are bits."""
        wanted = 0 if what == pycurl.POLL_REMOVE else what
        had = self._watched.pop(fd, 0)
        if wanted:
            self._watched[fd] = wanted
        changed = wanted ^ had
        if changed & pycurl.POLL_IN:
            if wanted & pycurl.POLL_IN:
                self._loop.add_reader(fd, self._act, fd, pycurl.CSELECT_IN)
            else:
                self._loop.remove_reader(fd)
        if changed & pycurl.POLL_OUT:
            if wanted & pycurl.POLL_OUT:
                self._loop.add_writer(fd, self._act, fd, pycurl.CSELECT_OUT)
            else:
                self._loop.remove_writer(fd)

    def _on_timer(self, timeout_ms: int) -> None:
        """Remember when libcurl wants to be called; a timer that is armed for earlier is left to fire.

        libcurl moves its time forward with every request: arming anew each time is the dearer way.
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
        self._act(pycurl.SOCKET_TIMEOUT, 0)

    def _act(self, fd: int, events: int) -> None:
        _, running = self._multi.socket_action(fd, events)
        if running < len(self._waiting):
            self._collect()

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
