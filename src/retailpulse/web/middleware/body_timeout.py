"""How long the body of a request is waited for, wanted or not."""

import asyncio
import contextlib

from litestar.types import Receive, ReceiveMessage

from retailpulse.web.errors import RequestTimeout

BYTES_PER_SECOND = 10_000
"""Bytes of a body for which it may take a second more: large ones are not cut off while they come."""


async def drain(receive: Receive, most_seconds: float) -> None:
    """Reads the rest of a body that is not used, for `most_seconds` at most.

    Most clients send the whole of it before they look for an answer; one that is cut off never reads why.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(most_seconds):
            message = await receive()
            while message["type"] == "http.request" and message["more_body"]:
                message = await receive()


def with_body_timeout(receive: Receive, most_seconds: float) -> Receive:
    """Receives as `receive` does, but raises RequestTimeout if a body keeps us waiting too long in all.

    Time in which the handler does not wait is not counted. After the body, it waits for the end of the
    connection, which may take for ever.
    """
    waited_seconds = 0.0
    size_bytes = 0
    is_whole = False
    loop = asyncio.get_running_loop()

    async def receive_in_time() -> ReceiveMessage:
        nonlocal waited_seconds, size_bytes, is_whole
        if is_whole:
            return await receive()
        started = loop.time()
        left_seconds = most_seconds + size_bytes / BYTES_PER_SECOND - waited_seconds
        try:
            async with asyncio.timeout(max(left_seconds, 0.0)):
                message = await receive()
        except TimeoutError as error:
            raise RequestTimeout(
                f"the body came too slowly: {size_bytes} bytes in {most_seconds:g} s; nothing is kept"
            ) from error
        waited_seconds += loop.time() - started
        if message["type"] == "http.request":
            size_bytes += len(message["body"])
            is_whole = not message["more_body"]
        else:
            is_whole = True
        return message

    return receive_in_time
