"""Links between a process and its parent: questions answered in order, errors by cause, ends."""

import asyncio
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager

import pytest

from retailpulse.domain.errors import Conflict, NotFound, NotProfiled
from retailpulse.process import links
from retailpulse.process.links import Answer, Answering, Link, Names, Question, TraceMemory


@asynccontextmanager
async def linked(answering: Answering) -> AsyncIterator[Link]:
    """A link whose other end answers so."""
    one, other = socket.socketpair()
    async with AsyncExitStack() as stack:
        asking = await stack.enter_async_context(Link.over(one.detach()))
        answers = await stack.enter_async_context(Link.over(other.detach()))
        task = asyncio.create_task(answers.answer_forever(answering))
        yield asking
        task.cancel()
        await asyncio.wait([task])


async def length(question: Question) -> Answer:
    assert isinstance(question, TraceMemory)
    return Answer(content=b"." * question.seconds)


async def test_each_question_has_its_answer_however_long() -> None:
    async with linked(length) as link:
        for size in (0, 1, 3_000_000):
            assert len((await link.ask(TraceMemory(size))).content) == size


async def test_an_answer_that_nobody_waited_for_is_not_that_of_the_next_question() -> None:
    may_answer = asyncio.Event()

    async def late(question: Question) -> Answer:
        await may_answer.wait()
        return await length(question)

    async with linked(late) as link:
        asked = asyncio.create_task(link.ask(TraceMemory(7)))
        await asyncio.sleep(0)
        asked.cancel()
        await asyncio.wait([asked])
        next_one = asyncio.create_task(link.ask(TraceMemory(2)))
        may_answer.set()
        assert len((await next_one).content) == 2


@pytest.mark.parametrize("kind", [NotProfiled, NotFound, Conflict])
async def test_a_refusal_is_raised_as_what_it_is(kind: type[Exception]) -> None:
    async def refuse(_: Question) -> Answer:
        raise kind("because of that")

    async with linked(refuse) as link:
        with pytest.raises(kind, match="because of that"):
            await link.ask(Names())


async def test_a_fault_of_the_other_end_says_nothing_of_it_and_the_link_goes_on() -> None:
    async def fail(question: Question) -> Answer:
        if isinstance(question, Names):
            raise ValueError("secret")
        return await length(question)

    async with linked(fail) as link:
        with pytest.raises(NotProfiled, match="an unexpected fault of this service"):
            await link.ask(Names())
        assert len((await link.ask(TraceMemory(4))).content) == 4


async def test_the_end_of_the_other_process_ends_the_question() -> None:
    one, other = socket.socketpair()
    async with Link.over(one.detach()) as link:
        asked = asyncio.create_task(link.ask(Names()))
        await asyncio.sleep(0)
        other.close()
        with pytest.raises(ConnectionError):
            await asked


async def test_a_message_beyond_the_limit_ends_the_link(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(links, "MOST_BYTES", 1_000)
    one, other = socket.socketpair()
    async with Link.over(one.detach()) as link:
        other.sendall((1_001).to_bytes(4, "big"))
        with pytest.raises(ConnectionError, match="1,001 bytes is too long"):
            await link.ask(Names())
        other.close()
