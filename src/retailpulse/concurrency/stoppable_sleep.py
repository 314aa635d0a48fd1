"""A sleep that an event ends early: a stop, or a reason to look at once."""

import asyncio
import contextlib


async def stoppable_sleep(seconds: float, stop: asyncio.Event) -> None:
    """Sleeps, but no longer than until `stop` is set."""
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), seconds)
