"""Asks for a failure and hands it over."""

from collections.abc import Awaitable

import pytest

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch import Fetched


async def failure_of(fetching: Awaitable[Fetched]) -> ImageError:
    """The ImageError with which a fetch ends."""
    with pytest.raises(ImageError) as caught:
        await fetching
    return caught.value


async def cause_of(fetching: Awaitable[Fetched]) -> Cause:
    """The cause with which a fetch fails."""
    return (await failure_of(fetching)).cause
