"""Opens the sockets of one handle, to addresses that may be dialled, and ends the wait for a connection.

The check is on the address that the socket is about to connect to, so no name can change in between.
"""

import asyncio
import socket
from collections.abc import Callable
from typing import Any

import pycurl


class Dialer:
    """The sockets that libcurl opens for the request that runs.

    `may_dial` judges an address, `opened` is called with each socket, `late` if no connection came about in
    time. `is_refused`: an address was not allowed; `is_full`: no socket was free.
    """

    def __init__(
        self,
        handle: pycurl.Curl,
        connect_seconds: float,
        *,
        may_dial: Callable[[str], bool],
        opened: Callable[[], object],
        late: Callable[[], object],
    ) -> None:
        self._handle = handle
        self._connect_seconds = connect_seconds
        self._may_dial = may_dial
        self._opened = opened
        self._late = late
        self._loop = asyncio.get_running_loop()
        self._dialled: list[socket.socket] = []
        self._timer: asyncio.TimerHandle | None = None
        self.is_refused = self.is_full = False
        self.peer: tuple[str, int] | None = None  # the address that it dialled last
        handle.setopt(pycurl.OPENSOCKETFUNCTION, self._on_dial)

    def begin(self) -> None:
        """Reset the state of the last request."""
        self.is_refused = self.is_full = False

    def end(self) -> None:
        """Close the sockets; libcurl works on duplicates of them."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        for dialled in self._dialled:
            dialled.close()
        self._dialled.clear()

    def _on_dial(self, _purpose: int, address: Any) -> Any:
        """Refuse or open the socket to an address that libcurl is about to connect to."""
        if address.family not in (socket.AF_INET, socket.AF_INET6) or not self._may_dial(address.addr[0]):
            self.is_refused = True
            return pycurl.SOCKET_BAD
        self._opened()
        try:
            dialled = socket.socket(address.family, address.socktype, address.protocol)
        except OSError:
            self.is_full = True
            return pycurl.SOCKET_BAD
        self.peer = address.addr[:2]
        self._dialled.append(dialled)  # libcurl works on a duplicate; this one tells whether TCP is through
        if self._timer is None:
            self._timer = self._loop.call_later(self._connect_seconds, self._on_time)
        return dialled

    def _on_time(self) -> None:
        # A socket that was reset is not connected any more, but libcurl remembers that it was.
        connected = self._handle.getinfo(pycurl.CONNECT_TIME) > 0 or any(map(_is_connected, self._dialled))
        self.end()
        if not connected:
            self._late()


def _is_connected(dialled: socket.socket) -> bool:
    try:
        dialled.getpeername()
    except OSError:
        return False
    return True
