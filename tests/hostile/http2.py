"""HTTP/2 as a server speaks it, well or badly: frames by h2, the sending paced by the client's windows.

Weak: no server push, no priorities; a request's own body is ignored.
"""

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass

from h2.config import H2Configuration
from h2.connection import H2Connection
from h2.errors import ErrorCodes
from h2.events import Event, RequestReceived, StreamReset
from h2.exceptions import ProtocolError

from tests.hostile.stage import Line


@dataclass(frozen=True, kw_only=True)
class Http2Play:
    """What is sent on every stream, and how it ends."""

    body: Callable[[], Iterator[bytes]] = lambda: iter(())
    is_reset: bool = False  # the stream is broken off where the body is over
    goes_away: bool = False  # the connection is called off before the first answer


async def speak_http2(line: Line, play: Http2Play) -> None:
    """Serve one connection until the client leaves or it is called off."""
    conversation = _Conversation(line, play)
    try:
        with suppress(ProtocolError):
            await conversation.run()
    finally:
        conversation.end()


class _Conversation:
    def __init__(self, line: Line, play: Http2Play) -> None:
        self._line = line
        self._play = play
        self._frames = H2Connection(H2Configuration(client_side=False, header_encoding="utf-8"))
        self._sending: dict[int, Iterator[bytes]] = {}
        self._rests: dict[int, bytes] = {}

    async def run(self) -> None:
        self._frames.initiate_connection()
        await self._flush()
        while data := await self._line.receive():
            for event in self._frames.receive_data(data):
                self._handle(event)
            for stream_id in list(self._sending):
                await self._pump(stream_id)
            await self._flush()

    def end(self) -> None:
        """Count what was not answered to its end."""
        for stream_id in list(self._sending):
            self._done(stream_id)

    def _handle(self, event: Event) -> None:
        if isinstance(event, RequestReceived):
            headers = {str(name): str(value) for name, value in event.headers}
            self._begin(event.stream_id, headers.get(":path", "/"))
        elif isinstance(event, StreamReset) and event.stream_id in self._sending:
            self._done(event.stream_id)

    def _begin(self, stream_id: int, path: str) -> None:
        self._line.stage.began(path)
        self._sending[stream_id] = self._play.body()
        self._rests[stream_id] = b""
        if self._play.goes_away:
            self._done(stream_id)
            self._frames.close_connection(ErrorCodes.ENHANCE_YOUR_CALM, last_stream_id=0)
        else:
            self._frames.send_headers(stream_id, [(":status", "200"), ("content-type", "image/jpeg")])

    async def _pump(self, stream_id: int) -> None:
        """Send of a stream what the client's windows take now."""
        while room := min(
            self._frames.local_flow_control_window(stream_id), self._frames.max_outbound_frame_size
        ):
            data = self._rests[stream_id] or next(self._sending[stream_id], b"")
            if not data:
                self._finish(stream_id)
                return
            self._frames.send_data(stream_id, data[:room])
            self._rests[stream_id] = data[room:]
            await self._flush()

    def _finish(self, stream_id: int) -> None:
        if self._play.is_reset:
            self._frames.reset_stream(stream_id, ErrorCodes.INTERNAL_ERROR)
        else:
            self._frames.end_stream(stream_id)
        self._done(stream_id)

    def _done(self, stream_id: int) -> None:
        del self._sending[stream_id], self._rests[stream_id]
        self._line.stage.ended()

    async def _flush(self) -> None:
        if data := self._frames.data_to_send():
            await self._line.send(data)
