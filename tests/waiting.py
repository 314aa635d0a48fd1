"""Bounds to waiting in tests: what hangs fails in seconds, and says what it waited for.

`tests/running.py` polls from threads. Weak: a coroutine that never suspends is not ended.
"""

import asyncio
from collections.abc import Awaitable
from typing import TypeVar

Result = TypeVar("Result")
SECONDS = 20.0
"""Far more than any wait takes on a loaded machine, far less than the limit of a whole test."""


async def within(awaited: Awaitable[Result], seconds: float = SECONDS) -> Result:
    """What is awaited gives; fails, and cancels it, after `seconds`."""
    try:
        async with asyncio.timeout(seconds) as limit:
            return await awaited
    except TimeoutError:
        if limit.expired():
            raise AssertionError(f"waited {seconds:g} s for {awaited}") from None
        raise
