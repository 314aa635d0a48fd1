"""Questions and answers between `serve` and one of its children, over a pair of sockets that both inherit.

One question at a time; a lost answer is known by its number. Weak: both ends are of one version.
"""

import asyncio
import contextlib
import logging
import os
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Self

import msgspec

from retailpulse.domain.errors import UNEXPECTED, Conflict, NotFound, NotProfiled, RetailPulseError
from retailpulse.domain.profiles import ProfileKind

logger = logging.getLogger(__name__)

MOST_BYTES = 64 * 1024 * 1024
"""The longest message; a longer one ends the link."""
_LENGTH_BYTES = 4


class Names(msgspec.Struct, frozen=True, tag=True):
    """Asks `serve` which processes there are."""


class Look(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Asks `serve` for a profile of one of its children."""

    process: str
    kind: ProfileKind
    seconds: int


class Admit(msgspec.Struct, frozen=True, tag=True):
    """Asks a child to let a process, and those that it starts, look into it; 0: none any longer."""

    pid: int


class TraceMemory(msgspec.Struct, frozen=True, tag=True):
    """Asks a child for what it allocates in the next seconds."""

    seconds: int


class Answer(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """What was asked for: a profile, or names."""

    content: bytes = b""
    names: tuple[str, ...] = ()


class Refused(msgspec.Struct, frozen=True, tag=True, kw_only=True):
    """Why there is no answer: the name of an error, and its text."""

    error: str
    text: str


Question = Names | Look | Admit | TraceMemory
Answering = Callable[[Question], Awaitable[Answer]]
_ERRORS: dict[str, type[RetailPulseError]] = {
    kind.__name__: kind for kind in (NotProfiled, NotFound, Conflict)
}


class _Asked(msgspec.Struct, frozen=True, array_like=True):
    number: int
    question: Question


class _Answered(msgspec.Struct, frozen=True, array_like=True):
    number: int
    answer: Answer | Refused


class Link:
    """One end of a pair of sockets: it asks, or it answers. Ended, it raises ConnectionError."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader, self._writer = reader, writer
        self._length: int | None = None
        self._number = 0
        self._asking = asyncio.Lock()

    @classmethod
    @contextlib.asynccontextmanager
    async def over(cls, descriptor: int) -> AsyncIterator[Self]:
        """A link over a socket, which it closes at the end; no program that this one runs gets it."""
        os.set_inheritable(descriptor, False)
        held = socket.socket(fileno=descriptor)
        reader, writer = await asyncio.open_unix_connection(sock=held)
        try:
            yield cls(reader, writer)
        finally:
            writer.close()

    async def ask(self, question: Question) -> Answer:
        """The answer of the other end; raises NotProfiled, NotFound or Conflict as it does."""
        async with self._asking:
            self._number += 1
            await self._send(_Asked(self._number, question))
            while True:
                answered = msgspec.msgpack.decode(await self._receive(), type=_Answered)
                if answered.number == self._number:
                    break
        if isinstance(answered.answer, Refused):
            raise _ERRORS.get(answered.answer.error, NotProfiled)(answered.answer.text)
        return answered.answer

    async def answer_forever(self, answering: Answering) -> None:
        """Answers one question after the other, until the other end is gone."""
        with contextlib.suppress(ConnectionError):
            while True:
                asked = msgspec.msgpack.decode(await self._receive(), type=_Asked)
                await self._send(_Answered(asked.number, await _answer(answering, asked.question)))

    async def _send(self, message: _Asked | _Answered) -> None:
        body = msgspec.msgpack.encode(message)
        if len(body) > MOST_BYTES:
            raise ConnectionError(f"a message of {len(body):,} bytes is too long")
        self._writer.write(len(body).to_bytes(_LENGTH_BYTES, "big") + body)
        await self._writer.drain()

    async def _receive(self) -> bytes:
        """The next message. A cancelled wait loses none: what is read of it is kept."""
        try:
            if self._length is None:
                self._length = int.from_bytes(await self._reader.readexactly(_LENGTH_BYTES), "big")
            if self._length > MOST_BYTES:
                raise ConnectionError(f"a message of {self._length:,} bytes is too long")
            body = await self._reader.readexactly(self._length)
        except asyncio.IncompleteReadError:
            raise ConnectionError("the other process is gone") from None
        self._length = None
        return body


async def _answer(answering: Answering, question: Question) -> Answer | Refused:
    try:
        return await answering(question)
    except RetailPulseError as error:
        return Refused(error=type(error).__name__, text=str(error))
    except ConnectionError:
        return Refused(error=NotProfiled.__name__, text="the process has ended meanwhile")
    except Exception:  # a fault of a profile must end neither `serve` nor the process that is looked into
        logger.exception("a profile cannot be made")
        return Refused(error=NotProfiled.__name__, text=UNEXPECTED)
