"""An answer whose source is closed when the answer ends, however it ends.

The framework leaves the source as it is where a client goes away: what it holds would stay for a while.
"""

from collections.abc import AsyncGenerator
from typing import Any

from anyio import CancelScope
from litestar.response import Stream
from litestar.response.base import ASGIResponse
from litestar.response.streaming import ASGIStreamingResponse
from litestar.types import Receive, Send


class ClosingStream(Stream):
    """A stream of a generator, which is closed with the answer."""

    def to_asgi_response(self, *args: Any, **kwargs: Any) -> ASGIResponse:
        """The same as of any stream, but for its end."""
        made = super().to_asgi_response(*args, **kwargs)
        if not isinstance(made, ASGIStreamingResponse):
            raise TypeError("a stream is answered as something else")
        made.__class__ = _ClosingResponse
        return made


class _ClosingResponse(ASGIStreamingResponse):
    __slots__ = ()

    async def send_body(self, send: Send, receive: Receive) -> None:
        try:
            await super().send_body(send, receive)
        finally:
            if isinstance(self.iterator, AsyncGenerator):
                with CancelScope(shield=True):
                    await self.iterator.aclose()
