"""Finds the addresses that libcurl is told for a host, so that it looks no name up by itself."""

from retailpulse.fetch.names import Names
from retailpulse.fetch.rules import Rules, blocked_address, numeric_address
from retailpulse.fetch.urls import Origin


def has_name(origin: Origin, rules: Rules) -> bool:
    """Whether we look its addresses up: not those of numbers, nor what a proxy dials."""
    return not rules.has_proxy and numeric_address(origin.host) is None


async def find_pin(origin: Origin, names: Names, rules: Rules) -> str:
    """The addresses that an origin's name has and that may be dialled, as libcurl wants to be told.

    Raises TryFailed where the name does not resolve, ImageError `blocked_address` where none may be dialled.
    """
    name = origin.host.removesuffix(".")  # libcurl takes a last dot off too
    permitted = [address for address in await names.find(name) if rules.permits(address)]
    if not permitted:
        raise blocked_address()
    return f"+{name}:{origin.port}:{','.join(permitted)}"
