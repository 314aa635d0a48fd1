"""One request and its answer on a libcurl handle that is used again and again.

Here the dialled address is checked, headers are counted and bodies handed to a body reader. Redirects,
ranges, tries and slots are not known here.
"""

import asyncio
import contextlib
from collections.abc import Callable
from concurrent.futures import Executor

import pycurl

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed, not_connected, of_code, stalled
from retailpulse.fetch.http.body_reader import SMALL_BYTES, BodyReader
from retailpulse.fetch.http.codings import Coding, find_coding
from retailpulse.fetch.http.curl_handles import new_handle
from retailpulse.fetch.http.decompression import Decompression
from retailpulse.fetch.http.dialer import Dialer
from retailpulse.fetch.http.error_code import LOOK_BYTES, find_error_code
from retailpulse.fetch.http.messages import GIVEN, WHOLE, Request, Response, find_ignored_length
from retailpulse.fetch.http.post_request import MOST_ANSWER_BYTES
from retailpulse.fetch.http.progress import progress_of
from retailpulse.fetch.http.ranges import Span
from retailpulse.fetch.http.request_options import RequestOptions
from retailpulse.fetch.http.transport import Transport
from retailpulse.fetch.memory_budget import MemoryBudget

_STOP = 0  # fewer bytes than a callback was given: libcurl ends the transfer
_MAX_DISCARDED_BYTES = 65_536
"""How much of an error page is read to keep its connection; a longer one costs the connection."""
_FREE_BYTES = 16_384
"""How much of an answer the budget does not count: counting a small one costs more than it may hold."""
_OBJECTS_SHARE = 16
"""Pieces of a kilobyte or more are kept as they come; each is an object of some 64 bytes besides."""
_MOST_ROOM_BYTES = 131_072
"""How much of the budget an answer is given at a time."""

_NOTHING = BodyReader(max_bytes=0)


