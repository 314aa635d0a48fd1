"""The sockets that libcurl wants to hear of, in an epoll set of their own.

libcurl lets go of a socket after every request and asks for it again with the next one. Here nothing is told
to the kernel for that, which an event loop's own readers would do at several times the cost.
"""

import contextlib
import select
import socket
from collections.abc import Container, Iterator
from dataclasses import dataclass

import pycurl

_EVENTS = {
    pycurl.POLL_IN: select.EPOLLIN,
    pycurl.POLL_OUT: select.EPOLLOUT,
    pycurl.POLL_INOUT: select.EPOLLIN | select.EPOLLOUT,
}
_READABLE = select.EPOLLIN | select.EPOLLHUP | select.EPOLLERR
_WRITABLE = select.EPOLLOUT | select.EPOLLHUP | select.EPOLLERR


@dataclass(slots=True)
class _Watched:
    what: int  # as it is in the set
    age: int
    is_wanted: bool = True


class Sockets:
    """What is wanted of each socket, and which are ready; `fileno` is readable while one is.

    A number that was closed may come back as another socket's, so after every `opened` none is trusted to be
    in the set; where sockets are opened that nobody tells of, `trusting` must be false.
    """

    def __init__(self, *, trusting: bool) -> None:
        self._epoll = select.epoll()
        self._watched: dict[int, _Watched] = {}
        self._age = 0
        self._trusting = trusting

    def fileno(self) -> int:
        """The descriptor of the whole set."""
        return self._epoll.fileno()

    @property
    def is_closed(self) -> bool:
        """Whether the set is no more."""
        return self._epoll.closed

    def opened(self) -> None:
        """Say that a new socket is opened."""
        self._age += 1

    def want(self, what: int, fd: int, _multi: object = None, _data: object = None) -> None:
        """Watch an open socket from now on for POLL_IN, POLL_OUT or both; called by libcurl.

        With POLL_REMOVE nothing is wanted of it any more: it may be closed, or idle until its next request.
        """
        known = self._watched.get(fd)
        if what == pycurl.POLL_REMOVE:
            if known is not None:
                known.is_wanted = False
        elif known is not None and known.what == what and known.age == self._age and self._trusting:
            known.is_wanted = True
        else:
            self._register(fd, what)

    def ready(self) -> Iterator[tuple[int, int]]:
        """The sockets that are ready, with libcurl's words for what for."""
        for fd, events in self._epoll.poll(0):
            known = self._watched.get(fd)
            if known is not None and known.is_wanted:
                readable = pycurl.CSELECT_IN if events & _READABLE else 0
                yield fd, readable | (pycurl.CSELECT_OUT if events & _WRITABLE else 0)
            else:
                self._forget(fd)

    def shut_idle(self, peers: Container[tuple[str, int]], busy: Container[int] = ()) -> None:
        """Shut the sockets down that are idle and connected to some addresses; libcurl then drops them."""
        for fd in [fd for fd, known in self._watched.items() if not known.is_wanted and fd not in busy]:
            with contextlib.suppress(OSError):  # it may be closed by now, or be another kind of file
                idle = socket.socket(fileno=fd)
                try:
                    if idle.getpeername()[:2] in peers:
                        idle.shutdown(socket.SHUT_RDWR)
                finally:
                    idle.detach()  # libcurl closes it

    def close(self) -> None:
        """Let go of all."""
        self._epoll.close()

    def _register(self, fd: int, what: int) -> None:
        try:
            self._epoll.modify(fd, _EVENTS[what])
        except FileNotFoundError:
            self._epoll.register(fd, _EVENTS[what])
        self._watched[fd] = _Watched(what, self._age)

    def _forget(self, fd: int) -> None:
        self._watched.pop(fd, None)
        with contextlib.suppress(OSError):  # closed, but for a copy that is closed soon
            self._epoll.unregister(fd)
