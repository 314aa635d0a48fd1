"""The sockets that libcurl wants to hear of, in an epoll set of their own.

libcurl removes a socket after every request and adds it again with the next one. Here nothing is told
to the kernel for that, which an event loop's own readers would do at several times the cost.
"""

import contextlib
import select
import socket
from collections.abc import Callable, Container, Iterable, Iterator
from dataclasses import dataclass

import pycurl

_Address = tuple[str, int]
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
    in the set; if sockets are opened without a call of `opened`, `trusting` must be false. `busy` gives those
    that are in use though nothing may be wanted of them now: transfers that pause.
    """

    def __init__(self, *, trusting: bool, busy: Callable[[], Container[int]] = frozenset) -> None:
        self._busy = busy
        self._epoll = select.epoll()
        self._watched: dict[int, _Watched] = {}
        self._age = 0
        self._trusting = trusting

    def fileno(self) -> int:
        """The descriptor of the whole set."""
        return self._epoll.fileno()

    @property
    def is_closed(self) -> bool:
        """Whether the set is closed."""
        return self._epoll.closed

    def opened(self) -> None:
        """To be called after a new socket was opened."""
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
        """The sockets that are ready, with libcurl's words for what for; strays are shut before."""
        happened = self._epoll.poll(0)
        self._close_orphans(happened)
        for fd, events in happened:
            known = self._watched.get(fd)
            if known is not None and known.is_wanted:
                readable = pycurl.CSELECT_IN if events & _READABLE else 0
                yield fd, readable | (pycurl.CSELECT_OUT if events & _WRITABLE else 0)

    def close_orphans(self) -> None:
        """Shut idle connections down on which bytes came, before libcurl takes one for another request.

        What a server sent beyond an answer would be read as the answer to the next request, and libcurl
        does not look (8.23).
        """
        self._close_orphans(self._epoll.poll(0))

    def shut_idle(self, peers: Container[_Address], busy: Iterable[int] = ()) -> None:
        """Shut the sockets down that are idle and connected to some addresses; libcurl then drops them.

        A number that was a socket once may be a second one of a socket in use: addresses tell them apart.
        """
        wanted = {fd for fd, known in self._watched.items() if known.is_wanted}.union(busy)
        in_use = {addresses[0] for fd in wanted if (addresses := _addresses(fd)) is not None}
        for fd in self._watched.keys() - wanted:
            addresses = _addresses(fd)
            if addresses is not None and addresses[0] not in in_use and addresses[1] in peers:
                with _borrowed(fd) as idle, contextlib.suppress(OSError):
                    idle.shutdown(socket.SHUT_RDWR)

    def close(self) -> None:
        """Close the set; the sockets stay libcurl's."""
        self._epoll.close()

    def _register(self, fd: int, what: int) -> None:
        try:
            self._epoll.modify(fd, _EVENTS[what])
        except FileNotFoundError:
            self._epoll.register(fd, _EVENTS[what])
        self._watched[fd] = _Watched(what, self._age)

    def _close_orphans(self, happened: Iterable[tuple[int, int]]) -> None:
        for fd, events in happened:
            known = self._watched.get(fd)
            if known is not None and known.is_wanted:
                continue
            if self._unwatch(fd) and events & select.EPOLLIN and _has_bytes(fd) and fd not in self._busy():
                with _borrowed(fd) as stray, contextlib.suppress(OSError):
                    stray.shutdown(socket.SHUT_RDWR)

    def _unwatch(self, fd: int) -> bool:
        """Whether the number still is the socket that was watched; it is idle then, and may be shut later."""
        try:
            self._epoll.unregister(fd)
        except OSError:  # closed, but for a copy that is closed soon
            self._watched.pop(fd, None)
            return False
        if fd in self._watched:
            self._watched[fd].what = pycurl.POLL_NONE
        return True


def _addresses(fd: int) -> tuple[_Address, _Address] | None:
    """Our end and the other one of a connection; None if the number is closed or something else."""
    with contextlib.suppress(OSError), _borrowed(fd) as connection:
        return connection.getsockname()[:2], connection.getpeername()[:2]
    return None


def _has_bytes(fd: int) -> bool:
    """Whether there is something to be read, other than the end."""
    with contextlib.suppress(OSError), _borrowed(fd) as connection:
        return bool(connection.recv(1, socket.MSG_PEEK | socket.MSG_DONTWAIT))
    return False


@contextlib.contextmanager
def _borrowed(fd: int) -> Iterator[socket.socket]:
    """A number as a socket that stays open; raises OSError if it is none."""
    borrowed = socket.socket(fileno=fd)
    try:
        yield borrowed
    finally:
        borrowed.detach()