class Exchange:
    """A reusable easy handle with the state of the one request that it serves."""

    def __init__(
        self,
        transport: Transport,
        settings: FetchSettings,
        *,
        may_dial: Callable[[str], bool],
        budget: MemoryBudget,
        threads: Executor | None = None,
    ) -> None:
        self._transport = transport
        self._budget = budget
        self._threads = threads
        self._decompression: Decompression | None = None
        self._max_header_bytes = settings.max_header_bytes
        self._stall_seconds = settings.stall_seconds
        self._loop = asyncio.get_running_loop()
        self.received_bytes = 0  # of the body of the last request, as it was sent
        self._silence: asyncio.TimerHandle | None = None
        self._began_at = 0.0
        self._span: Span | None = None
        self._is_counted = False
        self._failure: TryFailed | None = None
        self._keep: Callable[[bytes], object] = _NOTHING.keep
        self._lines: list[bytes] = []
        self._error_start = bytearray()
        self.handle = new_handle(settings)
        self._options = RequestOptions(self.handle, has_proxy=bool(settings.proxy_url()))
        self._dialer = Dialer(
            self.handle,
            settings.connect_timeout_seconds,
            may_dial=may_dial,
            opened=transport.dials,
            late=self._on_connect_time,
        )
        self.handle.setopt(pycurl.HEADERFUNCTION, self._lines.append)  # libcurl ends headers over 300 kB
        self.handle.setopt(pycurl.WRITEFUNCTION, self._on_body)

    async def run(self, request: Request, reader: BodyReader) -> Response:
        """Make the request; raises TryFailed, or whatever the intake failed with."""
        self._prepare(request, reader)
        self._began_at = self._loop.time()
        if self._silence is None:
            self._silence = self._loop.call_later(self._stall_seconds, self._on_silence)
        try:
            code, message = await self._transport.begin(self.handle)
            if self._decompression is not None:
                await self._decompression.finish()
            return self._conclude(code, message)
        except asyncio.CancelledError:
            self._transport.drop(self.handle)
            raise
        finally:
            self._dialer.end()
            if self._decompression is not None:
                self._decompression.close()
                self._decompression = None
            if self._is_counted:
                self._budget.release(self)
            self._reader, self._keep = _NOTHING, _NOTHING.keep  # or an idle handle would keep the whole body

    @property
    def peer(self) -> tuple[str, int] | None:
        """The address that it dialled last."""
        return self._dialer.peer

    @property
    def is_silent(self) -> bool:
        """Whether no byte of an answer to the running request has come."""
        return not self._lines and self._transport.runs(self.handle)

    def close_after(self) -> None:
        """Close the connection after the running request."""
        if self._transport.runs(self.handle):
            self._options.close_after()

    def read_on(self) -> None:
        """Go on reading after the budget had the transfer wait."""
        if self._decompression is not None:
            self._decompression.go_on()
        if self._transport.runs(self.handle):
            with contextlib.suppress(pycurl.error):  # the awaiting task learns how the transfer ends
                self.handle.pause(pycurl.PAUSE_CONT)

    def close(self) -> None:
        """Free the handle; no request may be running on it."""
        self.handle.close()
        if self._silence is not None:
            self._silence.cancel()

    def _prepare(self, request: Request, reader: BodyReader) -> None:
        self._reader = reader
        self._status = 0
        self._is_wanted = self._is_answered = self._is_coded = self._is_complete = False
        self._declared_bytes: int | None = None
        self._head = b""
        self.received_bytes = 0
        self._lines.clear()
        self._error_start.clear()
        self._discarded_bytes = 0
        self._post = request.post
        self._room_bytes = _FREE_BYTES
        self._granted_bytes = self._free_bytes = self._coded_bytes = 0
        self._is_counted = False
        self._failure = None
        self._dialer.begin()
        self._span = request.span
        self._options.set(request)

    def _on_connect_time(self) -> None:
        self._failure = not_connected()
        self._transport.abort(self.handle)

    def _on_silence(self) -> None:
        """End a request that nothing was heard of: libcurl measures speeds only when it hears something."""
        self._silence = None
        if not self._transport.runs(self.handle):
            return
        # Once something was heard libcurl's own limit holds; the next request may need this timer.
        silent_seconds = 0.0 if self._lines else self._silent_seconds()
        if silent_seconds < self._stall_seconds:
            self._silence = self._loop.call_later(self._stall_seconds - silent_seconds, self._on_silence)
            return
        self._failure = stalled(0)
        self._transport.abort(self.handle)

    def _silent_seconds(self) -> float:
        """How long nothing was heard since the request was sent."""
        asked_after = self.handle.getinfo(pycurl.PRETRANSFER_TIME)  # 0 while other limits hold
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
        try:
            self._begin_body()
        except TryFailed as failure:
            self._failure = failure

    def _begin_body(self) -> None:
        """See whether the body is wanted, and how it is coded; raises TryFailed."""
        if self._status not in GIVEN:
            return
        coding = find_coding(self._head)
        self._is_coded = coding is not None
        if self._status in WHOLE:
            self._is_wanted = True
            self._declared_bytes = find_ignored_length(self._head)
            self._reader.begin_whole()
            if coding is not None:
                self._unpack(coding)
        elif self._span is not None and coding is None:
            self._is_wanted = True
            self._reader.begin_part(self._span.end)

    def _unpack(self, coding: Coding) -> None:
        def deliver(piece: bytes) -> bool:
            self._room_bytes -= len(piece)
            return self._reader.feed(piece)

        def fail(error: BaseException | None) -> None:
            self._reader.failure = error or self._reader.failure
            self._transport.abort(self.handle)

        self._decompression = Decompression(
            coding,
            self._threads,
            find_room=self._find_room,
            deliver=deliver,
            ready=self.read_on,
            failed=fail,
        )

    def _on_body(self, piece: bytes) -> int | None:
        size_bytes = len(piece)
        if size_bytes > self._free_bytes or size_bytes < SMALL_BYTES:
            return self._decide(piece, size_bytes)
        self._free_bytes -= size_bytes
        self._keep(piece)
        return None

    def _decide(self, piece: bytes, size_bytes: int) -> int | None:
        """See whether a piece is wanted, and how much may follow it with nothing to decide."""
        transport = self._transport
        transport.decisions_left -= 1
        if transport.decisions_left < 0:
            transport.go_on_later(self.read_on)
            return int(pycurl.WRITEFUNC_PAUSE)
        if self._granted_bytes:
            self._count_kept()
        if not self._status:
            self._begin()
            if self._failure is not None:
                return _STOP
        if self._decompression is not None:
            return self._pass_on(piece, size_bytes, self._decompression)
        return self._accept(piece, size_bytes) if self._is_wanted else self._discard(piece)

    def _accept(self, piece: bytes, size_bytes: int) -> int | None:
        if not self._find_room(size_bytes):
            return int(pycurl.WRITEFUNC_PAUSE)
        self._room_bytes -= size_bytes
        if not self._reader.feed(piece):
            return _STOP
        self._keep = self._reader.keep
        free_bytes = min(self._room_bytes, self._reader.free_bytes)
        if self._declared_bytes is not None:
            left_bytes = self._declared_bytes - self._reader.size
            if left_bytes <= 0:
                self._is_complete = True
                return _STOP
            free_bytes = min(free_bytes, left_bytes - 1)
        self._granted_bytes = self._free_bytes = free_bytes
        return None

    def _discard(self, piece: bytes) -> int | None:
        self._discarded_bytes += len(piece)
        self._error_start += piece[: LOOK_BYTES - len(self._error_start)]
        most_bytes = _MAX_DISCARDED_BYTES if self._post is None else MOST_ANSWER_BYTES
        return None if self._discarded_bytes <= most_bytes else _STOP

    def _pass_on(self, piece: bytes, size_bytes: int, decompression: Decompression) -> int | None:
        """Have a piece of a coded body unpacked; what was sent is held to the limit as what comes out is."""
        if decompression.is_full:
            return int(pycurl.WRITEFUNC_PAUSE)
        self._coded_bytes += size_bytes
        if self._coded_bytes > self._reader.max_bytes:
            self._reader.failure = self._reader.too_large()
            return _STOP
        decompression.feed(piece)
        return None

    def _count_kept(self) -> None:
        """Count what was kept since the last decision."""
        kept_bytes = self._granted_bytes - self._free_bytes
        self._granted_bytes = self._free_bytes = 0
        self._room_bytes -= kept_bytes
        self._reader.size += kept_bytes

    def _find_room(self, size_bytes: int) -> bool:
        """Have the budget count some chunks at once, more of them the larger the body has become."""
        if size_bytes <= self._room_bytes:
            return True
        more_bytes = max(size_bytes, min(self._reader.size, _MOST_ROOM_BYTES)) - self._room_bytes
        self._is_counted = True
        if not self._budget.reserve(self, more_bytes + more_bytes // _OBJECTS_SHARE):
            return False
        self._room_bytes += more_bytes
        return True

    def _conclude(self, code: int, message: str) -> Response:
        self.received_bytes = self.handle.getinfo(pycurl.SIZE_DOWNLOAD_T)
        if self._granted_bytes:
            self._count_kept()
        if not self._status:
            self._begin()
        self._reader.join_small()
        self._reader.raise_failure()
        if self._failure is not None:
            raise self._failure.bare()
        if not self._is_answered:
            raise self._failed(code, message)
        # A status that is no success says it all, however its error page ended.
        is_ended_here = self._reader.satisfied or self._reader.is_beyond_part or self._is_complete
        if self._is_wanted and not is_ended_here:
            if code:
                failed = self._failed(code, message)
                if failed.ended_at is None:
                    raise failed.bare()
                self._reader.unclean_end = failed
            elif self._decompression is not None:
                self._decompression.check_end()
        gave = self._status in GIVEN
        retry_after_seconds = 0 if gave else self.handle.getinfo(pycurl.RETRY_AFTER)
        error_code = "" if gave else find_error_code(bytes(self._error_start), self._status)
        return Response(self._status, self._head, retry_after_seconds, self._is_coded, error_code)

    def _failed(self, code: int, message: str) -> TryFailed:
        if self._dialer.is_refused and code == pycurl.E_COULDNT_CONNECT:
            return TryFailed(Cause.BLOCKED_ADDRESS, "the address of the host is not allowed")
        if self._dialer.is_full:
            return TryFailed(Cause.CONNECT, "no socket is free to connect with", again=True)
        if code == pycurl.E_FILESIZE_EXCEEDED:
            return self._reader.too_large()
        progress = progress_of(
            self.handle, self._reader.size, answered=self._is_answered, declared_bytes=self._declared_bytes
        )
        return of_code(code, message, progress)
