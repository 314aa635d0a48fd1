"""Bounds to waiting in tests: what hangs fails in seconds, and the traceback names the line that waits.

Every asynchronous test has one as a whole (`bound`); `tests/running.py` polls from threads. Weak: a coroutine
that never suspends is not ended, nor what a fixture waits for: both end by pytest's own limit.
"""

import asyncio
import functools
import inspect
from collections.abc import Awaitable
from typing import Any, TypeVar

import pytest

Result = TypeVar("Result")
SECONDS = 20.0
"""Far more than any one wait takes on a loaded machine."""
TEST_SECONDS = 45.0
"""How long an asynchronous test may wait in all; `@pytest.mark.timeout` of a test allows more."""
CLOSING_SECONDS = 10.0
"""How much earlier that is than pytest's own limit, so that a test can end what it has begun."""


async def within(awaited: Awaitable[Result], seconds: float = SECONDS) -> Result:
    """What is awaited gives; fails, and cancels it, after `seconds`."""
    limit = asyncio.timeout(seconds)
    try:
        async with limit:
            return await awaited
    except TimeoutError as error:
        if limit.expired():
            raise AssertionError(f"waited {seconds:g} s for {awaited}") from error
        raise


def bound(item: pytest.Function) -> None:
    """Lets an asynchronous test wait no longer than it may."""
    test = item.obj
    if not inspect.iscoroutinefunction(test):
        return
    marker = item.get_closest_marker("timeout")
    seconds = TEST_SECONDS if marker is None else marker.args[0] - CLOSING_SECONDS

    @functools.wraps(test)
    async def bounded(*args: Any, **kwargs: Any) -> Any:
        return await within(test(*args, **kwargs), seconds)

    item.obj = bounded
