"""The parts that tricks are made of: answers as any server gives them, and ones that go wrong on purpose.

Each function makes an `Answer`: what is done with one request. Which trick uses which is in `catalogue`.
"""

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping
from http import HTTPStatus

from tests.hostile.stage import Visit
from tests.hostile.trick import Answer

_RANGE = re.compile(r"bytes=(\d+)-(\d*)")
JPEG_TYPE = {"Content-Type": "image/jpeg"}


def head(status: int, headers: Mapping[str, str | int]) -> bytes:
    """A status line and headers as they are sent."""
    lines = [f"HTTP/1.1 {status} {HTTPStatus(status).phrase}"]
    lines += [f"{name}: {value}" for name, value in headers.items()]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


async def give(
    visit: Visit, body: bytes, *, status: int = 200, headers: Mapping[str, str | int] = JPEG_TYPE
) -> None:
    """Answer as a good server does: with the length, by the range that was asked for, and stay."""
    told = dict(headers)
    span = _RANGE.fullmatch(visit.headers.get("range", "")) if status == 200 else None
    if span is not None and int(span[1]) < len(body):
        start, end = int(span[1]), min(int(span[2] or len(body)), len(body) - 1)
        status, told["Content-Range"] = 206, f"bytes {start}-{end}/{len(body)}"
        body = body[start : end + 1]
    elif span is not None:
        status, told["Content-Range"], body = 416, f"bytes */{len(body)}", b""
    await visit.send(head(status, {**told, "Content-Length": len(body)}) + body)
    visit.stays = told.get("Connection") != "close"


def _made_once(make: Callable[[], bytes]) -> Callable[[], Awaitable[bytes]]:
    """What is made once, beside the loop: the hosts are one thread, and none may keep the others waiting."""
    made: list[bytes] = []

    async def find() -> bytes:
        if not made:
            made.append(await asyncio.to_thread(make))
        return made[0]

    return find


def gives(make: Callable[[], bytes], **headers: str) -> Answer:
    """A whole file, with these headers besides; an underscore stands for a dash."""
    told = _as_headers(headers)
    find = _made_once(make)

    async def answer(visit: Visit) -> None:
        await give(visit, await find(), headers=told)

    return answer


def _as_headers(headers: Mapping[str, str]) -> dict[str, str]:
    return {**JPEG_TYPE, **{name.replace("_", "-"): value for name, value in headers.items()}}


def refuses(status: int, **headers: str) -> Answer:
    """An error page, for ever."""
    told = {
        "Content-Type": "text/plain",
        **{name.replace("_", "-"): value for name, value in headers.items()},
    }

    async def answer(visit: Visit) -> None:
        await give(visit, b"no photo here\n", status=status, headers=told)

    return answer


def once(first: Answer, then: Answer) -> Answer:
    """The first request for a URL is answered in one way, the others in another."""

    async def answer(visit: Visit) -> None:
        await (first if visit.number == 1 else then)(visit)

    return answer


def redirects(to: str) -> Answer:
    """A redirect to a fixed place; `{port}` in it is the port of the origin."""

    async def answer(visit: Visit) -> None:
        port = visit.headers["host"].rpartition(":")[2]
        await give(visit, b"", status=302, headers={"Location": to.replace("{port}", port)})

    return answer


def says(data: bytes | Callable[[], bytes], *, reset: bool = False, hang: bool = False) -> Answer:
    """Bytes word for word; then a close, a reset, or silence."""

    find = _made_once((lambda: data) if isinstance(data, bytes) else data)

    async def answer(visit: Visit) -> None:
        await visit.send(await find())
        if hang:
            await visit.line.hang()
        if reset:
            visit.line.reset()

    return answer


def pours(start: bytes, parts: Callable[[], Iterable[bytes]]) -> Answer:
    """A start, then part after part as fast as the client takes them, perhaps without an end."""

    async def answer(visit: Visit) -> None:
        await visit.send(start)
        for part in parts():
            await visit.send(part)

    return answer


def drips(start: bytes, data: bytes, *, size_bytes: int = 1, pause_seconds: float = 1.0) -> Answer:
    """A start at once, then a few bytes at a time, round and round."""

    async def answer(visit: Visit) -> None:
        await visit.send(start)
        for at in _round_and_round(len(data), size_bytes):
            await visit.send(data[at : at + size_bytes])
            await asyncio.sleep(pause_seconds)

    return answer


def chunk(data: bytes) -> bytes:
    """A part of a chunked body; an empty one ends it."""
    return b"%x\r\n%b\r\n" % (len(data), data)


def _round_and_round(size: int, step: int) -> Iterator[int]:
    while True:
        yield from range(0, size, step)
