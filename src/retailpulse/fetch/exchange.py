"""One request and its answer on a libcurl handle that is used again and again.

Here the dialled address is checked, headers are counted and bodies handed to an intake. Redirects, ranges,
tries and slots are not known here.
"""

import asyncio
import contextlib
import socket
from collections.abc import Callable
from typing import Any

import pycurl

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch.budget import Budget
from retailpulse.fetch.failures import Progress, TryFailed, not_connected, of_code, stalled
from retailpulse.fetch.handles import new_handle
from retailpulse.fetch.intake import Intake
from retailpulse.fetch.messages import WHOLE, Answer, Request, find_header
from retailpulse.fetch.posts import MOST_ANSWER_BYTES, load
from retailpulse.fetch.ranges import Span
from retailpulse.fetch.transport import Transport

_STOP = 0  # fewer bytes than a callback was given: libcurl ends the transfer
_MAX_DISCARDED_BYTES = 65_536
"""How much of an error page is read to keep its connection; a longer one costs the connection."""
_FREE_BYTES = 16_384
"""How much of an answer the budget does not count: counting a small one costs more than it may hold."""
_MOST_ROOM_BYTES = 131_072
"""How much of the budget an answer is given at a time."""

_NOTHING = Intake(max_bytes=0)


class Exchange:
    """A reusable easy handle with the state of the one request that it serves."""

    def __init__(
        self,
        transport: Transport,
        settings: FetchSettings,
        *,
        may_dial: Callable[[str], bool],
        budget: Budget,
    ) -> None:
        self._transport = transport
        self._budget = budget
        self._may_dial = may_dial
        self._max_header_bytes = settings.max_header_bytes
        self._connect_seconds = settings.connect_timeout_seconds
        self._stall_seconds = settings.stall_seconds
        self._loop = asyncio.get_running_loop()
        self.received_bytes = 0  # of the body of the last request, as it was sent
        self._dialled: list[socket.socket] = []
        self._connect_timer: asyncio.TimerHandle | None = None
        self._silence: asyncio.TimerHandle | None = None
        self._began_at = 0.0
        self._limits: tuple[int, int] | None = None
        self._span: Span | None = None
        self._is_pinned = False
        self._is_counted = False
        self._failure: TryFailed | None = None
        self._keeps_alive = True
        self.peer: tuple[str, int] | None = None  # whom it dialled last
        self._keep: Callable[[bytes], object] = _NOTHING.keep
        self._lines: list[bytes] = []
        self._handle = new_handle(settings)
        self._handle.setopt(pycurl.OPENSOCKETFUNCTION, self._on_dial)
        self._handle.setopt(pycurl.HEADERFUNCTION, self._lines.append)  # libcurl ends headers over 300 kB
        self._handle.setopt(pycurl.WRITEFUNCTION, self._on_body)

    async def run(self, request: Request, intake: Intake) -> Answer:
        """Make the request; raises TryFailed, or whatever the intake failed with."""
        self._prepare(request, intake)
        self._began_at = self._loop.time()
        if self._silence is None:
            self._silence = self._loop.call_later(self._stall_seconds, self._on_silence)
        try:
            return self._conclude(*await self._transport.begin(self._handle))
        except asyncio.CancelledError:
            self._transport.drop(self._handle)
            raise
        finally:
            if self._dialled:
                self._close_dialled()
            if self._is_counted:
                self._budget.release(self)
            self._intake, self._keep = _NOTHING, _NOTHING.keep  # or an idle handle would keep the whole body

    @property
    def is_silent(self) -> bool:
        """Whether no byte of an answer to the running request has come."""
        return not self._lines and self._transport.runs(self._handle)

    def close_after(self) -> None:
        """Keep the connection of the running request for no other."""
        if self._keeps_alive and self._transport.runs(self._handle):
            self._handle.setopt(pycurl.FORBID_REUSE, 1)
            self._keeps_alive = False

    def read_on(self) -> None:
        """Go on reading after the budget had the transfer wait."""
        if self._transport.runs(self._handle):
            with contextlib.suppress(pycurl.error):  # how the transfer ends is told where it is awaited
                self._handle.pause(pycurl.PAUSE_CONT)

    def close(self) -> None:
        """Free the handle; no request may be running on it."""
        self._handle.close()
        if self._silence is not None:
            self._silence.cancel()

    def _prepare(self, request: Request, intake: Intake) -> None:
        self._intake = intake
        self._status = 0
        self._is_wanted = self._is_answered = False
        self._head = b""
        self.received_bytes = 0
        self._lines.clear()
        self._discarded_bytes = 0
        self._post = request.post
        if request.post is not None:
            load(self._handle, request.post)
        self._room_bytes = _FREE_BYTES
        self._granted_bytes = self._free_bytes = 0
        self._is_counted = False
        self._failure = None
        self._refused = False
        self._handle.setopt(pycurl.URL, request.url)
        self._limit(max(1, round(request.timeout_seconds * 1_000)), request.max_content_length)
        if request.pin or self._is_pinned:
            # libcurl forgets after a minute what it was told: it is told every time.
            self._handle.setopt(pycurl.RESOLVE, [request.pin] if request.pin else [])
            self._is_pinned = bool(request.pin)
        if request.span != self._span:
            self._ask_for(request.span)
        if request.keeps_alive != self._keeps_alive:
            self._keep_alive(keeps_alive=request.keeps_alive)

    def _limit(self, timeout_ms: int, max_content_length: int) -> None:
        limits = (timeout_ms, max_content_length)
        if limits != self._limits:
            self._handle.setopt(pycurl.TIMEOUT_MS, timeout_ms)
            self._handle.setopt(pycurl.MAXFILESIZE_LARGE, max_content_length)
            self._limits = limits

    def _ask_for(self, span: Span | None) -> None:
        if span is None:
            self._handle.unsetopt(pycurl.RANGE)
        else:
            self._handle.setopt(pycurl.RANGE, str(span))
        self._span = span

    def _keep_alive(self, *, keeps_alive: bool) -> None:
        self._handle.setopt(pycurl.FORBID_REUSE, not keeps_alive)
        # The host closes first then, and the port on our side is free again at once.
        if keeps_alive:
            self._handle.unsetopt(pycurl.HTTPHEADER)
        else:
            self._handle.setopt(pycurl.HTTPHEADER, ["Connection: close"])
        self._keeps_alive = keeps_alive

    def _on_dial(self, _purpose: int, address: Any) -> Any:
        """Refuse or open the socket to an address that libcurl is about to connect to."""
        if address.family not in (socket.AF_INET, socket.AF_INET6) or not self._may_dial(address.addr[0]):
            self._refused = True
            return pycurl.SOCKET_BAD
        self._transport.dials()
        try:
            dialled = socket.socket(address.family, address.socktype, address.protocol)
        except OSError:
            self._failure = TryFailed(Cause.CONNECT, "no socket is free to connect with", again=True)
            return pycurl.SOCKET_BAD
        self.peer = address.addr[:2]
        self._dialled.append(dialled)  # libcurl works on a duplicate; this one tells whether TCP is through
        if self._connect_timer is None:
            self._connect_timer = self._loop.call_later(self._connect_seconds, self._on_connect_time)
        return dialled

    def _on_connect_time(self) -> None:
        # A socket that was reset is not connected any more, but libcurl remembers that it was.
        connected = self._handle.getinfo(pycurl.CONNECT_TIME) > 0 or any(map(_is_connected, self._dialled))
        self._close_dialled()
        if not connected:
            self._failure = not_connected()
            self._transport.abort(self._handle)

    def _on_silence(self) -> None:
        """End a request that nothing was heard of: libcurl measures speeds only when it hears something."""
        self._silence = None
        if not self._transport.runs(self._handle):
            return
        # Once something was heard libcurl's own limit holds; the next request may need this timer.
        silent_seconds = 0.0 if self._lines else self._silent_seconds()
        if silent_seconds < self._stall_seconds:
            self._silence = self._loop.call_later(self._stall_seconds - silent_seconds, self._on_silence)
            return
        self._failure = stalled(0)
        self._transport.abort(self._handle)

    def _silent_seconds(self) -> float:
        """How long nothing was heard since the request was sent."""
        asked_after = self._handle.getinfo(pycurl.PRETRANSFER_TIME)  # 0 while other limits hold
        return self._loop.time() - self._began_at - asked_after if asked_after else 0.0

    def _begin(self) -> None:
        """All headers of an answer are there: see what its body is. Of interim answers nothing is kept."""
        lines = self._lines
        blanks = lines.count(b"\r\n")
        head = b"".join(lines)
        if len(head) > self._max_header_bytes:
            self._failure = TryFailed(Cause.BAD_RESPONSE, "the headers are over the limit")
            return
        if blanks != 1:
            starts = (n for n, line in enumerate(lines) if line.startswith(b"HTTP/"))
            lines = lines[max(starts, default=0) :]
            blanks = lines.count(b"\r\n") + lines.count(b"\n")
            head = b"".join(lines)
        words = head.split(None, 2)
        self._head = head
        self._status = int(words[1]) if len(words) > 1 and words[1].isdigit() else 0
        # Headers that break off are passed on by libcurl too.
        self._is_answered = self._status >= 200 and blanks > 0
        if self._post is not None:
            return
        if self._status in WHOLE:
            self._is_wanted = True
            self._intake.begin_whole()
        elif self._status == 206 and self._span is not None:
            self._is_wanted = True
            self._intake.begin_part(self._span.end)

    def _on_body(self, piece: bytes) -> int | None:
        size_bytes = len(piece)
        if size_bytes > self._free_bytes:
            return self._decide(piece, size_bytes)
        self._free_bytes -= size_bytes
        self._keep(piece)
        return None

    def _decide(self, piece: bytes, size_bytes: int) -> int | None:
        """See whether a piece is wanted, and how much may follow it with nothing to decide."""
        if self._granted_bytes:
            self._count_kept()
        if not self._status:
            self._begin()
            if self._failure is not None:
                return _STOP
        if not self._is_wanted:
            self._discarded_bytes += size_bytes
            most_bytes = _MAX_DISCARDED_BYTES if self._post is None else MOST_ANSWER_BYTES
            return None if self._discarded_bytes <= most_bytes else _STOP
        if size_bytes > self._room_bytes and not self._find_room(size_bytes):
            return self._hold_back()
        self._room_bytes -= size_bytes
        if not self._intake.take(piece):
            return _STOP
        self._keep = self._intake.keep
        self._granted_bytes = self._free_bytes = min(self._room_bytes, self._intake.free_bytes)
        return None

    def _count_kept(self) -> None:
        """Count what was kept since the last decision."""
        kept_bytes = self._granted_bytes - self._free_bytes
        self._granted_bytes = self._free_bytes = 0
        self._room_bytes -= kept_bytes
        self._intake.size += kept_bytes

    def _find_room(self, size_bytes: int) -> bool:
        """Have the budget count some chunks at once, more of them the larger the body has become."""
        more_bytes = max(size_bytes, min(self._intake.size, _MOST_ROOM_BYTES)) - self._room_bytes
        self._is_counted = True
        if not self._budget.take(self, more_bytes):
            return False
        self._room_bytes += more_bytes
        return True

    def _hold_back(self) -> int:
        """Pause; but what is being decompressed would go on piling up within libcurl."""
        if not self._encoded():
            return int(pycurl.WRITEFUNC_PAUSE)
        self._failure = TryFailed(Cause.TOO_LARGE, "unpacks to more than there is room for", again=True)
        return _STOP

    def _encoded(self) -> bool:
        return find_header(self._head, b"content-encoding") not in (None, b"identity")

    def _conclude(self, code: int, message: str) -> Answer:
        self.received_bytes = self._handle.getinfo(pycurl.SIZE_DOWNLOAD_T)
        if self._granted_bytes:
            self._count_kept()
        if not self._status:
            self._begin()
        self._intake.raise_failure()
        if self._failure is not None:
            raise self._failure.bare()
        if not self._is_answered:
            raise self._failed(code, message)
        # A status that is no success says it all, however its error page ended.
        if code and self._is_wanted and not self._intake.satisfied:
            raise self._failed(code, message)
        retry_after_seconds = self._handle.getinfo(pycurl.RETRY_AFTER) if self._status >= 400 else 0
        return Answer(self._status, self._head, retry_after_seconds)

    def _failed(self, code: int, message: str) -> TryFailed:
        if self._refused and code == pycurl.E_COULDNT_CONNECT:
            return TryFailed(Cause.BLOCKED_ADDRESS, "the address of the host is not allowed")
        if code == pycurl.E_FILESIZE_EXCEEDED:
            return self._intake.too_large()
        progress = Progress(
            answered=self._is_answered,
            connected=self._handle.getinfo(pycurl.CONNECT_TIME) > 0,
            body_bytes=self._intake.size,
        )
        return of_code(code, message, progress)

    def _close_dialled(self) -> None:
        if self._connect_timer is not None:
            self._connect_timer.cancel()
            self._connect_timer = None
        for dialled in self._dialled:
            dialled.close()
        self._dialled.clear()


def _is_connected(dialled: socket.socket) -> bool:
    try:
        dialled.getpeername()
    except OSError:
        return False
    return True
