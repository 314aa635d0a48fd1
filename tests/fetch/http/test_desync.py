"""What a server sends beyond an answer is never the answer to the next request on that connection."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import msgspec
import pytest

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.fetch import Downloader

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n"
PHOTO = 90_000
BUFFER_BYTES = 65_536
SETTINGS = FetchSettings(allowed_networks="127.0.0.1/32", ports="any", tries=1)


def answer(number: int, size_bytes: int) -> bytes:
    """The photo of that number."""
    body = (b"%06d" % number * (size_bytes // 6 + 1))[:size_bytes]
    return HEAD % len(body) + body


@asynccontextmanager
async def serving(excess: bytes) -> AsyncIterator[str]:
    """A server whose answers all have something behind them; it counts, and begins with photo 0."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                number, size_bytes = map(int, head.split(b" ")[1].strip(b"/").split(b"-"))
                writer.write(answer(number, size_bytes) + excess)
        except (asyncio.IncompleteReadError, OSError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


@pytest.mark.parametrize(
    "excess", [b"\r\n", HEAD % 4 + b"evil", bytes(200_000)], ids=["blank", "answer", "much"]
)
async def test_each_photo_is_its_own_whatever_was_left_on_the_connection(excess: bytes) -> None:
    # Sizes around that of libcurl's buffer: one of the answers ends exactly with a read.
    sizes = [*range(BUFFER_BYTES - len(HEAD % PHOTO) - 2, BUFFER_BYTES - len(HEAD % PHOTO) + 3), PHOTO]
    async with serving(excess) as url:
        downloader = Downloader(SETTINGS)
        for number, size_bytes in enumerate(sizes * 2):
            body = (await downloader.fetch(f"{url}/{number}-{size_bytes}")).body
            assert (body[:6], len(body)) == (b"%06d" % number, size_bytes)
        await downloader.aclose()


async def test_many_at_once_are_each_their_own() -> None:
    async with serving(HEAD % 6 + b"999999") as url:
        # Where a connection is shut that libcurl has just chosen, it breaks: that costs a try.
        downloader = Downloader(msgspec.structs.replace(SETTINGS, tries=20, backoff_seconds=0.01))

        async def fetch(number: int) -> bytes:
            try:
                return (await downloader.fetch(f"{url}/{number}-{BUFFER_BYTES - len(HEAD % PHOTO)}")).body[:6]
            except ImageError as error:
                return error.cause.encode()

        found = await asyncio.gather(*map(fetch, range(300)))
        assert found == [b"%06d" % number for number in range(300)]
        await downloader.aclose()
