"""A loop that does the same again and again, and outlives a database that is away.

Any other error ends it, and with that the task that runs it.
"""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

from retailpulse.concurrency.cancellation import end_if_cancelled
from retailpulse.concurrency.outage_log import OutageLog
from retailpulse.domain.errors import DatabaseUnavailable


async def periodic(
    every_seconds: float,
    work: Callable[[], Awaitable[object]],
    *,
    outage_log: OutageLog | None = None,
    at_once: bool = False,
) -> NoReturn:
    """Works, with a sleep of `every_seconds` before each time, until it is cancelled.

    `outage_log` hears of each DatabaseUnavailable, and of each success. `at_once`: without the first sleep.
    An outage that comes instead of the cancellation ends it too.
    """
    if not at_once:
        await asyncio.sleep(every_seconds)
    while True:
        try:
            await work()
        except DatabaseUnavailable as error:
            end_if_cancelled(error)
            if outage_log is not None:
                outage_log.failed(error)
        else:
            if outage_log is not None:
                outage_log.ended()
        await asyncio.sleep(every_seconds)
