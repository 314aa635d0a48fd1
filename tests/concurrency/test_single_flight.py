"""Callers at the same time share one call: its answer, its error, and not its cancellation."""

import asyncio

from retailpulse.concurrency.single_flight import SingleFlight
from tests.waiting import within


class Calls:
    """Calls that end when they are told to; each answers with its number."""

    def __init__(self) -> None:
        self.ends: list[asyncio.Future[None]] = []

    async def __call__(self) -> int:
        end: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self.ends.append(end)
        await end
        return len(self.ends)

    def end(self) -> None:
        self.ends[-1].set_result(None)


async def turns() -> None:
    """Lets all that can go on go on."""
    for _ in range(10):
        await asyncio.sleep(0)


async def test_callers_at_the_same_time_share_a_call_and_later_ones_do_not() -> None:
    flights, calls = SingleFlight[str, int](), Calls()
    callers = [asyncio.create_task(flights.do("a", calls)) for _ in range(5)]
    await turns()
    assert len(calls.ends) == 1
    calls.end()
    assert await within(asyncio.gather(*callers)) == [1] * 5
    later = asyncio.create_task(flights.do("a", calls))
    await turns()
    calls.end()
    assert await within(later) == 2


async def test_other_keys_have_calls_of_their_own() -> None:
    flights, calls = SingleFlight[str, int](), Calls()
    callers = [asyncio.create_task(flights.do(key, calls)) for key in "ab"]
    await turns()
    assert len(calls.ends) == 2
    for end in calls.ends:
        end.set_result(None)
    await within(asyncio.gather(*callers))


async def test_all_callers_get_the_error_and_the_next_one_tries_again() -> None:
    flights, calls = SingleFlight[str, int](), Calls()
    callers = [asyncio.create_task(flights.do("a", calls)) for _ in range(3)]
    await turns()
    calls.ends[0].set_exception(OSError("broken"))
    errors = await within(asyncio.gather(*callers, return_exceptions=True))
    assert [str(error) for error in errors] == ["broken"] * 3
    again = asyncio.create_task(flights.do("a", calls))
    await turns()
    calls.end()
    assert await within(again) == 2


async def test_a_caller_that_is_cancelled_takes_the_answer_from_no_other() -> None:
    flights, calls = SingleFlight[str, int](), Calls()
    first, second = (asyncio.create_task(flights.do("a", calls)) for _ in range(2))
    await turns()
    first.cancel()
    await turns()
    assert first.cancelled()
    calls.end()
    assert await within(second) == 1


async def test_a_call_that_fails_with_no_caller_left_complains_to_nobody() -> None:
    flights, calls, complaints = SingleFlight[str, int](), Calls(), list[object]()
    asyncio.get_running_loop().set_exception_handler(lambda _, context: complaints.append(context))
    caller = asyncio.create_task(flights.do("a", calls))
    await turns()
    caller.cancel()
    await turns()
    calls.ends[0].set_exception(OSError("broken"))
    await turns()
    assert complaints == []


async def test_who_asks_again_gets_no_answer_that_was_begun_before() -> None:
    flights, calls = SingleFlight[str, int](), Calls()
    first = asyncio.create_task(flights.do_again("a", calls))
    await turns()
    later = [asyncio.create_task(flights.do_again("a", calls)) for _ in range(3)]
    await turns()
    assert len(calls.ends) == 1  # one at a time
    calls.end()
    await turns()
    assert len(calls.ends) == 2  # and those who waited share the next one
    calls.end()
    assert await within(asyncio.gather(first, *later)) == [1, 2, 2, 2]


async def test_a_call_that_has_ended_this_very_moment_is_begun_before_too() -> None:
    flights, calls = SingleFlight[str, int](), Calls()
    under_way = flights.join("a", calls)
    await turns()
    calls.end()  # it ends in the next turn of the loop, just before what follows begins
    again = asyncio.create_task(flights.do_again("a", calls))
    await turns()
    calls.end()
    assert await within(again) == 2
    assert await within(under_way) == 1
