"""Raw bytes of answers over a real socket: the body that was meant, or a cause, and never another's answer.

After each one the same host is asked for something known: what was left on the connection must not answer it.
"""

import asyncio
from collections.abc import Iterator

import pytest
from hypothesis import example, given

from retailpulse.config.settings import FetchSettings
from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch import Downloader
from tests.fuzz.cases import CaseCounter, share
from tests.fuzz.framing import DAMAGED, Answered, filling_a_read, sound
from tests.fuzz.test_bodies import check_text

KNOWN = b"the known body"
_GOOD = b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n%b" % (len(KNOWN), KNOWN)
_ASKS_AT_ONCE = 200
"""So many cases are fetched by one downloader, which may reuse its connections."""
MAX_BODY_BYTES = 200_000
CAUSES = {
    Cause.BAD_RESPONSE,
    Cause.TRUNCATED,
    Cause.HTTP_STATUS,
    Cause.CONNECT,
    Cause.TOO_LARGE,
    Cause.TOO_MANY_REDIRECTS,
    Cause.BLOCKED_ADDRESS,
    Cause.BAD_URL,
}
SETTINGS = FetchSettings(
    allowed_networks="127.0.0.1/32",
    ports="any",
    tries=1,
    max_body_bytes=MAX_BODY_BYTES,
    stall_seconds=20,
    backoff_seconds=0.01,
)


class Exchanges:
    """A server that answers with the bytes it was handed last, and a client of it, on one loop."""

    def __init__(self) -> None:
        self._runner = asyncio.Runner()
        self._answered = Answered(b"", None, False)
        self._downloader: Downloader | None = None
        self._asked = 0
        self.requests = 0
        self._runner.run(self._start())

    def fetch(self, answered: Answered) -> bytes | ImageError:
        """What the client makes of an answer."""
        self._answered = answered
        return self._runner.run(self._fetch("case"))

    def fetch_known(self) -> bytes | ImageError:
        """What it makes of a sound answer after that."""
        return self._runner.run(self._fetch("known"))

    def close(self) -> None:
        self._runner.run(self._stop())
        self._runner.close()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        if self._downloader is not None:
            await self._downloader.aclose()
        self._server.close()

    async def _fetch(self, path: str) -> bytes | ImageError:
        self._asked += 1
        if self._downloader is not None and self._asked % _ASKS_AT_ONCE == 0:
            await self._downloader.aclose()
            self._downloader = None
        if self._downloader is None:
            self._downloader = Downloader(SETTINGS)
        try:
            return (await self._downloader.fetch(f"http://127.0.0.1:{self._port}/{path}")).body
        except ImageError as error:
            return error

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            while head := await reader.readuntil(b"\r\n\r\n"):
                self.requests += 1
                is_case = head.startswith(b"GET /case ")
                writer.write(self._answered.raw if is_case else _GOOD)
                await writer.drain()
                if is_case and not self._answered.ends:
                    break
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError):
            pass
        finally:
            writer.close()


@pytest.fixture(scope="module")
def exchanges() -> Iterator[Exchanges]:
    running = Exchanges()
    yield running
    running.close()


@share(0.04)
@given(answered=sound())
@example(answered=filling_a_read())
def test_a_sound_answer_is_its_body_however_it_is_framed(
    counter: CaseCounter, exchanges: Exchanges, answered: Answered
) -> None:
    counter.count("sound answers")
    found = exchanges.fetch(answered)
    assert answered.body is not None
    if len(answered.body) > MAX_BODY_BYTES:
        assert isinstance(found, ImageError) and found.cause is Cause.TOO_LARGE, found
    else:
        assert found == answered.body
    assert exchanges.fetch_known() == KNOWN


@share(0.12)
@given(answered=DAMAGED)
def test_a_damaged_answer_is_a_body_or_a_cause_and_answers_nothing_else(
    counter: CaseCounter, exchanges: Exchanges, answered: Answered
) -> None:
    counter.count("damaged answers")
    found = exchanges.fetch(answered)
    if isinstance(found, ImageError):
        assert found.cause in CAUSES, found
        check_text(found.detail)
    else:
        assert len(found) <= MAX_BODY_BYTES
    assert exchanges.fetch_known() == KNOWN
