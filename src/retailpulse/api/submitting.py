"""Takes in the request of a submit: its body within what memory allows, its idempotency key."""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from litestar import Request

from retailpulse.api.submission import read_submission
from retailpulse.config.settings import ApiSettings
from retailpulse.domain.errors import Busy, InvalidRequest
from retailpulse.domain.images import Depth
from retailpulse.domain.jobs import Idempotency
from retailpulse.service import Service

BIG_BODY_BYTES = 256 * 1024
"""A longer body is read in a thread: the others are not to wait for it."""
_KEY = re.compile(r"[\x20-\x7e]{1,255}")


class BodyBudget:
    """The bodies of submits that are in memory at once; one alone always has room."""

    def __init__(self, most_bytes: int) -> None:
        self._most_bytes = most_bytes
        self._used_bytes = 0

    @asynccontextmanager
    async def reading(self, blocks: AsyncIterator[bytes], expected_bytes: int) -> AsyncIterator[bytes]:
        """A body, which counts as long as the block runs; raises Busy where there is no room for it."""
        held = _Held(self, expected_bytes)
        try:
            parts, size_bytes = [], 0
            async for block in blocks:
                parts.append(block)
                size_bytes += len(block)
                held.grow(size_bytes)
                if held.is_refused:
                    parts.clear()  # read to its end all the same: a client that is cut off reads no answer
            if held.is_refused:
                raise Busy("too many large submits at once; submit this job again later")
            yield b"".join(parts)
        finally:
            held.give_back()

    def take(self, size_bytes: int, held_bytes: int) -> bool:
        """Counts more bytes for one that holds some already; False where there is no room."""
        if self._used_bytes > held_bytes and self._used_bytes + size_bytes > self._most_bytes:
            return False
        self._used_bytes += size_bytes
        return True

    def give_back(self, size_bytes: int) -> None:
        """Counts bytes off."""
        self._used_bytes -= size_bytes


class _Held:
    """What one body has of the budget."""

    def __init__(self, budget: BodyBudget, expected_bytes: int) -> None:
        self._budget = budget
        self._bytes = 0
        self.is_refused = False
        self.grow(expected_bytes)

    def grow(self, size_bytes: int) -> None:
        """Holds at least so much."""
        more = size_bytes - self._bytes
        if more > 0 and not self.is_refused:
            self.is_refused = not self._budget.take(more, self._bytes)
            self._bytes += 0 if self.is_refused else more

    def give_back(self) -> None:
        """Holds nothing any more."""
        self._budget.give_back(self._bytes)


class Submits:
    """Takes in submits on any path, and holds what all of them share."""

    def __init__(self, service: Service, settings: ApiSettings, default_depth: Depth) -> None:
        self._service = service
        self._budget = BodyBudget(settings.buffer_bytes)
        self._read = partial(
            read_submission, default_depth=default_depth, max_images=settings.max_images_per_job
        )

    async def take(self, request: Request[Any, Any, Any]) -> UUID:
        """Submits what a request asks for; returns the job's id."""
        key = _read_key(request)
        expected = request.headers.get("content-length", "0")
        size_bytes = int(expected) if expected.isdigit() else 0
        async with self._budget.reading(request.stream(), size_bytes) as body:
            is_big = len(body) >= BIG_BODY_BYTES
            submission = await asyncio.to_thread(self._read, body) if is_big else self._read(body)
            if key is not None:
                idempotency = Idempotency(key=key, request_sha256=hashlib.sha256(body).digest())
                submission = replace(submission, idempotency=idempotency)
            return await self._service.submit(submission)


def _read_key(request: Request[Any, Any, Any]) -> str | None:
    key = request.headers.get("idempotency-key")
    if key is not None and _KEY.fullmatch(key) is None:
        raise InvalidRequest("Idempotency-Key: write 1 to 255 printable ASCII characters, such as a UUID")
    return key
