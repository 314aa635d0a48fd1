"""Finds the addresses that libcurl is told for a host, so that it looks no name up by itself.

Where internal names are hidden, it is here that they and those that do not exist become the same failure.
Weak: a resolver that fails is told apart, as its images are tried again.
"""

import asyncio

from retailpulse.domain.errors import ImageError
from retailpulse.domain.images import Cause
from retailpulse.fetch.failures import TryFailed
from retailpulse.fetch.names import MISSING_KEPT_SECONDS, MOST_KEPT, Names
from retailpulse.fetch.refused_names import RefusedNames
from retailpulse.fetch.rules import Rules, blocked_address, numeric_address
from retailpulse.fetch.urls import Origin

HIDDEN = "the host name has no address that is fetched from"
"""True of a name that does not exist, and of one whose addresses may not be dialled."""
EVEN_SECONDS = 1.0
"""Failures that are to look alike are told whole multiples of this after they were asked for."""


class Pins:
    """What libcurl is told of each host; close it when it is no longer asked."""

    def __init__(self, rules: Rules, *, hides_internal_names: bool) -> None:
        self._rules = rules
        self._names = Names()
        self._hides = hides_internal_names
        self._refused = RefusedNames()
        self._failed: dict[str, float] = {}  # names, and until when they fail at once

    def has_name(self, origin: Origin) -> bool:
        """Whether its addresses are looked up: not those of numbers, nor what a proxy dials."""
        return not self._rules.has_proxy and numeric_address(origin.host) is None

    async def find(self, origin: Origin) -> str:
        """The addresses that an origin's name has and that may be dialled, as libcurl wants to be told.

        Empty where no name is looked up. Raises TryFailed where the name does not resolve, and
        where none of its addresses may be dialled ImageError `blocked_address`; the same TryFailed for
        both, after as long, where internal names are hidden.
        """
        if not self.has_name(origin):
            return ""
        return await (self._alike if self._hides else self._find)(origin)

    def close(self) -> None:
        """Look no more names up."""
        self._names.close()

    async def _find(self, origin: Origin) -> str:
        name = origin.host.removesuffix(".")  # libcurl takes a last dot off too
        permitted = [address for address in await self._names.find(name) if self._rules.permits(address)]
        if not permitted:
            raise blocked_address()
        return f"+{name}:{origin.port}:{','.join(permitted)}"

    async def _alike(self, origin: Origin) -> str:
        name, loop = origin.host.removesuffix("."), asyncio.get_running_loop()
        began_at = loop.time()
        if self._failed.get(name, began_at) > began_at:
            raise _hidden()
        try:
            return await self._find(origin)
        except ImageError:
            self._refused.tell(name)
        except TryFailed as failed:
            if failed.again:
                raise
        await asyncio.sleep(EVEN_SECONDS - (loop.time() - began_at) % EVEN_SECONDS)
        self._failed.pop(name, None)  # so that the order of the dictionary is that of age
        if len(self._failed) >= MOST_KEPT:
            del self._failed[next(iter(self._failed))]
        self._failed[name] = loop.time() + MISSING_KEPT_SECONDS
        raise _hidden()


def _hidden() -> TryFailed:
    return TryFailed(Cause.DNS, HIDDEN, unreached=True)
